"""`dni serve`, the parent: brings up lock, socket, Valkey, workers and duties, and takes them down."""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

import msgspec

from dni.errors import UsageError
from dni.host import counters
from dni.host.duties import Duty, keep
from dni.host.listen import listen
from dni.host.lock import only_server_of
from dni.host.valkey import EmbeddedValkey
from dni.host.workers import Workers
from dni.settings import Settings

logger = logging.getLogger("dni.host")

Prepare = Callable[[Settings, str | None], Awaitable[Mapping[str, Duty]]]
"""Runs once, when Redis is up and no worker accepts yet: migrations, what the pools must know, demo data. Answers the
parent's duties; while it imports what they are made of, the workers import theirs. Given the settings with the resolved
Redis address, and the run id of the previous embedded Valkey when it was stopped with nothing lost (None: it was
killed, or it is not ours)."""

_DUTIES_END_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_HEALTHY_AFTER_S = 5.0


async def _nothing_to_prepare(settings: Settings, clean_run_id: str | None) -> Mapping[str, Duty]:
    return {}


def _tell_nobody(settings: Settings) -> None:
    pass


async def serve(
    settings: Settings,
    *,
    prepare: Prepare = _nothing_to_prepare,
    on_ready: Callable[[Settings], None] = _tell_nobody,
    app: str = "dni.app:build",
) -> int:
    """Serves until SIGTERM, SIGINT or SIGHUP, then drains; gives 0. Raises UsageError when it cannot start.

    `on_ready` is called once, when the first worker accepts, with the settings as they came out (the
    port when 0 was asked, the Redis address). The socket listens from the beginning: who comes early waits.
    """
    counters.folder(settings.data_dir)
    with _stop_signals() as stop:
        async with only_server_of(settings.data_dir):
            host = _Host(app)
            starting = asyncio.create_task(host.start(settings, prepare, on_ready))
            asked = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()
                    await asked
            finally:
                for task in (starting, asked):
                    task.cancel()
                await asyncio.wait((starting, asked))
                await host.stop()
    return 0


class _Host:
    """What is up so far. `stop` takes down just that: workers, duties, then Valkey, to which both write."""

    def __init__(self, app: str) -> None:
        self._app = app
        self._listener: socket.socket | None = None
        self._workers: Workers | None = None
        self._valkey: EmbeddedValkey | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._duties: list[asyncio.Task[None]] = []
        self._finish = asyncio.Event()

    async def start(
        self,
        settings: Settings,
        prepare: Prepare,
        on_ready: Callable[[Settings], None],
    ) -> None:
        self._listener = await listen(settings.host, settings.port)
        settings = msgspec.structs.replace(settings, port=self._listener.getsockname()[1])
        if settings.redis_url is None:
            self._valkey = EmbeddedValkey(settings.data_dir)
            settings = msgspec.structs.replace(settings, redis_url=self._valkey.url)
        counters.forget_last_run(settings.data_dir)
        env = {**settings.to_env(), counters.VARIABLE: str(counters.folder(settings.data_dir))}
        self._workers = Workers(self._listener, env, self._app, settings.workers)  # they import meanwhile
        if self._valkey is not None:
            await self._valkey.start()
            self._watcher = asyncio.create_task(_restart_when_it_ends(self._valkey))
        duties = await prepare(settings, self._valkey.clean_run_id if self._valkey else None)
        self._duties = [asyncio.create_task(keep(name, duty, settings, self._finish)) for name, duty in duties.items()]
        try:
            await self._workers.go()
        except ChildProcessError as error:
            raise UsageError(f"{error}; its own words are above") from None
        logger.info("serving on %s port %d", settings.host, settings.port)
        on_ready(settings)

    async def stop(self) -> None:
        if self._workers is not None:
            await self._workers.stop()
        elif self._listener is not None:
            self._listener.close()
        self._finish.set()
        if self._duties:
            _, late = await asyncio.wait(self._duties, timeout=_DUTIES_END_S)
            for duty in late:
                logger.warning("a duty did not finish within %.0f s and is cancelled", _DUTIES_END_S)
                duty.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait((self._watcher,))
        if self._valkey is not None:
            await self._valkey.stop()


async def _restart_when_it_ends(valkey: EmbeddedValkey) -> None:
    pause_s = 0.0
    while True:
        began = time.monotonic()
        code = await valkey.wait()
        if time.monotonic() - began > _HEALTHY_AFTER_S:
            pause_s = 0.0
        logger.error("the embedded Valkey ended with %d; it is started again", code)
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2 or _FIRST_PAUSE_S, _LONGEST_PAUSE_S)
            try:
                await valkey.start()
                break
            except (UsageError, OSError) as error:
                logger.error("%s; next try in %.1f s", error, pause_s)  # noqa: TRY400  the message says all


@contextlib.contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM, SIGINT or a closed terminal sets; `nohup` still holds."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signs = [s for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) if signal.getsignal(s) != signal.SIG_IGN]
    for sign in signs:
        loop.add_signal_handler(sign, stop.set)
    try:
        yield stop
    finally:
        for sign in signs:
            loop.remove_signal_handler(sign)
