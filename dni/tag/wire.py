"""What pages send and get, as CONTRACT says ("The browser's door"). Unknown fields are ignored: pages may be newer."""

from typing import Annotated, Any, Literal

import msgspec

Id = Annotated[str, msgspec.Meta(max_length=64)]
Short = Annotated[str, msgspec.Meta(max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=256)]
Url = str  # as long as the body may be: a page with a monstrous address still gets its number; touch cuts it
Fields = Any  # whatever the page's author said: `clean_fields` takes what can be kept
Version = Annotated[int, msgspec.Meta(ge=1, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class Page(msgspec.Struct, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    seq: Count
    url: Url
    title: str | None = None


class LeaseRequest(msgspec.Struct, gc=False):
    """`robot`: a program drives the browser. `preview`: token of the draft by which the tag works on this page."""

    v: Version
    tag: Short
    page: Page
    numbers: Annotated[list[Short], msgspec.Meta(max_length=50)]
    visitor: Id | None = None
    session: Id | None = None
    referrer: Url | None = None
    visible: bool = True
    consent: Literal["granted", "denied", "unknown"] = "unknown"
    ids: Fields = None
    custom: Fields = None
    tz: Short | None = None
    lang: Short | None = None
    screen: str | None = None
    robot: bool = False
    preview: str | None = None


class Given(msgspec.Struct, gc=False):
    """One target's answer."""

    number: str | None
    national: str | None
    lease: str | None
    kind: Literal["pool", "static", "original"]
    protected_ms: int | None = None
    reason: str | None = None
    retry_ms: int | None = None


class LeaseAnswer(msgspec.Struct, gc=False):
    """`hold_ms`: for how long its leases stay protected after the page left; 0 without one."""

    visitor: str | None
    session: str | None
    beat_ms: int
    numbers: dict[str, Given]
    hold_ms: int = 0


class SignalPage(msgspec.Struct, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    seq: Count
    url: Url | None = None
    found: Count | None = None
    swapped: Count | None = None
    reverted: Count | None = None
    version: Short | None = None
    reason: Text | None = None
    took_ms: float | None = None
    idle: bool = False
    beat_ms: Count = 0


class Signal(msgspec.Struct, gc=False):
    type: Literal["beat", "hide", "leave", "tap", "view", "set"]
    lease: Id | None = None
    ago_ms: int = 0


class SignalRequest(msgspec.Struct, gc=False):
    """`consent`: as of now, where the page tells it; denied: news of the session are not kept."""

    v: Version
    tag: Short
    page: SignalPage
    signals: Annotated[list[Signal], msgspec.Meta(max_length=100)]
    session: Id | None = None
    visitor: Id | None = None
    consent: Literal["granted", "denied", "unknown"] | None = None
    ids: Fields = None
    custom: Fields = None
    preview: str | None = None


class SignalAnswer(msgspec.Struct, omit_defaults=True, gc=False):
    ended: list[str] = []
    beat_ms: int | None = None
