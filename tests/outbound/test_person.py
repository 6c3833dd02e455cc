"""Whom a platform may be told of."""

from typing import Any

import pytest

from dni.outbound.conversion import Told, read
from dni.outbound.model import Skip
from dni.outbound.person import Person, Personal, click_id, hashed, person_of
from tests.support.telling import CALL, VISIT, outgoing

STATIC: dict[str, Any] = {"attribution": {"session": None, "visitor": None, "method": "static", "confidence": None}}
ASKED = Personal(callers_consented=True)


def told(visit: dict[str, Any] | None = VISIT, **call: Any) -> Told:
    found = read(outgoing(visit=visit, **call))
    assert isinstance(found, Told)
    return found


def test_a_visitor_who_consented_is_told_of_with_his_number() -> None:
    found = person_of(Personal(), told())
    assert isinstance(found, Person)
    assert found.visit is not None
    assert (found.visit.visitor, found.caller) == ("vis_1", CALL["caller"])


def test_of_who_called_a_static_number_only_the_number_is_told_and_only_if_he_consented() -> None:
    assert person_of(ASKED, told(None, **STATIC)) == Person(None, CALL["caller"])


@pytest.mark.parametrize(
    ("settings", "visit", "call", "why"),
    [
        (Personal(), None, STATIC, "a static number was called, so no visit's consent is known"),
        (ASKED, None, STATIC | {"caller": None}, "the caller withheld the number"),
        (ASKED, None, STATIC | {"caller": "anonymous"}, "the caller is no phone number"),
        (ASKED, None, {}, "the call is credited to no visit"),
        (ASKED, VISIT | {"consent": "denied"}, {}, "the visitor said no"),
        (ASKED, VISIT | {"consent": "denied"}, STATIC, "the visitor said no"),
        (ASKED, VISIT | {"consent": "unknown"}, {}, "the page told no consent of the visitor"),
        (Personal(min_confidence=0.99), VISIT, {}, "the visit made this call with a probability of 97%"),
    ],
)
def test_else_nobody_is(settings: Personal, visit: dict[str, Any] | None, call: dict[str, Any], why: str) -> None:
    found = person_of(settings, told(visit, **call))
    assert isinstance(found, Skip)
    assert found.why.startswith(why)


def test_a_hash_is_sha_256_in_hex() -> None:
    # FIPS 180-4's example.
    assert hashed("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("told", "real"),
    [
        (None, False),
        ("", False),
        ("short", False),
        ("IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk", True),
        ("x" * 255, True),
        ("x" * 256, False),  # as much as is kept of one: it may have been longer
        ("with a blank", False),
        ("not\nprintable", False),
        ("grüße-aus-köln", False),
    ],
)
def test_a_click_id_is_as_it_was_told_or_none(told: str | None, real: bool) -> None:
    assert click_id(told) == (told if real else None)
