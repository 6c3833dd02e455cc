"""A ledger of calls, a network's list of them, and what is planted between the two: known to the last row."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from sqlalchemy import insert

from dni.ledger.bulk import as_json
from dni.ledger.engines import Ledger
from dni.ledger.schema import call
from tests.support.world import START_MS

HEADINGS = ("Call SID", "Tracking Number", "Caller ID", "Start Time", "Duration", "Payout")
ZONE, _AHEAD = "America/Phoenix", timedelta(hours=-7)  # no clock is changed there
_EVERY_MS = 37_000
Row = dict[str, Any]
Found = tuple[Any, ...]


class Planted(msgspec.Struct):
    """`expected`: kind, then the line or our call, then the field that differs."""

    file: Path
    expected: set[Found]
    rows: int


async def plant(ledger: Ledger, folder: Path, calls: int, *, seed: int = 7) -> Planted:
    """The campaign `cmp_1` and the publisher `pub_1` are there already."""
    chance = Random(seed)  # noqa: S311
    each = max(2, calls // 500)
    ours = [_call(n, chance) for n in range(calls)]
    # Who rings twice within a minute, and is listed without an id, may be either.
    twins = chance.sample(ours, each)
    ours += [{**one, "id": f"{one['id']}b", "provider_id": f"{one['provider_id']}b"} for one in twins]
    for one, again in zip(twins, ours[calls:], strict=True):
        again["started_at_ms"] = one["started_at_ms"] + 60_000
    await _keep(ledger, ours)

    unsure = {one["id"] for one in (*twins, *ours[calls:])}
    rows = [_row(one, chance, has_id=n % 2 == 0 and one["id"] not in unsure) for n, one in enumerate(ours)]
    with_id = [row for row in rows if row["Call SID"]]
    without = [row for row in rows if not row["Call SID"] and row["call"] not in unsure]
    chance.shuffle(with_id)
    chance.shuffle(without)
    gone = {id(row) for row in (*_some(with_id, each), *_some(without, each))}
    extra = {("extra", row["call"]) for row in rows if id(row) in gone}
    for row in (*_some(with_id, each), *_some(without, each)):
        row["Duration"], row["says"] = str(int(row["Duration"]) + 30), "duration"
    for row in (*_some(with_id, each), *_some(without, each)):
        row["Payout"], row["says"] = "16.00", "payout"
    for row in _some(with_id, each):
        row["Caller ID"], row["says"] = "(989) 555-0199", "caller"
    for row in _some(with_id, each):
        row["Tracking Number"], row["says"] = "+19885550199", "number"
    rows = [row for row in rows if id(row) not in gone]
    rows += [{**row, "says": "repeated"} for row in _some(with_id, each)]
    rows += [_strange(n, chance, calls) for n in range(each)]
    rows += [{**_strange(n, chance, calls), "Start Time": "yesterday", "says": "unreadable"} for n in range(each)]
    chance.shuffle(rows)
    return Planted(_write(folder, rows), extra | _expected(rows, unsure), len(rows))


def _some(rows: list[Row], many: int) -> list[Row]:
    """Taken away from `rows`: what is planted in one is planted nowhere else."""
    return [rows.pop() for _ in range(many)]


def _call(n: int, chance: Random) -> Row:
    return {
        "id": f"call_{n:08}",
        "carrier_id": "car_1",
        "provider_id": f"CA{n:08}",
        "status": "completed",
        "started_at_ms": START_MS + n * _EVERY_MS + chance.randrange(1000),
        "duration_s": 60 + n % 300,
        "talk_s": 50 + n % 300,
        "caller": f"+1{200 + n % 700}55501{n // 700 % 100:02}",
        "tracking_number": f"+1{200 + n % 200}5550100",
        "campaign_id": "cmp_1",
        "publisher_id": "pub_1",
        "method": "lease",
        "payout": 1500,
        "revenue": 2000,
        "candidates": as_json([]),
    }


async def _keep(ledger: Ledger, rows: list[Row]) -> None:
    columns = [column.name for column in call.c if column.name in rows[0]]
    many = ledger.many(insert(call), columns)
    values = [tuple(row[name] for name in columns) for row in rows]
    await ledger.commit(lambda connection: many.run(connection, values))


def _row(one: Row, chance: Random, *, has_id: bool) -> Row:
    """As the network tells it: its clock is up to 40 s off, its seconds are whole."""
    area, office, line = one["tracking_number"][2:5], one["tracking_number"][5:8], one["tracking_number"][8:]
    return {
        "Call SID": one["provider_id"] if has_id else "",
        "Tracking Number": f"({area}) {office}-{line}",
        "Caller ID": one["caller"],
        "Start Time": _told(one["started_at_ms"] + chance.randrange(-40_000, 40_000)),
        "Duration": str(one["duration_s"] + chance.randrange(-2, 3)),
        "Payout": "$15.00",
        "call": one["id"],
        "says": "",
    }


def _strange(n: int, chance: Random, calls: int) -> Row:
    """A call that we have nothing of."""
    at_ms = START_MS + chance.randrange(1, calls - 1) * _EVERY_MS
    return {
        "Call SID": f"XX{n}" if n % 2 else "",
        "Tracking Number": "+12005550100",
        "Caller ID": f"+1{900 + n % 80}55501{n // 80 % 100:02}",
        "Start Time": _told(at_ms),
        "Duration": "95",
        "Payout": "15.00",
        "call": None,
        "says": "missing",
    }


def _told(ms: int) -> str:
    return (datetime.fromtimestamp(ms / 1000, UTC) + _AHEAD).strftime("%m/%d/%Y %I:%M:%S %p")


def _expected(rows: list[Row], unsure: set[str]) -> set[Found]:
    found: set[Found] = set()
    seen: set[str] = set()
    for line, row in enumerate(rows, 2):
        if row["call"] in unsure:
            found.add(("ambiguous", line))
        elif row["says"] in ("missing", "unreadable"):
            found.add((row["says"], line))
        elif row["call"] in seen:
            found.add(("repeated", line))
        elif row["says"] not in ("", "repeated"):
            found.add(("different", line, row["says"]))
        seen.add(row["call"])
    return found


def _write(folder: Path, rows: list[Row]) -> Path:
    file = folder / "network.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADINGS)
        writer.writerows([row[name] for name in HEADINGS] for row in rows)
    return file
