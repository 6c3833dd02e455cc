"""A statement's period as moments and in words."""

import pytest

from dni.clock import from_rfc3339
from dni.errors import InvalidField
from dni.payout import model
from dni.payout.model import Period

EAST = "America/New_York"


def test_a_month_begins_and_ends_by_its_own_clock() -> None:
    """November 2026 in New York begins in summer time and ends in winter time."""
    assert model.month_ms("2026-11", EAST) == (
        from_rfc3339("2026-11-01T00:00:00-04:00"),
        from_rfc3339("2026-12-01T00:00:00-05:00"),
    )
    assert model.month_ms("2026-12", "UTC")[1] == from_rfc3339("2027-01-01T00:00:00+00:00")


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "0000-01", "9999-12", "2026-11-01", "november", "2026-11\n"])
def test_what_is_no_month_is_told_what_would_be_right(text: str) -> None:
    with pytest.raises(InvalidField, match="a month, such as 2026-11"):
        model.month_ms(text, EAST)


def test_a_bound_is_a_day_or_a_moment() -> None:
    assert model.bound_ms("2026-11-15", EAST, "/to") == from_rfc3339("2026-11-15T00:00:00-05:00")
    assert model.bound_ms("2026-11-15T12:30:00Z", EAST, "/to") == from_rfc3339("2026-11-15T12:30:00+00:00")
    for wrong in (
        "2026-02-30",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31T23:59:59-23:59",
        "1969-12-31",
        "2026-11-15T12:30:00",
        "tomorrow",
        "",
    ):
        with pytest.raises(InvalidField) as told:
            model.bound_ms(wrong, EAST, "/to")
        assert told.value.errors[0].path == "/to"


@pytest.mark.parametrize(
    ("begins", "ends", "zone", "words"),
    [
        ("2026-11-01T00:00:00-04:00", "2026-12-01T00:00:00-05:00", EAST, "November 2026"),
        ("2026-11-03T00:00:00-05:00", "2026-11-04T00:00:00-05:00", EAST, "3 November 2026"),
        ("2026-11-01T00:00:00-04:00", "2026-11-16T00:00:00-05:00", EAST, "1 November 2026 to 15 November 2026"),
        ("2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z", "UTC", "1 October 2026 to 30 November 2026"),
        ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", EAST, "31 October 2026 20:00 to 30 November 2026 19:00"),
    ],
)
def test_a_period_in_words(begins: str, ends: str, zone: str, words: str) -> None:
    assert model.told(Period(from_rfc3339(begins), from_rfc3339(ends), zone)) == words


def test_a_day_that_begins_at_one_o_clock() -> None:
    """Beirut, 27 March 2022: midnight was not there."""
    day = model.bound_ms("2022-03-27", "Asia/Beirut", "/to")
    assert model.day_of(day + 3_600_000, "Asia/Beirut") == day
    assert model.told(Period(day, model.bound_ms("2022-03-28", "Asia/Beirut", "/to"), "Asia/Beirut")) == "27 March 2022"
