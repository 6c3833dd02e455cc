"""Files that one process at a time may hold (flock): the kernel releases them when the holder dies."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dni.errors import UsageError

_POLL_S = 0.02


def open_lock(path: Path) -> int:
    """A descriptor of the lock file, made mode 600 when absent. Not locked yet, not inherited."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(fd: int) -> bool:
    """True when this open file (and whoever inherits it) now holds the lock."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def lock_within(fd: int, seconds: float) -> bool:
    """Tries until `seconds` have passed. flock tells nobody when it is released, hence the polling."""
    try:
        async with asyncio.timeout(seconds):
            while not try_lock(fd):  # noqa: ASYNC110  another process sets no event
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return False
    return True


def write_note(fd: int, text: str) -> None:
    """Replaces what the lock file says about its holder."""
    os.ftruncate(fd, 0)
    os.pwrite(fd, text.encode(), 0)


@asynccontextmanager
async def only_server_of(data_dir: Path, wait_s: float = 5.0) -> AsyncIterator[None]:
    """Makes this process the one `dni serve` of a data folder. Raises UsageError naming the other one."""
    path = data_dir / "serve.lock"
    fd = open_lock(path)
    try:
        if not await lock_within(fd, wait_s):
            holder = path.read_text().strip() or "unknown"
            raise UsageError(
                f"another dni serve (process {holder}) already uses {data_dir}; "
                "stop it or choose another folder with --data-dir"
            )
        write_note(fd, f"{os.getpid()}\n")
        yield
    finally:
        os.close(fd)
