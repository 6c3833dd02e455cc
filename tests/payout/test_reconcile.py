"""`dni reconcile`: a list of calls against ours, as a person runs it."""

import csv
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from tests.payout.planted import ZONE, Planted, plant
from tests.support import world

MINUTE = 60_000
# 2026-09-21T14:13:20Z
HEAD = "call id,tracking number,caller,start time,duration,payout"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dni", "reconcile", *arguments, "--data-dir", str(folder)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={"COLUMNS": "200", "PYTHONPATH": "."}
    )


def report(folder: Path) -> list[dict[str, str]]:
    with (folder / "report.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
async def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}")
    await migrate(made)
    await world.declare(made)
    return made


async def compared(ledger: Ledger, folder: Path, text: str, *more: str) -> list[dict[str, Any]]:
    """What the report tells of this list."""
    await ledger.close()
    (folder / "list.csv").write_text(text)
    done = run(folder, str(folder / "list.csv"), "--out", str(folder / "report.csv"), *more)
    found = report(folder)
    assert done.returncode == (1 if found else 0), done.stderr
    return found


async def _planted(ledger: Ledger, folder: Path, calls: int) -> tuple[Planted, subprocess.CompletedProcess[str], float]:
    planted = await plant(ledger, folder, calls)
    await ledger.close()
    began = time.monotonic()
    done = run(folder, str(planted.file), "--timezone", ZONE, "--out", str(folder / "report.csv"))
    return planted, done, time.monotonic() - began


def _seen(folder: Path) -> set[tuple[Any, ...]]:
    found: set[tuple[Any, ...]] = set()
    for one in report(folder):
        where: Any = one["call"] if one["kind"] == "extra" else int(one["line"])
        found.add((one["kind"], where, one["field"]) if one["kind"] == "different" else (one["kind"], where))
    return found


async def test_it_finds_exactly_what_was_planted(ledger: Ledger, tmp_path: Path) -> None:
    planted, done, _ = await _planted(ledger, tmp_path, 2_000)
    assert done.returncode == 1, done.stderr
    assert _seen(tmp_path) == planted.expected
    assert {kind for kind, *_ in planted.expected} == {
        *("missing", "extra", "different", "ambiguous", "repeated", "unreadable")
    }
    assert f"{planted.rows:,}" in done.stdout


@pytest.mark.stress
async def test_it_finds_exactly_what_was_planted_in_a_hundred_thousand_rows(ledger: Ledger, tmp_path: Path) -> None:
    planted, done, seconds = await _planted(ledger, tmp_path, 100_000)
    assert _seen(tmp_path) == planted.expected
    assert done.returncode == 1, done.stderr
    assert seconds < 30, f"{planted.rows:,} rows"
