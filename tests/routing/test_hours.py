"""Opening hours: what is written, and what that means on the wall clock of a place."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dni.errors import InvalidField
from dni.routing.hours import is_open, read

NEW_YORK = ZoneInfo("America/New_York")
WORK = "Mo-Fr 09:00-12:30,13:30-17:00; Sa 10:00-14:00; PH off"
CHRISTMAS = frozenset({date(2026, 12, 25)})  # a Friday


@pytest.mark.parametrize(
    ("hours", "local", "open_"),
    [
        (WORK, "2026-11-30 09:00", True),  # Monday
        (WORK, "2026-11-30 08:59", False),
        (WORK, "2026-11-30 12:29", True),
        (WORK, "2026-11-30 12:30", False),
        (WORK, "2026-11-30 17:00", False),
        (WORK, "2026-12-05 10:00", True),  # Saturday
        (WORK, "2026-12-06 10:00", False),  # Sunday
        (WORK, "2026-12-25 10:00", False),  # a holiday
        ("Mo-Fr 09:00-17:00", "2026-12-25 10:00", True),  # nothing is said of holidays
        ("Mo-Fr 09:00-17:00; PH 10:00-11:00", "2026-12-25 09:30", False),
        ("Mo-Fr 09:00-17:00; PH 10:00-11:00", "2026-12-25 10:30", True),
        ("24/7", "2026-12-06 03:00", True),
        ("24/7; PH off", "2026-12-25 03:00", False),
        ("22:00-06:00", "2026-12-06 23:00", True),
        ("22:00-06:00", "2026-12-06 05:59", True),
        ("22:00-06:00", "2026-12-06 06:00", False),
        ("Fr 22:00-04:00", "2026-12-05 03:59", True),  # Friday's night
        ("Fr 22:00-04:00", "2026-12-04 03:59", False),
        ("Fr-Mo 09:00-10:00", "2026-12-06 09:30", True),
        ("Fr-Mo 09:00-10:00", "2026-12-08 09:30", False),
        ("Mo,We 09:00-10:00", "2026-12-02 09:30", True),
        ("Mo-Fr 09:00-17:00; We off", "2026-12-02 09:30", False),  # a later rule replaces
        ("Mo 00:00-24:00", "2026-11-30 23:59", True),
        ("Th 18:00-02:00; PH off", "2026-12-25 01:00", True),  # the night began on Thursday
    ],
)
def test_hours_mean_what_they_say(hours: str, local: str, open_: bool) -> None:
    assert is_open(hours, datetime.fromisoformat(local), CHRISTMAS) is open_


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ("", "no hours"),
        ("Mon-Fri 09:00-17:00", "'Mon-Fri' is no day"),
        ("Mo-Fr 9-17", "is no span of time"),
        ("Mo-Fr", "is no span of time"),
        ("Mo-Fr 09:00-25:00", "past midnight"),
        ("Mo-PH 09:00-17:00", "is no day"),
        ("Mo 24:00-25:00", "past midnight"),
        ("x" * 301, "at most 300"),
    ],
)
def test_what_is_no_hours_is_refused_with_what_would_be_right(hours: str, said: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read(hours, "/hours")
    assert said in refused.value.errors[0].message
    assert refused.value.errors[0].path == "/hours"


def minutes_open(hours: str, first: datetime, last: datetime) -> int:
    """How many minutes of real time a place in New York is open."""
    count, at = 0, first.astimezone(UTC)
    while at < last.astimezone(UTC):
        count += is_open(hours, at.astimezone(NEW_YORK))
        at += timedelta(minutes=1)
    return count


@pytest.mark.parametrize(
    ("day", "hours", "minutes"),
    [
        (date(2026, 3, 8), "00:00-24:00", 23 * 60),  # spring: 02:00 to 03:00 is not there
        (date(2026, 3, 8), "01:30-03:30", 60),
        (date(2026, 3, 8), "02:00-03:00", 0),
        (date(2026, 11, 1), "00:00-24:00", 25 * 60),  # autumn: 01:00 to 02:00 comes twice
        (date(2026, 11, 1), "01:00-02:00", 120),
        (date(2026, 11, 2), "00:00-24:00", 24 * 60),
    ],
)
def test_hours_are_right_across_changes_of_the_clock(day: date, hours: str, minutes: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
    assert minutes_open(hours, midnight, midnight + timedelta(days=1)) == minutes


spans = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda span: span[0] != span[1])


@settings(max_examples=300, deadline=None)
@given(span=spans, day=st.integers(0, 6), minute=st.integers(0, 7 * 1440 - 1))
def test_a_span_is_open_for_just_its_minutes_of_the_week(span: tuple[int, int], day: int, minute: int) -> None:
    begin, end = span
    days = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
    hours = f"{days[day]} {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    length = end - begin if end > begin else end + 1440 - begin
    local = datetime(2026, 11, 30) + timedelta(minutes=minute)  # noqa: DTZ001  a wall clock
    since = (minute - (1440 * day + begin)) % (7 * 1440)
    assert is_open(hours, local) == (since < length)


@settings(max_examples=500, deadline=None)
@given(text=st.text(max_size=40) | st.from_regex(r"[MTWFS][oueharh,\-; ]{0,6}[0-9:,\- ]{0,14}", fullmatch=True))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text)
    except InvalidField as refused:
        assert refused.errors[0].message  # noqa: PT017
    else:
        is_open(text, datetime(2026, 11, 30, 12))  # noqa: DTZ001
