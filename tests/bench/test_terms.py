"""How long it takes to judge one call by its campaign's terms, with every explanation."""

import statistics
import time

import pytest

from dni.qualification.judge import judge
from dni.qualification.model import Facts, Policy, Side, Terms

pytestmark = pytest.mark.bench

_CALLS, _AIM_US = 20_000, 100.0
_BEGAN_MS = 1_795_528_200_000
_DAY_MS = 86_400_000


def _side(times: int) -> Side:
    """A base and three bonuses of five terms each."""
    return Side(
        base=Policy(
            name="base",
            when="talk >= 90s and region in (CA, NV, OR) and not repeat(30d) and during(business) and phone != voip",
            amount=25_00 * times,
        ),
        bonuses=(
            Policy(
                name="sale",
                when="sale and value >= 100.00 and talk >= 30s and (region = CA or source in (google, bing))",
                percent=10.0 * times,
            ),
            Policy(
                name="long",
                when="talk >= 10m and region in (CA, NV) and not repeat(90d) and medium = cpc and campaign = spring*",
                amount=40_00 * times,
            ),
            Policy(
                name="weekend",
                when="day in (Sa, Su) and talk >= 60s and key = 1 and keyword not in (*free*, *cheap*) and answered",
                amount=10_00 * times,
            ),
        ),
    )


TERMS = Terms(payout=_side(1), revenue=_side(2), hours={"business": "Mo-Fr 09:00-12:30,13:30-17:00; PH off"})


def _facts(n: int) -> Facts:
    return Facts(
        began_ms=_BEGAN_MS + n * 60_000,
        timezone="America/New_York",
        answered=True,
        talk_s=n % 700,
        duration_s=n % 700 + 12,
        caller=f"+1415555{n % 10_000:04}",
        region=("US-CA", "US-TX", None)[n % 3],
        country="US",
        phone_type=("mobile", "voip", None)[n % 3],
        keys=("1", None)[n % 2],
        source=("google", "bing", "facebook")[n % 3],
        medium="cpc",
        campaign_name="Spring Sale",
        keyword=("roof repair", None)[n % 2],
        publisher="pub_1",
        confidence=n % 100 / 100,
        shared_pool=n % 2 == 0,
        last_ms=(0, _BEGAN_MS - 40 * _DAY_MS, None)[n % 3],
        sale=(True, None, False)[n % 3],
        value=n * 10,
    )


def test_judging_a_call() -> None:
    calls = [_facts(n) for n in range(_CALLS)]
    both, payout = TERMS, Terms(payout=TERMS.payout, hours=TERMS.hours)
    print(f"\njudging a call by a base and three bonuses of five terms each, {_CALLS:,} calls")
    for what, terms in (("the payout", payout), ("payout and revenue", both)):
        judge(terms, calls[0])  # reads the conditions: once for all calls
        took = []
        for facts in calls:
            began = time.perf_counter()
            judge(terms, facts)
            took.append((time.perf_counter() - began) * 1e6)
        median, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
        print(f"{what:20} median {median:5.1f} us   p99 {p99:6.1f} us")
        assert median < _AIM_US
    print(f"aim: median {_AIM_US:.0f} us")
