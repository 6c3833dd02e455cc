"""What the audit log tells of an act: fields before and after, without secrets, without people who call. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

_SECRET = frozenset(
    {"auth_token", "password", "present_password", "token", "invitation", "secret", "secrets", "signing_secret"}
)
# Telephones of callers, ids of visitors, and what was written about them: they are erased, what is told here stays.
_PERSONAL = frozenset({"caller", "blocked", "shared", "visitor", "session", "note", "reason"})
_LONGEST, _MOST = 1_000, 40
_HIDDEN, _SOMEBODY = "(secret)", "(not kept)"


class Told(msgspec.Struct, frozen=True):
    """One field. `before` null: it is new, or was not looked at; `after` null: it is gone."""

    field: str
    before: Any = None
    after: Any = None


def told(given: Any, before: Any = None, after: Any = None, *, whole: bool = False) -> list[Told]:
    """Of an act that was `given` this body, None: no body. `before` and `after`: what it was done to, as the API shows
    it; None where there is none or nobody looked. What stayed as it was is left out. `whole`: what the body leaves out
    is gone, else it stays.
    """
    body, was, became = _plain(given), _plain(before), _plain(after)
    if before is None:
        return _fields((name, None, value) for name, value in body.items())
    if given is not None and not whole:
        return _fields((name, was.get(name), became.get(name, value)) for name, value in body.items())
    return _fields((name, was.get(name), became.get(name)) for name in dict.fromkeys([*was, *became]))


def _fields(pairs: Iterable[tuple[str, Any, Any]]) -> list[Told]:
    kept = [Told(name, _kept(name, old), _kept(name, new)) for name, old, new in pairs if old != new]
    return [one for one in kept if one.before != one.after or one.field in _SECRET | _PERSONAL][:_MOST]


def _plain(value: Any) -> dict[str, Any]:
    plain = msgspec.to_builtins(value)
    return plain if isinstance(plain, dict) else {}


def _kept(name: str, value: Any) -> Any:
    if value is None or value == "" or value == [] or value == {}:
        return None
    if name in _SECRET:
        return _HIDDEN
    if name in _PERSONAL and not isinstance(value, bool):
        return _SOMEBODY
    clean = _clean(value)
    if len(msgspec.json.encode(clean)) <= _LONGEST:
        return clean
    if isinstance(clean, str):
        return f"{clean[: _LONGEST // 2]}…"
    return f"({len(clean):,} of them)"


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _kept(key, inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list) else value
