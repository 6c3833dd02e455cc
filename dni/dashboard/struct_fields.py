"""The fields of a form made of a struct, the values that come of what is sent, and back. Pure.

A field of the struct is told by its `msgspec.Meta`: `title` is its label, `description` the line below. What is one of
several texts is a select, yes or no a box; lists are written one a line, and names that stand for texts as
`name = text`. A text that may have 500 characters or more has several lines; so has one with `extra={"rows": n}`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from dni.dashboard import forms
from dni.dashboard.forms import Choice, Empty, Field, Kind
from dni.errors import InvalidField

_LONG = 500
_ROWS = 6
_PAIR = re.compile(r"([^=]*?)\s*=\s*(.*)")
# As much of a number as the ledger would take; what is longer is told to be none by the API.
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?")


class _Of(msgspec.Struct, frozen=True):
    """A field of the struct. `type` is without null; `told`: what its Meta tells."""

    name: str
    type: inspect.Type
    may_be_null: bool
    is_required: bool
    default: Any
    told: Mapping[str, Any]


def fields(kind: type[msgspec.Struct], prefix: str = "", *, secret: bool = False) -> tuple[Field, ...]:
    """`prefix`: where the struct stands in the body, such as `settings/`. `secret`: none of it is ever shown."""
    return tuple(_field(one, prefix, secret=secret) for one in _fields(kind))


def values(kind: type[msgspec.Struct], sent: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """What `forms.body` read of these fields, as the struct takes it. `path`: of the struct in the body, for errors.

    Raises InvalidField for a line that has not both sides of a pair.
    """
    return {one.name: _value(one, sent[one.name], f"{path}/{one.name}") for one in _fields(kind) if one.name in sent}


def written(kind: type[msgspec.Struct], present: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """What stands in the fields, of the struct's values as JSON."""
    return {f"{prefix}{one.name}": _written(one, present.get(one.name, one.default)) for one in _fields(kind)}


def told(
    kind: type[msgspec.Struct], present: Mapping[str, Any], choices: Mapping[str, Mapping[str, str]]
) -> list[tuple[str, str]]:
    """Label and value of each field that says something, for people. `choices`: what values are called, by field."""
    found = []
    for one in _fields(kind):
        field, value = _field(one, "", secret=False), _written(one, present.get(one.name, one.default))
        if field.kind == "checkbox":
            value = "yes" if value else "no"
        labels = {choice.value: choice.label for choice in field.choices} | dict(choices.get(one.name, {}))
        found.append((field.label, labels.get(value, value)))
    return [(label, value) for label, value in found if value]


def _fields(kind: type[msgspec.Struct]) -> Iterator[_Of]:
    found = inspect.type_info(kind)
    assert isinstance(found, inspect.StructType)
    for field in found.fields:
        about, told = field.type, dict[str, Any]()
        may_be_null = False
        while True:
            if isinstance(about, inspect.Metadata):
                told = {**(about.extra_json_schema or {}), **(about.extra or {}), **told}
                about = about.type
            elif isinstance(about, inspect.UnionType) and about.includes_none:
                may_be_null = True
                rest = tuple(each for each in about.types if not isinstance(each, inspect.NoneType))
                about = rest[0] if len(rest) == 1 else inspect.UnionType(rest)
            else:
                break
        default = field.default
        if default is msgspec.NODEFAULT:
            default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else None
        default = msgspec.to_builtins(default)
        yield _Of(field.encode_name, about, may_be_null, field.required, default, told)


