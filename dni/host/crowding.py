"""Whether this machine's processors are busy. Linux tells; elsewhere they are taken to be free."""

import time
from collections.abc import Callable
from pathlib import Path

_COUNTS = Path("/proc/stat")
_WINDOW_S = 0.2
_IDLE = 0.35
"""A machine is crowded when less than this share of its time was idle."""
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 10.0


class Crowding:
    """Looks at most five times a second; between, it answers what it saw."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._looked_s = monotonic()
        self._idle, self._all = _counts()
        self._crowded = False

    def now(self) -> bool:
        now_s = self._monotonic()
        if now_s - self._looked_s >= _WINDOW_S:
            before = self._idle, self._all
            self._looked_s = now_s
            self._idle, self._all = _counts()
            passed = self._all - before[1]
            self._crowded = passed > 0 and (self._idle - before[0]) / passed < _IDLE
        return self._crowded


class Courtesy:
    """For work that nobody waits for: how long to pause after a step, so that it takes a fifth of one processor's time,
    and a twentieth while the machine is crowded."""

    def __init__(self) -> None:
        self._crowding = Crowding()

    def pause_s(self, took_s: float) -> float:
        return min(max(_LEAST_PAUSE_S, took_s * (19 if self._crowding.now() else 4)), _LONGEST_PAUSE_S)


def _counts() -> tuple[int, int]:
    """Idle and all time of all processors, in ticks. https://docs.kernel.org/filesystems/proc.html, "/proc/stat"."""
    try:
        with _COUNTS.open() as file:
            # user nice system idle iowait irq softirq steal; guests are counted in user
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return 0, 0
    return ticks[3] + ticks[4], sum(ticks)
