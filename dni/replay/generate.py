"""Makes up a log whose truth is known. Pure: the same seed makes the same log. Every figure's reason is told here."""

import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import exp, log

import msgspec

from dni.replay.events import Beat, Call, Event, Leave, Tap, Visit

START_MS = 1_767_571_200_000
"""Monday 2026-01-05, 00:00 UTC."""

# Visits are short more often than long, and some are very long: a log-normal length, as wide as its mean and a third.
_LENGTH_SIGMA = 1.0
_SHORTEST_S, _LONGEST_S = 1.0, 4 * 3600.0
# A page beats every so many seconds, each page at its own pace: what the service announces when it is short of numbers,
# and what the trade's tags do.
_BEAT_S = (20.0, 60.0)
# One in five ends without a word: the telephone was put away, the connection was gone, the browser was ended.
_VANISHES = 0.2
# More than half of the web is read on telephones.
_ON_PHONE = 0.6
# A visitor in five was here before in these days; he is taken for new after 30 idle minutes, as everywhere.
_COMES_BACK = 0.2
_REMEMBERED_MS = 24 * 3_600_000
_SESSION_IDLE_MS = 30 * 60_000
# Much for a shop, usual for a page that wants to be called. Calls keep numbers busy: more of them are harder on a pool.
_CALLS = 0.1
# Of those calls: while the page is open, or later by `call_delay_seconds`. That a third comes at once is a guess, and
# on the low side for a page that is mostly read on telephones.
_CALLS_AT_ONCE = 1 / 3
# Who calls at once from a telephone has tapped the number some seconds before. As many tap and think better of it.
_TAP_BEFORE_S = (2.0, 10.0)
_TAPS_ONLY = 0.02
# Nobody's call: 55 billion robocalls a year to 330 million Americans (YouMail Robocall Index, 2023) are three a week
# for each; here for each of 20 numbers.
_UNSOLICITED_PER_HOUR = 20 * 3 / (7 * 24)
# Most callers' numbers are of the state they are in; some moved and kept theirs.
_CALLS_FROM_HOME = 0.85

# Where it comes from changes nothing in who gets which number.
_SOURCES = (("google", "cpc"), ("google", "organic"), ("facebook", "paid_social"), ("bing", "cpc"), (None, None))
_AREA_CODES = {
    "US-CA": ("213", "415", "619", "916"),
    "US-FL": ("305", "407", "813", "904"),
    "US-GA": ("404", "478", "706", "912"),
    "US-IL": ("217", "312", "618", "815"),
    "US-NY": ("212", "315", "516", "716"),
    "US-OH": ("216", "419", "513", "614"),
    "US-TX": ("210", "214", "512", "713"),
    "US-WA": ("206", "253", "360", "509"),
}
_REGIONS = tuple(_AREA_CODES)
_FICTIONAL = 100  # numbers of an area code that are kept for fiction: 555-0100 to 555-0199


class Traffic(msgspec.Struct, frozen=True):
    """`visit_seconds`: mean length. `call_delay_seconds`: mean from a visit's end to its call, if not during it.

    Delays are exponential, which assumes least where only a mean is known; 600 s is what `dni size` assumes too. A
    `call_delay` draws others, in seconds.
    """

    days: float = 7.0
    arrivals_per_hour: float = 60.0
    visit_seconds: float = 180.0
    call_delay_seconds: float = 600.0
    call_delay: Callable[[random.Random], float] | None = None


class _Visitor(msgspec.Struct):
    name: str
    region: str
    device: str
    caller: str | None = None
    until_ms: int = 0


_encode = msgspec.json.Encoder().encode


def lines(traffic: Traffic, seed: int) -> Iterator[bytes]:
    """The log as `dni replay` reads it."""
    return (_encode(event) + b"\n" for event in _Maker(traffic, seed).events())


