"""Which endpoint is told what, and how: what it asks for, held against what happened. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dni.outbound.model import OF_CALLS, Action, Kind, Only, Type

DIRECTED: tuple[Type, ...] = ("export.due", "test")
"""Of the one endpoint that the message names."""
_CHANGES: tuple[Type, ...] = ("call.corrected", "outcome.recorded")


class Asks(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint asks for. `campaign`, `publisher` null: of all."""

    id: str
    kind: Kind
    campaign: str | None = None
    publisher: str | None = None
    types: frozenset[Type] = frozenset()
    only: Only = Only()


class Standing(msgspec.Struct, frozen=True):
    """Whether a call counts; one that is not judged does not."""

    qualified: bool = False
    billable: bool = False


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What endpoints choose a message by. Of a call's: `standing` as it is, `former` as it was before what the message
    tells, where that is known."""

    campaign: str | None = None
    publisher: str | None = None
    directed: str | None = None
    standing: Standing = Standing()
    former: Standing | None = None
    answered: bool = False
    talk_seconds: int = 0
    confidence: float | None = None


class Near:
    """Endpoints by whose messages they ask for: of many, few are asked about each."""

    def __init__(self, asking: Iterable[Asks]) -> None:
        self._by_owner: dict[tuple[str | None, str | None], list[Asks]] = {}
        for asks in asking:
            self._by_owner.setdefault((asks.campaign, asks.publisher), []).append(asks)

    def to(self, seen: Seen) -> list[Asks]:
        owners = {(campaign, publisher) for campaign in (None, seen.campaign) for publisher in (None, seen.publisher)}
        return [asks for owner in owners for asks in self._by_owner.get(owner, ())]


def action(asks: Asks, what: Type, seen: Seen, *, converted: bool) -> Action | None:
    """How the endpoint is told, None: it is not. `converted`: the call was told it as a conversion before; what is
    changed of that is told whatever calls it asks for, else it would never hear that a call does not count any more.
    """
    if what in DIRECTED:
        return "tell" if asks.id == seen.directed else None
    if what not in asks.types or asks.campaign not in (None, seen.campaign):
        return None
    if asks.publisher not in (None, seen.publisher):
        return None
    if what not in OF_CALLS:
        return "tell"
    if not asks.kind.converts:
        # Who was told of a call that counts is told that it does not.
        stands = _holds(asks.only, seen, seen.standing)
        return "tell" if stands or (seen.former and _holds(asks.only, seen, seen.former)) else None
    if converted:
        return "adjust" if asks.kind.adjusts and what in _CHANGES else None
    return "convert" if _holds(asks.only, seen, seen.standing) else None


def former(change: Mapping[str, Any]) -> Standing:
    """Of a call, as a correction of it tells."""
    return Standing(bool(change["qualified"]["before"]), bool(change["billable"]["before"]))


def _holds(only: Only, seen: Seen, standing: Standing) -> bool:
    return (
        only.qualified in (None, standing.qualified)
        and only.billable in (None, standing.billable)
        and only.answered in (None, seen.answered)
        and seen.talk_seconds >= only.min_talk_seconds
        and (seen.confidence or 0.0) >= only.min_confidence
    )
