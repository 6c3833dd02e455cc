"""`dni conversions`, as a person runs it."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from tests.support import world
from tests.support.journal import ring

TABLE = """Reference,Phone,Close date,Deal amount
call_1,,,125.00
,(312) 555-0100,2026-09-21,80.00
,(312) 555-0199,2026-09-21,1
,(312) 555-0100,soon,1
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dni", "conversions", *arguments, "--data-dir", str(folder)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={"COLUMNS": "200", "PYTHONPATH": "."}
    )


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    ledger = Ledger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}")
    await migrate(ledger)
    await world.declare(ledger)
    await ring(ledger, "call_1", caller="+13125550150")
    await ring(ledger, "call_2")
    await ledger.close()
    (tmp_path / "sales.csv").write_text(TABLE)
    return tmp_path


async def told(folder: Path) -> dict[str, int]:
    ledger = Ledger(f"sqlite+aiosqlite:///{folder / 'ledger.sqlite3'}")
    async with ledger.read() as connection:
        found = await connection.execute(select(schema.outcome.c.call_id, schema.outcome.c.value))
        values = {row.call_id: row.value for row in found}
    await ledger.close()
    return values


async def test_a_dry_run_then_the_same_in_earnest_then_again(folder: Path) -> None:
    how = (str(folder / "sales.csv"), "--columns", "call=Reference", "--out", str(folder / "report.csv"))
    dry = run(folder, *how, "--dry-run")
    assert dry.returncode == 1, dry.stderr
    assert "a dry run: nothing was told" in dry.stdout
    assert await told(folder) == {}
    done = run(folder, *how)
    assert done.returncode == 1
    assert "row 5: at: a date with a time of day" in done.stdout
    assert await told(folder) == {"call_1": 12_500, "call_2": 8_000}
    with (folder / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["row"], row["state"], row["call"], row["by"]) for row in rows] == [
        ("2", "matched", "call_1", "call"),
        ("3", "matched", "call_2", "caller"),
        ("4", "not_matched", "", ""),
        ("5", "wrong", "", ""),
    ]
    (folder / "sales.csv").write_text("\n".join(TABLE.splitlines()[:3]))
    again = run(folder, *how)
    assert again.returncode == 0, again.stderr
    assert [line.split()[1:3] for line in again.stdout.splitlines() if "known" in line] == [["known", "│"]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--campaign", "cmp_9"), "--campaign: there is no campaign cmp_9"),
        (("--timezone", "Mars/Base"), "--timezone: not a time zone"),
        (("--within-days", "0"), "--within-days: from 1 to 400"),
        (("--columns", "call=Nothing"), "--columns: the list has no column 'Nothing'"),
        (("--columns", "telephone=Phone"), "--columns: pairs such as"),
    ],
)
async def test_a_wrong_option_is_named(folder: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run(folder, str(folder / "sales.csv"), *arguments)
    assert done.returncode == 2
    assert says in done.stderr


async def test_a_file_that_is_no_table_of_sales_is_refused(folder: Path) -> None:
    (folder / "other.csv").write_text("name,amount\nAda,5\n")
    done = run(folder, str(folder / "other.csv"))
    assert done.returncode == 2
    assert "no row could name its call" in done.stderr
    assert run(folder, str(folder / "nowhere.csv")).returncode == 2