def _field(one: _Of, prefix: str, *, secret: bool) -> Field:
    kind: Kind = "secret" if secret else _kind(one)
    empty: Empty = "wrong" if one.is_required else "null" if one.may_be_null and not secret else "omit"
    if kind == "select" and not one.may_be_null:
        empty = "wrong"  # there is always one of them
    return Field(
        name=f"{prefix}{one.name}",
        label=str(one.told.get("title") or _spoken(one.name)),
        help=_help(one),
        kind=kind,
        choices=_choices(one),
        empty=empty,
        default="" if secret else _written(one, one.default),
        rows=int(one.told.get("rows", _ROWS)),
        some=kind == "lines" and one.is_required,
        placeholder=str(one.told.get("placeholder", "")),
        unit=str(one.told.get("unit", "")),
        right=f"not in the form that is asked for: {one.told['description']}" if "description" in one.told else "",
    )


def _help(one: _Of) -> str:
    text = str(one.told.get("description", ""))
    if isinstance(one.type, inspect.DictType):
        text = f"{text}{'. ' if text else ''}Write name = value, one a line"
    elif _kind(one) == "lines":
        text = f"{text}{'. ' if text else ''}One a line"
    return text if text.endswith("…") or not text else forms.sentence(text)


def _kind(one: _Of) -> Kind:
    match one.type:
        case inspect.BoolType():
            return "select" if one.may_be_null else "checkbox"
        case inspect.LiteralType() | inspect.EnumType():
            return "select"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.StrType(max_length=longest):
            return "prose" if "rows" in one.told or (longest or 0) >= _LONG else "text"
        case inspect.DictType() | inspect.ListType() | inspect.VarTupleType() | inspect.SetType():
            return "lines"
    raise TypeError(f"no form has a field for {one.name}: {one.type}")


def _choices(one: _Of) -> tuple[Choice, ...]:
    if isinstance(one.type, inspect.LiteralType):
        labels = one.told.get("labels", {})
        # msgspec has them by their letters.
        usual_first = sorted(one.type.values, key=lambda each: each != one.default)
        return tuple(Choice(str(each), str(labels.get(each) or _spoken(str(each)))) for each in usual_first)
    if isinstance(one.type, inspect.BoolType) and one.may_be_null:
        return Choice("yes", "Yes"), Choice("no", "No")
    return ()


def _value(one: _Of, sent: Any, path: str) -> Any:
    if sent is None or (sent == [] and one.may_be_null):
        return None
    match one.type:
        case inspect.BoolType() if one.may_be_null:
            return sent == "yes"
        case inspect.FloatType() if isinstance(sent, str) and _DECIMAL.fullmatch(sent.strip()):
            return float(sent)
        case inspect.LiteralType(values=known):
            return next((each for each in known if str(each) == sent), sent)
        case inspect.DictType():
            return dict(_pairs(sent, path))
    return sent


def _pairs(lines: list[str], path: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for place, line in enumerate(lines):
        found = _PAIR.fullmatch(line)
        if not found or not found[1]:
            raise InvalidField(f"{path}/{place}", "write a name, = and what it stands for")
        if found[1] in seen:
            raise InvalidField(f"{path}/{place}", f"{found[1]} stands here twice")
        seen.add(found[1])
        yield found[1], found[2]


def _written(one: _Of, value: Any) -> str:
    if value is None:
        return ""
    match one.type:
        case inspect.BoolType():
            return ("yes" if value else "no") if one.may_be_null else "on" if value else ""
        case inspect.DictType():
            return "\n".join(f"{name} = {text}" for name, text in value.items())
        case inspect.FloatType():
            return f"{value:.9g}"
    return "\n".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)


def _spoken(name: str) -> str:
    """`base_url` as people read it; names in capitals stay."""
    words = name.replace("_", " ")
    return words if words.isupper() else f"{words[:1].upper()}{words[1:]}"


def line_of(field: Field, sent: str, path: str) -> str:
    """The line that an error of a pair is about, by its name: `/settings/fields/email` to `/settings/fields/2`."""
    name = path.removeprefix(f"/{field.name}/").split("/")[0].replace("~1", "/").replace("~0", "~")
    for place, line in enumerate(forms.lines(sent)):
        if line.value.partition("=")[0].strip() == name:
            return f"/{field.name}/{place}"
    return path
