"""One piece of work in a process of its own, of lower priority, whose answer somebody waits for.

For work that thinks for seconds: in a thread it would take the interpreter from page views and calls. The process ends
when its work is done, or when whoever started it is gone: the pipe that its question came by is closed then.
"""

import asyncio
import contextlib
import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

import msgspec

from dni.errors import DniError, Unavailable
from dni.host import logs
from dni.host.aside import LOWER_BY
from dni.settings import Settings, load

Work = Callable[[Settings, bytes], Awaitable[bytes]]


class _Answer(msgspec.Struct):
    """What the process says: the answer, or the refusal that its work ended with."""

    answer: bytes | None = None
    detail: str = ""
    code: str = ""


class Errands:
    """Of one process of the service: one at a time, for each takes a core."""

    def __init__(self, settings: Settings, wait_s: float = 60.0) -> None:
        self._settings, self._wait_s = settings, wait_s
        self._turn = asyncio.Lock()

    async def run(self, work: str, question: bytes) -> bytes:
        """`work`: "module:function". Raises Unavailable when others are not done in time, or when it fails."""
        try:
            async with asyncio.timeout(self._wait_s) as patience, self._turn:
                patience.reschedule(None)
                return await _ask(work, self._settings, question)
        except TimeoutError:
            raise Unavailable("others are computing just now; try again", code="computing") from None


async def _ask(work: str, settings: Settings, question: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dni.host.errand", work,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **settings.to_env()},  # noqa: TID251  passed on, not read
        start_new_session=True,  # Ctrl+C is for the parent, which tells it
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(len(question).to_bytes(4, "big") + question)
            await process.stdin.drain()
        said = await process.stdout.read()
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        told = msgspec.msgpack.decode(said, type=_Answer)
    except msgspec.DecodeError:
        raise Unavailable("it could not be computed", code="not_computed") from None
    if told.answer is None:
        raise Unavailable(told.detail, code=told.code)
    return told.answer


def main() -> None:
    """The process. Argument: the work."""
    settings = load()
    logs.configure(settings.log_level)
    os.nice(LOWER_BY)
    gc.disable()  # it ends before what it leaves matters
    asked = sys.stdin.buffer
    question = asked.read(int.from_bytes(asked.read(4), "big"))
    threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()
    module, _, function = sys.argv[1].partition(":")
    work: Work = getattr(importlib.import_module(module), function)
    try:
        told = _Answer(asyncio.run(work(settings, question)))  # type: ignore[arg-type]
    except DniError as error:
        told = _Answer(detail=error.detail, code=error.code)
    sys.stdout.buffer.write(msgspec.msgpack.encode(told))
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    os.read(0, 1)  # nothing comes but the end
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
