"""Runs a duty apart: in a process of its own, of lower priority.

For work that nobody waits for and that thinks for long: in a thread of the parent it would hold up the recorder, for
Python runs one thread at a time, and with it the calls that wait for what the recorder is writing.
"""

import asyncio
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress

import uvloop

from dni.host import logs
from dni.host.aside import LOWER_BY
from dni.host.child import end, end_with_parent, exit_of
from dni.host.duties import Duty, keep
from dni.settings import Settings, load

_END_S = 8.0
# Until the doors are open the processors are theirs.
_AFTER_S = 1.5


def apart(duty: str, lower_by: int = LOWER_BY) -> Duty:
    """`duty`: "module:function"; `lower_by`: so much less its priority is. A failure of it is told in its own process;
    this one raises when that ends."""

    async def run(settings: Settings, stop: asyncio.Event) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _AFTER_S)
            return
        lifeline, theirs = socket.socketpair()
        with lifeline:
            with theirs:
                process = _start(duty, lower_by, settings, theirs.fileno())
            ended, asked = asyncio.create_task(exit_of(process)), asyncio.create_task(stop.wait())
            try:
                await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    raise ChildProcessError(f"its process ended with {ended.result()}")
            finally:
                ended.cancel()
                asked.cancel()
                await end(process, _END_S)

    return run


def _start(duty: str, lower_by: int, settings: Settings, lifeline: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603  a fixed program
        [sys.executable, "-m", "dni.host.apart", str(lifeline), duty, str(lower_by)],
        stdin=subprocess.DEVNULL,
        env={**os.environ, **settings.to_env()},  # noqa: TID251  passed on, not read
        pass_fds=(lifeline,),
        start_new_session=True,  # Ctrl+C is for the parent, which tells it
    )


def main() -> None:
    """The process: until SIGTERM or the parent's end. Arguments: the lifeline's fd, the duty, how much lower its
    priority is."""
    lifeline, duty, lower_by = sys.argv[1:]
    settings = load()
    logs.configure(settings.log_level)
    os.nice(int(lower_by))
    module, _, function = duty.partition(":")
    uvloop.run(_run(function, getattr(importlib.import_module(module), function), settings, int(lifeline)))


async def _run(name: str, duty: Duty, settings: Settings, lifeline: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    own = socket.socket(fileno=lifeline)
    threading.Thread(target=end_with_parent, args=(own,), name="lifeline", daemon=True).start()
    await keep(name, duty, settings, stop)


if __name__ == "__main__":
    main()
