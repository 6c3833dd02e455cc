"""Pure parts of the pages: words, filters, timelines and cookies, by tables."""

from zoneinfo import ZoneInfo

import pytest

from dni.call.model import STATES
from dni.dashboard import filters, words
from dni.dashboard.cookies import CookieSealer, Form, SignedIn
from dni.dashboard.door import Failures, own_path
from dni.dashboard.timeline import Event, moments
from tests.support.world import START_MS

NEW_YORK = ZoneInfo("America/New_York")
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (999, "less than a second"),
        (12 * SECOND, "12 s"),
        (3 * MINUTE + 5 * SECOND, "3 min 5 s"),
        (2 * HOUR, "2 h"),
        (26 * HOUR, "1 day 2 h"),
        (99 * HOUR, "4 days 3 h"),
    ],
)
def test_a_span_is_said_in_two_units(ms: int, said: str) -> None:
    assert words.span(ms) == said


def test_every_state_of_a_call_has_a_badge_and_what_goes_on_is_live() -> None:
    assert words.STATUSES.keys() == STATES.keys()
    assert {name for name, badge in words.STATUSES.items() if badge.tone == "live"} == {
        name for name, state in STATES.items() if not state.ends
    }


@pytest.mark.parametrize(
    ("number", "beside", "said"),
    [
        ("+14155550100", None, "(415) 555-0100"),
        ("+1415555••••", None, "(415) 555-••••"),
        ("+441632960123", "+14155550100", "+44 1632 960123"),
        ("+44163296••••", "+14155550100", "+44 1632 96••••"),
        ("+13125550142", "+14155550100", "(312) 555-0142"),
        ("sip:somebody", None, "sip:somebody"),
        ("••••", None, "••••"),
    ],
)
def test_a_number_is_written_as_people_write_it(number: str, beside: str | None, said: str) -> None:
    assert words.number(number, beside) == said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://shop.example/drains?utm_source=x", "/drains"),
        ("https://shop.example/?utm_source=x", "shop.example"),
        ("https://[broken", "https://[broken"),
        ("no address", "no address"),
    ],
)
def test_a_landing_page_is_named_by_its_path(address: str, said: str) -> None:
    assert words.path_of(address) == said


def test_a_moment_names_the_year_only_when_it_is_not_this_one() -> None:
    assert words.moment(START_MS, NEW_YORK, START_MS) == "Sep 21, 10:13:20"
    assert words.moment(START_MS - 300 * 24 * HOUR, NEW_YORK, START_MS) == "Nov 25 2025, 09:13:20"


def test_a_day_begins_and_ends_in_the_zone_also_when_clocks_change() -> None:
    wanted = filters.read({"from": "2026-11-01", "to": "2026-11-01"}).wanted(NEW_YORK)
    assert wanted.from_ms
    assert wanted.to_ms
    assert wanted.to_ms - wanted.from_ms == 25 * HOUR


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30", "20260230", "١٢"])
def test_a_day_that_is_none_is_named_and_left_out(day: str) -> None:
    read = filters.read({"from": day, "to": day})
    assert read.values == {}
    assert len(read.wrong) == 2


def test_filters_come_back_from_their_own_address() -> None:
    asked = {"source": "a&b=c", "keyword": "plumber 😀", "from": "2026-09-01"}
    read = filters.read(asked)
    assert read.address() == "/calls?from=2026-09-01&source=a%26b%3Dc&keyword=plumber+%F0%9F%98%80"
    assert read.address(without="source", cursor="abc").endswith("&cursor=abc")
    assert "source" not in read.address(without="source")


def test_the_timeline_is_in_order_and_tells_the_distances() -> None:
    told = moments(
        [Event(START_MS + HOUR, "rang", "call"), Event(START_MS, "visit", "page"), Event(START_MS, "lease", "page")],
        NEW_YORK,
    )
    assert [(moment.what, moment.gap) for moment in told] == [
        ("visit", ""),
        ("lease", "at the same moment"),
        ("rang", "1 h later"),
    ]
    late = moments([Event(START_MS, "visit", "page"), Event(START_MS + 20 * HOUR, "rang", "call")], NEW_YORK)
    assert late[1].gap == "20 h later, on Tuesday, September 22, 2026"


def test_a_cookie_opens_only_as_what_it_is_while_it_lasts() -> None:
    sealer = CookieSealer(b"s" * 32)
    sealed = sealer.seal(SignedIn("tok_1", "csrf", START_MS + 1))
    assert sealer.open(SignedIn, sealed, START_MS) == SignedIn("tok_1", "csrf", START_MS + 1)
    assert sealer.open(SignedIn, sealed, START_MS + 1) is None
    assert sealer.open(Form, sealed, START_MS) is None
    assert CookieSealer(b"x" * 32).open(SignedIn, sealed, START_MS) is None


@pytest.mark.parametrize(
    ("asked", "path"),
    [("/calls?a=b", "/calls?a=b"), (None, "/"), ("calls", "/"), ("//x", "/"), ("/\\x", "/"), ("/\nx", "/")],
)
def test_only_own_paths_are_gone_to(asked: str | None, path: str) -> None:
    assert own_path(asked) == path


def test_failures_are_counted_by_address_for_a_minute() -> None:
    failures = Failures()
    for second in range(10):
        assert not failures.too_many("a", START_MS + second)
        failures.add("a", START_MS + second)
    assert failures.too_many("a", START_MS + MINUTE - 1)
    assert not failures.too_many("b", START_MS)
    assert not failures.too_many("a", START_MS + MINUTE)


@pytest.mark.parametrize(
    ("now", "before", "text", "spoken", "tone"),
    [
        (28, 25, "↑ 12%", "12% more", "up"),
        (19, 24, "↓ 21%", "21% fewer", "down"),
        (0, 30, "↓ 100%", "100% fewer", "down"),
        (1, 3, "↓ 67%", "67% fewer", "same"),
        (7, 7, "= same", "the same", "same"),
        (100, 2, "↑ × 50", "50 times as many", "up"),
        (30, 0, "new", "none before", "up"),
        (3, 0, "new", "none before", "same"),
    ],
)
def test_how_much_more_there_is_than_before(now: float, before: float, text: str, spoken: str, tone: str) -> None:
    assert words.change(now, before) == words.Change(text, spoken, tone)
    assert words.change(0, 0) is None
