"""Where the counters of all processes of one `dni serve` meet, so that any worker's /metrics tells the whole."""

import os
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def folder(data_dir: Path) -> Path:
    """Makes the data folder and the counters' folder in it, mode 700, when absent."""
    path = data_dir / "metrics"
    for place in (data_dir, path):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def count_together(
    data_dir: Path,
    env: MutableMapping[str, str] = os.environ,  # noqa: TID251  written, not read
) -> None:
    """Lets this process count there too. Before anything imports prometheus_client, which decides at its import."""
    env[VARIABLE] = str(folder(data_dir))


def forget_last_run(data_dir: Path) -> None:
    """Removes the files of other processes: they would count the last run's requests again."""
    for file in folder(data_dir).glob("*.db"):
        if not file.stem.endswith(f"_{os.getpid()}"):
            file.unlink()
