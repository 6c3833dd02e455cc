"""What happened that others are told, to whom, and what became of it: as values. Pure.

A *message* is something that happened (`outbox`); an *endpoint* is where it is told; a *delivery* is one message for
one endpoint, an *attempt* one try to send it. What an endpoint's kind asks for, and how a request of it looks, is its
own file's affair (`kinds.py` lists them).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

Type = Literal[
    "call.started",
    "call.completed",
    "call.attributed",
    "call.qualified",
    "call.corrected",
    "outcome.recorded",
    "statement.closed",
    "tag.alert",
    "pool.alert",
    "export.due",
    "test",
]
"""`export.due`: a nightly file, of one endpoint. `test`: somebody pressed the button; of one endpoint too."""
TYPES: tuple[Type, ...] = (
    "call.started",
    "call.completed",
    "call.attributed",
    "call.qualified",
    "call.corrected",
    "outcome.recorded",
    "statement.closed",
    "tag.alert",
    "pool.alert",
)
"""What an endpoint may ask for."""
OF_CALLS: tuple[Type, ...] = TYPES[:6]

Action = Literal["tell", "convert", "adjust"]
"""`tell`: each message, as often as there is one. `convert`: a call, once, when it first is what the endpoint asks for.
`adjust`: what changed of a call that was told as a conversion."""

State = Literal["waiting", "delivered", "dead", "skipped"]
"""`dead`: given up. `skipped`: there was nothing to send, or nothing that may be sent; `why` says what is missing."""
STATES: tuple[State, ...] = ("waiting", "delivered", "dead", "skipped")

VERSION = 1
"""Of the form of `data`."""


class Only(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which calls an endpoint is told of. All that is given must hold; null: any."""

    qualified: bool | None = None
    billable: bool | None = None
    answered: bool | None = None
    min_talk_seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    min_confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`campaign`, `publisher` null: of all. `settings` and `secrets` are those of its kind, as its structs."""

    id: str
    kind: str
    name: str
    campaign: str | None = None
    publisher: str | None = None
    types: tuple[Type, ...] = ()
    only: Only = Only()
    settings: Any = None
    secrets: Any = None
    paused: bool = False


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """`id` stays the same over retries and for all endpoints: who receives it can tell a repetition by it. `data` as
    docs/webhooks.md has it: `call`, `visit`, `campaign`, `publisher`, `change` of a call's message."""

    seq: int
    id: str
    type: Type
    at_ms: int
    subject: str
    data: dict[str, Any]


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way to an endpoint. `former`: of an adjustment, what was kept of the conversion, or of the last
    adjustment of it that was delivered and kept something. `gathered`: what was read for it just now, where its kind
    says so (`Kind.gathers`)."""

    delivery: str
    message: Message
    action: Action = "tell"
    attempts: int = 0
    former: Mapping[str, Any] | None = None
    gathered: bytes = b""


class Claim(NamedTuple):
    """A delivery that is ours to send until `until_ms`."""

    id: str
    endpoint: str
    seq: int
    subject: str
    action: Action
    attempts: int
    at_ms: int
    lease: str
    until_ms: int


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`hidden`: texts of secrets that stand in `url` or `body`; pages show dots in their place. Headers are not kept.
    `kept`: by delivery, what an adjustment will have to know. A `url` with the scheme `file` is written, not sent:
    `folder.write` does it and gives an Answer."""

    url: str
    method: Literal["GET", "POST", "PUT", "PATCH"] = "POST"
    headers: Mapping[str, str] = {}
    body: bytes = b""
    hidden: tuple[str, ...] = ()
    kept: Mapping[str, Mapping[str, Any]] = {}


