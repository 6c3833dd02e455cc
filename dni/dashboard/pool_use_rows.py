"""How a pool was used, as its page tells it. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from zoneinfo import ZoneInfo

import msgspec

from dni.dashboard import words
from dni.errors import BadArgument
from dni.pool import advise, sizing
from dni.pool.advise import Advice
from dni.pool.hours import UsedPool
from dni.pool.measure import FEWEST_CALLS, FEWEST_LEASES, FEWEST_VISITS, Measured
from dni.pool.sizing_text import duration, percent
from dni.pool.use import BOUNDS_MS, HOUR_MS, Hour, below, quantile, summed

SHORT_MS = 600_000
"""A number that another visitor gets this soon is often called for the one before."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HEATS = 9
_DAYS = 7
# The first is what is short; from the last on all are told together.
_REST_MS = (SHORT_MS, 30 * 60_000, 2 * HOUR_MS, 8 * HOUR_MS, 24 * HOUR_MS, 4 * 24 * HOUR_MS)
_SHARES = (0.5, 0.75, 1, 1.25, 1.5, 2)

FIGURES = (
    (
        "In use",
        "A number is in use from the moment a visitor is shown it until the pool's hold after his page's last sign, or "
        "until another visitor gets it. For a page that never gave a sign that is a minute and a half.",
    ),
    ("At its fullest", "The most numbers that were in use at one moment."),
    (
        "Without a number",
        "Visits that asked for a number and were left with the page's own, because none was free, or none of their "
        "region. They count for the pool of their tag, also where a rule sent them to another one.",
    ),
    (
        "Rest",
        "From the last sign of the visitor who had the number to the next visit that is shown it; that may be the same "
        "visitor, when he comes back. It is known once the number goes on.",
    ),
    (
        "Certainty",
        "The mean of what was stated of each credited call: the probability that this visitor made it. These "
        "probabilities are checked against made-up traffic whose truth is known; see docs/attribution.md.",
    ),
    (
        "With other numbers",
        "What dni size computes for the busiest hour; docs/size.md explains how. A call after reuse is connected like "
        "any other and its visitor stays a candidate, but by then the number is somebody else's.",
    ),
)


class Cell(msgspec.Struct, frozen=True):
    """`heat`: 0 for nothing in use, to 9 for a pool that is full; None: no such hour was counted yet."""

    mean: str
    heat: int | None
    says: str


class Line(msgspec.Struct, frozen=True):
    """An hour of the day on each weekday, from Monday."""

    hour: str
    cells: list[Cell]


class Full(msgspec.Struct, frozen=True):
    """`share`: of the pool's numbers, as they are now; None: it has none. `mean`: of all moments."""

    peak: int
    share: float | None
    when: str
    mean: str
    says: str
    tone: str


class Day(msgspec.Struct, frozen=True):
    label: str
    iso: str
    unserved: int
    share: float
    says: str


class Overflow(msgspec.Struct, frozen=True):
    """`days`: the latest that had some, `more` before these."""

    visits: int
    unserved: int
    share: str
    no_region: int
    days: list[Day]
    more: int


class Rest(msgspec.Struct, frozen=True):
    """How long numbers rested before the next visit got them. `spans`: label, how many, share."""

    known: int
    median: str
    tenth: str
    short: str
    spans: list[tuple[str, int, float]]


class Certainty(msgspec.Struct, frozen=True):
    calls: int
    mean: str
    right: int


class Choice(msgspec.Struct, frozen=True):
    """A row of "with N numbers instead"; `marks`: what this count is."""

    numbers: int
    marks: list[str]
    unserved: str
    rest: str
    late: str


class Instead(msgspec.Struct, frozen=True):
    """`missing`: what is not known yet, then there are no `choices`."""

    asked: str
    wrong: str | None
    missing: list[str]
    choices: list[Choice]
    needed: int
    few_late: int | None
    inputs: list[tuple[str, str]]


