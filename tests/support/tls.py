"""TLS in front of a real server: the packaged Valkey is built without it."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


def certificate(folder: Path) -> tuple[Path, Path]:
    """A new certificate for 127.0.0.1 that is its own authority, and its key; PEM files."""
    file, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=valkey", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    return file, key


@asynccontextmanager
async def in_front_of(port: int, certificate: Path, key: Path) -> AsyncIterator[int]:
    """The port of a door that speaks TLS and passes everything on to `port`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    passing: set[asyncio.Task[None]] = set()

    async def passes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    async def comes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        for pair in ((reader, inner_writer), (inner_reader, writer)):
            task = asyncio.create_task(passes(*pair))
            passing.add(task)
            task.add_done_callback(passing.discard)

    server = await asyncio.start_server(comes, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*passing)
