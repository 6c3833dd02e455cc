"""Compares a carrier's or a network's list of calls with ours. Reads both as streams; nothing is changed anywhere."""

import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice
from sqlite3 import Row
from typing import Any, BinaryIO, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Select, Table, or_, select, tuple_

from dni import sheet
from dni.errors import BadArgument
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.schema import call, campaign
from dni.payout import listed, matching
from dni.payout.differences import Ours, differences
from dni.payout.listed import Listed, Unreadable
from dni.payout.matching import Ambiguous, Pair
from dni.payout.reconcile_options import Asked
from dni.payout.reconcile_text import Finding, Reconciled
from dni.payout.sides import Sides, sides
from dni.sheet import Broken, Line

_TOGETHER, _ASKED_TOGETHER, _NAMED = 5_000, 500, 10

T = TypeVar("T")
Tell = Callable[[str, float], None]
"""What is being done, and how much of it is, of 1."""


async def reconcile(
    ledger: Ledger, asked: Asked, told: Callable[[Finding], None], tell: Tell = lambda _what, _done: None
) -> Reconciled:
    """`told` gets every finding, by line; what is ours alone comes last. Raises BadArgument, Unavailable."""
    await _known(ledger, asked)
    with sides() as held:
        rows, outside = _read(asked, held, tell)
        from_ms, to_ms = _period(asked, held)
        await _hold_ours(ledger, asked, held, from_ms, to_ms, tell)
        tell("comparing", 0.0)
        held.index()
        by_id = _by_id(held)
        same = by_id + _by_time(held, asked.window_ms)
        tell("comparing", 0.5)
        await _elsewhere(ledger, asked, held, from_ms, to_ms)
        _compare(held, asked)
        _alone(held, from_ms, to_ms)
        tell("comparing", 1.0)
        zone = ZoneInfo(asked.timezone)
        for row in held.findings():
            told(_finding(dict(row), zone))
        return Reconciled(rows, outside, same, by_id, from_ms, to_ms, held.counts())


async def _known(ledger: Ledger, asked: Asked) -> None:
    async with ledger.read() as connection:
        for name in ("campaign", "publisher", "carrier"):
            table: Table = getattr(schema, name)
            wanted = getattr(asked, name)
            if wanted is not None and not await connection.scalar(select(table.c.id).where(table.c.id == wanted)):
                raise BadArgument(f"--{name}: there is no {name} {wanted}")


def _read(asked: Asked, held: Sides, tell: Tell) -> tuple[int, int]:
    """How many rows there are, and how many are of another time."""
    counted = {"rows": 0, "outside": 0}
    try:
        with asked.file.open("rb") as file:
            for batch in _batches(_rows(file, asked), _TOGETHER):
                counted["rows"] += len(batch)
                good = [row for row in batch if isinstance(row, Listed) and _is_about(row, asked)]
                bad = [row for row in batch if not isinstance(row, Listed)]
                counted["outside"] += len(batch) - len(good) - len(bad)
                held.add_theirs(good)
                held.find(bad)
                tell("reading the list", file.tell() / max(1, asked.file.stat().st_size))
    except OSError as error:
        raise BadArgument(f"{asked.file} cannot be read: {error.strerror}") from None
    return counted["rows"], counted["outside"]