class Sent(msgspec.Struct, frozen=True):
    """A request as people read it, without secrets; a long body is cut."""

    method: str
    url: str
    body: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `status` null: nothing did, `why` says what happened instead. `body`: its beginning, at most
    64 KiB. `headers` by lower-case name."""

    status: int | None = None
    headers: Mapping[str, str] = {}
    body: bytes = b""
    why: str | None = None


class Skip(msgspec.Struct, frozen=True):
    """Nothing is sent, now or ever."""

    why: str


class Later(msgspec.Struct, frozen=True):
    """Too early to be sent; not an attempt."""

    at_ms: int
    why: str


class Result(msgspec.Struct, frozen=True):
    """Of one message in a request. `again`: it is tried again, `after_ms` from now at the earliest. `failed`: whether
    the endpoint is to blame, so that its circuit may open: not for one message that it does not like."""

    state: Literal["delivered", "again", "dead"]
    why: str | None = None
    after_ms: int = 0
    failed: bool = True


class Grant(msgspec.Struct, frozen=True):
    """How an access token is had (OAuth 2.0, RFC 6749): a form that is posted to `url`. `renews`: the name of the
    secret whose place a `refresh_token` in the answer takes for good: the former one ends some day. Null: it stays."""

    url: str
    form: Mapping[str, str]
    renews: str | None = None


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint can be.

    name       in API and ledger, such as `google_ads`
    label      for people, such as "Google Ads"
    settings   its struct: what is set, and shown again; `__post_init__` raises InvalidField with /settings/… paths
    secrets    its struct: what is never shown again; paths /secrets/…
    converts   it is told a call once, as a conversion; else every message
    adjusts    it takes changes of a conversion
    types      what a new one is told unless it is said otherwise; `may_ask` what it can be told
    batch      so many messages fit into one request
    group      only messages of an equal group are sent in one request: a batch that would mix them is parted. An empty
               text for all, unless a platform takes kinds of messages at different addresses
    check      before anything is sent: what is missing for this message (Skip), or that it is too early (Later)
    request    of messages that `check` passed; `token` is an access token where there is a grant
    results    what the answer says of each message, in their order; a status and body as its documentation has them
    grant      how an access token is had; None: it needs none
    gathers    a message says only what is to be sent, and the ledger has it. Who sends awaits `gather.gather` after
               `check` said nothing and before `request`; `request` and `results` get the answer in the place of the
               message. Once an attempt, and so for a test and a preview too
    proven     what it was checked by, and what could not be: shown on its page
    """

    name: str
    label: str
    settings: type[msgspec.Struct]
    secrets: type[msgspec.Struct]
    converts: bool
    adjusts: bool = False
    types: tuple[Type, ...] = ("call.qualified", "call.corrected")
    may_ask: tuple[Type, ...] = OF_CALLS
    batch: int = 1
    group: Callable[[Outgoing], str] = lambda _outgoing: ""
    check: Callable[[Endpoint, Outgoing, int], Skip | Later | None]
    request: Callable[[Endpoint, Sequence[Outgoing], int, str | None], Request]
    results: Callable[[Endpoint, Sequence[Outgoing], Answer], list[Result]]
    grant: Callable[[Endpoint], Grant | None] = lambda _endpoint: None
    gathers: bool = False
    proven: str = ""


def plain_result(answer: Answer) -> Result:
    """What a status says by itself: 2xx is done; 410 Gone, and other refusals of the request itself, are tried again
    too, for whoever receives may mend it; so is all else. A redirect is not followed."""
    status = answer.status
    if status is None:
        return Result("again", answer.why or "no answer")
    if 200 <= status < 300:
        return Result("delivered")
    if 300 <= status < 400:
        to = answer.headers.get("location", "nowhere")[:200]
        return Result(
            "again", f"it redirects ({status}) to {to}, which is not followed: enter the address that answers"
        )
    return Result("again", f"it answered {status}", retry_after_ms(answer.headers.get("retry-after")))


def retry_after_ms(header: str | None) -> int:
    """Of Retry-After in seconds (RFC 9110, 10.2.3); a date, or nothing that can be read, is 0. At most a day."""
    text = (header or "").strip()
    return min(int(text), 86_400) * 1000 if text.isdecimal() and len(text) < 8 else 0
