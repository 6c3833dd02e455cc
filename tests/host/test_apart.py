"""A duty apart: in a process of its own, told to finish, missed when it ends, and ended with its parent."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from dni.host.apart import apart
from dni.host.aside import LOWER_BY
from dni.settings import Settings
from tests.host.tiny import events
from tests.support import process
from tests.support.until import runs, until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, port=4711)


async def test_it_runs_in_a_process_of_lower_priority_and_finishes_when_asked(settings: Settings) -> None:
    stop = asyncio.Event()
    running = asyncio.ensure_future(apart("tests.host.chores:wait")(settings, stop))
    await until(lambda: bool(events(settings.data_dir)), "it begins")
    [[_, pid, priority, port]] = events(settings.data_dir)
    assert pid != os.getpid()
    assert priority == os.getpriority(os.PRIO_PROCESS, 0) + LOWER_BY
    assert port == settings.port
    stop.set()
    await asyncio.wait_for(running, 10)
    assert events(settings.data_dir)[-1] == ["finished"]
    assert not runs(pid)


async def test_that_its_process_ended_is_a_failure(settings: Settings) -> None:
    with pytest.raises(ChildProcessError, match="ended with 7"):
        await asyncio.wait_for(apart("tests.host.chores:die")(settings, asyncio.Event()), 10)


async def test_a_failure_of_the_duty_is_told_and_it_runs_again_there(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    stop = asyncio.Event()
    running = asyncio.ensure_future(apart("tests.host.chores:fail_once")(settings, stop))
    await until(lambda: len(events(settings.data_dir)) == 2, "it runs again")
    [[_, failed], [_, again, *_]] = events(settings.data_dir)
    assert failed == again
    stop.set()
    await asyncio.wait_for(running, 10)
    assert "duty fail_once failed" in capfd.readouterr().err


async def test_cancelling_it_ends_the_process(settings: Settings) -> None:
    running = asyncio.ensure_future(apart("tests.host.chores:wait")(settings, asyncio.Event()))
    await until(lambda: bool(events(settings.data_dir)), "it begins")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not runs(events(settings.data_dir)[0][1])


async def test_it_ends_with_a_parent_that_is_killed(settings: Settings) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from dni.host.apart import apart; "
        "from dni.settings import Settings; "
        "asyncio.run(apart('tests.host.chores:wait')(Settings(data_dir=Path(sys.argv[1])), asyncio.Event()))"
    )
    parent = process.start([sys.executable, "-c", program, str(settings.data_dir)], settings.data_dir / "log")
    await until(lambda: bool(events(settings.data_dir)), "it begins")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    await until(lambda: not runs(events(settings.data_dir)[0][1]), "it ends with its parent")
    assert events(settings.data_dir)[-1] == ["finished"]
