"""The form of a destination: its fields, what becomes of them, and how a list sums it up. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from dni.dashboard import words, zones
from dni.dashboard.forms import Field
from dni.dashboard.words import Badge
from dni.routing.destinations import DestinationView
from dni.routing.model import Caps
from dni.routing.search import Busy

HOURS_HELP = (
    "Such as Mo-Fr 09:00-12:30,13:30-17:00; Sa 10:00-14:00; PH off. Days are Mo Tu We Th Fr Sa Su, and PH for "
    "holidays; 22:00-06:00 is a night; 24/7 is always. A later rule replaces what an earlier one says of the same day."
)
_CAPS = (
    ("concurrent", "At once", "under way together"),
    ("minute", "A minute", ""),
    ("hour", "An hour", ""),
    ("day", "A day", ""),
    ("month", "A month", ""),
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    number: str
    state: Badge
    why: str
    load: str
    hours: str
    caps: str


def fields(campaigns_zone: str, present: str = "") -> tuple[Field, ...]:
    return (
        Field(name="name", label="Name", help="Who answers there: a buyer, a shop, a team.", placeholder="Anna"),
        Field(
            name="number",
            label="Phone number",
            kind="phone",
            help="It cannot be one of your tracking numbers.",
            placeholder="+1 415 555 0100",
        ),
        Field(
            name="hours",
            label="Opening hours",
            empty="null",
            help=f"{HOURS_HELP} Empty: always open.",
            placeholder="Mo-Fr 09:00-17:00",
        ),
        Field(
            name="timezone",
            label="Time zone",
            kind="select",
            empty="null",
            choices=zones.choices(present),
            placeholder=f"The campaign's ({campaigns_zone.replace('_', ' ')})",
            help="Of its hours and of the days and months that are counted.",
        ),
        Field(
            name="paused",
            label="Paused",
            kind="checkbox",
            help="It gets no calls until you take this away.",
        ),
        *(
            Field(
                name=f"caps/{name}",
                label=label,
                kind="number",
                empty="omit",
                unit=f"calls {about}".strip(),
                legend="The most calls it takes" if name == "concurrent" else "",
            )
            for name, label, about in _CAPS
        ),
    )


def settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request's fields: caps are told as a whole, also when there are none."""
    return {**body, "caps": body.get("caps", {})}


def row(one: DestinationView, busy: Busy | None) -> Row:
    """`busy` None: nobody can count now."""
    holds, _, why = busy.holds.partition(": ") if busy else ("", "", "")
    return Row(
        id=one.id,
        name=one.name,
        number=words.number(one.number),
        state=_state(one, busy),
        why=why if holds == "is full" else "",
        load=f"{busy.under_way:,} on the phone, {busy.today:,} today" if busy else "",
        hours=_hours(one),
        caps=caps(one.caps),
    )


def caps(most: Caps) -> str:
    """`2 at once, 30 a day`; empty: none."""
    told = ((getattr(most, name), label.lower()) for name, label, _ in _CAPS)
    return ", ".join(f"{many:,} {each}" for many, each in told if many is not None)


def _hours(one: DestinationView) -> str:
    if one.hours is None:
        return "always"
    return f"{one.hours}, {one.timezone.replace('_', ' ')}" if one.timezone else one.hours


def _state(one: DestinationView, busy: Busy | None) -> Badge:
    if one.paused:
        return Badge("Paused", "calm")
    if busy is None:
        return Badge("Not known", "warn")
    if not busy.holds:
        return Badge("Takes calls", "good")
    return Badge("Closed", "calm") if busy.holds.startswith("is closed") else Badge("Full", "warn")
