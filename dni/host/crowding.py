"""Whether a thread gets the processor when it wants it. Linux counts that; elsewhere nobody is taken to be crowded."""

from pathlib import Path

_COUNTS = Path("/proc/thread-self/schedstat")  # ns on a processor, ns ready and waiting for one, turns


class Crowding:
    """Of the thread that makes it, and asks it."""

    def __init__(self) -> None:
        self._ran, self._waited = _counts()

    def share(self) -> float:
        """Of the time since the last look in which this thread could have run, the share that it waited: 0 to 1."""
        ran, waited = _counts()
        ran, self._ran = ran - self._ran, ran
        waited, self._waited = waited - self._waited, waited
        return waited / (ran + waited) if ran + waited else 0.0


def _counts() -> tuple[int, int]:
    try:
        ran, waited, _ = _COUNTS.read_text().split()
    except (OSError, ValueError):
        return 0, 0
    return int(ran), int(waited)