class _Maker:
    def __init__(self, traffic: Traffic, seed: int) -> None:
        self._traffic = traffic
        self._random = random.Random(seed)  # noqa: S311  a simulation
        self._coming: list[tuple[int, int, Event]] = []
        self._made = self._visits = self._visitors = self._calls = 0
        self._recent: list[_Visitor] = []
        self._callers: set[str] = set()

    def events(self) -> Iterator[Event]:
        """In time order: arrivals as they come, and between them what earlier ones still had to do."""
        end_ms = START_MS + round(self._traffic.days * 86_400_000)
        arrival = self._next(START_MS, self._traffic.arrivals_per_hour)
        unsolicited = self._next(START_MS, _UNSOLICITED_PER_HOUR)
        while (now_ms := min(arrival, unsolicited)) < end_ms:
            yield from self._due(now_ms)
            if now_ms == arrival:
                self._visit(now_ms)
                arrival = self._next(now_ms, self._traffic.arrivals_per_hour)
            else:
                caller = self._number_of(self._random.choice(_REGIONS))
                self._later(now_ms, Call(now_ms, self._call_id(), caller, slot=self._random.randrange(1_000_000)))
                unsolicited = self._next(now_ms, _UNSOLICITED_PER_HOUR)
        yield from self._due(end_ms)

    def _next(self, now_ms: int, per_hour: float) -> int:
        return now_ms + 1 + self._ms(self._random.expovariate(per_hour / 3600))

    def _later(self, at_ms: int, event: Event) -> None:
        self._made += 1
        heappush(self._coming, (at_ms, self._made, event))

    def _due(self, now_ms: int) -> Iterator[Event]:
        while self._coming and self._coming[0][0] < now_ms:
            yield heappop(self._coming)[2]

    def _visit(self, now_ms: int) -> None:
        chance = self._random
        visitor = self._who(now_ms)
        self._visits += 1
        session = f"s{self._visits}"
        source, medium = chance.choice(_SOURCES)
        self._later(now_ms, Visit(now_ms, visitor.name, session, source, medium, visitor.region, visitor.device))
        end_ms = now_ms + self._ms(self._length_s())
        visitor.until_ms = end_ms
        pace_ms = self._ms(chance.uniform(*_BEAT_S))
        for beat_ms in range(now_ms + pace_ms, end_ms, pace_ms):
            self._later(beat_ms, Beat(beat_ms, session))
        if chance.random() >= _VANISHES:
            self._later(end_ms, Leave(end_ms, session))
        if chance.random() < _CALLS:
            self._call(now_ms, end_ms, session, visitor)
        elif visitor.device == "mobile" and chance.random() < _TAPS_ONLY:
            tap_ms = chance.randint(now_ms, end_ms)
            self._later(tap_ms, Tap(tap_ms, session))

    def _call(self, began_ms: int, end_ms: int, session: str, visitor: _Visitor) -> None:
        chance = self._random
        if chance.random() < _CALLS_AT_ONCE:
            at_ms = chance.randint(began_ms, end_ms)
            if visitor.device == "mobile":
                tap_ms = max(began_ms, at_ms - self._ms(chance.uniform(*_TAP_BEFORE_S)))
                self._later(tap_ms, Tap(tap_ms, session))
        else:
            at_ms = end_ms + self._ms(self._delay_s())
        if visitor.caller is None:
            home = chance.random() < _CALLS_FROM_HOME
            visitor.caller = self._own_number(visitor.region if home else chance.choice(_REGIONS))
        self._later(at_ms, Call(at_ms, self._call_id(), visitor.caller, session))

    def _who(self, now_ms: int) -> _Visitor:
        chance = self._random
        while self._recent and self._recent[0].until_ms < now_ms - _REMEMBERED_MS:
            self._recent.pop(0)
        if self._recent and chance.random() < _COMES_BACK:
            former = chance.choice(self._recent)
            if former.until_ms + _SESSION_IDLE_MS < now_ms:
                return former
        self._visitors += 1
        device = "mobile" if chance.random() < _ON_PHONE else "desktop"
        visitor = _Visitor(f"v{self._visitors}", chance.choice(_REGIONS), device)
        self._recent.append(visitor)
        return visitor

    def _delay_s(self) -> float:
        drawn, traffic = self._traffic.call_delay, self._traffic
        return drawn(self._random) if drawn else self._random.expovariate(1 / traffic.call_delay_seconds)

    def _length_s(self) -> float:
        middle = log(self._traffic.visit_seconds) - _LENGTH_SIGMA**2 / 2
        return min(_LONGEST_S, max(_SHORTEST_S, exp(self._random.gauss(middle, _LENGTH_SIGMA))))

    def _call_id(self) -> str:
        self._calls += 1
        return f"c{self._calls}"

    def _own_number(self, region: str) -> str:
        """Nobody else's, as long as there are fictional ones of that state."""
        for _ in range(_FICTIONAL):
            number = self._number_of(region)
            if number not in self._callers:
                break
        self._callers.add(number)
        return number

    def _number_of(self, region: str) -> str:
        return f"+1{self._random.choice(_AREA_CODES[region])}55501{self._random.randrange(_FICTIONAL):02}"

    @staticmethod
    def _ms(seconds: float) -> int:
        return round(seconds * 1000)
