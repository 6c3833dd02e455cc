"""The port between carriers and us: what a carrier tells, what we tell it, as values. Pure."""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class RawRequest(msgspec.Struct, frozen=True):
    """A carrier's request. `url` is the public one that the carrier called; header names are in lower case."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Fields(msgspec.Struct, frozen=True):
    """A carrier's request, its signature checked: the account that it speaks for, and every field as sent."""

    account_sid: str
    values: dict[str, str]


class CallEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a carrier told of one call. Everything but who and when may be unknown.

    provider_id         the carrier's id of the caller's leg: the call
    kind                `inbound`, a state, `destination_` and a state, `recording`, or `other`
    identity            the same event told twice has the same one; unique within its call
    at_ms               the carrier's time; where it tells none, when we received it
    state, duration_s   of the caller's leg (a key of `call.model.STATES`), and its seconds connected
    leg, destination, destination_state, talk_s
                        of the leg to a destination: its id, number, state, and seconds connected
    tracking_number, caller     E.164; a withheld caller is None
    """

    provider_id: str
    kind: str
    identity: str
    at_ms: int
    state: str | None = None
    duration_s: int | None = None
    leg: str | None = None
    destination: str | None = None
    destination_state: str | None = None
    talk_s: int | None = None
    tracking_number: str | None = None
    caller: str | None = None
    recording_url: str | None = None


class Connect(msgspec.Struct, frozen=True):
    """Ring the destinations (E.164), all at once, for `timeout_s`; progress of those legs goes to `status_url`."""

    destinations: tuple[str, ...]
    timeout_s: int
    status_url: str
    caller_id: str | None = None


class Reject(msgspec.Struct, frozen=True):
    """Do not take the call; the caller hears that the number is not in service."""


Instruction = Connect | Reject


class Answer(msgspec.Struct, frozen=True):
    """An instruction in a carrier's own format."""

    body: bytes
    media_type: str


class Port(Protocol):
    """What a carrier's file offers. All of it is pure; nothing here waits."""

    def open(self, request: RawRequest, secret: str) -> Fields:
        """Checks the signature. Raises Forbidden `missing_signature` or `bad_signature`, BadBody."""
        ...

    def inbound(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        """A call arrives; `tracking_number` is set. Raises InvalidField for what cannot be a call."""
        ...

    def progress(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        """A call goes on. Raises InvalidField when it does not say which call."""
        ...

    def bare(self, values: Mapping[str, str]) -> dict[str, str]:
        """What a call is folded from, of a request's fields, and a recording's address: nothing of who called."""
        ...

    def unrecorded(self, values: Mapping[str, str]) -> dict[str, str]:
        """The fields without what tells of a recording."""
        ...

    def answer(self, instruction: Instruction) -> Answer: ...
