"""Work in a process of its own: its answer, its refusal, its end, and that one takes its turn after the other."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from dni.errors import Unavailable
from dni.host.aside import LOWER_BY
from dni.host.errand import Errands
from dni.settings import Settings
from tests.host.tiny import events
from tests.support import process
from tests.support.until import runs, until

_WAIT, _ECHO = "tests.host.errands:wait", "tests.host.errands:echo"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, port=4711)


async def test_the_answer_comes_from_a_process_of_lower_priority(settings: Settings) -> None:
    question = b"\x00\xff" * 200_000
    assert await Errands(settings).run(_ECHO, question) == question
    [[pid, priority, port]] = events(settings.data_dir)
    assert pid != os.getpid()
    assert priority == os.getpriority(os.PRIO_PROCESS, 0) + LOWER_BY
    assert port == settings.port
    assert not runs(pid)


async def test_a_refusal_is_told(settings: Settings) -> None:
    with pytest.raises(Unavailable, match="not today") as caught:
        await Errands(settings).run("tests.host.errands:refuse", b"")
    assert caught.value.code == "ledger_busy"


@pytest.mark.parametrize("work", ["tests.host.errands:die", "tests.host.errands:nothing"])
async def test_work_that_fails_is_told(settings: Settings, work: str) -> None:
    with pytest.raises(Unavailable) as caught:
        await Errands(settings).run(work, b"")
    assert caught.value.code == "not_computed"


async def test_one_at_a_time_and_nobody_waits_for_ever(settings: Settings) -> None:
    made = Errands(settings, wait_s=0.1)
    first = asyncio.ensure_future(made.run(_WAIT, b""))
    await until(lambda: bool(events(settings.data_dir)), "it begins")
    with pytest.raises(Unavailable) as caught:
        await made.run(_ECHO, b"")
    assert caught.value.code == "computing"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not runs(events(settings.data_dir)[0][0])
    assert await made.run(_ECHO, b"x") == b"x"


async def test_it_ends_with_a_parent_that_is_killed(settings: Settings) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from dni.host.errand import Errands; "
        "from dni.settings import Settings; "
        f"asyncio.run(Errands(Settings(data_dir=Path(sys.argv[1]))).run('{_WAIT}', b''))"
    )
    parent = process.start([sys.executable, "-c", program, str(settings.data_dir)], settings.data_dir / "log")
    await until(lambda: bool(events(settings.data_dir)), "it begins")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    await until(lambda: not runs(events(settings.data_dir)[0][0]), "it ends with its parent")
