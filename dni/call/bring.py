"""Brings sales back to the calls that led to them: finds each row's call, within the teller's walls, and tells what
became of it as anybody who tells it does.

Done twice it is done once: what a call was told already changes nothing. What calls wait for is never held up: rows are
looked for a few hundred at a time, and told a few at a time, each time in a short transaction that comes after theirs.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import audit, walls
from dni.access.acts import Told
from dni.access.model import Principal
from dni.call import outcomes
from dni.call.bring_model import (
    STATES,
    By,
    Campaign,
    Click,
    ConversionResult,
    ConversionsReport,
    Found,
    Reading,
    Row,
    State,
    Wrong,
    changes,
    counted,
    in_words,
    pick,
    together,
    values,
)
from dni.call.outcome import TellOutcome
from dni.errors import InvalidField
from dni.ledger.engines import Ledger
from dni.ledger.schema import call, call_touch, campaign
from dni.money import Money
from dni.phone import country

_LOOKED_FOR, _LOOKED_AT = 100, 150
# Some 2 ms of SQLite: others who write wait no longer for it.
_TOLD_TOGETHER = 20
_READ_TOGETHER = 50

T = TypeVar("T")
Tell = Callable[[str, float], None]
"""What is being done, and how much of it is, of 1."""
_Match = tuple[Row, Found, By]


async def reading(ledger: Ledger, principal: Principal, now_ms: int, **how: Any) -> Reading:
    """`how`: the other fields of Reading. Raises InvalidField for a campaign that is not the teller's."""
    query = select(campaign.c.id, campaign.c.currency, campaign.c.destination).where(walls.campaigns(principal))
    async with ledger.read() as connection:
        found = (await connection.execute(query)).all()
    known = {row.id: Campaign(row.currency, country(row.destination)) for row in found}
    if how.get("campaign") is not None and how["campaign"] not in known:
        raise InvalidField("/campaign", f"there is no campaign {how['campaign'][:64]}")
    return Reading(campaigns=known, now_ms=now_ms, **how)


async def in_turns(rows: Iterable[T]) -> list[T]:
    """Reading a row takes a while: between a few of them others have their turn."""
    found: list[T] = []
    for row in rows:
        found.append(row)
        if len(found) % _READ_TOGETHER == 0:
            await asyncio.sleep(0)
    return found


async def bring(
    ledger: Ledger,
    principal: Principal,
    of: Reading,
    rows: Sequence[Row | Wrong],
    *,
    dry_run: bool,
    tell: Tell = lambda _what, _done: None,
) -> ConversionsReport:
    """What came of each row, or of a `dry_run` would. Raises Unavailable: the same again does the rest."""
    results = [ConversionResult(row.row, "wrong", row.why) for row in rows if isinstance(row, Wrong)]
    good = [row for row in rows if isinstance(row, Row)]
    matches: list[_Match] = []
    for look in (_by_call, _by_click, _by_caller):
        done, found = await look(ledger, principal, good, tell)
        results += done
        matches += found
        looked = {one.row for one in done} | {row.row for row, _, _ in found}
        good = [row for row in good if row.row not in looked]
    results += [_nothing(row) for row in good]
    results += await _tell_all(ledger, principal, of, matches, tell, dry_run=dry_run)
    report = counted(results, dry_run=dry_run)
    if report.matched and not dry_run:
        told = [Told(state, after=count) for state in STATES if (count := getattr(report, state))]
        async with ledger.write() as connection:
            await audit.note(connection, of.now_ms, principal, "bring_conversions", None, told)
    return report


async def _by_call(
    ledger: Ledger, principal: Principal, rows: Sequence[Row], tell: Tell
) -> tuple[list[ConversionResult], list[_Match]]:
    done: list[ConversionResult] = []
    matches: list[_Match] = []
    named = [row for row in rows if row.call is not None]
    for batch, share in _batches(named, _LOOKED_FOR):
        query = _CALLS.where(walls.calls(principal), call.c.id.in_({row.call for row in batch}))
        async with ledger.read() as connection:
            found = {each.id: each for each in await _found(connection, query)}
        for row in batch:
            one = found.get(row.call or "")
            if one is None:
                done.append(ConversionResult(row.row, "not_matched", "there is no call with this id"))
            elif row.campaign not in (None, one.campaign):
                done.append(ConversionResult(row.row, "not_matched", "the call is of another campaign", one.id, "call"))
            else:
                matches.append((row, one, "call"))
        tell("looking for calls by their ids", share)
    return done, matches


