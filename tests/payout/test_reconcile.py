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
from tests.support.journal import ring
from tests.support.world import START_MS

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


async def test_two_lists_that_say_the_same_are_the_same(ledger: Ledger, tmp_path: Path) -> None:
    await ring(ledger, "call_1", payout=1250)
    rows = f"{HEAD}\ncall_1,+12025550100,+13125550100,2026-09-21T14:13:20Z,0:01:00,12.50\n"
    assert await compared(ledger, tmp_path, rows) == []


async def test_a_carriers_id_is_as_good_as_ours(ledger: Ledger, tmp_path: Path) -> None:
    """Whatever its clock says; that is then a difference."""
    await ring(ledger, "call_1")
    rows = f"{HEAD}\nCA-call_1,+12025550100,+13125550100,2026-09-21T09:13:20Z,60,0\n"
    [found] = await compared(ledger, tmp_path, rows, "--from", "2026-09-21", "--to", "2026-09-22")
    told = (found["kind"], found["call"], found["field"], found["theirs"], found["ours"])
    assert told == ("different", "call_1", "time", "2026-09-21T09:13:20+00:00", "2026-09-21T14:13:20+00:00")


async def test_each_difference_is_told_with_both_sides(ledger: Ledger, tmp_path: Path) -> None:
    await ring(ledger, "call_1", payout=1250)
    rows = f"{HEAD}\ncall_1,+12025550199,+13125550199,2026-09-21T14:13:20Z,90,13.00\n"
    found = await compared(ledger, tmp_path, rows)
    assert [(one["field"], one["theirs"], one["ours"]) for one in found] == [
        ("number", "+12025550199", "+12025550100"),
        ("caller", "+13125550199", "+13125550100"),
        ("duration", "90 s", "60 s or 55 s"),
        ("payout", "13.00", "12.50 USD"),
    ]
    assert {one["line"] for one in found} == {"2"}


async def test_amounts_of_another_currency_or_of_half_a_cent_differ(ledger: Ledger, tmp_path: Path) -> None:
    for n in range(3):
        await ring(ledger, f"call_{n}", payout=1250, provider_id=f"CA{n}")
    times = "+12025550100,+13125550100,2026-09-21T14:13:20Z,60"
    rows = f"{HEAD}\ncall_0,{times},12.50 EUR\ncall_1,{times},12.505\ncall_2,{times},USD 12.50\n"
    found = await compared(ledger, tmp_path, rows)
    assert [(one["call"], one["field"]) for one in found] == [("call_0", "payout"), ("call_1", "payout")]


async def test_what_the_list_should_not_have_is_told_as_such(ledger: Ledger, tmp_path: Path) -> None:
    """A call of another campaign, and one of another month."""
    await world.declare(ledger, suffix="2", first=100)
    await ring(ledger, "call_1")
    await ring(ledger, "call_2", campaign_id="cmp_2")
    await ring(ledger, "call_3", started_at_ms=START_MS - 40 * 24 * 60 * MINUTE)
    rows = "call id,start time\ncall_1,2026-09-21T14:13:20Z\ncall_2,2026-09-21T14:13:20Z\ncall_3,2026-09-21T14:13:21Z\n"
    found = await compared(ledger, tmp_path, rows, "--campaign", "cmp_1")
    assert [(one["call"], one["field"], one["theirs"], one["ours"]) for one in found] == [
        ("call_2", "campaign", "cmp_1", "cmp_2"),
        ("call_3", "time", "2026-09-21T14:13:21+00:00", "2026-08-12T14:13:20+00:00"),
    ]


async def test_only_the_asked_days_and_owners_are_compared(ledger: Ledger, tmp_path: Path) -> None:
    await world.declare(ledger, suffix="2", first=100)
    day = 24 * 60 * MINUTE
    await ring(ledger, "call_1", started_at_ms=START_MS - day)
    await ring(ledger, "call_2")
    await ring(ledger, "call_3", publisher_id="pub_2")
    await ring(ledger, "call_4", started_at_ms=START_MS + day)
    rows = "call id,start time\nXX,2026-09-20T14:00:00Z\nYY,2026-09-21T14:00:00Z\n"
    days = ("--from", "2026-09-21", "--to", "2026-09-22")
    found = await compared(ledger, tmp_path, rows, "--publisher", "pub_1", *days)
    assert [(one["kind"], one["line"] or one["call"]) for one in found] == [("missing", "3"), ("extra", "call_2")]


async def test_bad_rows_are_named_and_the_others_go_on(ledger: Ledger, tmp_path: Path) -> None:
    await ring(ledger, "call_1")
    good = "call_1,+12025550100,+13125550100,2026-09-21T14:13:20Z,60,0"
    rows = ["x,12,,2026-09-21T14:00:00Z,1,0", '"two\nlines",+12025550100,,soon,1,0', "", good, "z,+12025550100,,,\x00,"]
    bad = "\n".join([HEAD, *rows, ""])
    found = await compared(ledger, tmp_path, bad)
    assert [(one["kind"], one["line"], one["field"]) for one in found] == [
        ("unreadable", "2", "tracking number"),
        ("unreadable", "4", "start time"),
        ("unreadable", "7", "duration"),
    ]
    assert "such as +14155550100" in found[0]["theirs"]


async def test_the_report_is_computed_by_no_spreadsheet(ledger: Ledger, tmp_path: Path) -> None:
    found = await compared(ledger, tmp_path, "call id,start time\n=1+1,2026-09-21T14:13:20Z\n")
    assert [one["theirs"] for one in found] == ["'=1+1"]


async def test_wrong_arguments_say_what_would_be_right(ledger: Ledger, tmp_path: Path) -> None:
    await ledger.close()
    file = tmp_path / "list.csv"
    file.write_text("call id\nx\n")
    for arguments, told in (
        ((str(tmp_path / "nowhere.csv"),), "cannot be read"),
        ((str(file),), "say --from and --to: the list tells no times"),
        ((str(file), "--window", "soon"), "--window: seconds, or such as 2m"),
        ((str(file), "--timezone", "Boston"), "--timezone: not a time zone"),
        ((str(file), "--columns", "when=x"), "--columns: pairs such as time=Started"),
        ((str(file), "--from", "2026-02-30"), "--from: not a day"),
        ((str(file), "--from", "2026-02-03", "--to", "2026-02-03"), "--to: later than --from"),
        ((str(file), "--campaign", "cmp_9"), "--campaign: there is no campaign cmp_9"),
    ):
        done = run(tmp_path, *arguments)
        assert (arguments, done.returncode) == (arguments, 2), done.stderr
        assert told in done.stderr
        assert not (tmp_path / "report.csv").exists()
