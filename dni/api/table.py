"""A list as CSV: one column a field, nested ones flattened with a dot. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from dni.cells import guarded, line


def csv_of(kind: type[msgspec.Struct], views: Sequence[Any], *, header: bool = True) -> str:
    """Header row, unless a part of the file went before, and one row a view. The header depends on the kind only."""
    columns = list(_columns(kind))
    head = line(".".join(path) for path in columns) if header else ""
    return head + "".join(line(_cell(view, path, first=not n) for n, path in enumerate(columns)) for view in views)


def _columns(kind: type[msgspec.Struct]) -> Iterator[tuple[str, ...]]:
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from ((field.encode_name, *rest) for rest in _columns(field.type))
        else:
            yield (field.encode_name,)


def _cell(view: Any, path: tuple[str, ...], *, first: bool) -> str:
    value = view
    for name in path:
        value = getattr(value, name)
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
