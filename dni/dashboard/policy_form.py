"""The form of one policy of terms: its fields, the policy that comes of them, and back. Pure.

A condition is lines that must all hold, while it can be shown so, else text.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from dni import money
from dni.dashboard import condition_rows
from dni.dashboard.forms import Choice, Field
from dni.errors import InvalidField
from dni.money import Money
from dni.qualification.model import Policy

Mode = Literal["rows", "text"]

_PERCENT = "%"
_WIDEST = 100
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s?%?")


class Marked(msgspec.Struct, frozen=True):
    """The line of a text in which an error stands, and a mark under the place. `told`: the same in words."""

    line: str
    under: str
    told: str


def fields(mode: Mode, count: int, currency: str) -> tuple[Field, ...]:
    """`count`: of lines."""
    head = (
        Field(name="name", label="Name", help="Calls and statements call it so.", placeholder="Base"),
        Field(name="pays", label="Pays", placeholder="12.50"),
        Field(
            name="unit",
            label="Of",
            kind="select",
            choices=(Choice(currency, f"{currency} a call"), Choice(_PERCENT, "% of the sale's value")),
        ),
    )
    if mode == "rows":
        return (*head, *(field for n in range(count) for field in condition_rows.fields(n)))
    return (
        *head,
        Field(
            name="when",
            label="Condition",
            kind="prose",
            rows=4,
            empty="omit",
            placeholder="talk >= 90s and region in (CA, NV) and not repeat(30d)",
            help="Empty: always, when the call was answered and is no repeat.",
        ),
    )


def blank(name: str, currency: str) -> dict[str, str]:
    return {"name": name, "unit": currency}


def written(policy: Policy, currency: str) -> dict[str, str]:
    """Without its condition."""
    if policy.percent is not None:
        return {"name": policy.name, "pays": f"{policy.percent:.6g}", "unit": _PERCENT}
    amount = str(Money(policy.amount or 0, currency)).partition(" ")[0]
    return {"name": policy.name, "pays": amount, "unit": currency}


def policy(body: Mapping[str, Any], when: str, currency: str) -> Policy:
    """`body`: what the form's fields say. Raises InvalidField."""
    told: dict[str, Any] = {"name": body["name"], "when": when}
    text = body["pays"]
    if body["unit"] == _PERCENT:
        found = _SHARE.fullmatch(text)
        if found is None or not 0 < float(found[1]) <= 100:
            raise InvalidField("/pays", "a percentage above 0, at most 100, such as 10")
        told["percent"] = float(found[1])
    else:
        amount = money.read(text.removesuffix(currency), currency, "/pays").amount
        if amount < 0:
            raise InvalidField("/pays", "at least 0")
        told["amount"] = amount
    try:
        return msgspec.convert(told, Policy)
    except msgspec.ValidationError:
        raise InvalidField("/name", "1 to 100 characters") from None


def marked(text: str, at: int, until: int) -> Marked:
    """`at`, `until`: the characters that are wrong, from 0; behind the last one something is missing."""
    at = min(max(at, 0), len(text))
    begin = text.rfind("\n", 0, at) + 1
    line = text[begin:].partition("\n")[0]
    # What is wider than a screen is cut at both sides of the place.
    first = max(0, at - begin - 40)
    column = at - begin - first
    shown = line[first : first + _WIDEST]
    length = max(1, min(until - at, len(shown) - column))
    wrong = shown[column : column + length]
    return Marked(
        shown, f"{' ' * column}{'^' * length}", f"wrong here: {wrong}" if wrong else "something is missing at the end"
    )
