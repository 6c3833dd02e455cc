"""Phone numbers in and out, with phonenumbers as the judge of our shortcuts."""

from contextlib import suppress

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni import phone
from dni.errors import InvalidField


@pytest.mark.parametrize(
    "written",
    ["+14155550100", "415-555-0100", "(415) 555-0100", "1.415.555.0100", "+1 415 555 0100", "tel:+1-415-555-0100"],
)
def test_every_usual_way_to_write_a_number_is_read(written: str) -> None:
    assert phone.e164(written) == "+14155550100"


@pytest.mark.parametrize(
    "written",
    ["", "555", "+999123", "call us", "+1415555\x000100", "4" * 1000, "+1 415 555 0100 x12", "+49" + "5" * 14],
)
def test_what_is_no_number_is_refused_by_name_and_with_an_example(written: str) -> None:
    with pytest.raises(InvalidField) as refused:
        phone.e164(written, "/destination")
    assert refused.value.errors[0].path == "/destination"
    assert "+14155550100" in refused.value.detail
    assert refused.value.code == "invalid_number"


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    with suppress(InvalidField):
        assert phone.e164(text).startswith("+")
    phone.caller(text)


def test_national_form_is_the_librarys_for_every_area_code() -> None:
    for area in range(200, 1000):
        number = f"+1{area}5550100"
        wanted = phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.NATIONAL)
        assert phone.national(number) == wanted
    assert phone.national("+442079460100") == "020 7946 0100"


@pytest.mark.parametrize("told", [None, "", "anonymous", "Restricted", "+266696687", "unknown", "sip:bob", "12345"])
def test_withheld_callers_are_none(told: str | None) -> None:
    assert phone.caller(told) is None


def test_a_masked_number_hides_the_line() -> None:
    assert phone.masked("+14155550100") == "+1415555••••"
