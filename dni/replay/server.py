"""A Valkey for one run: private, empty, keeping nothing on disk. The service's own is never touched."""

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dni.errors import UsageError
from dni.host.child import dies_with_parent, end
from dni.host.valkey import server_binary
from dni.live.connection import Live
from dni.live.scripts import loading

_START_WITHIN_S = 10.0
_STOP_WITHIN_S = 2.0


@asynccontextmanager
async def private_valkey() -> AsyncIterator[Live]:
    """Connected to a server that ends with the block. Raises UsageError when none can be started."""
    async with private_server() as url:
        live = Live(url, loading())
        await live.open()
        try:
            yield live
        finally:
            await live.close()


@asynccontextmanager
async def private_server() -> AsyncIterator[str]:
    """The URL of such a server."""
    with tempfile.TemporaryDirectory(prefix="dni-replay-") as name:
        folder = Path(name)
        process = _spawn(server_binary(), folder)
        try:
            await _until_it_listens(process, folder)
            yield f"unix://{folder / 'socket'}"
        finally:
            if process.poll() is None:
                await end(process, _STOP_WITHIN_S)


def _spawn(binary: str, folder: Path) -> subprocess.Popen[bytes]:
    options = {
        "port": "0",
        "unixsocket": str(folder / "socket"),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "no",
        "save": "",
        "daemonize": "no",
    }
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603  a fixed program
            [binary, *(word for name, value in options.items() for word in (f"--{name}", value))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl+C is for us, and we end it
            preexec_fn=dies_with_parent(),  # noqa: PLW1509  one system call, no lock
        )


async def _until_it_listens(process: subprocess.Popen[bytes], folder: Path) -> None:
    try:
        async with asyncio.timeout(_START_WITHIN_S):
            while process.poll() is None:
                try:
                    _, writer = await asyncio.open_unix_connection(folder / "socket")
                except OSError:
                    await asyncio.sleep(0.005)
                    continue
                writer.close()
                return
    except TimeoutError:
        pass
    said = (folder / "log").read_text(errors="replace").strip().splitlines()
    raise UsageError(f"the replay's Valkey did not start: {' / '.join(said[-3:]) or 'it said nothing'}")
