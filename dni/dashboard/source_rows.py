"""The pages of sources and of keywords: how they are asked for, and their rows as a person reads them. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from dni.call.search import EXACT_NAMES
from dni.dashboard import filters, words
from dni.dashboard.filters import Filters
from dni.dashboard.words import Change
from dni.ledger.schema import SUBS
from dni.money import Money
from dni.report.attribution import Report
from dni.report.model import MODELS, OF_CALL, OF_OWNER, OF_TIME, OF_TOUCH, ReportFilter, ReportRow

DAYS = 30
DAY_MS = 86_400_000
MOST_ROWS = 500

By = Mapping[str, tuple[str, tuple[str, ...]]]

SOURCES: By = {
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
    **{name: (filters.LABELS[name], (name,)) for name in SUBS},
}
KEYWORDS: By = {
    "where": ("Keyword, campaign and source", ("keyword", "campaign_name", "source")),
    "keyword": ("Keyword alone", ("keyword",)),
    "landing": ("Keyword and landing page", ("keyword", "landing_page")),
}
PAGES: Mapping[str, By] = {"/sources": SOURCES, "/keywords": KEYWORDS}
COLUMN_NAMES = {"campaign_name": "Campaign name", "source": "Source", "landing_page": "Landing page"}

MODEL_NAMES = {
    "last_touch": "Last touch",
    "first_touch": "First touch",
    "last_non_direct": "Last that was not direct",
    "linear": "Linear: all alike",
    "position_based": "Position: 40, 20, 40",
    "time_decay": "Time decay: half for each week",
}
assert set(MODEL_NAMES) == set(MODELS)

MONEY = {
    "qualified": "Qualified",
    "payout": "Payout",
    "revenue": "Revenue",
    "margin": "Margin",
    "payout_per_qualified": "Per qualified",
}
_CURRENCY = re.compile("[A-Z]{3}")

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# What a report can be narrowed by.
_NARROWED = (*OF_TOUCH, *OF_OWNER, *OF_CALL)
_TEXTS = set(EXACT_NAMES)
# What the list of calls cannot be asked for.
_NOT_LISTED = {"weekday", "hour"}


class Asked(msgspec.Struct, frozen=True):
    """`first` and `last` are days of the reader's zone, both within. `currency`: of the amounts; `""`: that of most."""

    path: str
    by: str
    model: str
    filters: Filters
    first: date
    last: date
    currency: str = ""

    @property
    def choices(self) -> By:
        return PAGES[self.path]

    @property
    def names(self) -> tuple[str, ...]:
        return self.choices[self.by][1]

    @property
    def columns(self) -> tuple[str, ...]:
        """What stands in columns of its own, beside what names the row."""
        return self.names[1:] if self.path == "/keywords" else ()

    @property
    def head(self) -> str:
        if self.path == "/keywords":
            return "Keyword"
        return "Source / medium" if self.by == "source" else self.choices[self.by][0]

    def address(self, path: str = "", **changes: str) -> str:
        """`from_` is `from`; `""` removes."""
        path = path or self.path
        now = {"by": self.by, "model": self.model, "currency": self.currency, **self.filters.values}
        now |= {name.rstrip("_"): value for name, value in changes.items()}
        usual = {"by": next(iter(self.choices)), "model": "last_touch"}
        return f"{path}?{urlencode({k: v for k, v in now.items() if v and v != usual.get(k)})}".removesuffix("?")

    def spans(self, zone: ZoneInfo) -> tuple[ReportFilter, ReportFilter]:
        """What is asked for, and the same for as many days before."""
        days = self.last - self.first + timedelta(days=1)
        wanted = self.filters.wanted(zone)
        shared = {name: getattr(wanted, name) for name in _NARROWED} | {"currency": self.currency or None}
        edges = [_start_ms(day, zone) for day in (self.first - days, self.first, self.last + timedelta(days=1))]
        now = ReportFilter(from_ms=edges[1], to_ms=edges[2], **shared)
        return now, ReportFilter(from_ms=edges[0], to_ms=edges[1], **shared)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`more`: what stands in the further columns. `share`: of the most calls that any row has, 0..1. `calls_page`: its
    calls, where they can be listed. `money`: by the names of MONEY."""

    label: str
    known: bool
    more: tuple[str | None, ...]
    calls_page: str | None
    visits: str
    leased: str
    calls: str
    share: float
    before: str
    change: Change | None
    expected: str
    first_time: str
    answered: str
    mean: str
    rate: str
    money: Mapping[str, str]


def read(query: Mapping[str, str], now_ms: int, zone: ZoneInfo, path: str = "/sources") -> Asked:
    """What is wrong is left out, as on the list of calls."""
    asked = filters.read({name: value for name, value in query.items() if name in ("from", "to", *_NARROWED)})
    by, model = query.get("by", ""), query.get("model", "")
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    last = date.fromisoformat(asked.get("to")) if asked.get("to") else today
    first = date.fromisoformat(asked.get("from")) if asked.get("from") else last - timedelta(days=DAYS - 1)
    return Asked(
        path,
        by if by in PAGES[path] else next(iter(PAGES[path])),
        model if model in MODELS else "last_touch",
        asked,
        min(first, last),
        last,
        currency if _CURRENCY.fullmatch(currency := query.get("currency", "")) else "",
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


def rows(asked: Asked, report: Report, labels: Mapping[str, Mapping[str, str]]) -> list[Row]:
    """`labels`: of dimensions whose values are ids, what people call them. On the page of keywords all that has none is
    one row, the last."""
    compared = report.total_before.calls > 0
    found = list(zip(report.rows, report.before, strict=True))
    rest: list[Row] = []
    if asked.path == "/keywords":
        none = [pair for pair in found if not pair[0].keyword]
        found = [pair for pair in found if pair[0].keyword]
        if none:
            whole, earlier = merged(one for one, _ in none), merged(one for _, one in none if one)
            rest = [row(asked, whole, earlier, 0.0, labels, "No keyword", {"unset": "keyword"}, compared=compared)]
    most = max((one.calls for one, _ in found), default=0.0)
    if asked.by in OF_TIME:  # hours and weekdays as they come, days the newest first
        found.sort(key=lambda pair: str(_key(asked, pair[0])[0]).zfill(2), reverse=asked.by == "day")
    alike = Counter(_folded(asked, one) for one, _ in found)
    return [
        row(
            asked,
            one,
            before,
            most,
            labels,
            listed=_listed(asked, one, exactly=alike[_folded(asked, one)] > 1),
            compared=compared,
        )
        for one, before in found
    ] + rest


def row(
    asked: Asked,
    one: ReportRow,
    earlier: ReportRow | None,
    most: float,
    labels: Mapping[str, Mapping[str, str]],
    label: str | None = None,
    listed: Mapping[str, str] | None = None,
    *,
    compared: bool = True,
) -> Row:
    """`label`: of a row that stands for several groups. `listed`: how the list of calls is asked for its calls.
    `compared`: the days before have calls at all."""
    said = [_said(name, value, labels) for name, value in zip(asked.names, _key(asked, one), strict=True)]
    own = said[: len(said) - len(asked.columns)]
    days = {"from": asked.first.isoformat(), "to": asked.last.isoformat()}
    # Calls are listed by their own touch, which is the last one.
    has_page = listed is not None and asked.model == "last_touch"
    page = f"{filters.PATH}?{urlencode({**asked.filters.values, **days, **(listed or {})})}" if has_page else None
    return Row(
        label=label or " / ".join(text for text in own if text) or "not known",
        known=label is not None or any(own),
        more=tuple(said[len(own) :]) if label is None else (None,) * len(asked.columns),
        calls_page=page,
        visits=words.count(one.sessions),
        leased=words.count(one.leased),
        calls=words.count(one.calls),
        share=one.calls / most if most else 0.0,
        before=words.count(earlier.calls if earlier else 0.0),
        change=words.change(one.calls, earlier.calls if earlier else 0.0) if compared else None,
        expected=words.count(one.expected_calls),
        first_time=words.count(one.first_time_callers),
        answered=f"{one.answered / one.calls:.0%}" if one.calls else "–",
        mean=words.duration(round(one.mean_duration)) if one.mean_duration is not None else "–",
        rate="–" if one.calls_per_100_sessions is None else f"{one.calls_per_100_sessions:.1f}",
        money={name: _amount(getattr(one, name)) for name in MONEY},
    )


def money_columns(report: Report) -> dict[str, str]:
    """Those that say something to this reader, with their labels."""
    return {name: label for name, label in MONEY.items() if getattr(report.total, name) is not None}


def total(asked: Asked, report: Report) -> Row:
    compared = report.total_before.calls > 0
    return row(asked, report.total, report.total_before, 0.0, {}, "All", {}, compared=compared)


def merged(some: Iterable[ReportRow]) -> ReportRow:
    """Several groups as one."""
    answer = ReportRow()
    for one in some:
        if one.sessions is not None:
            answer.sessions = (answer.sessions or 0) + one.sessions
            answer.leased = (answer.leased or 0) + (one.leased or 0)
        answer.calls += one.calls
        answer.expected_calls += one.expected_calls
        answer.first_time_callers += one.first_time_callers
        answer.answered += one.answered
        answer.duration += one.duration
        answer.talk_seconds += one.talk_seconds
        answer.elsewhere += one.elsewhere
        for name in MONEY:
            if (more := getattr(one, name)) is not None:
                before = getattr(answer, name)
                setattr(answer, name, more if before is None else before + more)
    if answer.calls:
        answer.mean_duration = answer.duration / answer.calls
    if answer.sessions:
        answer.calls_per_100_sessions = answer.calls / answer.sessions * 100
    answer.payout_per_qualified = None
    if answer.payout and answer.qualified and not answer.elsewhere:
        answer.payout_per_qualified = Money(round(answer.payout.amount / answer.qualified), answer.payout.currency)
    return answer


def _amount(value: float | Money | None) -> str:
    """Without its currency, which the column's head names."""
    return words.amount(value) if isinstance(value, Money) else words.count(value)


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


def _listed(asked: Asked, one: ReportRow, *, exactly: bool) -> dict[str, str] | None:
    """`exactly`: another group differs from this one by capitals alone, which the list does not tell apart unasked."""
    named: dict[str, str] = {}
    unset = []
    for name, value in zip(asked.names, _key(asked, one), strict=True):
        if name in _NOT_LISTED or value == "":
            return None
        if value is None:
            unset.append(name)
        elif name == "day":
            named |= {"from": str(value), "to": str(value)}
        else:
            named[name] = str(value) if name != "first_time" else "yes" if value else "no"
        if value is not None and len(str(value)) > filters.LONGEST:
            return None
    if unset:
        named["unset"] = ",".join(unset)
    if exactly and (texts := sorted(_TEXTS & named.keys())):
        named["exact"] = ",".join(texts)
    return named


def _folded(asked: Asked, one: ReportRow) -> tuple[str, ...]:
    return tuple(str(value).lower() for value in _key(asked, one))


def _start_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, datetime.min.time(), zone).timestamp() * 1000)


def has_visits(asked: Asked) -> bool:
    return not set(asked.names) & set(OF_CALL)
