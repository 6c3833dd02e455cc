"""The form of a budget: its limits, what becomes of them, and back. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from dni import money
from dni.dashboard.forms import Choice, Field
from dni.errors import InvalidField
from dni.money import Money
from dni.qualification.budget import PERIODS, Limits

LABELS = {
    "concurrent": "At once",
    "hour": "An hour",
    "day": "A day",
    "week": "A week",
    "month": "A month",
    "total": "In all",
}
CAMPAIGN = "campaign"
"""Stands for the campaign itself among whose budget it may be."""

_CALLS = tuple(f"limits/calls/{period}" for period in PERIODS)
_MONEY = tuple(f"limits/money/{period}" for period in PERIODS if period != "concurrent")


def owner(publishers: Mapping[str, str], destinations: Mapping[str, str]) -> Field:
    """Whose it is, in a new one; `publisher:ID`."""
    choices = (
        Choice(CAMPAIGN, "The whole campaign"),
        *(Choice(f"publisher:{one}", name, "A publisher") for one, name in publishers.items()),
        *(Choice(f"destination:{one}", name, "A destination") for one, name in destinations.items()),
    )
    return Field(
        name="owner",
        label="Whose calls",
        kind="select",
        choices=choices,
        help="A call takes of every budget that it belongs to.",
    )


def fields(currency: str, *, is_payout: bool) -> tuple[Field, ...]:
    """`is_payout`: money of a publisher's budget is what it is paid; of others, what the advertiser is billed."""
    what = "what the publisher is paid" if is_payout else "what the advertiser is billed"
    calls = tuple(
        Field(name=name, label=_label(name), kind="number", empty="omit", unit="calls", beside=True) for name in _CALLS
    )
    amounts = tuple(Field(name=name, label=_label(name), empty="omit", unit=currency, beside=True) for name in _MONEY)
    paced = Field(
        name="limits/paced",
        label="Spread the day's limits over the day",
        kind="checkbox",
        help="By noon no more than half is used; but one call may always come.",
    )
    return (*_headed(calls, "Calls, at most"), *_headed(amounts, f"Money, at most: {what}"), paced)


def settings(body: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Of a request: amounts in minor units. Raises InvalidField."""
    given: Mapping[str, Any] = body.get("limits", {})
    amounts = {
        period: _amount(text, currency, f"/limits/money/{period}") for period, text in given.get("money", {}).items()
    }
    limits: dict[str, Any] = {"calls": given.get("calls", {}), "money": amounts}
    if given.get("paced"):
        limits["paced"] = True
    told: dict[str, Any] = {"limits": limits}
    if "owner" in body:
        noun, _, wanted = body["owner"].partition(":")
        if noun in ("publisher", "destination"):
            told[noun] = wanted
    return told


def written(limits: Limits, currency: str) -> dict[str, str]:
    told = {f"limits/calls/{period}": _number(getattr(limits.calls, period)) for period in PERIODS}
    for name in _MONEY:
        amount = getattr(limits.money, name.rpartition("/")[2])
        told[name] = "" if amount is None else str(Money(amount, currency)).partition(" ")[0]
    return {**told, "limits/paced": "on" if limits.paced else ""}


def _headed(fields: tuple[Field, ...], legend: str) -> tuple[Field, ...]:
    return (msgspec.structs.replace(fields[0], legend=legend), *fields[1:])


def _label(name: str) -> str:
    return LABELS[name.rpartition("/")[2]]


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _amount(text: str, currency: str, path: str) -> int:
    found = money.read(text.removesuffix(currency), currency, path).amount
    if found < 0:
        raise InvalidField(path, "at least 0")
    return found
