"""The audit log in words: who did what to what, and which fields changed. Pure."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dni.access.acts import Told
from dni.access.audit import AuditView
from dni.clock import from_rfc3339
from dni.dashboard import words

_VERBS = {
    "create": "created",
    "change": "changed",
    "delete": "deleted",
    "put": "changed",
    "save": "saved",
    "drop": "dropped",
    "publish": "published",
    "pin": "pinned",
    "reset": "made a new link for",
    "rotate": "made a new secret for",
    "send": "sent again",
    "test": "tested",
    "erase": "erased",
    "tell": "told",
    "close": "closed",
    "open": "opened",
    "decide": "decided",
    "grant": "granted",
    "deny": "denied",
    "withdraw": "withdrew",
    "adjust": "adjusted",
    "correct": "corrected",
}
_WHOLE = {
    "signed_in": "signed in",
    "sign_in_failed": "wrong password at a sign-in",
    "change_password": "chose a password",
    "end_sign_in": "ended a sign-in",
    "end_all_sign_ins": "signed out everywhere",
    "roll_back_tag": "brought back former settings of tag",
    "tell_outcome": "told the outcome of call",
    "tell_outcome_of": "told the outcome of a call",
    "bring_conversions": "brought in what became of calls",
    "erase_person": "erased a person",
    "send_webhook": "sent again what was told to webhook",
    "send_integration": "sent again what was told to integration",
    "reattribute": "attributed stored calls anew",
}

# What the id of a thing begins with: its page, and what people call it.
PAGES = {
    "acc": ("/settings/accounts", "account"),
    "call": ("/calls", "call"),
    "car": ("/settings/carriers", "carrier"),
    "cmp": ("/campaigns", "campaign"),
    "dlv": ("/deliveries", "delivery"),
    "end": ("/integrations", "integration"),
    "num": ("/numbers", "number"),
    "pool": ("/pools", "pool"),
    "pub": ("/publishers", "publisher"),
    "tag": ("/tags", "tag"),
}
_LONGEST = 200


class Change(msgspec.Struct, frozen=True):
    field: str
    before: str
    after: str


class Line(msgspec.Struct, frozen=True):
    """`name`: of what it was done to, where it has one; `href`: its page, where it has one."""

    id: str
    at: str
    when: str
    by: str
    by_name: str
    role: str
    did: str
    object: str | None
    name: str
    href: str | None
    changes: tuple[Change, ...]


def line(one: AuditView, zone: ZoneInfo, now_ms: int, names: Mapping[str, str] | None = None) -> Line:
    """`names`: of things, by id. What is deleted has the name that it had."""
    told = next((each for each in one.changes if each.field == "name"), None)
    name = (names or {}).get(one.object or "") or (str(told.after or told.before or "") if told else "")
    about = None if one.object == one.by else one.object
    path = PAGES.get((about or "").partition("_")[0])
    is_gone = one.act.startswith("delete_")
    return Line(
        id=one.id,
        at=one.at,
        when=words.moment(from_rfc3339(one.at), zone, now_ms),
        by=one.by,
        by_name=one.by_name,
        role=one.role,
        did=did(one.act),
        object=about,
        name=name if about else "",
        href=f"{path[0]}/{about}" if path and not is_gone else None,
        changes=tuple(_change(each, names or {}) for each in one.changes),
    )


def did(act: str) -> str:
    if act in _WHOLE:
        return _WHOLE[act]
    verb, _, noun = act.partition("_")
    return f"{_VERBS[verb]} {noun.replace('_', ' ')}" if verb in _VERBS else act.replace("_", " ")


def _change(told: Told, names: Mapping[str, str]) -> Change:
    return Change(told.field.replace("_", " "), _text(told.before, names), _text(told.after, names))


def _text(value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, str) and value in names:
        return names[value]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
