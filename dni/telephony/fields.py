"""What carriers' requests have in common: fields of a body, then ids, seconds and times of fields. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from dni.errors import BadBody, InvalidField
from dni.telephony.model import RawRequest

_FIELDS_MAX = 512
_ID = re.compile(r"[!-~]{1,128}")
_IDENTITY_MAX = 200  # an index of PostgreSQL takes no long texts
_LONGEST_S = 7 * 86_400  # no call lasts longer; what says so is a mistake
_FIRST_MS, _LAST_MS = 946_684_800_000, 4_102_444_800_000  # the years 2000 and 2100

Pairs = list[tuple[str, str]]


def pairs(request: RawRequest) -> Pairs:
    """A form's fields in order, or a JSON object's members: what is no text there stays as JSON. Raises BadBody."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        return _members(request.body)
    try:
        return parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise BadBody(f"at most {_FIELDS_MAX} fields") from None


def values(sent: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Every field. The first of a name counts; further ones are kept as `name#2`. No ledger keeps a NUL."""
    found: dict[str, str] = {}
    for raw_name, raw in sent:
        name = key = raw_name.replace("\0", "\ufffd")
        count = 1
        while key in found:
            count += 1
            key = f"{name}#{count}"
        found[key] = raw.replace("\0", "\ufffd")
    return found


def query(url: str) -> Pairs:
    """Of an address; what is none has none."""
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except ValueError:
        return []


def sid(told: Mapping[str, str], name: str, example: str) -> str:
    """The id of a call. Raises InvalidField."""
    found = told.get(name, "")
    if _ID.fullmatch(found):
        return found
    raise InvalidField(f"/{name}", f"the id of a call, such as {example}")


def identity(*words: str | None) -> str:
    """Of an event, of the words that make it that one; where they are long, their digest."""
    text = "|".join(word or "" for word in words)
    return text if len(text) <= _IDENTITY_MAX else sha256(text.encode("utf-8", "replace")).hexdigest()


def seconds(text: str | None) -> int | None:
    if not text or len(text) > 9 or not (text.isascii() and text.isdecimal()):
        return None
    found = int(text)
    return found if found <= _LONGEST_S else None


def moment(text: str | None) -> int | None:
    """A carrier's time as ms: RFC 2822 or ISO 8601, in UTC where it names no zone."""
    try:
        told = datetime.fromisoformat(text) if text and text[0].isdecimal() else parsedate_to_datetime(text or "")
        ms = round(told.replace(tzinfo=told.tzinfo or UTC).timestamp() * 1000)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return ms if _FIRST_MS <= ms <= _LAST_MS else None


def _members(body: bytes) -> Pairs:
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody(f"the body is no JSON: {error}") from None
    if not isinstance(found, dict) or len(found) > _FIELDS_MAX:
        raise BadBody(f"the body is to be a JSON object of at most {_FIELDS_MAX} members")
    return [(name, one if isinstance(one, str) else msgspec.json.encode(one).decode()) for name, one in found.items()]
