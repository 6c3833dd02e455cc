"""The port between carriers and us: what a carrier tells, what we tell it, as values. Pure."""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec


class RawRequest(msgspec.Struct, frozen=True):
    """A carrier's request. `url` is the public one that the carrier called; header names are in lower case.

    received_ms     when it came; a carrier that signs the time of its request is believed for a while only
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    received_ms: int = 0


class Fields(msgspec.Struct, frozen=True):
    """A carrier's request, its signature checked: the account that it speaks for, and every field as sent.

    account_sid     None: the carrier does not tell; the account's secret alone says whose request it is
    """

    account_sid: str | None
    values: dict[str, str]


class CallEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a carrier told of one call. Everything but who and when may be unknown.

    provider_id         the carrier's id of the caller's leg: the call
    kind                `inbound`, a state, `destination_` and a state, `recording`, or `other`; of a step:
                        `keys`, `dialled`, or `recorded`
    identity            the same event told twice has the same one; unique within its call
    at_ms               the carrier's time; where it tells none, when we received it
    state, duration_s   of the caller's leg (a key of `call.model.STATES`), and its seconds connected
    leg, destination, destination_state, talk_s
                        of the leg to a destination: its id, number, state, and seconds connected
    tracking_number, caller     E.164; a withheld caller is None
    keys                what was pressed; "" when nothing was in time; None: nothing was asked
    hung_up_by          `caller` or `destination`
    attestation         of STIR/SHAKEN: `A`, `B`, `C`, `failed`; None: the carrier told none
    phone_type          `mobile`, `landline`, `voip`, `tollfree`, `payphone`; None: not told
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
    keys: str | None = None
    hung_up_by: str | None = None
    attestation: str | None = None
    phone_type: str | None = None


class Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a caller hears: a text that the carrier reads in `language` (BCP 47), or else an audio file (https)."""

    text: str | None = None
    audio: str | None = None
    language: str = "en-US"


class Connect(msgspec.Struct, frozen=True, kw_only=True, tag="connect", omit_defaults=True):
    """Ring the destinations (E.164), all at once, for `timeout_s`; progress of those legs goes to `status_url`.

    step_url     asked when the legs are over, answered or not; None: the call ends with them
    whisper_url  asked for what a destination hears before it is connected (`whisper` says it); None: nothing
    """

    destinations: tuple[str, ...]
    timeout_s: int
    status_url: str
    step_url: str | None = None
    whisper_url: str | None = None
    whisper: Prompt | None = None
    record: bool = False
    caller_id: str | None = None


class Menu(msgspec.Struct, frozen=True, kw_only=True, tag="menu", omit_defaults=True):
    """Says the prompt, waits `timeout_s` for one of `keys`, and asks `step_url`, also when nothing was pressed."""

    prompt: Prompt
    keys: tuple[str, ...]
    timeout_s: int
    step_url: str


class Voicemail(msgspec.Struct, frozen=True, kw_only=True, tag="voicemail", omit_defaults=True):
    """Says the prompt and records the caller for at most `longest_s`; `step_url` is told where the recording is.

    status_url  told the same when the file is ready, which may be after the call
    """

    prompt: Prompt
    longest_s: int
    step_url: str
    status_url: str | None = None


class Reject(msgspec.Struct, frozen=True, kw_only=True, tag="reject", omit_defaults=True):
    """Do not take the call: the caller hears a busy tone, or that the number is not in service."""

    reason: Literal["rejected", "busy"] = "rejected"


class HangUp(msgspec.Struct, frozen=True, kw_only=True, tag="hang_up"):
    """The call is over."""


Last = Connect | Menu | Voicemail | Reject | HangUp


class Instruction(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a carrier shall do with a call now: say something, each text in turn, and then the last thing.

    Nothing is said before `Reject`: it costs the caller nothing, so the call is not answered.
    """

    last: Last
    say: tuple[Prompt, ...] = ()


AT = "dni_at"
"""Among a step's fields: the place in the plan that the address had which we gave; texts of our own making."""
STEPS = ("keys", "dialled", "recorded")
"""Kinds of events that are told to `/step`: the carrier waits for what it shall do next."""


class Answer(msgspec.Struct, frozen=True):
    """An instruction in a carrier's own format."""

    body: bytes
    media_type: str


class Port(Protocol):
    """What a carrier's file offers. All of it is pure; nothing here waits."""

    def open(self, request: RawRequest, secret: str) -> Fields:
        """Checks the signature. Raises Forbidden `missing_signature`, `bad_signature` or `stale_signature`, BadBody."""
        ...

    def inbound(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        """A call arrives; `tracking_number` is set. Raises InvalidField for what cannot be a call."""
        ...

    def progress(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        """A call goes on. Raises InvalidField when it does not say which call."""
        ...

    def step(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        """A carrier asks what to do next; `values` have AT. Its identity has that too, so the same question at another
        place of the plan is another event. Raises InvalidField when it does not say which call."""
        ...

    def bare(self, values: Mapping[str, str]) -> dict[str, str]:
        """What a call is folded from, of a request's fields, and a recording's address: nothing of who called."""
        ...

    def unrecorded(self, values: Mapping[str, str]) -> dict[str, str]:
        """The fields without what tells where a recording is; that there was one stays."""
        ...

    def answer(self, instruction: Instruction) -> Answer: ...

    def whisper(self, prompt: Prompt | None) -> Answer:
        """What a destination hears before it is connected; None: nothing, it is connected at once."""
        ...
