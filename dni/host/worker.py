"""One worker process: the ASGI application under uvicorn on the parent's socket. Started by `serve` only."""

import asyncio
import contextlib
import gc
import importlib
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Any

import uvicorn

from dni.host import logs
from dni.host.child import end_with_parent
from dni.host.shortcut import Shortcut
from dni.host.workers import GO, READY
from dni.settings import Settings, load

_YOUNG_OBJECTS = 50_000
"""Look for cycles after so many new containers, not 700: a request's objects die by reference count, so
nearly every search finds nothing, and at thousands of requests a second they set the 99th percentile."""


TURN_S = 0.0005
"""So long at most a thread that writes a call, and holds others up meanwhile, waits for the event loop's thread to let
it go on. With Python's own 5 ms it waited for that many times in each transaction."""


def freeze_garbage() -> None:
    """What is there by now stays: it is not searched for cycles any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until SIGTERM or the parent's end, then drains. Arguments: fds of socket and lifeline, app."""
    listener_fd, lifeline_fd, app = sys.argv[1:] if arguments is None else arguments
    settings = load()
    sys.setswitchinterval(TURN_S)
    logs.configure(settings.log_level)
    lifeline = socket.socket(fileno=int(lifeline_fd))
    config = _config(settings, app)
    server = _Server(config, lifeline, getattr(config.app, "ending", None))
    if lifeline.recv(1) != GO:
        return
    # uvicorn raises the signal again once it has drained; this makes that harmless and the exit code 0.
    signal.signal(signal.SIGTERM, server.handle_exit)
    threading.Thread(target=end_with_parent, args=(lifeline,), name="lifeline", daemon=True).start()
    server.run(sockets=[socket.socket(fileno=int(listener_fd))])


def _config(settings: Settings, app: str) -> uvicorn.Config:
    module, _, function = app.partition(":")
    build: Any = getattr(importlib.import_module(module), function)
    config = uvicorn.Config(
        build(settings),
        loop="uvloop",
        http=Shortcut,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=15,
    )
    config.load()
    return config


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, lifeline: socket.socket, ending: asyncio.Event | None) -> None:
        super().__init__(config)
        self._lifeline = lifeline
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        freeze_garbage()
        with contextlib.suppress(ConnectionError):  # the parent is dead; the lifeline's thread ends us
            self._lifeline.send(READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._ending is not None:
            self._ending.set()  # streams to open pages end, or we would wait for them
        await super().shutdown(sockets)


if __name__ == "__main__":
    main()
