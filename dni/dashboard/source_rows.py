"""The page of sources: how it is asked for, and its rows as a person reads them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from dni.dashboard import filters, words
from dni.dashboard.filters import Filters
from dni.report.model import MODELS, OF_CALL, OF_TIME, ReportFilter, ReportRow

PATH = "/sources"
DAYS = 30
DAY_MS = 86_400_000
MOST_ROWS = 500

BY: dict[str, tuple[str, tuple[str, ...]]] = {
    "source": ("Source", ("source", "medium")),
    "channel": ("Channel", ("channel",)),
    "campaign_name": ("Campaign name", ("campaign_name",)),
    "keyword": ("Keyword", ("keyword",)),
    "content": ("Content", ("content",)),
    "landing_page": ("Landing page", ("landing_page",)),
    "publisher": ("Publisher", ("publisher",)),
    "tag": ("Tag", ("tag",)),
    "number": ("Number", ("number",)),
    "device": ("Device", ("device",)),
    "region": ("Region", ("region",)),
    "day": ("Day", ("day",)),
    "weekday": ("Weekday", ("weekday",)),
    "hour": ("Hour", ("hour",)),
    "first_time": ("First call", ("first_time",)),
}
MODEL_NAMES = {
    "last_touch": "Last touch",
    "first_touch": "First touch",
    "last_non_direct": "Last that was not direct",
    "linear": "Linear: all alike",
    "position_based": "Position: 40, 20, 40",
    "time_decay": "Time decay: half for each week",
}
assert set(MODEL_NAMES) == set(MODELS)

FIGURES = (
    ("Visits", "Visits that began in these days. “With number”: those that were shown a number of a pool."),
    (
        "Calls",
        "Calls that rang in these days. A credit model shares each among the visits that led to it; rows sum to all "
        "calls. A call that is nobody's stands where nothing is known.",
    ),
    ("Before", "Calls in as many days just before."),
    (
        "Expected",
        "Where more than one visitor may have called, each counts by his probability. What is nobody's is in no row.",
    ),
    ("First time", "Calls from telephones that never called this campaign before. Withheld numbers are none."),
    ("Answered", "The share of calls that were connected."),
    ("Mean length", "From first ring to end, of one call."),
    ("Per 100 visits", "Calls for every hundred visits."),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# What the list of calls can be asked for, and calls it the same.
_LISTED = {"source", "medium", "keyword", "publisher"}


class Asked(msgspec.Struct, frozen=True):
    """`first` and `last` are days of the reader's zone, both within."""

    by: str
    model: str
    filters: Filters
    first: date
    last: date

    @property
    def names(self) -> tuple[str, ...]:
        return BY[self.by][1]

    def address(self, path: str = PATH, **changes: str) -> str:
        """`from_` is `from`; `""` removes."""
        now = {"by": self.by, "model": self.model, **self.filters.values}
        now |= {name.rstrip("_"): value for name, value in changes.items()}
        usual = {"by": "source", "model": "last_touch"}
        return f"{path}?{urlencode({k: v for k, v in now.items() if v and v != usual.get(k)})}".removesuffix("?")

    def spans(self, zone: ZoneInfo) -> tuple[ReportFilter, ReportFilter]:
        """What is asked for, and the same for as many days before."""
        days = self.last - self.first + timedelta(days=1)
        wanted = self.filters.wanted(zone)
        shared = {name: getattr(wanted, name) for name in ("campaign", "publisher", "source", "medium", "keyword")}
        edges = [_start_ms(day, zone) for day in (self.first - days, self.first, self.last + timedelta(days=1))]
        now = ReportFilter(from_ms=edges[1], to_ms=edges[2], **shared)
        return now, ReportFilter(from_ms=edges[0], to_ms=edges[1], **shared)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`share`: of the most calls that any row has, 0..1. `calls_page`: the calls of it, where they can be listed."""

    label: str
    known: bool
    calls_page: str | None
    visits: str
    leased: str
    calls: str
    share: float
    before: str
    expected: str
    first_time: str
    answered: str
    mean: str
    rate: str


def read(query: Mapping[str, str], now_ms: int, zone: ZoneInfo) -> Asked:
    """What is wrong is left out, as on the list of calls."""
    asked = filters.read(query)
    by, model = query.get("by", ""), query.get("model", "")
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    last = date.fromisoformat(asked.get("to")) if asked.get("to") else today
    first = date.fromisoformat(asked.get("from")) if asked.get("from") else last - timedelta(days=DAYS - 1)
    return Asked(
        by if by in BY else "source", model if model in MODELS else "last_touch", asked, min(first, last), last
    )


def presets(asked: Asked, now_ms: int, zone: ZoneInfo) -> list[tuple[str, str, bool]]:
    """Label, address, and whether it is what the reader sees now."""
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    answer = []
    for label, days in (("Today", 1), ("7 days", 7), ("30 days", DAYS), ("90 days", 90)):
        first = today - timedelta(days=days - 1)
        now = (asked.first, asked.last) == (first, today)
        answer.append((label, asked.address(from_="" if days == DAYS else first.isoformat(), to=""), now))
    return answer


def rows(
    asked: Asked, found: Sequence[ReportRow], before: Sequence[ReportRow], labels: Mapping[str, Mapping[str, str]]
) -> list[Row]:
    """`labels`: of dimensions whose values are ids, what people call them."""
    earlier = {_key(asked, one): one for one in before}
    most = max((one.calls for one in found), default=0.0)
    if asked.by in OF_TIME:  # hours and weekdays as they come, days the newest first
        found = sorted(found, key=lambda one: str(_key(asked, one)[0]).zfill(2), reverse=asked.by == "day")
    return [row(asked, one, earlier.get(_key(asked, one)), most, labels) for one in found]


def row(
    asked: Asked,
    one: ReportRow,
    earlier: ReportRow | None,
    most: float,
    labels: Mapping[str, Mapping[str, str]],
    label: str | None = None,
) -> Row:
    key = _key(asked, one)
    said = [_said(name, value, labels) for name, value in zip(asked.names, key, strict=True)]
    return Row(
        label=label or " / ".join(text for text in said if text) or "not known",
        known=label is not None or any(said),
        calls_page=None if label else _calls_page(asked, key),
        visits=_count(one.sessions),
        leased=_count(one.leased),
        calls=_count(one.calls),
        share=one.calls / most if most else 0.0,
        before=_count(earlier.calls if earlier else 0.0),
        expected=_count(one.expected_calls),
        first_time=_count(one.first_time_callers),
        answered=f"{one.answered / one.calls:.0%}" if one.calls else "–",
        mean=words.duration(round(one.mean_duration)) if one.mean_duration is not None else "–",
        rate="–" if one.calls_per_100_sessions is None else f"{one.calls_per_100_sessions:.1f}",
    )


def _key(asked: Asked, one: ReportRow) -> tuple[object, ...]:
    return tuple(None if (value := getattr(one, name)) is UNSET else value for name in asked.names)


def _said(name: str, value: object, labels: Mapping[str, Mapping[str, str]]) -> str | None:
    if value is None:
        return None
    if name == "first_time":
        return "First call of this telephone" if value else "Called before, or withheld"
    if name == "weekday":
        return _WEEKDAYS[int(str(value)) - 1]
    if name == "hour":
        return f"{value:02}:00 to {value:02}:59"
    if name == "number":
        return words.number(str(value)) if value else None
    return labels.get(name, {}).get(str(value), str(value))


def _calls_page(asked: Asked, key: tuple[object, ...]) -> str | None:
    """Calls are listed by their own touch, which is the last one."""
    if asked.model != "last_touch" or not set(asked.names) <= _LISTED or None in key:
        return None
    named = dict(zip(asked.names, map(str, key), strict=True))
    days = {"from": asked.first.isoformat(), "to": asked.last.isoformat()}
    return f"{filters.PATH}?{urlencode({**asked.filters.values, **named, **days})}"


def _count(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value - round(value)) < 0.005 else f"{value:,.2f}"


def _start_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, datetime.min.time(), zone).timestamp() * 1000)


def has_visits(asked: Asked) -> bool:
    return not set(asked.names) & set(OF_CALL)
