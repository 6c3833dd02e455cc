"""Changed terms tried on past calls, batch by batch in the order of their starts. Pure.

Calls whose telephone rang before are found on the way, as the changed terms count earlier calls; what of a call the
terms do not change (a publisher with terms of its own, amounts put in by hand) stays as it was.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from dni.call.model import STATES
from dni.qualification.columns import CallColumns, Place, Rows
from dni.qualification.facts_of import is_answered
from dni.qualification.model import Dedupe, Terms
from dni.qualification.quick import Array, Judged, Quick

_ENDED = frozenset(name for name, state in STATES.items() if state.ends)
_ALWAYS = ("started_at_ms", "status", "answered_at_ms", "publisher_id", "payout", "revenue", "qualified")
_FEW_TELEPHONES = 100_000


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside the calls' rows.

    publisher       the terms are its own, so only its calls are tried; None: they are the campaign's
    own_terms       of other publishers: from when on each has terms of its own (True) or the campaign's again, in order
    shared_numbers, shared_tags  those of pools that publishers share
    adjusted        by a call's id: payout and revenue that a person put in; None: as the terms say
    """

    campaign: str
    from_ms: int
    publisher: str | None = None
    place: Place = Place()
    own_terms: Mapping[str | None, Sequence[tuple[int, bool]]] = {}
    shared_numbers: frozenset[str] = frozenset()
    shared_tags: frozenset[str] = frozenset()
    adjusted: Mapping[str, tuple[int | None, int | None]] = {}


class Sums(msgspec.Struct):
    """Money in minor units."""

    calls: int = 0
    qualified: int = 0
    payout: int = 0
    revenue: int = 0

    def add(self, other: "Sums") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Compared(msgspec.Struct):
    """`kept`: calls that the changed terms do not touch."""

    was: Sums
    would_be: Sums
    kept: int = 0


class _Calls(msgspec.Struct, frozen=True):
    """What calls come to, a column each."""

    qualified: Array
    payout: Array
    revenue: Array


