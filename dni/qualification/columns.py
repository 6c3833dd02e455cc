"""Columns of calls' rows, as terms look at them: what `facts_of` and a check's `look` make of each row, but made once
for what occurs often. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dni.attribution.area_codes import region_of
from dni.qualification.checks import Look
from dni.qualification.facts_of import COLUMNS, country_of, facts_of, is_answered
from dni.qualification.model import Facts
from dni.qualification.quick import SOLD, Array, Coder, Column, Quick

Rows = Mapping[str, Sequence[Any]]
"""Columns of the table by name, and `custom`, the session's. What is JSON there is its text here."""

_JSON = ("outcome", "params", "custom")
_TOUCH = {"campaign": "campaign_name"}
_OF_ROW = {
    "talk": ("talk_s",),
    "duration": ("duration_s",),
    "answered": ("answered_at_ms", "status"),
    "status": ("status",),
    "region": ("caller",),
    "country": ("caller",),
    "phone": ("phone_type",),
    "key": ("keys",),
    "publisher": ("publisher_id",),
    "destination": ("destination",),
    "custom": ("custom", "source"),
    "param": ("params", "source"),
    "confidence": ("confidence", "method"),
    "sale": ("outcome",),
    "value": ("outcome",),
    "lead": ("outcome",),
    "source": ("source",),
    "moment": ("started_at_ms",),
    SOLD: ("outcome",),
}
_DAY_MS, _QUARTER_MS, _MINUTE_MS = 86_400_000, 900_000, 60_000
_WEEK_MINUTES = 7 * 24 * 60
_EPOCH = date(1970, 1, 1)


class Place(msgspec.Struct, frozen=True):
    """Of the campaign, as facts have it."""

    timezone: str = "UTC"
    holidays: frozenset[date] = frozenset()
    currency: str = "USD"


def needed(about: str) -> tuple[str, ...]:
    """The columns of rows that a column of `Quick` is made of."""
    word = about.partition("(")[0]
    return _OF_ROW.get(word) or (_TOUCH.get(word, word), "source")


class CallColumns:
    """The columns that `quick` asks for, batch by batch."""

    def __init__(self, quick: Quick, place: Place) -> None:
        self._makers: dict[str, Callable[[Rows, int], Column]] = {
            about: self._maker(about, look, place) for about, look in quick.looks.items()
        }
        if quick.needs_sold:
            self._makers[SOLD] = self._maker(SOLD, lambda facts: (facts.sale, facts.value), place)
        self.needed = frozenset(name for about in self._makers for name in needed(about))

    def of(self, rows: Rows, many: int) -> dict[str, Column]:
        return {about: make(rows, many) for about, make in self._makers.items()}

    @staticmethod
    def _maker(about: str, look: Look, place: Place) -> Callable[[Rows, int], Column]:
        if about == "moment":
            return Moments(look, place)
        read = _READ.get(about)
        names = needed(about)
        # What is read is what is looked at, or else what facts make of it.
        coder = Coder() if read else Coder(lambda told: look(_facts(names, told, place)))

        def made(rows: Rows, many: int) -> Column:
            if read is not None:
                coder.code(read(rows), many)
            elif len(names) == 1:
                coder.code(rows[names[0]], many)
            else:
                coder.code(zip(*(rows[name] for name in names), strict=True), many)
            return coder

        return made


def _facts(names: tuple[str, ...], told: Any, place: Place) -> Facts:
    row: dict[str, Any] = dict.fromkeys((*COLUMNS, "custom")) | {"started_at_ms": 0, "status": "completed"}
    for name, value in zip(names, told if len(names) > 1 else (told,), strict=True):
        row[name] = msgspec.json.decode(value) if name in _JSON and value is not None else value
    return facts_of(row, currency=place.currency, custom=row["custom"])


# Nearly every call has another telephone and another moment of its answer.
_READ: dict[str, Callable[[Rows], Iterable[Any]]] = {
    "region": lambda rows: map(region_of, rows["caller"]),
    "country": lambda rows: [country_of(caller, region_of(caller)) for caller in rows["caller"]],
    "answered": lambda rows: map(is_answered, rows["answered_at_ms"], rows["status"]),
}


class Moments(Column):
    """When calls began: coded by the minute of the week on the campaign's clock, and by whether the day or the one
    before is a holiday. Nothing else of a moment is asked for."""

    def __init__(self, look: Look, place: Place) -> None:
        super().__init__()
        self._look, self._place, self._zone = look, place, ZoneInfo(place.timezone)
        self._holidays = np.array([(day - _EPOCH).days for day in place.holidays], np.int64)
        self._offsets: dict[int, int] = {}
        self._code_of: Array = np.full(4 * _WEEK_MINUTES, -1, np.int32)

    def __call__(self, rows: Rows, _many: int) -> Column:
        began = np.asarray(rows["started_at_ms"], np.int64)
        local = began + self._offset(began)
        days, minutes = local // _DAY_MS, local % _DAY_MS // _MINUTE_MS
        keys = ((days + 3) % 7 * 1_440 + minutes) * 4
        if len(self._holidays):
            keys += 2 * np.isin(days, self._holidays) + np.isin(days - 1, self._holidays)
        self.codes = self._code_of[keys]
        if (self.codes < 0).any():
            self._add(keys, began)
            self.codes = self._code_of[keys]
        return self

    def _add(self, keys: Array, began: Array) -> None:
        found, first = np.unique(keys, return_index=True)
        for key, place in zip(found.tolist(), first.tolist(), strict=True):
            if self._code_of[key] < 0:
                at = self._place
                facts = Facts(began_ms=int(began[place]), timezone=at.timezone, holidays=at.holidays)
                self._code_of[key] = len(self.values)
                self.values.append(self._look(facts))

    def _offset(self, began: Array) -> Array:
        """Of the zone from UTC, in ms. Clocks are set at full quarters of an hour."""
        quarters, places = np.unique(began // _QUARTER_MS, return_inverse=True)
        return np.array([self._offset_at(quarter) for quarter in quarters.tolist()], np.int64)[places]

    def _offset_at(self, quarter: int) -> int:
        found = self._offsets.get(quarter)
        if found is None:
            away = datetime.fromtimestamp(quarter * _QUARTER_MS / 1000, self._zone).utcoffset()
            assert away is not None
            found = self._offsets[quarter] = round(away.total_seconds() * 1000)
        return found
