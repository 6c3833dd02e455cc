"""Sessions and calls as columns of codes: what a chunk holds. Pure.

A code stands for a text of one dimension (`word`). How a visit came is one code more, `path`: its word is the list of
the codes of PATH; so is who it belongs to, `owner`, whose word is campaign, publisher and tag.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dni.ledger.schema import KEPT_MODELS, SUBS

Column = NDArray[Any]
Columns = dict[str, Column]

PATH = ("source", "medium", "campaign_name", "keyword", "content", "channel")
OWNER = ("campaign", "publisher", "tag")
ALONE = ("landing_page", "device", "region", *SUBS)
"""Dimensions with a column of their own."""
MONEY = ("verdict", "payout", "revenue")
"""Of calls alone: the verdict in bits (`dni.report.amounts`), and amounts. A chunk without them is of before calls were
judged: all are 0."""
NEWEST = SUBS[-1]
"""A chunk without this column is of before there were all of them."""
QUARTER_MS = 900_000
"""Time zones differ by quarters of an hour."""

_TYPES = ("u1", "u2", "u4")

encode = msgspec.json.Encoder().encode


class SessionFact(msgspec.Struct, frozen=True):
    """What reports count of a session. `alone`: the texts of ALONE, a landing page without its query."""

    at_ms: int
    owner: tuple[str | None, str | None, str | None]
    path: tuple[str | None, ...]
    alone: tuple[str | None, ...]
    leased: bool


class CallFact(msgspec.Struct, frozen=True):
    """What reports count of one touch that led to a call; a call without touches is one with all its shares.

    `shares`: of the call by each of KEPT_MODELS, in millionths. `credited`: the touch is of the visitor whom the call
    is credited to, so its share counts as calls. `stated`: the probability with which it counts as expected.
    `verdict`: see `dni.report.amounts`; `payout`, `revenue`: of the whole call, in minor units.
    """

    at_ms: int
    owner: tuple[str | None, str | None, str | None]
    path: tuple[str | None, ...]
    alone: tuple[str | None, ...]
    number: str | None
    first: bool
    answered: bool
    duration_s: int
    talk_s: int
    shares: tuple[int, ...]
    credited: bool
    stated: float
    verdict: int
    payout: int
    revenue: int


Fact = SessionFact | CallFact
Texts = dict[str, set[str | None]]
Codes = Mapping[str, Mapping[str | None, int]]


def texts(facts: Sequence[Fact]) -> Texts:
    """Every text that needs a code, by its dimension; paths come after, for they are made of codes."""
    found: Texts = {"owner": {owner_word(fact.owner) for fact in facts}}
    for names, told in ((PATH, {fact.path for fact in facts}), (ALONE, {fact.alone for fact in facts})):
        found |= {name: set(values) for name, values in zip(names, zip(*told, strict=True), strict=False)}
    numbers = {fact.number for fact in facts if isinstance(fact, CallFact)}
    return found | ({"number": numbers} if numbers else {})


def path_word(path: Sequence[str | None], codes: Codes) -> str:
    return encode([codes[name][text] for name, text in zip(PATH, path, strict=True)]).decode()


def owner_word(owner: Sequence[str | None]) -> str:
    return encode(owner).decode()


def columns(facts: Sequence[Fact], codes: Codes, words: Mapping[tuple[str | None, ...], str], from_ms: int) -> Columns:
    """Of all facts, in their order; moments from `from_ms` on. `words`: of the paths."""
    path, owner = codes["path"], codes["owner"]
    owners = {of: owner[owner_word(of)] for of in {fact.owner for fact in facts}}
    at = np.fromiter((fact.at_ms for fact in facts), np.int64, len(facts))
    made = {
        "at": at - from_ms,
        "quarter": at // QUARTER_MS - from_ms // QUARTER_MS,
        "path": _ints(path[words[fact.path]] for fact in facts),
        "owner": _ints(owners[fact.owner] for fact in facts),
        **{name: _ints(codes[name][fact.alone[at]] for fact in facts) for at, name in enumerate(ALONE)},
    }
    calls = [fact for fact in facts if isinstance(fact, CallFact)]
    if not calls:
        made["leased"] = _ints(fact.leased for fact in facts if isinstance(fact, SessionFact))
        return {name: small(column) for name, column in made.items()}
    made |= {
        "number": _ints(codes["number"][fact.number] for fact in calls),
        **{name: _ints(getattr(fact, name) for fact in calls) for name in ("first", "answered", "credited")},
        "duration": _ints(fact.duration_s for fact in calls),
        "talk": _ints(fact.talk_s for fact in calls),
        **{name: _ints(getattr(fact, name) for fact in calls) for name in MONEY},
        **{model: _ints(fact.shares[at] for fact in calls) for at, model in enumerate(KEPT_MODELS)},
    }
    return {name: small(column) for name, column in made.items()} | {
        "stated": np.array([fact.stated for fact in calls])
    }


def small(column: Column) -> Column:
    """In the least bytes that hold all values."""
    most, least = int(column.max(initial=0)), int(column.min(initial=0))
    kind = next((kind for kind in _TYPES if least >= 0 and most <= np.iinfo(kind).max), "i8")
    return column.astype(f"<{kind}")


def of_paths(words: Mapping[int, str | None]) -> Columns:
    """What paths stand for, for codes that follow each other."""
    codes = np.array([msgspec.json.decode(text or "", type=list[int]) for text in words.values()], np.int64)
    return {name: small(codes[:, at]) for at, name in enumerate(PATH)}


def joined(parts: Sequence[tuple[int, Columns]], first_ms: int) -> Columns:
    """Of chunks that follow each other, each with its `from_ms`: the columns of one from `first_ms` on."""
    made: Columns = {}
    for name in parts[0][1] if parts else ():
        moved = []
        for from_ms, of in parts:
            by = {"at": from_ms - first_ms, "quarter": from_ms // QUARTER_MS - first_ms // QUARTER_MS}.get(name, 0)
            moved.append(of[name] if name == "stated" else of[name].astype(np.int64) + by)
        whole = np.concatenate(moved)
        made[name] = whole if name == "stated" else small(whole)
    return made


def stored(column: Column) -> tuple[str, bytes]:
    """Type and bytes, as the ledger keeps them."""
    return column.dtype.str.lstrip("<|"), column.tobytes()


def loaded(kind: str, data: bytes) -> Column:
    return np.frombuffer(data, f"<{kind}")


def _ints(values: Iterable[int | bool]) -> Column:
    return np.array(list(values), np.int64)
