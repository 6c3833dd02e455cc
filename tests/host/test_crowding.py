"""With real neighbours that take every processor."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dni.host.crowding import Crowding
from tests.support.until import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@pytest.fixture
def neighbours() -> Iterator[None]:
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    yield
    for one in started:
        one.kill()
        one.wait()


@pytest.mark.usefixtures("neighbours")
async def test_a_machine_whose_processors_are_all_taken_is_crowded() -> None:
    crowding = Crowding()
    await until(crowding.now, "it is noticed")


@pytest.mark.usefixtures("neighbours")
async def test_between_looks_it_answers_what_it_saw() -> None:
    busy, stopped = Crowding(), Crowding(lambda: 0.0)
    await until(busy.now, "others notice it")
    assert not stopped.now()
