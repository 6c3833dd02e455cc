"""The form that tells what became of a call. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from dni import money
from dni.call.views import CallOutcome
from dni.dashboard.forms import Choice, Field

_SALES = {"yes": True, "no": False}
_NOTHING = CallOutcome(sale=None, value=None, lead_status=None, note=None)


def fields(currency: str) -> tuple[Field, ...]:
    return (
        Field(
            name="sale",
            label="Was something sold?",
            kind="select",
            choices=(Choice("yes", "Yes"), Choice("no", "No")),
            empty="null",
            placeholder="Not said",
        ),
        Field(name="value", label="What it is worth", empty="null", unit=currency, placeholder="125.00"),
        Field(
            name="lead_status",
            label="The lead's status",
            empty="null",
            help="In your own words, such as appointment, won, wrong number.",
        ),
        Field(name="note", label="Note", empty="null", help="Publishers do not read it."),
    )


def written(before: CallOutcome | None) -> dict[str, str]:
    said = before or _NOTHING
    return {
        "sale": "" if said.sale is None else "yes" if said.sale else "no",
        "value": str(said.value).partition(" ")[0] if said.value else "",
        "lead_status": said.lead_status or "",
        "note": said.note or "",
    }


def settings(body: Mapping[str, Any], before: CallOutcome | None, currency: str) -> dict[str, Any]:
    """The request's fields: what is empty, and was told before, is taken back. Raises InvalidField."""
    text = body["value"]
    told = {
        "sale": _SALES.get(body["sale"] or ""),
        "value": money.read(text, currency, "/value") if text else None,
        "lead_status": body["lead_status"],
        "note": body["note"],
    }
    said = before or _NOTHING
    return {
        name: msgspec.to_builtins(value)
        for name, value in told.items()
        if value is not None or getattr(said, name) is not None
    }
