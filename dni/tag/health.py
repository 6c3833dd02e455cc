"""How a tag does on its pages, as the pages report it, and how a person reads that. Pure."""

from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dni import __version__
from dni.clock import rfc3339
from dni.tag.wire import SignalPage

State = Literal["never_seen", "swapped", "not_swapped", "found_none", "reverted", "no_number", "old_snippet"]

_URL_MAX = 300
# What a visitor or his browser chose, or a rule of the tag: nothing is wrong.
_MEANT = {"no_consent", "consent", "rule", "bot", "hidden"}


class Report(msgspec.Struct, array_like=True, frozen=True):
    """What a page said last, packed in this order. Fields are added at the end, never taken out.

    `found`, `swapped` and `reverted` count numbers; `took_ms` is the main thread's time for the first look.
    """

    at_ms: int
    found: int
    swapped: int
    reverted: int
    version: str | None
    took_ms: float | None
    reason: str | None


class PageHealth(msgspec.Struct, frozen=True):
    """`page` is origin and path, '' for all pages beyond the first 200. `says` is `state` for people.

    `tone` is how bad it is: good, calm, warn or bad. `reports` counts since the page is known.
    """

    page: str
    state: State
    says: str
    tone: Literal["good", "calm", "warn", "bad"]
    last_seen_at: str
    reports: int
    found: int
    swapped: int
    reverted: int
    version: str | None
    took_ms: float | None
    reason: str | None


class HealthView(msgspec.Struct, frozen=True):
    """`state` is that of the page that reported last; pages stand newest first."""

    last_seen_at: str | None
    state: State
    says: str
    tone: Literal["good", "calm", "warn", "bad"]
    pages: list[PageHealth]


def is_report(kinds: set[str], page: SignalPage) -> bool:
    """Each view; and every sign of a page that works against the tag, which it only knows later."""
    return page.url is not None and ("view" in kinds or bool(page.reverted))


def place(url: str) -> tuple[str, str] | None:
    """Origin, and origin with path; None for what is no web address. The query may hold anything, so it is dropped."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc or not url.isprintable():
        return None
    origin = f"{parts.scheme}://{parts.netloc.lower()}"
    return origin, (origin + (parts.path or "/"))[:_URL_MAX]


def report(now_ms: int, page: SignalPage) -> Report:
    took_ms = page.took_ms if page.took_ms is not None and 0 <= page.took_ms < 1e6 else None
    counts = page.found or 0, page.swapped or 0, page.reverted or 0
    return Report(now_ms, *counts, page.version, took_ms and round(took_ms, 1), page.reason)


def of_page(page: str, reports: int, said: Report) -> PageHealth:
    state, says = _state(said)
    return PageHealth(
        page,
        state,
        says,
        _tone(state, said.reason),
        rfc3339(said.at_ms),
        reports,
        said.found,
        said.swapped,
        said.reverted,
        said.version,
        said.took_ms,
        said.reason,
    )


def of_tag(pages: list[PageHealth]) -> HealthView:
    newest = sorted(pages, key=lambda page: page.last_seen_at, reverse=True)
    if not newest:
        return HealthView(None, "never_seen", "never seen", "calm", [])
    last = newest[0]
    return HealthView(last.last_seen_at, last.state, last.says, last.tone, newest)


def _state(said: Report) -> tuple[State, str]:
    """The worst that is true: a page that shows no number first, an old snippet that works last."""
    if said.reverted:
        return "reverted", "reverted by the page"
    if not said.found:
        return "found_none", "ran, found 0 numbers"
    if not said.swapped:
        if said.reason:
            return "no_number", f"no number: {said.reason}"
        return "not_swapped", f"found {_numbers(said.found)}, swapped none"
    if said.version != __version__:
        return "old_snippet", f"old snippet, swapped {_numbers(said.swapped)}"
    return "swapped", f"swapped {_numbers(said.swapped)}"


def _tone(state: State, reason: str | None) -> Literal["good", "calm", "warn", "bad"]:
    if state == "swapped":
        return "good"
    if state == "no_number":
        return "calm" if reason in _MEANT else "bad"
    return "bad" if state == "reverted" else "warn"


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count:,} numbers"
