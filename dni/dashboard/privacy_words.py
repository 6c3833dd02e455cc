"""How the page of privacy says what is held, what went and what stays. Pure."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec

from dni.clock import from_rfc3339
from dni.dashboard import words
from dni.privacy.export import ExportView
from dni.privacy.model import KINDS, LEAST_DAYS, MOST_DAYS, RetentionDays
from dni.privacy.retentions import Run

# By kind of data or table, one and several.
_ROWS = {
    "sessions": ("visit", "visits"),
    "leases": ("number that a visit was shown", "numbers that visits were shown"),
    "touches": ("copy of a visit, kept with a call", "copies of visits, kept with calls"),
    "calls": ("call, which stays as nobody's", "calls, which stay as nobody's"),
    "events": ("message of the carrier", "messages of the carrier"),
    "former_attributions": ("former answer", "former answers"),
    "holders": ("number that knew its visitor", "numbers that knew their visitors"),
    "spooled": ("message that waited on disk", "messages that waited on disk"),
    "details": ("visit or call without its details", "visits and calls without their details"),
    "recordings": ("address of a recording", "addresses of recordings"),
    "callers": ("caller", "callers"),
    "attributions": ("former answer", "former answers"),
    "refusals": ("refused request", "refused requests"),
    "messages": ("message to other systems", "messages to other systems"),
}

WAYS = {
    "caller": ("A caller's number", "+1 415 555 0142"),
    "visitor": ("A visitor's id", "as a session or a call names it"),
    "session": ("The id of one of the visitor's visits", "the session that a call names"),
}


class Field(msgspec.Struct, frozen=True):
    """One kind of data in the form. `wrong`: what is not right about `value`; '' when it is."""

    name: str
    label: str
    says: str
    default: int
    value: str
    wrong: str


class Visit(msgspec.Struct, frozen=True):
    """One visit or call of a person, for his page."""

    when: str
    what: str
    more: str


def fields(days: RetentionDays, sent: Mapping[str, str] | None = None) -> list[Field]:
    """`sent`: a form that came in, instead of what holds."""
    found = []
    for kind in KINDS:
        now = getattr(days, kind.name)
        value = ("" if now is None else str(now)) if sent is None else sent.get(kind.name, "").strip()
        wrong = "" if sent is None else _wrong(value)
        found.append(Field(kind.name, kind.label, kind.says, kind.days, value[:20], wrong))
    return found


def change(sent: list[Field]) -> dict[str, int | None]:
    """Of a form in which nothing is wrong."""
    return {field.name: int(field.value) if field.value else None for field in sent}


def counted(removed: Mapping[str, int]) -> list[str]:
    """`3 visits`, each kind."""
    return [f"{count:,} {_ROWS.get(name, (name, name))[count != 1]}" for name, count in removed.items() if count]


def run(last: Run, zone: ZoneInfo, now_ms: int) -> str:
    """One sentence."""
    began = words.moment(from_rfc3339(last.started_at), zone, now_ms)
    what = counted(last.removed)
    if last.ended_at is None:
        return f"It runs since {began}; until now {'; '.join(what) or 'nothing was old enough'}."
    return f"Last run {began}: {'gone are ' + '; '.join(what) if what else 'nothing was old enough'}."


def visits(held: ExportView, zone: ZoneInfo, now_ms: int) -> list[Visit]:
    """The newest first."""
    return [
        Visit(_when(row["started_at"], zone, now_ms), _came(row), row["landing_page"] or "")
        for row in reversed(held.sessions)
    ]


def calls(held: ExportView, zone: ZoneInfo, now_ms: int) -> list[Visit]:
    """The newest first."""
    found = []
    for row in reversed(held.calls):
        spoken = f", {words.duration(row['talk_s'])} spoken" if row["talk_s"] else ""
        sure = "" if row["confidence"] is None else f", credited with {words.share(row['confidence'])}"
        what = f"{words.status(row['status']).label}{spoken}"
        more = f"to {words.number(row['tracking_number'])}{sure}"
        found.append(Visit(_when(row["started_at"], zone, now_ms), what, more))
    return found


def _wrong(value: str) -> str:
    if not value:
        return ""
    if value.isascii() and value.isdecimal() and len(value) <= 5 and LEAST_DAYS <= int(value) <= MOST_DAYS:
        return ""
    return f"A whole number of days from {LEAST_DAYS} to {MOST_DAYS:,}, or nothing to keep it for good."


def _when(at: str, zone: ZoneInfo, now_ms: int) -> str:
    return words.moment(from_rfc3339(at), zone, now_ms)


def _came(row: Mapping[str, str | None]) -> str:
    return " / ".join(part for part in (row["source"], row["medium"]) if part) or "source not known"
