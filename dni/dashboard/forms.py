"""A form as data: its fields, the API's body that comes of what is sent, and each error beside its field. Pure.

No rule about a value stands here: the operation's own types hold them. What is here is how a person writes a value, and
how the API's refusal reads to him.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from dni.errors import DniError, FieldError, InvalidField

Kind = Literal["text", "prose", "phone", "number", "moment", "select", "checkbox", "lines", "numbers", "secret"]
Empty = Literal["wrong", "null", "omit"]


class Choice(msgspec.Struct, frozen=True):
    """Of a select; those with one `group` stand under it."""

    value: str
    label: str
    group: str = ""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """`name`: where the value stands in the body: `hold_seconds`, or `options/first_party` for one inside another.

    kind     how it is written: `lines` is one value a line, `numbers` the same with a region behind a number, which
             then stands in the body's `regions`; `prose` is a text of several lines, a `moment` a day and an hour; a
             `secret` is never shown again
    empty    what an empty field means: a mistake, null, or nothing said; of lists it is an empty list, or a mistake
             when there must be `some`
    right    said when the value has not the form that the API asks for
    legend   heading of the part of the form that begins with this field
    more     stands in a part at the end that is folded
    rows     of a text of several lines
    beside   stands in a row with its neighbours that do
    """

    name: str
    label: str
    help: str = ""
    kind: Kind = "text"
    choices: tuple[Choice, ...] = ()
    empty: Empty = "wrong"
    default: str = ""
    placeholder: str = ""
    unit: str = ""
    some: bool = False
    right: str = ""
    legend: str = ""
    more: bool = False
    rows: int = 8
    beside: bool = False

    @property
    def id(self) -> str:
        return f"f-{self.name.replace('/', '-')}"


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A form on a page of its own. It asks the API's `operation`, by its name, and is sent to `action`.

    back     address and words of the page that it was opened from
    notes    sentences before the fields; of a form without fields, what the button will do
    kept     further values that are sent along, unseen
    """

    operation: str
    here: str
    title: str
    button: str
    action: str
    back: tuple[str, str]
    fields: tuple[Field, ...] = ()
    notes: tuple[str, ...] = ()
    takes_away: bool = False
    kept: dict[str, str] = {}


class Wrong(msgspec.Struct, frozen=True):
    """What is to be mended: by field, and what is no field's."""

    fields: dict[str, tuple[str, ...]] = {}
    top: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True):
    """A value with its line, from 1; the region, where one stands behind it."""

    place: int
    value: str
    region: str | None = None


# A region behind a number: `+14155550100 US-CA`.
_REGION = re.compile(r"[\s,;]+([A-Za-z]{2}(?:-[A-Za-z0-9]{1,3})?)$")
_LINE_END = re.compile(r"\r\n|\r|\n")
_EMPTY = "Fill this in."
_CHOOSE = "Choose one."
_CONTROL = "no control characters"
# A longer one is no number that any field takes, and slow to read.
_NUMBER = re.compile(r"-?[0-9]{1,15}")

# Complaints of the API in words for people who do not write JSON.
_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), says)
    for pattern, says in (
        (r"Expected `str` of length >= 1", _EMPTY),
        (r"Expected `(?:str|array)` of length <= (\d+)", r"at most \1 {}"),
        (r"Expected `int` <= (\d+)", r"at most \1"),
        (r"Expected `int` >= (-?\d+)", r"at least \1"),
        (r"Expected `int(?: \| null)?`, got `str`", "a whole number, in digits"),
        (r"Expected `str`.* matching regex .*", "{right}"),
        (r"Invalid enum value .*", _CHOOSE),
        (r"not a phone number: .*", "not a phone number; write it like +1 415 555 0100 or (415) 555-0100"),
    )
)
_SAID_OTHERWISE = {
    "idempotency_mismatch": "This form was sent before, with other values, and has done its work. "
    "Send it again if you want one more.",
    "ledger_busy": "The service is busy. What you typed is kept: send it again in a few seconds.",
    "ledger_away": "The ledger does not answer. What you typed is kept: send it again in a moment.",
}


def defaults(sheet: Sheet) -> dict[str, str]:
    return {field.name: field.default for field in sheet.fields}


def written(fields: Iterable[Field], view: msgspec.Struct) -> dict[str, str]:
    """What stands in the fields of a form that changes what `view`, an answer of the API, says."""
    values = msgspec.to_builtins(view)
    return {field.name: _written(field, values) for field in fields}


def body(sheet: Sheet, sent: Mapping[str, str]) -> dict[str, Any]:
    """The operation's body in JSON values. Raises InvalidField for fields that are empty and must not be."""
    made: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for field in sheet.fields:
        text = sent.get(field.name, "")
        if "\0" in text:
            wrong.append(FieldError(f"/{field.name}", _CONTROL))
        elif text.strip() or (field.kind in ("checkbox", "lines", "numbers") and not field.some):
            for name, value in _read(field, text):
                _put(made, name, value)
        elif field.empty == "wrong":
            wrong.append(FieldError(f"/{field.name}", _CHOOSE if field.kind == "select" else _EMPTY))
        elif field.empty == "null":
            _put(made, field.name, None)
    if wrong:
        raise InvalidField(wrong[0].path, wrong[0].message, *wrong[1:])
    return made


