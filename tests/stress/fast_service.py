"""The service on a clock that runs faster than the world's, so that minutes of protection pass in seconds.

It is what `dni serve` runs, but for its clock and for how many events may wait for the recorder.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dni import settings as environment
from dni.app import App, compose
from dni.call.attribute_late import attribute_pending
from dni.call.drain import drain
from dni.call.release import release_ended
from dni.clock import SystemClock
from dni.host import logs
from dni.host.aside import aside
from dni.host.duties import Duty
from dni.host.serve import serve
from dni.ledger.migrate import migrate
from dni.parts import Parts
from dni.pool.leases import MAX_BACKLOG, Leases
from dni.pool.place import keep_placed, place, trust
from dni.session.recorder import record
from dni.settings import Settings
from tests.support import process
from tests.support.service import Service

_READY_SECONDS = 30
_MODULE = "tests.stress.fast_service"


class Pace(msgspec.Struct):
    """Kept in the data folder, so that all processes of the service, and the test, have the same clock."""

    epoch_ms: int
    speed: int = 1
    max_backlog: int = MAX_BACKLOG


class FastClock:
    """Milliseconds since the Unix epoch, which pass `speed` times as fast as they should since `epoch_ms`."""

    def __init__(self, pace: Pace) -> None:
        self._pace, self._real = pace, SystemClock()

    def now_ms(self) -> int:
        return self._pace.epoch_ms + (self._real.now_ms() - self._pace.epoch_ms) * self._pace.speed


class FastService(Service):
    """`clock` is its own."""

    def __init__(self, data_dir: Path, env: Mapping[str, str], speed: int, max_backlog: int) -> None:
        super().__init__(data_dir, env=env)
        pace = Pace(SystemClock().now_ms(), speed, max_backlog)
        data_dir.mkdir(mode=0o700, parents=True)
        _file(data_dir).write_bytes(msgspec.json.encode(pace))
        self.clock = FastClock(pace)

    def start(self) -> None:
        command = [sys.executable, "-m", _MODULE, str(self.port), str(self.data_dir)]
        self._child = process.start(command, self.log, env=self._env)
        process.wait_until(self.ready, "the fast service", self._child, self.log, _READY_SECONDS)


@contextmanager
def running(
    data_dir: Path, env: Mapping[str, str], speed: int = 1, max_backlog: int = MAX_BACKLOG
) -> Iterator[FastService]:
    """Ready now; leaves no process behind."""
    service = FastService(data_dir, env, speed, max_backlog)
    try:
        service.start()
        yield service
    finally:
        service.kill_all()


def build(settings: Settings) -> App:
    """A worker's application."""
    return compose(_parts(settings))


def main() -> None:
    """The parent. Arguments: port, data folder."""
    settings = environment.load(port=sys.argv[1], data_dir=sys.argv[2])
    logs.configure(settings.log_level)
    parts: list[Parts] = []

    async def prepare(settings: Settings, clean_run_id: str | None) -> Mapping[str, Duty]:
        made = _parts(settings)
        await migrate(made.ledger)
        await made.open()
        if clean_run_id and made.live.is_up:
            await trust(made, clean_run_id)
        if made.live.is_up:
            await place(made)
        parts.append(made)
        return {
            "record": aside(recorder),
            "place": of(keep_placed),
            "drain": of(drain),
            "credit": of(attribute_pending),
            "release": of(release_ended),
        }

    async def recorder(settings: Settings, stop: asyncio.Event) -> None:
        own = _parts(settings)
        try:
            await own.open()
            await record(own, stop)
        finally:
            await own.close()

    def of(duty: Callable[[Parts, asyncio.Event], Awaitable[None]]) -> Duty:
        async def run(_settings: Settings, stop: asyncio.Event) -> None:
            await duty(parts[0], stop)

        return run

    sys.exit(asyncio.run(serve(settings, prepare=prepare, app=f"{_MODULE}:build")))


def _parts(settings: Settings) -> Parts:
    pace = msgspec.json.decode(_file(settings.data_dir).read_bytes(), type=Pace)
    parts = Parts(settings, FastClock(pace))
    parts.leases = Leases(parts.live, parts.keys, pace.max_backlog)
    return parts


def _file(data_dir: Path) -> Path:
    return data_dir / "pace.json"


if __name__ == "__main__":
    main()
