"""The forms of money: a correction, a dispute and its decision, the close of a period. Pure."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from dni import money
from dni.dashboard.fields import named
from dni.dashboard.forms import Choice, Field
from dni.errors import FieldError, InvalidField
from dni.money import Money

REASON = Field(
    name="reason",
    label="Reason",
    kind="prose",
    rows=4,
    help="Those whose money it is read it.",
)
CLOSE = ("publisher", "currency", "month", "from", "last", "timezone")
"""Fields of the form that closes a period."""


def correction(currency: str, by_terms: Mapping[str, Money | None]) -> tuple[Field, ...]:
    """`by_terms`: what the terms alone say of each side, None where nothing is known of that."""
    labels = {"payout": "Payout, to the publisher", "revenue": "Revenue, from the advertiser"}
    return (
        *(
            Field(
                name=side,
                label=label,
                unit=currency,
                empty="null",
                help=f"Empty: as the terms say{f', {told}' if (told := by_terms.get(side)) else ''}.",
            )
            for side, label in labels.items()
        ),
        REASON,
    )


def correct(body: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Of a request. Raises InvalidField."""
    told: dict[str, Any] = {"reason": body["reason"]}
    for side in ("payout", "revenue"):
        told[side] = _amount(body[side], currency, f"/{side}") if body[side] is not None else None
    return told


def dispute(sides: Mapping[str, str]) -> tuple[Field, ...]:
    """`sides`: those that the reader may dispute, with what people call them; of one there is nothing to choose."""
    choices = tuple(Choice(name, label) for name, label in sides.items())
    about = (Field(name="side", label="About", kind="select", choices=choices),) if len(sides) > 1 else ()
    return (*about, msgspec.structs.replace(REASON, help="Why it should be something else. Who decides reads it."))


def decision(currency: str) -> tuple[Field, ...]:
    return (
        Field(
            name="state",
            label="Decision",
            kind="select",
            choices=(Choice("granted", "Grant it"), Choice("denied", "Deny it")),
        ),
        Field(
            name="amount",
            label="Amount",
            unit=currency,
            empty="null",
            help="What it comes to from now on, if you grant it.",
        ),
        Field(name="note", label="Note", kind="prose", rows=3, help="Who opened the dispute reads it."),
    )


def decide(body: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Of a request. Raises InvalidField."""
    told: dict[str, Any] = {"state": body["state"], "note": body["note"]}
    if body["amount"] is not None:
        told["amount"] = _amount(body["amount"], currency, "/amount")
    return told


def close(publishers: Mapping[str, str], currencies: tuple[str, ...]) -> tuple[Field, ...]:
    """Each field may be given by the address too, so that what is seen beforehand is what is closed."""
    return (
        Field(name="publisher", label="Publisher", kind="select", choices=named(publishers)),
        Field(
            name="month",
            label="Month",
            empty="omit",
            placeholder="2026-11",
            help="Or leave it empty, and give the days below.",
        ),
        Field(
            name="from",
            label="First day",
            empty="omit",
            placeholder="2026-11-01",
            help="Empty: where the last statement ended, else the first call.",
        ),
        Field(name="last", label="Last day", empty="omit", placeholder="2026-11-15"),
        *(
            (
                Field(
                    name="currency",
                    label="Currency",
                    kind="select",
                    choices=tuple(Choice(one, one) for one in currencies),
                    empty="omit",
                    placeholder="The only one",
                ),
            )
            if len(currencies) > 1
            else ()
        ),
        Field(
            name="timezone",
            label="Time zone",
            empty="omit",
            placeholder="America/New_York",
            help="Where the days begin. Empty: that of the last statement, else the campaigns'.",
            more=True,
        ),
    )


def period(body: Mapping[str, Any]) -> dict[str, Any]:
    """Of a request: its end is the day behind the last one. Raises InvalidField."""
    told = {name: value for name, value in body.items() if name != "last"}
    if last := body.get("last"):
        try:
            told["to"] = (date.fromisoformat(last) + timedelta(days=1)).isoformat()
        except (ValueError, OverflowError):
            raise InvalidField("/last", "a day, such as 2026-11-15") from None
    return told


def of_fields(error: InvalidField) -> InvalidField:
    """A refusal of the period as one of the form."""
    told = [FieldError("/last" if each.path == "/to" else each.path, each.message) for each in error.errors]
    return InvalidField(told[0].path, told[0].message, *told[1:], code=error.code)


def address(typed: Mapping[str, str]) -> str:
    asked = {name: typed[name] for name in CLOSE if typed.get(name)}
    return "/payouts/close" + (f"?{urlencode(asked)}" if asked else "")


def _amount(text: str, currency: str, path: str) -> dict[str, Any]:
    found = money.read(text.removesuffix(currency), currency, path)
    if found.amount < 0:
        raise InvalidField(path, "at least 0")
    return {"amount": found.amount, "currency": found.currency}
