"""Click ids that an ad platform may be told: which of a touch's ids can be real, and how old a click may be. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=str)

DAY_MS = 86_400_000
CLICK_DAYS = 90
"""Google and Microsoft refuse conversions of older clicks."""

# Base64url. What is shorter was typed by who tried it out (`TeSter-123`); with - in front it would be a formula.
_CLICK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{19,511}")


def real(text: object) -> bool:
    return isinstance(text, str) and _CLICK_ID.fullmatch(text) is not None


def first_real(click_ids: Mapping[str, str] | None, names: Sequence[Name]) -> tuple[Name, str] | None:
    """Of these names the first that has an id which can be real."""
    for name in names:
        found = (click_ids or {}).get(name)
        if found is not None and real(found):
            return name, found
    return None
