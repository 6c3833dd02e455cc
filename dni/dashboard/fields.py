"""Choices that the fields of several forms share: the reader's own campaigns and publishers. Pure."""

from collections.abc import Mapping

from dni.dashboard.forms import Choice


def named(names: Mapping[str, str], present: str | None = None) -> tuple[Choice, ...]:
    """Of things by id, by name; `present` is offered whether it is among them or not."""
    known = names if present is None or present in names else {**names, present: present}
    return tuple(Choice(wanted, name) for wanted, name in sorted(known.items(), key=lambda each: each[1].casefold()))