async def _by_click(
    ledger: Ledger, principal: Principal, rows: Sequence[Row], tell: Tell
) -> tuple[list[ConversionResult], list[_Match]]:
    """All calls of the time are looked at, once: click ids stand within JSON, which no index knows."""
    sought: dict[str, list[tuple[Click, Row]]] = defaultdict(list)
    for row in rows:
        for each in row.clicks:
            sought[each.value].append((each, row))
    if not sought:
        return [], []
    asked = {row.row: row for pairs in sought.values() for _, row in pairs}
    since_ms = min(row.click_since_ms for row in asked.values())
    until_ms = max(row.until_ms for row in asked.values())
    calls: dict[int, dict[str, Found]] = defaultdict(dict)
    last, keys = (since_ms, ""), (call.c.started_at_ms, call.c.id)
    query = _CALLS.add_columns(call.c.visitor_id, call.c.click_ids).where(
        walls.calls(principal), call.c.started_at_ms < until_ms
    )
    while True:
        page = query.where(tuple_(*keys) > tuple_(*last)).order_by(*keys).limit(_LOOKED_AT)
        async with ledger.read() as connection:
            found = (await connection.execute(page)).mappings().all()
            visitors = {row["id"]: row["visitor_id"] for row in found if row["visitor_id"] is not None}
            touches = (await connection.execute(_TOUCHES.where(call_touch.c.call_id.in_(visitors)))).all()
        clicks = [(row["id"], row["click_ids"]) for row in found if row["click_ids"]]
        clicks += [(wanted, told) for wanted, visitor, told in touches if told and visitors[wanted] == visitor]
        by_id = {row["id"]: row for row in found}
        for wanted, told in clicks:
            for name, value in told.items():
                for each, row in sought.get(value, ()):
                    if each.name in (None, name):
                        calls[row.row][wanted] = _one(by_id[wanted])
        if len(found) < _LOOKED_AT:
            break
        last = (found[-1]["started_at_ms"], found[-1]["id"])
        tell("looking for calls by their clicks", (last[0] - since_ms) / max(1, until_ms - since_ms))
    return _picked(asked.values(), {row: list(each.values()) for row, each in calls.items()}, "click_id")


async def _by_caller(
    ledger: Ledger, principal: Principal, rows: Sequence[Row], tell: Tell
) -> tuple[list[ConversionResult], list[_Match]]:
    done: list[ConversionResult] = []
    matches: list[_Match] = []
    named = sorted((row for row in rows if row.caller is not None), key=lambda row: (row.caller or "", row.row))
    for batch, share in _batches(named, _LOOKED_FOR):
        query = _CALLS.add_columns(call.c.caller).where(
            walls.calls(principal),
            call.c.caller.in_({row.caller for row in batch}),
            call.c.started_at_ms >= min(row.since_ms for row in batch),
            call.c.started_at_ms < max(row.until_ms for row in batch),
        )
        async with ledger.read() as connection:
            found = (await connection.execute(query)).mappings().all()
        of_caller: dict[str, list[Found]] = defaultdict(list)
        for each in found:
            of_caller[each["caller"]].append(_one(each))
        more, picked = _picked(batch, {row.row: of_caller[row.caller or ""] for row in batch}, "caller")
        done += more
        matches += picked
        tell("looking for calls by their callers", share)
    return done, matches


def _picked(
    rows: Iterable[Row], calls: Mapping[int, Sequence[Found]], by: By
) -> tuple[list[ConversionResult], list[_Match]]:
    done: list[ConversionResult] = []
    matches: list[_Match] = []
    for row in rows:
        found = pick(row, calls.get(row.row, ()), row.click_since_ms if by == "click_id" else row.since_ms)
        if isinstance(found, Found):
            matches.append((row, found, by))
        elif found is not None:
            says = f"it may be about calls to {len(found)} campaigns: name the campaign, one of {', '.join(found[:5])}"
            done.append(ConversionResult(row.row, "ambiguous", says, by=by))
    return done, matches


def _nothing(row: Row) -> ConversionResult:
    sought = ["no call of a visitor with this click id"] if row.clicks else []
    if row.caller is not None:
        sought.append("no call of this caller")
    return ConversionResult(row.row, "not_matched", f"{' and '.join(sought)} began in that time")


