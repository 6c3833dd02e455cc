"""The filters of the call list as they stand in its address. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from dni.call.model import STATES
from dni.call.search import EXACT_NAMES, UNSET_NAMES, CallFilter

PATH = "/calls"
LIMITS = (25, 50, 100, 200)
DEFAULT_LIMIT = 50

LABELS = {
    "from": "From",
    "to": "To",
    "source": "Source",
    "medium": "Medium",
    "campaign_name": "Campaign name",
    "keyword": "Keyword",
    "content": "Content",
    "channel": "Channel",
    "sub1": "Sub-id 1",
    "sub2": "Sub-id 2",
    "sub3": "Sub-id 3",
    "sub4": "Sub-id 4",
    "sub5": "Sub-id 5",
    "landing_page": "Landing page",
    "device": "Device",
    "region": "Region",
    "number": "Number",
    "first_time": "First call",
    "campaign": "Campaign",
    "publisher": "Publisher",
    "tag": "Tag",
    "status": "Status",
    "qualified": "Qualified",
    "unset": "Not known",
    "exact": "As written",
    "q": "Search",
}
LONGEST = 500
YES_NO = {"yes": True, "no": False}

# Days back from today, today counted; None: all of them.
PRESETS = (("Today", 1), ("7 days", 7), ("30 days", 30), ("All", None))


LIVE_NAMES = {"from", "source", "medium", "campaign_name", "keyword"}

_ONE_OF: Mapping[str, Sequence[str]] = {
    "status": tuple(STATES),
    "first_time": tuple(YES_NO),
    "qualified": tuple(YES_NO),
    "unset": UNSET_NAMES,
    "exact": EXACT_NAMES,
}
_AS_THEY_STAND = tuple(LABELS.keys() - {"from", "to", "first_time", "qualified", "unset", "exact"})


class Filters(msgspec.Struct, frozen=True):
    """`values` holds what the reader filled in, by the names of LABELS; `wrong` says what cannot be used, and why;
    `columns` are those that the address names."""

    values: dict[str, str]
    limit: int = DEFAULT_LIMIT
    wrong: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        return bool(self.values)

    @property
    def may_grow(self) -> bool:
        """Whether a page can tell by itself that a new call belongs here."""
        return self.values.keys() <= LIVE_NAMES

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def address(
        self, *, path: str = PATH, cursor: str | None = None, without: str | None = None, **changes: str
    ) -> str:
        """The list's address with these filters, `changes` made (`""` removes) and `without` left out.

        `from` is a Python word, so a change of it is spelt `from_`.
        """
        asked = {**self.values, **{name.rstrip("_"): value for name, value in changes.items()}}
        pairs = [(name, asked[name]) for name in LABELS if asked.get(name) and name != without]
        if self.limit != DEFAULT_LIMIT:
            pairs.append(("limit", str(self.limit)))
        if self.columns:
            pairs.append(("columns", ",".join(self.columns)))
        if cursor:
            pairs.append(("cursor", cursor))
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def wanted(self, zone: ZoneInfo) -> CallFilter:
        """Days go from the first one's start to the last one's end in `zone`."""
        first, last = (_day(self.get(name)) for name in ("from", "to"))
        as_they_stand: dict[str, Any] = {name: self.values.get(name) for name in _AS_THEY_STAND}
        return CallFilter(
            from_ms=None if first is None else _start_ms(first, zone),
            to_ms=None if last is None else _start_ms(last + timedelta(days=1), zone),
            first_time=YES_NO.get(self.get("first_time")),
            qualified=YES_NO.get(self.get("qualified")),
            unset=_names(self.get("unset"), UNSET_NAMES),
            exact=_names(self.get("exact"), EXACT_NAMES),
            **as_they_stand,
        )

    def presets(self, now_ms: int, zone: ZoneInfo) -> list[tuple[str, str, bool]]:
        """Label, address, and whether it is what the reader sees now."""
        today = datetime.fromtimestamp(now_ms / 1000, zone).date()
        answer = []
        for label, days in PRESETS:
            first = "" if days is None else (today - timedelta(days=days - 1)).isoformat()
            now = self.get("from") == first and not self.get("to")
            answer.append((label, self.address(from_=first, to=""), now))
        return answer


def read(query: Mapping[str, str]) -> Filters:
    """From the address's query. What is wrong is left out and named; a limit is brought to the nearest possible."""
    values, wrong = {}, []
    for name, label in LABELS.items():
        text = query.get(name, "").strip()
        day = _day(text) if name in ("from", "to") else None
        if not text:
            continue
        if name in ("from", "to") and day is None:
            wrong.append(f"{label}: not a day, write it as 2026-11-22")
        elif name in _ONE_OF and not set(text.split(",")) <= set(_ONE_OF[name]):
            wrong.append(f"{label}: one of {', '.join(_ONE_OF[name])}")
        elif len(text) > LONGEST or "\0" in text:
            wrong.append(f"{label}: too long, or not a text")
        else:
            values[name] = day.isoformat() if day else text
    if values.get("from", "") > values.get("to", "9999"):
        wrong.append("From is after To: no call can be found")
    text = query.get("limit", "")
    limit = int(text) if text.isdecimal() and len(text) < 6 else DEFAULT_LIMIT
    return Filters(values, min(LIMITS, key=lambda known: abs(known - limit)), tuple(wrong))


def _names(text: str, known: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name in known)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The day after the last must be a day too.
    return day if date(1970, 1, 2) <= day <= date(9000, 1, 1) else None


def _start_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp() * 1000)
