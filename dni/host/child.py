"""What the parent needs of the kernel about its children: when one ends, and that it ends with the parent."""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable
from subprocess import Popen

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.05


async def exit_of(process: Popen[bytes]) -> int:
    """Waits for the end; gives Popen's return code (negative: the signal). For asyncio and uvloop alike."""
    if process.poll() is None:
        if sys.platform == "linux":
            await _readable(os.pidfd_open(process.pid))
        else:
            while process.poll() is None:  # noqa: ASYNC110  another process sets no event
                await asyncio.sleep(_POLL_S)
    return process.wait()


async def _readable(pidfd: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


async def end(process: Popen[bytes], within_s: float) -> int:
    """SIGTERM, then SIGKILL when `within_s` was not enough. Gives the return code."""
    process.terminate()
    try:
        async with asyncio.timeout(within_s):
            return await exit_of(process)
    except TimeoutError:
        process.kill()
        return await exit_of(process)


def end_with_parent(lifeline: socket.socket) -> None:
    """In a child's thread: SIGTERM to itself when the other end of `lifeline`, which only the parent holds, closes.

    The kernel closes it when the parent dies, even by SIGKILL, on every platform. When it died before it read our word,
    that is a reset instead of an end.
    """
    with contextlib.suppress(ConnectionError):
        while lifeline.recv(1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def dies_with_parent() -> Callable[[], None] | None:
    """For Popen's `preexec_fn`: the kernel sends the child SIGTERM when the *thread* that started it ends.

    Linux only; None elsewhere, where the next start finds and stops the survivor. Start such a child from a
    thread that lives as long as the process.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl: no signal will come
            os._exit(1)

    return before_exec
