"""A list as CSV: one column a field, nested ones flattened with a dot. Pure."""

from collections.abc import Iterator, Sequence
from types import NoneType, UnionType
from typing import Any, get_args

import msgspec

from dni.cells import guarded, line


class _Column(msgspec.Struct, frozen=True):
    """`path`: the attributes that lead to its value, `names` what they are called outside."""

    path: tuple[str, ...]
    names: tuple[str, ...]


def csv_of(kind: type[msgspec.Struct], views: Sequence[Any], *, header: bool = True, only: Sequence[str] = ()) -> str:
    """Header row, unless a part of the file went before, and one row a view. The header depends on the kind alone;
    `only`: names of columns, in their order; none: all."""
    columns = list(_columns(kind))
    if only:
        named = {".".join(column.names): column for column in columns}
        columns = [named[name] for name in only]
    head = line(".".join(column.names) for column in columns) if header else ""
    return head + "".join(
        line(_cell(view, column.path, first=not n) for n, column in enumerate(columns)) for view in views
    )


def names(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Of all columns, as the header row has them."""
    return tuple(".".join(column.names) for column in _columns(kind))


def _columns(kind: type[msgspec.Struct]) -> Iterator[_Column]:
    for field in msgspec.structs.fields(kind):
        inner = _struct(field.type)
        rest = _columns(inner) if inner else (_Column((), ()),)
        for column in rest:
            yield _Column((field.name, *column.path), (field.encode_name, *column.names))


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    """What is nested there, also where it may be missing; its columns are empty then."""
    kinds = [each for each in get_args(kind) if each is not NoneType] if isinstance(kind, UnionType) else [kind]
    only = kinds[0] if len(kinds) == 1 else None
    return only if isinstance(only, type) and issubclass(only, msgspec.Struct) else None


def _cell(view: Any, path: tuple[str, ...], *, first: bool) -> str:
    value = view
    for name in path:
        value = None if value is None else getattr(value, name)
    if value is None or value is msgspec.UNSET:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = " ".join(value)
    elif not isinstance(value, str):
        value = msgspec.json.encode(value).decode() if value else ""
    return guarded(value, first=first)
