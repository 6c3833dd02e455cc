"""How pages say a moment, a span, a phone number, a status and a method. Pure."""

from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import phonenumbers

from dni import phone
from dni.money import Money


class Badge(msgspec.Struct, frozen=True):
    """A state in a word or two; `tone` is a class of the style sheet: live, good, warn, bad or calm."""

    label: str
    tone: str


# Of fewer than so many, up and down are chance: told, but neither good nor bad.
_FEW = 5


class Change(msgspec.Struct, frozen=True):
    """Against something before: at a glance (`↑ 12%`), as a sentence says it (`12% more`), and a class of the style
    sheet: up, down or same."""

    text: str
    spoken: str
    tone: str


# By the call's status, in the order in which the filter offers them.
STATUSES = {
    "ringing": Badge("Ringing", "live"),
    "menu": Badge("In the menu", "live"),
    "connecting": Badge("Connecting", "live"),
    "in_progress": Badge("Talking", "live"),
    "completed": Badge("Answered", "good"),
    "no_answer": Badge("No answer", "warn"),
    "busy": Badge("Busy", "warn"),
    "canceled": Badge("Caller hung up", "warn"),
    "voicemail": Badge("Voicemail", "warn"),
    "failed": Badge("Failed", "bad"),
    "rejected": Badge("Refused", "bad"),
}

# How a call was attributed: what a list says, and what the call's own page says.
METHODS = {
    "tap": ("Tapped", "The visitor tapped the number shortly before it rang."),
    "current": ("On screen", "The number was on this visitor's screen when it rang."),
    "recent": (
        "Last shown",
        "This visitor had been shown the number some time before, and fits best.",
    ),
    "returning": ("Known caller", "This caller had called before, and that call's visitor is known."),
    "static": (
        "Static number",
        "The number is bound to its source and never leased: the source is known, the visitor is not.",
    ),
    "none": ("Nobody", "Most likely a wrong number or a robot: no visitor who was shown the number fits the call."),
}
_PENDING = ("Not yet", "Nobody is credited yet.")

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000


def status(name: str) -> Badge:
    return STATUSES.get(name) or Badge(name.replace("_", " ").capitalize(), "calm")


def share(part: float) -> str:
    """`44%`; what is rounded to nothing is still something."""
    return "<1%" if 0 < part < 0.01 else f"{part:.0%}"


def count(value: float | None) -> str:
    """`1,234`; what credit models share has two decimals."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value - round(value)) < 0.005 else f"{value:,.2f}"


def amount(money: Money) -> str:
    """`1,250.00`, where its currency stands beside."""
    return str(money).removesuffix(f" {money.currency}")


def change(now: float, before: float) -> Change | None:
    """How far `now` is above or below `before`; None where neither is anything."""
    if not now and not before:
        return None
    is_few = max(now, before) < _FEW
    if not before:
        return Change("new", "none before", "same" if is_few else "up")
    more = now / before - 1
    if abs(more) < 0.005:
        return Change("= same", "the same", "same")
    arrow, word, tone = ("↑", "more", "up") if more > 0 else ("↓", "fewer", "down")
    if more >= 9:
        return Change(f"{arrow} × {now / before:.0f}", f"{now / before:.0f} times as many", tone)
    return Change(f"{arrow} {abs(more):.0%}", f"{abs(more):.0%} {word}", "same" if is_few else tone)


def method(name: str | None) -> tuple[str, str]:
    """Short and long; None is an attribution still to come."""
    return _PENDING if name is None else METHODS.get(name, (name.replace("_", " ").capitalize(), name))


def moment(ms: int, zone: ZoneInfo, now_ms: int | None = None) -> str:
    """`Nov 22, 14:05:09`, with the year when it is not now's; the page says once which zone."""
    at = _local(ms, zone)
    year = "" if now_ms is None or _local(now_ms, zone).year == at.year else f" {at.year}"
    return f"{at:%b} {at.day}{year}, {at:%H:%M:%S}"


def date(ms: int, zone: ZoneInfo) -> str:
    """`Sunday, November 22, 2026`."""
    return f"{_local(ms, zone):%A, %B} {_local(ms, zone).day}, {_local(ms, zone).year}"


def clock_time(ms: int, zone: ZoneInfo) -> str:
    return f"{_local(ms, zone):%H:%M:%S}"


def duration(seconds: int) -> str:
    """`0:07`, `12:40`, `1:02:03`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(ms: int) -> str:
    """`12 s`, `3 min 5 s`, `2 h 10 min`, `4 days 3 h`: two units are enough to compare."""
    if ms < 1000:
        return "less than a second"
    if ms < _MINUTE_MS:
        return f"{ms // 1000} s"
    if ms < _HOUR_MS:
        return _two(ms, _MINUTE_MS, "min", 1000, "s")
    if ms < _DAY_MS:
        return _two(ms, _HOUR_MS, "h", _MINUTE_MS, "min")
    return _two(ms, _DAY_MS, "day" if ms < 2 * _DAY_MS else "days", _HOUR_MS, "h")


def number(e164: str, beside: str | None = None) -> str:
    """A phone number as its country writes it; with its country's code when it stands `beside` one of another country.

    A masked one keeps its dots; what is no number stays as it is.
    """
    if e164.endswith("••••"):
        shown = number(e164[:-4] + "0000", beside)
        return shown[:-4] + "••••" if shown.endswith("0000") else e164
    try:
        return phone.international(e164) if beside and _country(beside) != _country(e164) else phone.national(e164)
    except phonenumbers.NumberParseException:
        return e164


def path_of(url: str) -> str:
    """`/water-heaters` of a landing page's address; the host when the path says nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return parts.path if parts.path not in ("", "/") else (parts.netloc or url)


def _local(ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ms / 1000, zone)


def _country(e164: str) -> int | None:
    return phonenumbers.parse(e164, None).country_code


def _two(ms: int, big_ms: int, big: str, small_ms: int, small: str) -> str:
    whole, rest = ms // big_ms, ms % big_ms // small_ms
    return f"{whole} {big} {rest} {small}" if rest else f"{whole} {big}"
