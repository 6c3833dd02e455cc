"""Receivers that behave badly until they are mended, in a process of their own: what they do costs the calls nothing.

Arguments: a folder, after how many seconds they are mended. `ports.json` there says where each listens, the forbidden
one too; a line of NAME.jsonl there is a message that came: its id, its call, what was answered.
"""

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import uvloop

from tests.support.receiver import Got, Reply, receiving

BEHAVES = ("healthy", "answers_500", "hangs", "resets", "redirects", "answers_10_mb")
# So that some are on their way whenever somebody is killed.
_THINKS_S = 0.1
_LARGE = b"x" * 10_000_000


class Arrived(msgspec.Struct):
    """`status` 0: it was not answered."""

    id: str
    call: str
    status: int


class _Behaving:
    def __init__(self, name: str, folder: Path, mended_s: float, forbidden: int) -> None:
        self._name, self._mended_s, self._forbidden = name, mended_s, forbidden
        self._file = (folder / f"{name}.jsonl").open("ab", buffering=0)

    async def __call__(self, got: Got) -> Reply:
        await asyncio.sleep(_THINKS_S)
        reply = self._reply()
        data = msgspec.json.decode(got.body)["data"]
        status = 0 if reply.hangs or reply.resets else reply.status
        arrived = Arrived(got.headers["webhook-id"], data["call"]["id"], status)
        self._file.write(msgspec.json.encode(arrived) + b"\n")
        return reply

    def _reply(self) -> Reply:
        if self._name == "answers_10_mb":
            return Reply(200, _LARGE)
        if self._name == "healthy" or time.monotonic() >= self._mended_s:
            return Reply(204, b"")
        if self._name == "answers_500":
            return Reply(500, b"oh no")
        if self._name == "redirects":
            return Reply(307, b"", {"Location": f"http://127.0.0.1:{self._forbidden}/"})
        return Reply(hangs=True) if self._name == "hangs" else Reply(resets=True)


async def main() -> None:
    folder, mended_s = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    async with AsyncExitStack() as stack:
        forbidden = await stack.enter_async_context(receiving())
        ports = {"forbidden": forbidden.port}
        for name in BEHAVES:
            behave = _Behaving(name, folder, mended_s, forbidden.port)
            ports[name] = (await stack.enter_async_context(receiving(behave))).port
        _write(folder / "ports.json", msgspec.json.encode(ports))
        while True:
            _write(folder / "forbidden", b"%d" % forbidden.connections)
            await asyncio.sleep(0.1)


def _write(file: Path, content: bytes) -> None:
    """Whoever reads it finds all of it."""
    draft = file.with_suffix(".draft")
    draft.write_bytes(content)
    draft.replace(file)


if __name__ == "__main__":
    uvloop.run(main())
