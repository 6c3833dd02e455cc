"""The lines of a log: read one by one, each checked by itself and against the lines before it. Pure."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from dni.errors import BadArgument

LONGEST_LINE = 65_536
"""Bytes. A line is some hundred; without a bound a file without line ends would be read whole."""

_YEAR_9999_MS = 253_402_300_799_999

Time = Annotated[int, msgspec.Meta(ge=0, le=_YEAR_9999_MS)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
# ISO 3166-2: country, hyphen, one to three letters or digits.
Region = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}\Z")]


class BadLog(BadArgument):
    """A line is not what it must be: the message says which one and what was expected."""

    code = "bad_log"


class Visit(msgspec.Struct, frozen=True, tag_field="type", tag="visit"):
    """A page of ours came into view. `t` is in ms. A session may visit again: it went to another page."""

    t: Time
    visitor: Name
    session: Name
    source: str | None = None
    medium: str | None = None
    region: Region | None = None
    device: str | None = None


class Beat(msgspec.Struct, frozen=True, tag_field="type", tag="beat"):
    t: Time
    session: Name


class Leave(msgspec.Struct, frozen=True, tag_field="type", tag="leave"):
    t: Time
    session: Name


class Tap(msgspec.Struct, frozen=True, tag_field="type", tag="tap"):
    t: Time
    session: Name


class Call(msgspec.Struct, frozen=True, tag_field="type", tag="call", omit_defaults=True):
    """With `session` it dials what that session was last shown; with `slot` it is unsolicited: number slot mod N."""

    t: Time
    call: Name
    caller: str | None
    session: Name | None = None
    slot: Annotated[int, msgspec.Meta(ge=0)] | None = None


Sign = Beat | Leave | Tap
Event = Visit | Beat | Leave | Tap | Call

SHAPES = {
    "visit": '{"t","type":"visit","visitor","session","source","medium","region","device"}',
    "beat": '{"t","type":"beat","session"}',
    "leave": '{"t","type":"leave","session"}',
    "tap": '{"t","type":"tap","session"}',
    "call": '{"t","type":"call","call","caller","session"} or {…,"slot"} instead of the session',
}
_KINDS = ", ".join(SHAPES)

_decode: Callable[[bytes], Event] = msgspec.json.Decoder(Event).decode
_decode_type = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Log:
    """Reads lines in order. `strangers` counts lines that name a session which never visited: it was shown nothing."""

    def __init__(self) -> None:
        self.line = 0
        self.strangers = 0
        self._now_ms = 0
        self._visitor_of: dict[str, str] = {}
        self._calls: set[str] = set()

    def read(self, line: bytes) -> Event:
        """The next line, with or without its end. Raises BadLog."""
        self.line += 1
        event = self._decoded(line)
        if event.t < self._now_ms:
            raise self._bad(f"its time {event.t} is before the line above, {self._now_ms}; expected time order")
        self._now_ms = event.t
        if isinstance(event, Visit):
            visitor = self._visitor_of.setdefault(event.session, event.visitor)
            if visitor != event.visitor:
                raise self._bad("its session was another visitor's in a line above; expected one visitor a session")
            return event
        if isinstance(event, Call):
            if (event.session is None) == (event.slot is None):
                raise self._bad(f'expected either "session" or "slot" in a call: {SHAPES["call"]}')
            if event.call in self._calls:
                raise self._bad("its call is in a line above; expected an id of its own")
            self._calls.add(event.call)
            if event.session is None:
                return event
        if event.session not in self._visitor_of:
            self.strangers += 1
        return event

    def _decoded(self, line: bytes) -> Event:
        if len(line) > LONGEST_LINE:
            raise self._bad(f"it is longer than {LONGEST_LINE:,} bytes; expected one event a line")
        try:
            return _decode(line)
        except msgspec.ValidationError as error:
            raise self._bad(_expected(line, str(error))) from None
        except UnicodeDecodeError:
            raise self._bad("it is not UTF-8; expected a JSON object") from None
        except RecursionError:
            raise self._bad("it is nested too deeply; expected a JSON object of plain values") from None
        except msgspec.DecodeError as error:
            found = "it is empty" if not line.strip() else f"it is not JSON ({error})"
            raise self._bad(f"{found}; expected a JSON object") from None

    def _bad(self, why: str) -> BadLog:
        return BadLog(f"line {self.line}: {why}")


def _expected(line: bytes, why: str) -> str:
    """What is wrong in msgspec's words, and the shape of such a line."""
    kind = _type_of(line)
    if kind is None:
        return f'expected a JSON object with "t" and "type", which is one of {_KINDS}'
    return f"{why}; expected {SHAPES[kind]}"


def _type_of(line: bytes) -> str | None:
    """The line's type if it is one of ours."""
    try:
        kind = msgspec.json.decode(_decode_type(line).get("type", b"null"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return kind if isinstance(kind, str) and kind in SHAPES else None
