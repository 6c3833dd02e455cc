"""Fields of a CRM's record."""

import re

import pytest

from dni.errors import InvalidField
from dni.outbound import mapping
from tests.support.told_call import message

NAME = re.compile(r"[a-z_]+")


def wrong(fields: dict[str, str]) -> tuple[str, str]:
    with pytest.raises(InvalidField) as refused:
        mapping.checked(fields, NAME, "phone")
    return refused.value.errors[0].path, refused.value.errors[0].message


def test_fields_are_checked_one_by_one() -> None:
    mapping.checked({"phone": "{caller}", "note": "a call"}, NAME, "phone")
    path, says = wrong({"phone": "{caller}", "other": "{clik_id}"})
    assert path == "/settings/fields/other"
    assert "did you mean click_id?" in says
    assert wrong({"Phone!": "{caller}"}) == (
        "/settings/fields/Phone!",
        "a field's name in the CRM's API, such as phone",
    )
    assert wrong({"phone": "{secret}"}) == ("/settings/fields/phone", "{secret} is for postbacks")
    assert wrong({})[0] == "/settings/fields"


def test_what_marks_a_record_differs_from_call_to_call() -> None:
    mapping.checked_id("{call_id}", "/settings/id")
    with pytest.raises(InvalidField, match="put a macro in it"):
        mapping.checked_id("the same", "/settings/id")


def test_empty_fields_are_left_out() -> None:
    fields = {
        "phone": "{caller}",
        "sub": "{sub3}",
        "talked": "{talk_seconds}",
        "fits": "{qualified}",
        "paid": "{payout}",
    }
    told = message()
    assert mapping.texts(fields, told) == {"phone": "+13125550142", "talked": "120", "fits": "true", "paid": "12.50"}
    assert list(mapping.values(fields, told)) == ["phone", "talked", "fits", "paid"]
    assert mapping.values({"talked": "{talk_seconds}", "fits": "{qualified}"}, told) == {"talked": 120, "fits": True}
    unqualified = message(talk_seconds=0)
    assert mapping.values({"talked": "{talk_seconds}"}, unqualified) == {"talked": 0}


def test_a_record_that_nothing_marks_is_not_told() -> None:
    withheld = message(caller=None)
    assert mapping.missing({}, "{caller!}", withheld) == "{caller} is empty: the caller withheld the number"
    assert mapping.missing({}, "{caller}", withheld) == "what the record is found by, {caller}, is empty"
    assert mapping.missing({"phone": "{caller!}"}, "{call_id}", withheld) is not None
    assert mapping.missing({"phone": "{caller}"}, "{call_id}", withheld) is None
