"""Templates of addresses and bodies with macros in them: read once, filled for each call. Pure.

`{name}` is the value, or nothing where there is none. `{name|text}` is the text where there is none. `{name!}` must be
there: without it nothing is sent. `{{` and `}}` are the braces themselves.

A value can't break out of its place. In an address or a form everything but letters, digits and `-._~` is
percent-encoded (RFC 3986, 2.3), so it begins no other parameter, path or fragment; a path's segment that came out as
`.` or `..` would be taken away together with its neighbour (RFC 3986, 5.2.4), encoded or not, so such an address is
not sent. The host holds no macro. A JSON body is read as JSON when it is saved, and macros stand in its texts alone.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from dni.errors import InvalidField
from dni.outbound.macros import GROUPS, MACROS, Facts, Value, absent, is_a, known, value, written
from dni.qualification.words import near

LONGEST = 8_000

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_HOST = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?=[/?]|$)", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f#\\\"^`]|%(?![0-9A-Fa-f]{2})")
_TO_FILL_IN = re.compile(r"<[^<>]*>?|>")
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?=/|$)", re.IGNORECASE)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
# What an address may hold beside letters and digits as it is (RFC 3986, 2.2), and what is encoded already.
_RESERVED = "-._~:/?[]@!$&'()*+,;=%"


class Use(msgspec.Struct, frozen=True):
    """A macro where it stands. `at`: its first character, from 0."""

    name: str
    default: str = ""
    required: bool = False
    at: int = 0


class Template(msgspec.Struct, frozen=True):
    parts: tuple[str | Use, ...] = ()

    @property
    def uses(self) -> list[Use]:
        return [part for part in self.parts if isinstance(part, Use)]


class Json(msgspec.Struct, frozen=True):
    """A JSON document whose texts are templates."""

    tree: Any
    uses: list[Use]


@lru_cache(1_000)
def text(template: str, path: str = "") -> Template:
    """Raises InvalidField with the position, counted from 1, and what would be right."""
    if len(template) > LONGEST:
        raise InvalidField(path, f"at most {LONGEST:,} characters")
    parts: list[str | Use] = []
    at = 0
    while at < len(template):
        if template[at : at + 2] in ("{{", "}}"):
            parts.append(template[at])
            at += 2
        elif template[at] == "}":
            raise _wrong(path, at, "this } closes nothing: for the character itself write }}")
        elif template[at] == "{":
            until = template.find("}", at)
            if until < 0 or "{" in template[at + 1 : until]:
                raise _wrong(path, at, "this { is not closed: for the character itself write {{")
            parts.append(_use(template[at + 1 : until], at, path))
            at = until + 1
        else:
            until = next((n for n in range(at, len(template)) if template[n] in "{}"), len(template))
            parts.append(template[at:until])
            at = until
    return Template(_joined(parts))


@lru_cache(1_000)
def url(template: str, path: str = "") -> Template:
    """An absolute address whose host is fixed. Raises InvalidField."""
    read = text(template.strip(), path)
    _check_filled_in(read, path)
    first = read.parts[0] if read.parts and isinstance(read.parts[0], str) else ""
    if not re.match(r"https?://", first, re.IGNORECASE):
        raise InvalidField(path, "an address that begins with https://, such as https://example.com/postback")
    host = _HOST.match(first)
    if "@" in re.split(r"[/?#]", first.partition("://")[2])[0]:
        raise InvalidField(path, "no name or password before the host: what is secret goes into the token, as {secret}")
    if host is None or int(host[1] or 0) > 65_535 or (host.end() == len(first) and len(read.parts) > 1):
        raise InvalidField(path, "the host is written out, without macros, and followed by a /")
    for part in read.parts:
        if isinstance(part, str) and (bad := _UNSAFE.search(part)):
            if bad.group() == "#":
                raise InvalidField(path, "no # in it: what follows it is not sent; for the character itself write %23")
            raise InvalidField(path, f"{bad.group()!r} cannot stand in an address: write it percent-encoded")
    if _dotted("".join(part if isinstance(part, str) else "x" for part in read.parts)):
        raise InvalidField(path, "no . or .. as a part of the path")
    return Template(tuple(quote(part, safe=_RESERVED) if isinstance(part, str) else part for part in read.parts))


@lru_cache(1_000)
def form(template: str, path: str = "") -> Template:
    """`name=value&…`, as forms are sent. Raises InvalidField."""
    read = text(template.strip(), path)
    _check_filled_in(read, path)
    for part in read.parts:
        if isinstance(part, str) and (bad := _UNSAFE.search(part)):
            raise InvalidField(path, f"{bad.group()!r} cannot stand in a form: write it percent-encoded")
    return Template(tuple(quote(part, safe=_RESERVED) if isinstance(part, str) else part for part in read.parts))


@lru_cache(1_000)
def json(template: str, path: str = "") -> Json:
    """Raises InvalidField."""
    if len(template) > LONGEST:
        raise InvalidField(path, f"at most {LONGEST:,} characters")
    try:
        tree = msgspec.json.decode(template)
    except msgspec.DecodeError as error:
        said = str(error).removeprefix("JSON is malformed: ")
        raise InvalidField(path, f'not JSON ({said}); macros stand in texts, such as {{"id": "{{call_id}}"}}') from None
    uses: list[Use] = []
    return Json(_read(tree, path, uses), uses)


def filled_url(read: Template, facts: Facts) -> str | None:
    """None: its path has become another one."""
    made = _filled(read, facts, _encoded)
    return None if _dotted(made) else made


def filled_form(read: Template, facts: Facts) -> bytes:
    return _filled(read, facts, _encoded).encode()


def filled_text(read: Template, facts: Facts) -> str:
    return _filled(read, facts, str)


def filled_json(read: Json, facts: Facts) -> bytes:
    return msgspec.json.encode(_planted(read.tree, facts))


def alone(read: Template, facts: Facts) -> Any:
    """As a JSON value. A macro that stands alone is what it says: a number, true or false, null where it is empty;
    else it is all a text."""
    if len(read.parts) != 1 or isinstance(read.parts[0], str):
        return filled_text(read, facts)
    use = read.parts[0]
    found = value(use.name, facts)
    if _empty(found):
        return _default(use)
    return found if isinstance(found, (bool, int)) or is_a(use.name) == "text" else msgspec.Raw(written(found).encode())


def missing(uses: list[Use], facts: Facts) -> str | None:
    """Why it cannot be filled: a macro that must be there is empty. A token that is not set always is such."""
    for use in uses:
        if (use.required or use.name == "secret") and _empty(value(use.name, facts)) and not use.default:
            return f"{{{use.name}}} is empty: {absent(use.name)}"
    return None


def hidden(secret: str) -> tuple[str, ...]:
    """How a secret may look in an address or a body."""
    return tuple({secret, quote(secret, safe=""), msgspec.json.encode(secret)[1:-1].decode()}) if secret else ()


def _use(inside: str, at: int, path: str) -> Use:
    name, bar, default = inside.partition("|")
    name = name.strip()
    required = name.endswith("!")
    name = name.removesuffix("!")
    if not _NAME.fullmatch(name):
        raise _wrong(path, at, f"{{{inside[:40]}}} is no macro: it needs a name, such as {{call_id}}")
    if not known(name):
        raise _wrong(path, at, f"there is no macro {{{name}}}{_near(name)}")
    if bar and required:
        raise _wrong(path, at, f"{{{name}!}} must be there, so it has no other text for when it is not")
    return Use(name, default, required, at)


def _near(name: str) -> str:
    group, _, own = name.partition(".")
    if group in GROUPS:
        return f": write {{{group}.NAME}}"
    like = near(group, list(GROUPS)) if own else ""
    return near(name, list(MACROS)) or like.replace("?", f".{own}?")


def _wrong(path: str, at: int, says: str) -> InvalidField:
    return InvalidField(path, f"at character {at + 1}: {says}")


def _joined(parts: list[str | Use]) -> tuple[str | Use, ...]:
    joined: list[str | Use] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)


def _check_filled_in(read: Template, path: str) -> None:
    for part in read.parts:
        if isinstance(part, str) and (open_ := _TO_FILL_IN.search(part)):
            raise InvalidField(path, f"put your own value in the place of {open_.group()}")


def _dotted(address: str) -> bool:
    return bool(_DOTS.search(address.partition("://")[2].partition("?")[0]))


def _read(tree: Any, path: str, uses: list[Use]) -> Any:
    if isinstance(tree, dict):
        for name in tree:
            if any(isinstance(part, Use) for part in text(name, path).parts):
                raise InvalidField(path, f"a macro may stand in a value, not in a name: {name[:40]}")
        return {text(name, path).parts[0] if name else "": _read(each, path, uses) for name, each in tree.items()}
    if isinstance(tree, list):
        return [_read(each, path, uses) for each in tree]
    if isinstance(tree, str):
        read = text(tree, path)
        uses.extend(read.uses)
        return read
    return tree


def _planted(tree: Any, facts: Facts) -> Any:
    if isinstance(tree, dict):
        return {name: _planted(each, facts) for name, each in tree.items()}
    if isinstance(tree, list):
        return [_planted(each, facts) for each in tree]
    return alone(tree, facts) if isinstance(tree, Template) else tree


def _filled(read: Template, facts: Facts, encode: Callable[[str], str]) -> str:
    return "".join(part if isinstance(part, str) else encode(_said(part, facts)) for part in read.parts)


def _said(use: Use, facts: Facts) -> str:
    return written(value(use.name, facts)) or use.default


def _encoded(said: str) -> str:
    return quote(said, safe="")


def _empty(found: Value) -> bool:
    return found is None or found == ""


def _default(use: Use) -> Any:
    if not use.default:
        return None
    kind = is_a(use.name)
    if kind == "number" and _NUMBER.fullmatch(use.default):
        return msgspec.Raw(use.default.encode())
    if kind == "flag" and use.default in ("true", "false"):
        return use.default == "true"
    return use.default
