"""Whom an ad platform may be told of: the visitor who consented, or the caller alone. Pure.

Platforms know people by hashes (SHA-256, in hex) of what they told them: each has its own way to write a phone number
or a place before it is hashed, so that is its own file's affair.
"""

import re
from hashlib import sha256
from typing import Annotated

import msgspec

from dni.outbound.conversion import Told, Valued, Visit, caller_of, visit_of
from dni.outbound.model import Skip


class Personal(Valued, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a platform that knows people by their phone numbers, beside those of every platform.

    callers_consented  callers of static numbers, of whom no visit is known, agreed to it: the hashed phone number alone
                       is sent of them
    """

    callers_consented: Annotated[
        bool,
        msgspec.Meta(
            title="Callers of static numbers consented",
            description="Without it nothing is sent of a call that no visit led to; with it the hashed phone number",
        ),
    ] = False


class Person(msgspec.Struct, frozen=True):
    """`visit` null: only the caller may be told of. `caller`: E.164; null where it was withheld."""

    visit: Visit | None
    caller: str | None


def person_of(settings: Personal, told: Told) -> Person | Skip:
    caller = caller_of(told)
    if told.visit is not None or told.call.attribution.method != "static":
        visit = visit_of(settings, told)
        return visit if isinstance(visit, Skip) else Person(visit, None if isinstance(caller, Skip) else caller)
    if not settings.callers_consented:
        return Skip(
            "a static number was called, so no visit's consent is known: "
            "set that callers of static numbers consented, if they did"
        )
    return caller if isinstance(caller, Skip) else Person(None, caller)


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


# Longer ones may have lost their end on the way here, and half an id is somebody else's or nobody's.
_CLICK_ID = re.compile(r"[!-~]{8,255}")


def click_id(told: str | None) -> str | None:
    """As the landing page told it, to the letter; None where it cannot be real."""
    return told if told is not None and _CLICK_ID.fullmatch(told) else None
