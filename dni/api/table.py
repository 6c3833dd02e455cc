"""A list as CSV: one column a field, nested ones flattened with a dot. Pure.

A spreadsheet takes a cell that begins with = + - @ (or a tab or return before one) for a formula. Such a cell gets an
apostrophe in front, except a phone number in E.164, also with its end masked: + and digits are no formula that harms.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

_FORMULA = re.compile(r"[=+\-@\t\r]")
_PHONE = re.compile(r"\+[0-9•]+")


def csv_of(kind: type[msgspec.Struct], views: Sequence[Any]) -> str:
    """Header row and one row a view, lines ended by CRLF (RFC 4180). The header depends on the kind only."""
    columns = list(_columns(kind))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(".".join(path) for path in columns)
    for view in views:
        writer.writerow(_cell(view, path) for path in columns)
    return text.getvalue()


def _columns(kind: type[msgspec.Struct]) -> Iterator[tuple[str, ...]]:
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from ((field.encode_name, *rest) for rest in _columns(field.type))
        else:
            yield (field.encode_name,)


def _cell(view: Any, path: tuple[str, ...]) -> str:
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
    return f"'{value}" if _FORMULA.match(value) and not _PHONE.fullmatch(value) else value