class Use:
    """Of the hours from `from_ms` until `until_ms`, both whole; days and hours are those of `zone`."""

    def __init__(self, pool: UsedPool, hours: Mapping[int, Hour], from_ms: int, until_ms: int, zone: ZoneInfo) -> None:
        self._pool, self._zone = pool, zone
        self._hours = hours
        # Before its first hour the pool was not there, or nobody came: that is not "empty on Mondays".
        self.began_ms = max(from_ms, min(hours, default=until_ms))
        self.until_ms = until_ms

    @property
    def split_hours(self) -> bool:
        """The zone's hours begin within those of UTC, by which is counted."""
        offset = datetime.fromtimestamp(self.until_ms / 1000, self._zone).utcoffset()
        return bool(offset and offset % timedelta(hours=1))

    def full(self) -> Full:
        numbers, at = self._pool.numbers, max(self._hours, key=lambda each: self._hours[each].peak)
        peak = self._hours[at].peak
        share = peak / numbers if numbers else None
        busy_ms = sum(hour.busy_ms for hour in self._hours.values())
        if share is None:
            says, tone = "It has no numbers now", "bad"
        elif share >= 1 or any(hour.exhausted for hour in self._hours.values()):
            says, tone = "It ran out of numbers", "bad"
        elif share >= 0.8:
            says, tone = "It came near its end", "warn"
        else:
            says, tone = "There was always room", "good"
        return Full(
            peak=peak,
            share=share,
            when=self._when(at),
            mean=_mean(busy_ms / max(HOUR_MS, self.until_ms - self.began_ms)),
            says=says,
            tone=tone,
        )

    def heat(self) -> list[Line]:
        """Mean of the peaks of the same hours of the weeks."""
        peaks: dict[tuple[int, int], list[int]] = {}
        for at in range(self.began_ms, self.until_ms, HOUR_MS):
            local = self._local(at)
            hour = self._hours.get(at)
            peaks.setdefault((local.hour, local.weekday()), []).append(hour.peak if hour else 0)
        return [
            Line(f"{hour:02}:00", [self._cell(peaks.get((hour, weekday), []), hour, weekday) for weekday in range(7)])
            for hour in range(24)
        ]

    def overflow(self) -> Overflow:
        days: dict[str, tuple[datetime, list[int]]] = {}
        for at, hour in self._hours.items():
            local = self._local(at)
            _, sums = days.setdefault(local.date().isoformat(), (local, [0, 0]))
            sums[0] += hour.begun + hour.unserved
            sums[1] += hour.unserved
        visits = sum(sums[0] for _, sums in days.values())
        unserved = sum(sums[1] for _, sums in days.values())
        worst = [
            Day(f"{local:%a, %b} {local.day}", iso, sums[1], sums[1] / sums[0], _percent(sums[1] / sums[0]))
            for iso, (local, sums) in sorted(days.items(), reverse=True)
            if sums[1]
        ]
        return Overflow(
            visits=visits,
            unserved=unserved,
            share=_percent(unserved / visits) if unserved else "0%",
            no_region=sum(hour.no_region for hour in self._hours.values()),
            days=worst[:_DAYS],
            more=len(worst[_DAYS:]),
        )

    def rest(self) -> Rest | None:
        counts = summed(hour.gaps for hour in self._hours.values())
        known = sum(counts)
        if not known:
            return None
        upto = [below(counts, bound) for bound in _REST_MS]
        parts = [now - before for now, before in zip([*upto, known], [0, *upto], strict=True)]
        spans = [words.span(bound) for bound in _REST_MS]
        labels = [f"less than {spans[0]}", *(f"{low} to {high}" for low, high in pairwise(spans)), "longer"]
        return Rest(
            known=known,
            median=_about(quantile(counts, 0.5)),
            tenth=_about(quantile(counts, 0.1)),
            short=_percent(upto[0] / known) if upto[0] else "none",
            spans=[(label, part, part / known) for label, part in zip(labels, parts, strict=True)],
        )

    def certainty(self) -> Certainty | None:
        calls = sum(hour.credited for hour in self._hours.values())
        stated = sum(hour.stated for hour in self._hours.values())
        return Certainty(calls, words.share(stated / calls), round(stated)) if calls else None

    def _cell(self, peaks: list[int], hour: int, weekday: int) -> Cell:
        when = f"{WEEKDAYS[weekday]} {hour:02}:00"
        if not peaks:
            return Cell("–", None, f"{when}: not counted yet")
        mean, numbers = sum(peaks) / len(peaks), self._pool.numbers
        heat = min(_HEATS, ceil(_HEATS * mean / numbers)) if numbers else min(_HEATS, ceil(mean))
        times = "1 week" if len(peaks) == 1 else f"{len(peaks)} weeks"
        return Cell(_mean(mean), heat, f"{when}: {_mean(mean)} of {numbers:,} in use, {max(peaks):,} at most ({times})")

    def _when(self, at_ms: int) -> str:
        local = self._local(at_ms)
        return f"{local:%a, %b} {local.day}, {local:%H:%M}"

    def _local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, self._zone)


