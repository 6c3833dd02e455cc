"""The terms that a file declares for a campaign and for its publishers: `dni apply` makes them those of now on."""

from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access.model import Principal
from dni.campaign import declare
from dni.errors import FieldError, InvalidField
from dni.qualification import terms
from dni.qualification.model import Terms
from dni.web.body import invalid

NAMES = ("terms", "overrides")
"""Of an entry's fields."""


class Declared(msgspec.Struct, frozen=True):
    """Terms as a file has them. `publisher`: the name of whose they are; None: the campaign's own. `path`: where."""

    publisher: str | None
    terms: Terms
    path: str


def declared(entry: dict[str, Any]) -> list[Declared]:
    """Raises InvalidField with the place within the entry."""
    found = []
    if "terms" in entry:
        found.append(Declared(None, _terms(entry["terms"], "/terms"), "/terms"))
    overrides = entry.get("overrides", [])
    if not isinstance(overrides, list) or not all(isinstance(one, dict) for one in overrides):
        raise InvalidField("/overrides", "write each one under [[campaigns.overrides]]")
    for n, one in enumerate(overrides):
        path = f"/overrides/{n}"
        if not isinstance(one.get("publisher"), str):
            raise InvalidField(f"{path}/publisher", "is missing, and names whose terms these are")
        rest = {name: value for name, value in one.items() if name != "publisher"}
        found.append(Declared(one["publisher"], _terms(rest, path), path))
    return found


async def changed(
    connection: AsyncConnection, by: Principal, now_ms: int, campaign: str, publisher: str | None, told: Terms
) -> tuple[Terms | None, bool]:
    """What applied until now, and whether that changes by it. `campaign`, `publisher`: ids."""
    before = await terms.settings_of(connection, campaign, publisher, now_ms)
    made = await declare.terms(connection, by, now_ms, campaign, publisher, None, told)
    return before, made is not None


def details(told: Terms) -> tuple[str, ...]:
    """What of it a reader looks for first: the policies of each side."""
    sides = (("payout", told.payout), ("revenue", told.revenue))
    return tuple(f"{name}: {', '.join(one.name for one in side.policies) or 'nothing'}" for name, side in sides)


def _terms(told: Any, path: str) -> Terms:
    try:
        return msgspec.convert(told, Terms)
    except msgspec.ValidationError as error:
        wrong = invalid(error)
    except InvalidField as error:
        wrong = error
    inner = [FieldError(f"{path}{one.path}", one.message) for one in wrong.errors]
    raise InvalidField(inner[0].path, inner[0].message, *inner[1:], code=wrong.code)
