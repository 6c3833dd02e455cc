"""On one processor, with real neighbours."""

import os
import subprocess
import sys
import time

import pytest

from dni.host.crowding import Crowding

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts it")


def _work() -> None:
    until = time.thread_time() + 0.05
    while time.thread_time() < until:
        pass


def test_neighbours_on_the_same_processor_are_noticed() -> None:
    mine = os.sched_getaffinity(0)
    one = min(mine)
    os.sched_setaffinity(0, {one})  # children inherit it
    crowding = Crowding()
    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        _work()
        assert crowding.share() > 0.4
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()
        os.sched_setaffinity(0, mine)


def test_each_look_counts_anew() -> None:
    crowding = Crowding()
    _work()
    assert 0 <= crowding.share() <= 1
    assert 0 <= crowding.share() <= 1
