"""How a tag does on its pages, as the pages report it, and how a person reads that. Pure."""

import re
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dni import __version__
from dni.clock import from_rfc3339, rfc3339
from dni.tag.wire import SignalPage

State = Literal["never_seen", "swapped", "not_swapped", "found_none", "reverted", "no_number", "old_snippet"]

RECENT_MS = 3_600_000

_URL_MAX = 300
# Whose page reverts says so only after its first report, and the next visitor's first one must not hide it.
_REVERTED_FOR_MS = 3_600_000
# What a visitor or his browser chose, or a rule of the tag: nothing is wrong.
_MEANT = {"no_consent", "consent", "rule", "bot", "hidden"}
# What our own script writes: anybody may write anything else, and people read it.
_REASON, _VERSION = re.compile(r"[a-z_]{1,40}"), re.compile(r"[0-9A-Za-z.+-]{1,40}")
# Where a mangled address goes on with its query; a segment that names a person by e-mail address.
_QUERY_IN_PATH = re.compile(r"[;&=]|%3f|%26|%3d|%3b", re.IGNORECASE)
_MAIL = re.compile(r"[^/]*(?:@|%40)[^/]*", re.IGNORECASE)


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
    """`page` is origin and path. `says` is `state` for people, `tone` how bad it is: good, calm, warn or bad.

    `reports` counts since the page is known. `reverted_at`: when it last said that it puts the original back; for
    an hour of reports that is its state. `latest` is the state of its last report alone.
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
    reverted_at: str | None
    latest: State


class HealthView(msgspec.Struct, frozen=True):
    """`state` is that of the page that reported last; pages stand newest first."""

    last_seen_at: str | None
    state: State
    says: str
    tone: Literal["good", "calm", "warn", "bad"]
    pages: list[PageHealth]


def place(url: str) -> tuple[str, str] | None:
    """Origin, and origin with path; None for what is no web address.

    The query may hold anything, so it is dropped, and what stands for one in a path; so are e-mail addresses there.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = parts.netloc.lower()
    if parts.scheme not in ("http", "https") or not host or not _HOST.fullmatch(host) or not parts.path.isprintable():
        return None
    origin = f"{parts.scheme}://{host}"
    path = _MAIL.sub("…", _QUERY_IN_PATH.split(parts.path, 1)[0])
    return origin, (origin + (path or "/"))[:_URL_MAX]


_HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::\d{1,5})?")


def report(now_ms: int, page: SignalPage) -> Report:
    took_ms = page.took_ms if page.took_ms is not None and 0 <= page.took_ms < 1e6 else None
    counts = page.found or 0, page.swapped or 0, page.reverted or 0
    version = page.version if _VERSION.fullmatch(page.version or "") else None
    reason = page.reason if _REASON.fullmatch(page.reason or "") else page.reason and "unknown"
    return Report(now_ms, *counts, version, took_ms and round(took_ms, 1), reason)


def of_page(page: str, reports: int, reverted_ms: int, said: Report) -> PageHealth:
    """`reverted_ms`: when it last reported that it puts numbers back; 0: never."""
    latest, says = state, _ = _state(said)
    if reverted_ms and said.at_ms - reverted_ms < _REVERTED_FOR_MS:
        state, says = _REVERTED
    return PageHealth(
        page,
        state,
        says,
        tone(state, said.reason),
        rfc3339(said.at_ms),
        reports,
        said.found,
        said.swapped,
        said.reverted,
        said.version,
        said.took_ms,
        said.reason,
        rfc3339(reverted_ms) if reverted_ms else None,
        latest,
    )


def of_tag(pages: list[PageHealth]) -> HealthView:
    newest = sorted(pages, key=lambda page: page.last_seen_at, reverse=True)
    if not newest:
        return HealthView(None, "never_seen", "never seen", "calm", [])
    last = newest[0]
    return HealthView(last.last_seen_at, last.state, last.says, last.tone, newest)


def needs_a_look(view: HealthView) -> bool:
    """A tag that nobody pasted yet is no trouble."""
    return view.state != "never_seen" and view.tone in ("bad", "warn")


def works(view: HealthView, now_ms: int) -> bool | None:
    """Whether pages that reported in the last hour show numbers; None: it cannot be told, for none reported, or those
    that did have nothing to show: a visitor who did not consent, a single page of several on which there is no number.
    """
    recent = [page for page in view.pages if from_rfc3339(page.last_seen_at) > now_ms - RECENT_MS]
    if any(page.state in ("swapped", "old_snippet") for page in recent):
        return True
    broken = [page for page in recent if page.state in ("reverted", "not_swapped") or page.tone == "bad"]
    empty = [page for page in recent if page.state == "found_none"]
    if broken:
        return False
    return False if len(empty) > 1 or (empty and len(view.pages) == 1) else None


_REVERTED: tuple[State, str] = ("reverted", "reverted by the page")


def _state(said: Report) -> tuple[State, str]:
    """The worst that is true: a page that shows no number first, an old snippet that works last."""
    if said.reverted:
        return _REVERTED
    if not said.found:
        return "found_none", "ran, found 0 numbers"
    if not said.swapped:
        if said.reason:
            return "no_number", f"no number: {said.reason}"
        return "not_swapped", f"found {_numbers(said.found)}, swapped none"
    if said.version != __version__:
        return "old_snippet", f"old snippet, swapped {_numbers(said.swapped)}"
    return "swapped", f"swapped {_numbers(said.swapped)}"


def tone(state: State, reason: str | None) -> Literal["good", "calm", "warn", "bad"]:
    if state == "swapped":
        return "good"
    if state == "no_number":
        return "calm" if reason in _MEANT else "bad"
    return "bad" if state == "reverted" else "warn"


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count:,} numbers"
