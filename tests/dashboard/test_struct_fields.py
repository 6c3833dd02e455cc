"""A form made of a struct: each type has its way to be written, and what is written is what the struct takes."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from dni.dashboard import forms, struct_fields
from dni.dashboard.forms import Sheet
from dni.errors import InvalidField


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[str, Meta(title="Address", description="Where it is told.")]
    method: Annotated[Literal["GET", "POST"], Meta(title="Method")] = "GET"
    rank: Annotated[Literal["first", "most_likely"], Meta(title="Whom", extra={"labels": {"first": "The first"}})] = (
        "first"
    )
    body: Annotated[str, Meta(title="Body", max_length=4000)] = ""
    account: Annotated[str, Meta(title="Account", pattern="^[0-9]*$")] | None = None
    value: Annotated[float | None, Meta(title="Value")] = None
    days: Annotated[int, Meta(ge=1, le=90, title="Days", extra={"unit": "days"})] = 30
    test_events: bool = False
    headers: Annotated[dict[str, str], Meta(title="Headers")] = {}
    origins: tuple[str, ...] = ()
    fields: list[str] | None = None
    base_url: Annotated[str, Meta(title="Base address")] = "https://api.example"


class Unusual(msgspec.Struct):
    which: Literal["a", "b", "c"] = "c"


class Secrets(msgspec.Struct, kw_only=True):
    key: Annotated[str, Meta(title="API key")]
    other: Annotated[str, Meta(title="Other key")] | None = None


FIELDS = struct_fields.fields(Settings, "settings/")
BY_NAME = {one.name.removeprefix("settings/"): one for one in FIELDS}
SHEET = Sheet(operation="", here="", title="", button="", action="", back=("/", ""), fields=FIELDS)


def test_each_type_has_its_way_to_be_written() -> None:
    assert {name: one.kind for name, one in BY_NAME.items()} == {
        "url": "text",
        "method": "select",
        "rank": "select",
        "body": "prose",
        "account": "text",
        "value": "number",
        "days": "number",
        "test_events": "checkbox",
        "headers": "lines",
        "origins": "lines",
        "fields": "lines",
        "base_url": "text",
    }


def test_labels_and_hints_are_those_of_the_struct() -> None:
    assert (BY_NAME["url"].label, BY_NAME["url"].help) == ("Address", "Where it is told.")
    assert BY_NAME["account"].label == "Account"
    assert BY_NAME["test_events"].label == "Test events"
    assert BY_NAME["days"].unit == "days"
    assert [(one.value, one.label) for one in BY_NAME["method"].choices] == [("GET", "GET"), ("POST", "POST")]
    assert [one.label for one in BY_NAME["rank"].choices] == ["The first", "Most likely"]


def test_what_is_usual_is_offered_first() -> None:
    assert [one.value for one in BY_NAME["rank"].choices] == ["first", "most_likely"]
    unusual = struct_fields.fields(Unusual)[0]
    assert [one.value for one in unusual.choices] == ["c", "a", "b"]


def test_what_has_no_default_is_asked_for() -> None:
    assert {name for name, one in BY_NAME.items() if one.empty == "wrong"} == {"url", "method", "rank"}
    assert {name for name, one in BY_NAME.items() if one.empty == "null"} == {"account", "value", "fields"}


def test_a_secret_is_never_written() -> None:
    key, other = struct_fields.fields(Secrets, "secrets/", secret=True)
    assert (key.kind, key.empty, other.kind, other.empty) == ("secret", "wrong", "secret", "omit")


def sent(**told: str) -> dict[str, str]:
    return {**forms.defaults(SHEET), **{f"settings/{name}": text for name, text in told.items()}}


def read(**told: str) -> dict[str, Any]:
    return struct_fields.values(Settings, forms.body(SHEET, sent(**told))["settings"], "/settings")


def test_defaults_that_are_sent_back_are_the_struct_s_own() -> None:
    values = read(url="https://a.example")
    assert msgspec.convert(values, Settings) == Settings(url="https://a.example")


def test_what_is_written_is_read_again_as_it_was() -> None:
    whole = Settings(
        url="https://a.example/?q={x}",
        method="POST",
        rank="most_likely",
        body='{"a": 1}\n{"b": 2}',
        account="123",
        value=12.5,
        days=7,
        test_events=True,
        headers={"X-One": "a = b", "X-Two": ""},
        origins=("a", "b"),
    )
    shown = struct_fields.written(Settings, msgspec.to_builtins(whole), "settings/")
    assert shown["settings/headers"] == "X-One = a = b\nX-Two = "
    values = struct_fields.values(Settings, forms.body(SHEET, shown)["settings"])
    assert msgspec.convert(values, Settings) == whole


@pytest.mark.parametrize(
    ("lines", "path", "says"),
    [
        ("a = 1\nb", "/settings/headers/1", "write a name, = and what it stands for"),
        ("= 1", "/settings/headers/0", "write a name, = and what it stands for"),
        ("a = 1\n\na=2", "/settings/headers/1", "a stands here twice"),
    ],
)
def test_a_line_that_is_no_pair_is_told(lines: str, path: str, says: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read(url="https://a.example", headers=lines)
    [error] = refused.value.errors
    assert (error.path, error.message) == (path, says)
    [told] = forms.wrong(SHEET, sent(headers=lines), refused.value).fields["settings/headers"]
    assert told.startswith("Line ")


def test_an_error_about_a_name_leads_to_its_line() -> None:
    field = BY_NAME["headers"]
    assert struct_fields.line_of(field, "a = 1\nb/c = 2", "/settings/headers/b~1c") == "/settings/headers/1"
    assert struct_fields.line_of(field, "a = 1", "/settings/headers/other") == "/settings/headers/other"


def test_what_is_no_number_stays_for_the_api_to_refuse() -> None:
    assert read(url="x", value="many")["value"] == "many"
    assert read(url="x", value="0.5")["value"] == 0.5