def _rows(file: BinaryIO, asked: Asked) -> Iterator[Listed | tuple[Any, ...]]:
    """Rows, and what is found of those that cannot be read."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    told = sheet.lines(text)
    head = next(told, Line(1, []))
    if isinstance(head, Broken):
        raise BadArgument(f"{asked.file} is no CSV: {head.why}")
    of = listed.columns(head.cells, asked.columns)
    for one in told:
        if isinstance(one, Broken):
            yield _found("unreadable", one.line, theirs=one.why)
            continue
        try:
            yield listed.row(one.cells, one.line, of, asked.timezone, day_first=asked.day_first)
        except Unreadable as error:
            yield _found("unreadable", one.line, field=error.column, theirs=error.message)
    text.detach()


def _is_about(row: Listed, asked: Asked) -> bool:
    """Whether it may be a call of the period, or of its edge: clocks differ."""
    if row.at_ms is None:
        return True
    early = asked.from_ms is not None and row.at_ms < asked.from_ms - asked.window_ms
    late = asked.to_ms is not None and row.at_ms >= asked.to_ms + asked.window_ms
    return not (early or late)


def _period(asked: Asked, held: Sides) -> tuple[int, int]:
    span = held.span()
    if span is None and (asked.from_ms is None or asked.to_ms is None):
        raise BadArgument("say --from and --to: the list tells no times")
    first, last = span or (0, 0)
    from_ms, to_ms = asked.from_ms, asked.to_ms
    return first if from_ms is None else from_ms, last + 1 if to_ms is None else to_ms


async def _hold_ours(ledger: Ledger, asked: Asked, held: Sides, from_ms: int, to_ms: int, tell: Tell) -> None:
    keys = call.c.started_at_ms, call.c.id
    query = _ours().where(call.c.started_at_ms < to_ms + asked.window_ms).order_by(*keys).limit(_TOGETHER)
    for name in ("campaign", "publisher", "carrier"):
        if (wanted := getattr(asked, name)) is not None:
            query = query.where(call.c[f"{name}_id"] == wanted)
    last = (from_ms - asked.window_ms, "")
    while True:
        async with ledger.read() as connection:
            found = (await connection.execute(query.where(tuple_(*keys) > tuple_(*last)))).all()
        held.add_ours((*row[:10], from_ms <= row.started_at_ms < to_ms) for row in found)
        if len(found) < _TOGETHER:
            return
        last = (found[-1].started_at_ms, found[-1].id)
        tell("reading our calls", (last[0] - from_ms) / max(1, to_ms - from_ms))


def _ours() -> Select[Any]:
    names = ("id", "provider_id", "tracking_number", "caller", "started_at_ms", "duration_s", "talk_s")
    amounts = call.c.payout, call.c.revenue, campaign.c.currency
    owners = call.c.campaign_id, call.c.publisher_id, call.c.carrier_id
    return select(*(call.c[name] for name in names), *amounts, *owners).join(
        campaign, campaign.c.id == call.c.campaign_id, isouter=True
    )


def _by_id(held: Sides) -> int:
    """Pairs rows with calls that their ids name; how many."""
    paired = 0
    for line, group in groupby(held.by_id(), key=lambda row: int(row["line"])):
        calls = [str(row["call"]) for row in group]
        if len(calls) > 1:
            held.find([_found("ambiguous", line, ours=" ".join(calls[:_NAMED]))])
            held.settle([line], calls)
            continue
        before = held.claim(line, calls[0])
        paired += before is None
        if before is not None:
            held.find([_found("repeated", line, call=calls[0], theirs=f"the same call as line {before}")])
            held.settle([line], [])
    return paired


def _by_time(held: Sides, window_ms: int) -> int:
    """Pairs the others by number, caller and time; how many."""
    paired = 0
    made = matching.match(held.loose("theirs"), held.loose("ours"), window_ms)
    for batch in _batches(made, _TOGETHER):
        pairs = [(one.line, one.call) for one in batch if isinstance(one, Pair)]
        unsure = [one for one in batch if isinstance(one, Ambiguous)]
        held.pair(pairs)
        held.settle((one.line for one in unsure), (wanted for one in unsure for wanted in one.calls))
        held.find(_found("ambiguous", one.line, ours=" ".join(one.calls[:_NAMED])) for one in unsure)
        paired += len(pairs)
    return paired


async def _elsewhere(ledger: Ledger, asked: Asked, held: Sides, from_ms: int, to_ms: int) -> None:
    """Rows whose ids name calls that the list should not have: of another campaign, say, or another time."""
    for batch in _batches((row for row in held.missing() if row["id"]), _ASKED_TOGETHER):
        wanted = {row["id"]: row for row in batch}
        async with ledger.read() as connection:
            query = _ours().where(or_(call.c.id.in_(wanted), call.c.provider_id.in_(wanted)))
            found = (await connection.execute(query)).mappings().all()
        for one in found:
            row = wanted.get(one["id"]) or wanted.get(one["provider_id"])
            if row is None:
                continue
            other = [
                (name, getattr(asked, name), one[f"{name}_id"] or "")
                for name in ("campaign", "publisher", "carrier")
                if getattr(asked, name) not in (None, one[f"{name}_id"])
            ]
            if not from_ms <= one["started_at_ms"] < to_ms:
                other.append(("time", row["at_ms"], one["started_at_ms"]))
            if not other:
                continue
            held.find(_found("different", row["line"], call=one["id"], field=f, theirs=t, ours=o) for f, t, o in other)
            held.settle([row["line"]], [])


def _compare(held: Sides, asked: Asked) -> None:
    for batch in _batches(held.pairs(), _TOGETHER):
        held.find([one for row in batch for one in _differences(row, asked)])


def _differences(row: Row, asked: Asked) -> Iterator[tuple[Any, ...]]:
    theirs = Listed(**{name: row[name] for name in Listed.__struct_fields__})
    ours = Ours(**{name: row[f"our_{name}"] for name in Ours.__struct_fields__})
    for one in differences(theirs, ours, asked.tolerance_s, asked.window_ms):
        yield _found("different", row["line"], call=row["our_id"], field=one.field, theirs=one.theirs, ours=one.ours)


def _alone(held: Sides, from_ms: int, to_ms: int) -> None:
    held.find(
        ("missing", row["line"], None, row["at_ms"], row["number"], row["caller"], "", row["id"] or "", "")
        for row in held.missing()
        if row["at_ms"] is None or from_ms <= row["at_ms"] < to_ms
    )
    held.find(
        ("extra", None, row["id"], row["at_ms"], row["number"], row["caller"], "", "", row["provider_id"])
        for row in held.extra()
    )


def _found(
    kind: str, line: int, *, call: str | None = None, field: str = "", theirs: Any = "", ours: Any = ""
) -> tuple[Any, ...]:
    return kind, line, call, None, None, None, field, theirs, ours


def _finding(row: dict[str, Any], zone: ZoneInfo) -> Finding:
    if row["field"] == "time" and row["kind"] == "different":
        row |= {side: _when(int(row[side]), zone) if row[side] else "" for side in ("theirs", "ours")}
    at = _when(row.pop("at_ms"), zone)
    texts = {name: str(row[name] or "") for name in ("number", "caller", "field", "theirs", "ours")}
    return Finding(kind=row["kind"], line=row["line"], call=row["call"], at=at, **texts)


def _when(ms: int | None, zone: ZoneInfo) -> str:
    return "" if ms is None else datetime.fromtimestamp(ms / 1000, zone).isoformat(timespec="seconds")


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    found = iter(items)
    while batch := list(islice(found, size)):
        yield batch
