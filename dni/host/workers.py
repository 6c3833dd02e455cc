"""The worker processes: started early, let go when all is prepared, replaced when one ends, drained."""

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

from dni.host import counters
from dni.host.child import end, exit_of

logger = logging.getLogger("dni.host")

_DRAIN_S = 20.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 10.0
_HEALTHY_AFTER_S = 30.0

GO, READY = b"g", b"r"
"""The lifeline's two words: the parent lets a worker start, the worker says that it accepts."""


class Workers:
    """`count` processes on one inherited listening socket, which this object owns from now on.

    Each has a lifeline, a socket pair whose other end only the parent holds: by it a worker is told to start,
    tells that it accepts, and sees the parent's end, however that came. `app` is "module:function"; the
    function takes Settings and gives an ASGI application.
    """

    def __init__(self, listener: socket.socket, env: Mapping[str, str], app: str, count: int) -> None:
        self._listener, self._env, self._app = listener, dict(env), app
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._may_go = asyncio.Event()
        self._accepting = asyncio.Event()
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keepers = [asyncio.create_task(self._keep(slot)) for slot in range(count)]

    async def go(self) -> None:
        """Lets the workers start; returns when the first accepts. Raises ChildProcessError if one cannot."""
        self._may_go.set()
        await self._first

    async def stop(self) -> None:
        """Stops accepting and drains: SIGTERM, 20 s for what is under way, then SIGKILL."""
        self._listener.close()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        running = [process for process in self._processes.values() if process.poll() is None]
        for code in await asyncio.gather(*(end(process, _DRAIN_S) for process in running)):
            if code < 0:
                logger.warning("a worker had to be stopped by signal %d", -code)

    async def _keep(self, slot: int) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            code = await self._run(slot)
            if not self._first.done():
                self._first.set_exception(ChildProcessError(f"a worker ended with {code} before it could serve"))
            pause_s = _FIRST_PAUSE_S if time.monotonic() - began > _HEALTHY_AFTER_S else pause_s
            logger.error("worker %d ended with %d; another starts in %.1f s", slot, code, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _run(self, slot: int) -> int:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                process = self._processes[slot] = self._spawn(theirs.fileno())
            await self._may_go.wait()
            with contextlib.suppress(OSError):  # it ended already: its return code tells
                await loop.sock_sendall(ours, GO)
                if await loop.sock_recv(ours, 1) == READY and not self._first.done():
                    self._first.set_result(None)
            code = await exit_of(process)
        self._forget_gauges(process.pid)
        return code

    def _spawn(self, lifeline: int) -> subprocess.Popen[bytes]:
        fds = (self._listener.fileno(), lifeline)
        return subprocess.Popen(  # noqa: S603  a fixed program
            [sys.executable, "-m", "dni.host.worker", *map(str, fds), self._app],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self._env},  # noqa: TID251  passed on, not read
            pass_fds=fds,
            start_new_session=True,  # Ctrl+C is for the parent, which drains first
        )

    def _forget_gauges(self, pid: int) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, self._env[counters.VARIABLE])  # type: ignore[no-untyped-call]
