"""Forms as data: what is written becomes a body, what the body's refusal says becomes words beside the fields."""

from typing import Any

import msgspec
import pytest

from dni.dashboard import forms, zones
from dni.dashboard.forms import Choice, Field, Kind, Sheet
from dni.errors import Conflict, FieldError, InvalidField


def sheet(*fields: Field) -> Sheet:
    return Sheet(
        operation="create_pool", here="", title="T", button="B", action="/a", back=("/", "Home"), fields=fields
    )


def field(kind: Kind = "text", name: str = "x", **about: Any) -> Field:
    return Field(name=name, label="X", kind=kind, **about)


@pytest.mark.parametrize(
    ("one", "sent", "body"),
    [
        (field(), "  a b ", {"x": "a b"}),
        (field(empty="null"), " ", {"x": None}),
        (field(empty="omit"), "", {}),
        (field("number"), " 120 ", {"x": 120}),
        (field("number"), "-1", {"x": -1}),
        (field("number"), "1.5", {"x": "1.5"}),
        (field("number"), "9" * 5000, {"x": "9" * 5000}),
        (field("number"), "١٢", {"x": "١٢"}),
        (field("checkbox"), "on", {"x": True}),
        (field("checkbox"), "", {"x": False}),
        (field("lines"), "a\r\n\r\n  b \n", {"x": ["a", "b"]}),
        (field("lines"), "", {"x": []}),
        (field(name="options/deep"), "v", {"options": {"deep": "v"}}),
        (field("numbers"), "(415) 555-0100\n+14155550101 us-ca", {
            "x": ["(415) 555-0100", "+14155550101"],
            "regions": {"US-CA": ["+14155550101"]},
        }),
        (field("numbers"), "+14155550100, +14155550101; US\n", {
            "x": ["+14155550100", "+14155550101"],
            "regions": {"US": ["+14155550100", "+14155550101"]},
        }),
    ],
)  # fmt: skip
def test_what_is_written_becomes_a_value(one: Field, sent: str, body: dict[str, Any]) -> None:
    assert forms.body(sheet(one), {one.name: sent}) == body


def test_a_box_that_is_not_ticked_is_not_sent_and_says_no() -> None:
    assert forms.body(sheet(field("checkbox")), {}) == {"x": False}


@pytest.mark.parametrize(
    ("one", "sent", "says"),
    [
        (field(), " \t", "Fill this in."),
        (field("select", choices=(Choice("a", "A"),)), "", "Choose one."),
        (field("numbers", some=True), "\n", "Fill this in."),
        (field(empty="omit"), "a\0", "no control characters"),
    ],
)
def test_what_must_not_be_empty_is_told(one: Field, sent: str, says: str) -> None:
    with pytest.raises(InvalidField) as caught:
        forms.body(sheet(one), {one.name: sent})
    assert [(error.path, error.message) for error in caught.value.errors] == [(f"/{one.name}", says)]


@pytest.mark.parametrize(
    ("kind", "message", "says"),
    [
        ("text", "Expected `str` of length <= 200", "At most 200 characters."),
        ("lines", "Expected `array` of length <= 100", "At most 100 lines."),
        ("number", "Expected `int`, got `str`", "A whole number, in digits."),
        ("number", "Expected `int` <= 3600", "At most 3600."),
        ("number", "Expected `int` >= 0", "At least 0."),
        ("text", "Expected `str` matching regex '^[a]+$'", "Not in the form that is expected here."),
        ("select", "Invalid enum value 'q'", "Choose one."),
        (
            "phone",
            "not a phone number: write it in E.164, such as +1, not 'x'",
            "Not a phone number; write it like +1 415 555 0100 or (415) 555-0100.",
        ),
        ("text", "something else", "Something else."),
    ],
)
def test_the_decoders_complaints_are_said_in_words(kind: Kind, message: str, says: str) -> None:
    found = forms.wrong(sheet(field(kind)), {}, InvalidField("/x", message))
    assert found.fields == {"x": (says,)}


def test_an_error_in_a_list_names_the_line_as_the_person_sees_it() -> None:
    text = "+14155550100\n\n+14155550101, 12\n\n+14155550100 US-CA\n+14155550102 US-CA"
    errors = (
        FieldError("/numbers/2", "not a phone number"),
        FieldError("/numbers/3", "the same number as /numbers/0: +14155550100"),
        FieldError("/regions/US-CA/1", "is of US already"),
        FieldError("/numbers/99", "beyond"),
    )
    found = forms.wrong(sheet(field("numbers", "numbers")), {"numbers": text}, Conflict("no", errors=errors))
    assert found.fields["numbers"] == (
        "Line 3: not a phone number.",
        "Line 5: the same number as line 1: +14155550100.",
        "Line 6: is of US already.",
        "Beyond.",
    )


def test_errors_of_no_field_and_refusals_without_fields_stand_at_the_top() -> None:
    found = forms.wrong(sheet(field()), {}, InvalidField("/other", "wrong", FieldError("/x/deep", "too")))
    assert found.top == ("Wrong.",)
    assert found.fields == {"x": ("Too.",)}
    assert forms.wrong(sheet(field()), {}, Conflict("it is in use")).top == ("It is in use.",)


class View(msgspec.Struct):
    name: str
    some: bool
    hold: int
    none: str | None
    numbers: list[str]
    regions: dict[str, list[str]]
    inner: dict[str, str]
    auth: str


def test_a_thing_that_is_there_fills_its_form_but_for_secrets() -> None:
    view = View("N", True, 5, None, ["+1", "+2"], {"US": ["+2"]}, {"deep": "d"}, "secret")
    fields = (
        field(name="name"),
        field("checkbox", "some"),
        field("number", "hold"),
        field(name="none"),
        field("numbers", "numbers"),
        field(name="inner/deep"),
        field("secret", "auth"),
        field(name="not_there"),
    )
    assert list(forms.written(fields, view).values()) == ["N", "on", "5", "", "+1\n+2 US", "d", "", ""]


def test_every_zone_is_offered_once_and_the_present_one_always() -> None:
    values = [choice.value for choice in zones.choices()]
    assert len(values) == len(set(values)) > 300
    assert values[0] == "America/New_York"
    assert {"UTC", "Europe/Berlin", "Asia/Tokyo"} <= set(values)
    assert zones.choices("Etc/GMT+5")[0] == Choice("Etc/GMT+5", "Etc/GMT+5")
