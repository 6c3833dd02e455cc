"""What of a message whoever receives it may read: as the API shows it to that role, by the rules that it has. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from dni.access.model import Principal, Role
from dni.call import views
from dni.call.views import CallView, OutcomeView
from dni.outbound.model import Message

# Of a call that has no campaign, or no publisher: walls that nobody else is within.
_NOBODY = "-"
_AMOUNTS = ("payout", "revenue", "qualified", "billable")


def principal_of(role: Role, call: Mapping[str, Any]) -> Principal:
    """Who reads this call in the role: its own advertiser, its own publisher."""
    campaign = (call["campaign"] or _NOBODY) if role == "advertiser" else None
    publisher = (call["publisher"] or _NOBODY) if role == "publisher" else None
    return Principal("", "", role, campaign, publisher)


def data_for(role: Role, message: Message) -> dict[str, Any] | None:
    """The message's data as the role reads it. None: there is nothing in it for the role."""
    if "call" not in message.data:
        return None if message.type == "statement.closed" and role == "advertiser" else message.data
    data, call = message.data, msgspec.convert(message.data["call"], CallView)
    reader = principal_of(role, data["call"])
    others = data.get("others", []) if reader.publisher else []
    named = {candidate.session for candidate in call.attribution.candidates}
    made = {
        **data,
        "call": msgspec.to_builtins(views.as_seen(call, reader, named.difference(others))),
        "others": [],
    }
    if (data.get("visit") or {}).get("session") in others:
        made["visit"] = None
    if data.get("change") is not None:
        made["change"] = _CHANGES[message.type](data["change"], reader, others)
        if made["change"] is None:
            return None
    return made


def _attributed(change: dict[str, Any], _reader: Principal, others: Collection[str]) -> dict[str, Any]:
    sessions = {name: None if one in others else one for name, one in change["session"].items()}
    return {**change, "session": sessions}


def _corrected(change: dict[str, Any], reader: Principal, _others: Collection[str]) -> dict[str, Any] | None:
    """None where nothing changed that the reader sees."""
    if not reader.sees_revenue:
        hidden = {"revenue": None, "billable": None}
    elif not reader.sees_payout:
        hidden = {"payout": None, "qualified": change["billable"]}
    else:
        return change
    # The policies that are named are those of both sides.
    made = {**change, **hidden, "reason": None if change["kind"] in ("verdict", "outcome") else change["reason"]}
    if change["kind"] == "reattribution":
        # What it came to before was another's.
        made |= {name: {**made[name], "before": None} for name in _AMOUNTS if made[name] is not None}
    shown = [made[name] for name in _AMOUNTS if made[name] is not None]
    return made if any(one["before"] != one["after"] for one in shown) else None


def _outcome(change: dict[str, Any], reader: Principal, _others: Collection[str]) -> dict[str, Any]:
    told = views.outcome_as_seen(msgspec.convert(change, OutcomeView), reader)
    made: dict[str, Any] = msgspec.to_builtins(told)
    return made


_CHANGES = {"call.attributed": _attributed, "call.corrected": _corrected, "outcome.recorded": _outcome}
