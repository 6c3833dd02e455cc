"""Which call of a list is which of ours, when no id says it: number, caller and time. Never guesses. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import merge

import msgspec


class Event(msgspec.Struct, frozen=True):
    """A call of either side. `key` names it there: the line of the list, or our call's id."""

    number: str
    at_ms: int
    key: int | str
    caller: str | None


class Pair(msgspec.Struct, frozen=True):
    """Both name each other and nobody else."""

    line: int
    call: str


class Ambiguous(msgspec.Struct, frozen=True):
    """A row that may be several calls, or a call that may be several rows. `calls`: those that it may be."""

    line: int
    calls: tuple[str, ...]


class Alone(msgspec.Struct, frozen=True):
    """Nothing of the other side could be it."""

    key: int | str


class _Open:
    """One that may still find others. Callers that are the same go before one that is not known."""

    __slots__ = ("event", "exact", "is_ours", "loose")

    def __init__(self, event: Event, *, is_ours: bool) -> None:
        self.event, self.is_ours = event, is_ours
        self.exact: list[_Open] = []
        self.loose: list[_Open] = []

    def others(self) -> list["_Open"]:
        return self.exact or [one for one in self.loose if not one.exact]


def match(theirs: Iterable[Event], ours: Iterable[Event], window_ms: int) -> Iterator[Pair | Ambiguous | Alone]:
    """Both by number, then time. What each of theirs is, and which of ours are alone. A row and a call may be the same
    when they are of one number, at most `window_ms` apart, and of one caller, or one of these is not known."""
    waiting: deque[_Open] = deque()
    both = merge(
        (_Open(event, is_ours=False) for event in theirs),
        (_Open(event, is_ours=True) for event in ours),
        key=lambda one: (one.event.number, one.event.at_ms),
    )
    for new in both:
        # What is three windows old finds nobody any more, nor do those whom it found, nor whom they found.
        while waiting and not _near(waiting[0], new, 3 * window_ms):
            yield from _said(waiting.popleft())
        for one in reversed(waiting):
            if not _near(one, new, window_ms):
                break
            if one.is_ours != new.is_ours:
                _introduce(one, new)
        waiting.append(new)
    for one in waiting:
        yield from _said(one)


def _near(old: _Open, new: _Open, within_ms: int) -> bool:
    return old.event.number == new.event.number and new.event.at_ms - old.event.at_ms <= within_ms


def _introduce(one: _Open, other: _Open) -> None:
    callers = one.event.caller, other.event.caller
    if None in callers:
        one.loose.append(other)
        other.loose.append(one)
    elif callers[0] == callers[1]:
        one.exact.append(other)
        other.exact.append(one)


def _said(one: _Open) -> Iterator[Pair | Ambiguous | Alone]:
    others = one.others()
    if not others:
        yield Alone(one.event.key)
    elif not one.is_ours:
        line = int(one.event.key)
        calls = tuple(str(other.event.key) for other in others)
        alone = len(others) == 1 and others[0].others() == [one]
        yield Pair(line, calls[0]) if alone else Ambiguous(line, calls)