class _About(msgspec.Struct, frozen=True):
    """All rows about one call: those that cannot be told of it, what the others tell, and all of these together; a
    text: why they cannot be told together."""

    call: Found
    wrong: list[ConversionResult]
    rows: list[tuple[Row, By, dict[str, Any]]]
    told: TellOutcome | str


def _about(of: Reading, matches: Sequence[_Match]) -> _About:
    [(_, wanted, _), *_] = matches
    wrong: list[ConversionResult] = []
    rows: list[tuple[Row, By, dict[str, Any]]] = []
    for row, _, by in matches:
        try:
            rows.append((row, by, values(row, _currency(of, wanted))))
        except InvalidField as error:
            wrong.append(ConversionResult(row.row, "wrong", in_words(error), wanted.id, by))
    try:
        told: TellOutcome | str = together(each for *_, each in rows) if rows else "nothing can be told"
    except InvalidField as error:
        told = in_words(error)
    return _About(wanted, wrong, rows, told)


async def _tell_all(
    ledger: Ledger, principal: Principal, of: Reading, matches: Sequence[_Match], tell: Tell, *, dry_run: bool
) -> list[ConversionResult]:
    results: list[ConversionResult] = []
    by_call: dict[str, list[_Match]] = defaultdict(list)
    for match in matches:
        by_call[match[1].id].append(match)
    # As calls are locked everywhere: an earlier one before a later one.
    in_order = sorted(by_call.values(), key=lambda rows: (rows[0][1].at_ms, rows[0][1].id))
    for batch, share in _batches(in_order, _TOLD_TOGETHER):
        about = [_about(of, rows) for rows in batch]
        heard = {one.call.id: one.call.outcome for one in about}
        new = {
            one.call.id: one.told
            for one in about
            if isinstance(one.told, TellOutcome) and any(changes(given, one.call.outcome) for *_, given in one.rows)
        }
        if new and not dry_run:
            made = await ledger.commit(partial(outcomes.tell_many, principal=principal, now_ms=of.now_ms, told=new))
            heard |= {wanted: _was(one.before) for wanted, one in made.items()}
        else:
            await asyncio.sleep(0)
        for one in about:
            results += [*one.wrong, *_compared(one, heard[one.call.id])]
        tell("comparing" if dry_run else "telling", share)
    return results


def _compared(about: _About, before: Mapping[str, Any] | None) -> Iterator[ConversionResult]:
    """What comes of rows about a call that was told this before."""
    for row, by, given in about.rows:
        state: State
        if isinstance(about.told, str):
            state, says = "ambiguous", about.told
        else:
            changed = changes(given, before)
            state, says = ("matched", ", ".join(changed)) if changed else ("known", "told before")
        yield ConversionResult(row.row, state, says, about.call.id, by)


def _currency(of: Reading, wanted: Found) -> str | None:
    known = of.campaigns.get(wanted.campaign or "")
    return known.currency if known else None


def _was(before: Mapping[str, Any]) -> dict[str, Any]:
    """What `outcomes.tell_now` says was told before, by the names of TellOutcome."""
    value = None if before["value"] is None else Money(before["value"], before["currency"])
    return {"sale": before["sale"], "value": value, "lead_status": before["lead_status"], "note": before["note"]}


def _one(row: Mapping[Any, Any]) -> Found:
    told = row["outcome"]
    if told is not None:
        told = {**told, "value": None if told["value"] is None else Money(**told["value"])}
    return Found(row["id"], row["started_at_ms"], row["campaign_id"], told)


async def _found(connection: AsyncConnection, query: Any) -> list[Found]:
    return [_one(row) for row in (await connection.execute(query)).mappings()]


def _batches(items: Sequence[T], size: int) -> Iterator[tuple[list[T], float]]:
    """Each with the share of all that is done with it."""
    left, done = iter(items), 0
    while batch := list(islice(left, size)):
        done += len(batch)
        yield batch, done / len(items)


_CALLS = select(call.c.id, call.c.started_at_ms, call.c.campaign_id, call.c.outcome)
_TOUCHES = select(call_touch.c.call_id, call_touch.c.visitor_id, call_touch.c.click_ids).where(
    call_touch.c.click_ids.is_not(None)
)
