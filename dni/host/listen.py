"""The listening socket, bound once by the parent and inherited by every worker."""

import asyncio
import errno
import socket

from dni.errors import UsageError

BACKLOG = 2048


async def listen(host: str, port: int, wait_s: float = 5.0) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises UsageError in one line when it cannot be had.

    A port in use is retried for `wait_s`: the workers of a killed predecessor need a moment to let go of it.
    """
    where = f"{host}:{port}"
    try:
        async with asyncio.timeout(wait_s):
            while (bound := _bind(host, port)) is None:  # noqa: ASYNC110  another process sets no event
                await asyncio.sleep(0.05)
            return bound
    except TimeoutError:
        raise UsageError(f"{where} is in use by another program; stop it or choose another --port") from None
    except OSError as error:
        raise UsageError(f"cannot listen on {where}: {error.strerror or error}") from None


def _bind(host: str, port: int) -> socket.socket | None:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return None