class Trial:
    """`needed`: the columns that rows must have. `looks_back_ms`: calls so long before `from_ms` matter, too."""

    def __init__(self, terms: Terms, known: Known) -> None:
        if not (known.shared_numbers or known.shared_tags):  # nobody asks how sure it is
            terms = replace(terms, min_confidence=0.0)
        self._known, self._has_payout = known, bool(terms.payout.policies)
        self._dedupe = terms.dedupe or Dedupe()
        self._quick = Quick(terms)
        self._columns = CallColumns(self._quick, known.place)
        self._telephones = _Telephones(self._quick.spans_ms)
        self._unasked = frozenset(self._dedupe.shared)
        self._publishers = _Numbered()
        self._found: list[Compared] = []
        self.looks_back_ms = max(self._quick.spans_ms, default=0)
        scope = self._dedupe.scope
        more = {
            "caller": self.looks_back_ms > 0,
            "destination": self.looks_back_ms > 0 and scope == "destination",
            "campaign_id": self.looks_back_ms > 0 and scope != "campaign",
            "tracking_number": self._quick.needs_shared,
            "tag_id": self._quick.needs_shared,
            "id": bool(known.adjusted),
        }
        self.needed = frozenset(
            (*_ALWAYS, *self._columns.needed, *(name for name, is_needed in more.items() if is_needed))
        )

    def add(self, rows: Rows) -> None:
        began = np.array(rows["started_at_ms"], np.int64)
        publishers = self._publishers_of(rows["publisher_id"])
        mine = self._mine(rows, began, publishers)
        kept = mine & self._kept(began, publishers)
        was = _Calls(
            np.array(list(map(bool, rows["qualified"]))),
            np.array([value or 0 for value in rows["payout"]], np.int64),
            np.array([value or 0 for value in rows["revenue"]], np.int64),
        )
        judged = mine & ~kept
        nobodys = publishers == self._publishers.get(None, -1)
        would_be = self._judged(rows, was, judged, nobodys) if judged.any() else [was]
        if self.looks_back_ms:
            which = self._stretches(rows, would_be)
            would_be = [_taken(would_be, which)] if len(would_be) > 1 else would_be
        self._count(publishers, mine, kept, was, would_be[0])

    def of_publishers(self) -> dict[str | None, Compared]:
        """By id; None: calls that are nobody's. Those without a call are not among them."""
        return {each: self._found[code] for each, code in self._publishers.items() if self._found[code].was.calls}

    def _publishers_of(self, ids: Sequence[str | None]) -> Array:
        codes = np.fromiter(map(self._publishers.__getitem__, ids), np.int64, len(ids))
        self._found += [Compared(Sums(), Sums()) for _ in range(len(self._publishers) - len(self._found))]
        return codes

    def _mine(self, rows: Rows, began: Array, publishers: Array) -> Array:
        """Calls that are asked for; the others are only earlier ones of their telephones."""
        found: Array = began >= self._known.from_ms
        found &= np.array(list(map(_ENDED.__contains__, rows["status"])))
        if "campaign_id" in rows:
            found &= np.array([each == self._known.campaign for each in rows["campaign_id"]])
        if self._known.publisher is not None:
            found &= publishers == self._publishers.get(self._known.publisher, -1)
        return found

    def _kept(self, began: Array, publishers: Array) -> Array:
        found = np.zeros(len(began), bool)
        for publisher, versions in self._known.own_terms.items():
            theirs = publishers == self._publishers.get(publisher, -1)
            moments = np.array([from_ms for from_ms, _ in versions], np.int64)
            own = np.array([False, *(is_own for _, is_own in versions)])
            found |= theirs & own[np.searchsorted(moments, began, side="right")]
        return found

    def _judged(self, rows: Rows, was: _Calls, judged: Array, nobodys: Array) -> list[_Calls]:
        """By the stretches of `Quick.stretch`."""
        many = len(judged)
        answers = self._quick.judge(self._columns.of(rows, many), self._shared(rows, many))
        adjusted = list(self._adjusted(rows))
        found = []
        for told in answers:
            made = self._amounts(told, nobodys)
            for at, payout, revenue in adjusted:
                if payout is not None:
                    made.payout[at], made.qualified[at] = 0 if nobodys[at] else payout, payout > 0
                if revenue is not None:
                    made.revenue[at] = revenue
            columns = (np.where(judged, new, old) for new, old in zip(_columns(made), _columns(was), strict=True))
            found.append(_Calls(*columns))
        return found

    def _amounts(self, told: Judged, nobodys: Array) -> _Calls:
        matched = (told.payout if self._has_payout else told.revenue).matched
        return _Calls(matched.copy(), np.where(nobodys, 0, told.payout.amount), told.revenue.amount.copy())

    def _shared(self, rows: Rows, many: int) -> Array:
        if not self._quick.needs_shared:
            return np.zeros(many, bool)
        numbers, tags = self._known.shared_numbers, self._known.shared_tags
        pairs = zip(rows["tracking_number"], rows["tag_id"], strict=True)
        return np.array([number in numbers or tag in tags for number, tag in pairs])

    def _adjusted(self, rows: Rows) -> Iterator[tuple[int, int | None, int | None]]:
        if self._known.adjusted:
            for at, each in enumerate(rows["id"]):
                if each in self._known.adjusted:
                    yield (at, *self._known.adjusted[each])

    def _stretches(self, rows: Rows, would_be: list[_Calls]) -> Array:
        if self._dedupe.counts == "paid":
            counts = [one.qualified.tolist() for one in would_be]
        else:
            counts = [list(map(is_answered, rows["answered_at_ms"], rows["status"]))]
        telephones: Sequence[Any] = rows["caller"]
        if self._unasked:
            telephones = [None if each in self._unasked else each for each in telephones]
        if self._dedupe.scope == "destination":
            pairs = zip(telephones, rows["destination"], strict=True)
            telephones = [None if None in pair else pair for pair in pairs]
        return np.array(self._telephones.stretches(telephones, rows["started_at_ms"], counts))

    def _count(self, publishers: Array, mine: Array, kept: Array, was: _Calls, would_be: _Calls) -> None:
        theirs, many = publishers[mine], len(self._publishers)

        def sums(values: Array) -> list[int]:
            found = np.zeros(many, np.int64)
            np.add.at(found, theirs, values[mine])
            return [int(value) for value in found]

        calls = np.bincount(theirs, minlength=many).tolist()
        of_was, of_would_be = ([sums(column) for column in _columns(each)] for each in (was, would_be))
        for code, kept_here in enumerate(np.bincount(publishers[kept], minlength=many).tolist()):
            found = self._found[code]
            found.was.add(Sums(calls[code], *(column[code] for column in of_was)))
            found.would_be.add(Sums(calls[code], *(column[code] for column in of_would_be)))
            found.kept += kept_here


class _Numbered(dict[str | None, int]):
    """Each in the order in which it came."""

    def __missing__(self, key: str | None) -> int:
        self[key] = len(self)
        return self[key]


class _Telephones:
    """When each telephone's last call began that counts. Holds those that rang within the longest span."""

    def __init__(self, spans_ms: tuple[int, ...]) -> None:
        self._spans_ms = spans_ms
        self._last: dict[Any, int] = {}
        self._most = _FEW_TELEPHONES

    def stretches(self, telephones: Sequence[Any], began_ms: Sequence[int], counts: list[list[bool]]) -> list[int]:
        """Of each call the stretch in which its telephone rang before; `counts`: by stretch, or for all of them,
        whether the call is one that later ones are held against. None: a telephone of which nobody can say."""
        last, spans_ms, never = self._last, self._spans_ms, len(self._spans_ms)
        is_one = len(counts) == 1
        found = []
        for at, telephone in enumerate(telephones):
            stretch = never
            if telephone is not None:
                before_ms = last.get(telephone)
                if before_ms is not None:
                    stretch = bisect_right(spans_ms, began_ms[at] - before_ms)
                if counts[0 if is_one else stretch][at]:
                    last[telephone] = began_ms[at]
            found.append(stretch)
        if len(last) > self._most:
            since_ms = began_ms[-1] - spans_ms[-1]
            self._last = {telephone: at_ms for telephone, at_ms in last.items() if at_ms >= since_ms}
            self._most = max(_FEW_TELEPHONES, 2 * len(self._last))
        return found


def _columns(calls: _Calls) -> tuple[Array, Array, Array]:
    return calls.qualified, calls.payout, calls.revenue


def _taken(by_stretch: list[_Calls], which: Array) -> _Calls:
    """Of each call what it comes to in its own stretch."""
    calls = np.arange(len(which))
    stacked = (np.stack(columns)[which, calls] for columns in zip(*map(_columns, by_stretch), strict=True))
    return _Calls(*stacked)