def wrong(sheet: Sheet, sent: Mapping[str, str], error: DniError) -> Wrong:
    """A refusal of the operation: each of its errors beside the field that it is about."""
    found: dict[str, list[str]] = {}
    top: list[str] = []
    read: dict[str, list[Line]] = {}
    for each in error.errors:
        field = _field(sheet, each.path)
        if field is None:
            top.append(sentence(each.message))
        else:
            if field.kind in ("lines", "numbers") and field.name not in read:
                text = sent.get(field.name, "")
                read[field.name] = list(numbers(text) if field.kind == "numbers" else lines(text))
            found.setdefault(field.name, []).append(_said(field, read.get(field.name), each))
    if not error.errors:
        top.append(_SAID_OTHERWISE.get(error.code) or sentence(error.detail))
    in_order = {field.name: tuple(found[field.name]) for field in sheet.fields if field.name in found}
    return Wrong(in_order, tuple(top))


def lines(text: str) -> Iterator[Line]:
    """The lines that say something, without outer blanks."""
    for place, line in enumerate(_LINE_END.split(text), 1):
        if line.strip():
            yield Line(place, line.strip())


def numbers(text: str) -> Iterator[Line]:
    """Phone numbers, one a line, a region behind some; several in a line where commas part them."""
    for line in lines(text):
        found = _REGION.search(line.value)
        region = found[1].upper() if found else None
        for value in re.split(r"[,;]", line.value[: found.start()] if found else line.value):
            if value.strip():
                yield Line(line.place, value.strip(), region)


def numbers_written(found: Sequence[str], regions: Mapping[str, Sequence[str]]) -> str:
    region_of = {number: region for region, members in regions.items() for number in members}
    return "\n".join(f"{each} {region_of[each]}" if each in region_of else each for each in found)


def sentence(text: str) -> str:
    """With a capital and a full stop; texts that begin with a name or a number stay."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _read(field: Field, text: str) -> Iterator[tuple[str, Any]]:
    match field.kind:
        case "checkbox":
            yield field.name, bool(text)
        case "number":
            yield field.name, int(text) if _NUMBER.fullmatch(text.strip()) else text
        case "lines":
            yield field.name, [line.value for line in lines(text)]
        case "numbers":
            found = list(numbers(text))
            regions: dict[str, list[str]] = {}
            for line in found:
                if line.region:
                    regions.setdefault(line.region, []).append(line.value)
            yield field.name, [line.value for line in found]
            yield "regions", regions
        case "prose":
            yield field.name, _LINE_END.sub("\n", text.strip())
        case "text" | "phone" | "moment" | "select" | "secret":
            yield field.name, text.strip()


def _written(field: Field, values: Any) -> str:
    for key in field.name.split("/"):
        values_in, values = values, values.get(key) if isinstance(values, dict) else None
    if values is None or field.kind == "secret":
        return ""
    match field.kind:
        case "checkbox":
            return "on" if values else ""
        case "lines":
            return "\n".join(values)
        case "numbers":
            return numbers_written(values, values_in.get("regions", {}))
        case _:
            return str(values)


def _put(made: dict[str, Any], name: str, value: Any) -> None:
    *outer, last = name.split("/")
    for key in outer:
        made = made.setdefault(key, {})
    made[last] = value


def _field(sheet: Sheet, path: str) -> Field | None:
    """The field whose name `path` begins with, the longest; a region's errors are about its numbers."""
    if path.startswith("/regions"):
        path = next((f"/{field.name}" for field in sheet.fields if field.kind == "numbers"), path)
    about = [each for each in sheet.fields if f"{path}/".startswith(f"/{each.name}/")]
    return max(about, key=lambda each: len(each.name), default=None)


def _said(field: Field, read: list[Line] | None, error: FieldError) -> str:
    message = error.message
    for pattern, says in _PLAIN:
        if found := pattern.fullmatch(message):
            told = found.expand(says) if "\\" in says else says
            of = "characters" if read is None else "lines"
            right = field.right or "not in the form that is expected here"
            message = told.replace("{}", of).replace("{right}", right)
    if read is None:
        return sentence(message)
    # The paths of other lines, which some messages name, are of the API's lists.
    message = re.sub(r"/[\w/-]+", lambda path: _line(field, read, path[0]) or path[0], message)
    place = _line(field, read, error.path)
    return f"{place[:1].upper()}{place[1:]}: {message}." if place else sentence(message)


def _line(field: Field, read: list[Line], path: str) -> str | None:
    """`line 4` for `/numbers/2`, when two lines are empty."""
    found = re.fullmatch(rf"/(?:{re.escape(field.name)}|regions/([A-Z0-9-]+))/(\d+)(?:/\w+)?", path)
    if not found:
        return None
    region, index = found[1], int(found[2])
    those = read if region is None else [line for line in read if line.region == region]
    return f"line {those[index].place}" if index < len(those) else None