def instead(pool: UsedPool, measured: Measured, typed: str, zone: ZoneInfo) -> Instead:
    """What `dni size` says of half to twice the pool's numbers, and of those that are asked for (`typed`, or '')."""
    asked, wrong = _asked(typed)
    missing = []
    if measured.arrivals_per_hour is None:
        missing.append(f"{measured.leases:,} of the {FEWEST_LEASES} visits that it takes to know the busiest hour")
    if measured.visit_seconds is None:
        missing.append(f"{measured.visits:,} of the {FEWEST_VISITS} visits that are over, to know how long they last")
    if missing:
        return Instead(typed, wrong, missing, [], 0, None, [])
    try:
        advice = advise.advise(advise.read(advise.Given(from_ledger=True)), measured)
    except BadArgument as error:
        return Instead(typed, wrong or error.detail, [], [], 0, None, [])
    now = pool.numbers or advice.numbers
    counts = {max(1, round(share * now)) for share in _SHARES} | {advice.numbers} | ({asked} if asked else set())
    names = {"now": pool.numbers, "enough": advice.numbers, "asked": asked}
    return Instead(
        asked=typed,
        wrong=wrong,
        missing=[],
        choices=[
            _choice(advice, count, [name for name, of in names.items() if of == count])
            for count in sorted(counts)
            if count <= sizing.MOST
        ],
        needed=advice.numbers,
        few_late=advice.numbers_for_few_late,
        inputs=_inputs(advice, measured, zone),
    )


def _asked(typed: str) -> tuple[int | None, str | None]:
    """The count that was typed, or why it is none."""
    digits = typed.strip().replace(",", "")
    if not digits:
        return None, None
    if not digits.isascii() or not digits.isdigit() or len(digits) > 7 or not 1 <= int(digits) <= sizing.MOST:
        return None, f"How many numbers? A whole number from 1 to {sizing.MOST:,}."
    return int(digits), None


def _choice(advice: Advice, numbers: int, marks: list[str]) -> Choice:
    row = advise.at(advice.demand, numbers)
    rest = _about(round(row.rest_seconds * 1000))
    return Choice(row.numbers, marks, _percent(row.blocking), rest, _percent(row.calls_after_reuse))


def _inputs(advice: Advice, measured: Measured, zone: ZoneInfo) -> list[tuple[str, str]]:
    at = datetime.fromtimestamp((measured.busiest_hour_ms or 0) / 1000, zone)
    refused = f", {measured.refused:,} of them without a number" if measured.refused else ""
    if measured.delays is None:
        known = f"{measured.calls} of the {FEWEST_CALLS} calls that it takes to measure"
        delay = f"{duration(advise.CALL_DELAY_SECONDS)} after the visit on average, which is assumed: {known}"
    else:
        during = sum(1 for each in measured.delays if not each) / len(measured.delays)
        later = [each for each in measured.delays if each]
        delay = f"{during:.0%} during the visit"
        if later:
            delay += f"; of the others half within {_about(round(later[len(later) // 2] * 1000))} after it"
    return [
        ("Busiest hour", f"{measured.arrivals_per_hour:,.0f} visits{refused}, {at:%a, %b} {at.day} from {at:%H:%M}"),
        ("A visit lasts", f"{duration(round(advice.demand.visit_seconds))} on average"),
        ("Then its number is held", duration(advice.demand.hold_seconds)),
        ("Calls come", delay),
        ("In use at once", f"{_mean(advice.demand.erlangs)} numbers on average in that hour"),
    ]


def _percent(share: float) -> str:
    """As these pages write it: `0.71%`."""
    return percent(share).replace(" ", "")


def _mean(value: float) -> str:
    if 0 < value < 0.05:
        return "less than 0.1"
    if value >= 9_999.5:
        return f"{value / 1000:,.0f}k"
    return f"{value:,.0f}" if value >= 9.95 or not value else f"{value:.1f}"


def _about(ms: int | None) -> str:
    """In full minutes, longer ones in half or full hours: more is not known so surely."""
    if ms is None or ms < BOUNDS_MS[0]:
        return "no time at all"
    if ms < 60_000:
        return words.span(ms)
    size = 60_000 if ms < 2 * HOUR_MS else 30 * 60_000 if ms < 24 * HOUR_MS else HOUR_MS
    return words.span(round(ms / size) * size)
