"""With real neighbours that take every processor."""

import os
import subprocess
import sys
import time

import pytest

from dni.host.crowding import Crowding
from tests.support.until import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


async def test_a_machine_whose_processors_are_all_taken_is_crowded() -> None:
    crowding = Crowding()
    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        await until(crowding.now, "it is noticed")
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()


async def test_between_looks_it_answers_what_it_saw() -> None:
    crowding = Crowding(lambda: 0.0)
    until_s = time.monotonic() + 0.3
    while time.monotonic() < until_s:
        assert not crowding.now()
