"""Limits as values: where periods begin, what leaves no room, and how it is said."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dni.errors import InvalidField
from dni.qualification.budget import Limits, Reached, Used, check, counted, largest, left, more, reached, since
from dni.qualification.model import Policy, Side, Terms
from dni.routing.periods import day_of

ZONE = "America/New_York"
HOUR_MS = 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


NOON = ms("2026-09-23T12:00")  # a Wednesday


def limits(paced: bool = False, **given: dict[str, int]) -> Limits:
    return msgspec.convert({**given, "paced": paced}, Limits)


def said(one: Limits, used: dict[str, Used], amount: int = 0, at_ms: int = NOON, now_ms: int | None = None) -> str:
    found = reached(one, used, amount, at_ms, at_ms if now_ms is None else now_ms, ZONE)
    return found.told("USD") if found else ""


def test_periods_begin_on_the_campaigns_clock() -> None:
    begun = {name: datetime.fromtimestamp(at / 1000, ZoneInfo(ZONE)) for name, at in since(NOON + 90_000, ZONE).items()}
    assert begun.pop("concurrent") == begun.pop("total")
    assert {name: f"{at:%m-%d %H:%M}" for name, at in begun.items()} == {
        "hour": "09-23 12:00",
        "day": "09-23 00:00",
        "week": "09-21 00:00",
        "month": "09-01 00:00",
    }


def test_a_week_of_a_changed_clock_begins_on_its_monday() -> None:
    """The Sunday on which summer time ends has 25 hours, and is of the week before."""
    sunday = ms("2026-11-01T20:00")
    assert since(sunday, ZONE)["week"] == ms("2026-10-26T00:00")
    begin, end = day_of(sunday, ZoneInfo(ZONE))
    assert end - begin == 25 * HOUR_MS


@pytest.mark.parametrize("period", ["concurrent", "hour", "day", "week", "month", "total"])
def test_calls_fit_until_the_last_place(period: str) -> None:
    one = limits(calls={period: 50})
    assert said(one, {period: Used(49)}) == ""
    state = "under way" if period == "concurrent" else "used"
    assert said(one, {period: Used(50)}) == f"budget {period}: 50 of 50 calls are {state}"
    assert said(one, {period: Used(70)}) == f"budget {period}: 70 of 50 calls are {state}"


def test_money_fits_to_the_cent() -> None:
    one = limits(money={"month": 100_000})
    assert said(one, {"month": Used(3, 97_500)}, 2_500) == ""
    told = "budget month: 975.01 USD of 1,000.00 USD are used; the call needs 25.00 USD"
    assert said(one, {"month": Used(3, 97_501)}, 2_500) == told
    assert said(one, {"month": Used(4, 100_000)}, 1) == "budget month: 1,000.00 USD of 1,000.00 USD are used"
    assert said(one, {"month": Used(4, 100_000)}, 0) == "", "what pays nothing takes nothing"


def test_a_call_that_is_over_is_none_of_those_at_once() -> None:
    one = limits(calls={"concurrent": 1})
    full = {"concurrent": Used(1)}
    assert reached(one, full, 0, NOON, NOON, ZONE)
    assert reached(one, full, 0, NOON, NOON, ZONE, is_over=True) is None


def test_a_paced_day_gives_only_the_share_that_is_over() -> None:
    one = limits(calls={"day": 50, "month": 100}, paced=True)
    assert said(one, {"day": Used(24)}) == ""
    assert said(one, {"day": Used(25)}) == "budget day: 25 of 50 calls are used, and 25 may be by this time of the day"
    assert said(one, {"day": Used(49)}, now_ms=NOON + 12 * HOUR_MS) == "", "judged when the day is over"
    assert said(one, {"day": Used(50)}, now_ms=NOON + 12 * HOUR_MS) == "budget day: 50 of 50 calls are used"
    midnight = ms("2026-09-23T00:00")
    assert said(one, {}, at_ms=midnight) == "", "one call at any time"
    assert said(one, {"day": Used(1)}, at_ms=midnight).startswith("budget day: 1 of 50")
    assert said(limits(calls={"day": 0}, paced=True), {}, at_ms=midnight), "but none of none"


def test_paced_money_lets_the_days_first_call_in() -> None:
    one = limits(money={"day": 10_000}, paced=True)
    dawn = ms("2026-09-23T06:00")
    assert said(one, {}, 9_000, at_ms=dawn) == ""
    assert said(one, {"day": Used(1, 1_000)}, 1_500, at_ms=dawn) == ""
    told = "budget day: 10.00 USD of 100.00 USD are used, and 25.00 USD may be by this time of the day"
    assert said(one, {"day": Used(1, 1_000)}, 1_501, at_ms=dawn) == f"{told}; the call needs 15.01 USD"


def test_what_a_call_may_take_beyond_its_hold_is_what_the_tightest_limit_leaves() -> None:
    one = limits(money={"day": 1_000, "month": 5_000}, calls={"day": 1})
    used = {"day": Used(1, 400), "month": Used(9, 4_800)}
    fits, why = more(one, used, 500, NOON, NOON, ZONE)
    assert (fits, why and why.period) == (200, "month")
    assert more(one, used, 200, NOON, NOON, ZONE) == (200, None)
    assert more(one, {}, 0, NOON, NOON, ZONE) == (0, None)


def test_used_and_left_are_told_of_each_limit_that_is_set() -> None:
    one = limits(calls={"day": 50, "concurrent": 2}, money={"week": 900}, paced=True)
    used = {"day": Used(30, 500), "week": Used(31, 600), "concurrent": Used(1, 10), "hour": Used(1, 10)}
    assert msgspec.to_builtins(counted(one, used)) == {"calls": {"concurrent": 1, "day": 30}, "money": {"week": 600}}
    now = msgspec.to_builtins(left(one, used, NOON, ZONE))
    assert now == {"calls": {"concurrent": 1, "day": 0}, "money": {"week": 300}}, "of the day no more than until now"


def test_the_largest_amount_is_that_of_any_policy_of_the_side() -> None:
    bonuses = (Policy(name="b", amount=900), Policy(name="c", percent=10))
    assert largest(Terms(payout=Side(base=Policy(name="a", amount=500), bonuses=bonuses))) == (900, 0)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "/limits"),
        ({"calls": {}, "money": {}}, "/limits"),
        ({"calls": {"month": 1}, "paced": True}, "/limits/paced"),
    ],
)
def test_limits_that_say_nothing_are_refused(given: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidField) as error:
        check(msgspec.convert(given, Limits), "/limits")
    assert error.value.errors[0].path == path


def test_who_is_not_to_know_figures_is_told_none() -> None:
    assert Reached("money", "day", 990, 1_000).briefly == "budget day is used up"
