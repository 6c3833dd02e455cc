"""Every page and report on a big ledger: how long a reader waits, and whether the figures are those of a count by hand.

Sizes: `make bench ARGS='tests/bench/test_reports.py --sessions 10_000_000 --ledgers /var/tmp/ledgers'`.
"""

import asyncio
import statistics
import time
from pathlib import Path
from urllib.parse import unquote, urlencode

import httpx
import msgspec
import pytest
from sqlalchemy import func, select

from dni.api.operations import PREFIX
from dni.clock import rfc3339
from dni.ledger.engines import Ledger
from dni.ledger.schema import call, call_touch
from dni.report.model import OF_CALL
from tests.bench import addresses, big_world
from tests.bench.big_rows import DAY_MS, Size
from tests.bench.by_hand import Asked, ByHand, Counted
from tests.bench.ledgers import Ready
from tests.dashboard.people import hidden
from tests.support.service import Service, running

pytestmark = pytest.mark.bench

_AIM_MS = 300
_TIMES = 7
# Who waits this long for all of them waits too long anyhow: then fewer do.
_PATIENCE_S = 3.0
_MOST_SHOWN = 40


class Waited(msgspec.Struct, frozen=True):
    """In ms; `cold`: the first time. `size`: bytes of the answer, as they travelled."""

    path: str
    median: float
    p99: float
    cold: float
    size: int
    times: int


def test_every_page_and_report_is_quick(big_ledger: Ready, tmp_path: Path) -> None:
    ids = asyncio.run(_ids(big_ledger.url))
    with running(tmp_path / "data", env={"DNI_DATABASE_URL": big_ledger.url}) as service:
        waited = _pages(service, big_ledger.size, ids) + _reports(service, big_ledger.size, ids)
    _tell(big_ledger, waited)
    slow = [one.path for one in waited if one.median >= _AIM_MS]
    assert not slow, slow


def _tell(ledger: Ready, waited: list[Waited]) -> None:
    size = ledger.size
    print(f"\n{ledger.name}, {size.sessions:,} sessions and {size.calls:,} calls of {size.days} days")
    print(f"{len(waited)} addresses, of each the first request and {_TIMES} more, in ms, the slowest first:")
    print("  median     p99    cold      kB")
    for one in sorted(waited, key=lambda one: -one.median)[:_MOST_SHOWN]:
        few = "" if one.times == _TIMES else f"   ({one.times} times)"
        print(f"{one.median:8.0f}{one.p99:8.0f}{one.cold:8.0f}{one.size / 1000:8.0f}  {unquote(one.path)}{few}")
    middle, cold = (statistics.median(getattr(one, name) for one in waited) for name in ("median", "cold"))
    slow = sum(one.median >= _AIM_MS for one in waited)
    print(f"median of medians {middle:.0f} ms, of cold ones {cold:.0f} ms, the slowest cold one "
          f"{max(one.cold for one in waited):.0f} ms; {slow} take {_AIM_MS} ms or more")  # fmt: skip


def _pages(service: Service, size: Size, ids: dict[str, str]) -> list[Waited]:
    with httpx.Client(base_url=service.url, trust_env=False, timeout=120, headers={"Accept": "text/html"}) as browser:
        form = browser.get("/signin").text
        fields = {**hidden(form), "token": service.admin_token}
        assert browser.post("/signin", data=fields, headers={"Origin": service.url}).status_code == 303
        found: dict[str, Waited] = {}
        wanted = addresses.of_pages(size, ids)
        opened = len(wanted)
        for at, path in enumerate(wanted):  # grows while it is read
            if path not in found:
                found[path], page = _asked(browser, path)
                if at < opened:
                    wanted += [href for href in addresses.linked(path, page) if "?" not in path]
    return list(found.values())


def _reports(service: Service, size: Size, ids: dict[str, str]) -> list[Waited]:
    with httpx.Client(base_url=service.url, trust_env=False, timeout=120, headers=service.headers) as script:
        return [_asked(script, path)[0] for path in addresses.of_api(size, ids)]


def _asked(client: httpx.Client, path: str) -> tuple[Waited, str]:
    """The last answer is given too, where it is a page."""
    cold, size, text = _once(client, path)
    took: list[float] = []
    began = time.monotonic()
    while len(took) < _TIMES and (not took or time.monotonic() - began < _PATIENCE_S):
        took.append(_once(client, path)[0])
    return Waited(path, statistics.median(took), max(took), cold, size, len(took)), text


def _once(client: httpx.Client, path: str) -> tuple[float, int, str]:
    """ms until all of it was there, or its first byte where it is read as it comes."""
    began = time.perf_counter()
    with client.stream("GET", path) as answer:
        # A form's address leads people who come by a link to its page; a number of a pool is not edited by itself.
        assert answer.status_code in (200, 204, 303, 409), (path, answer.status_code)
        if addresses.is_streamed(path) or answer.headers.get("content-type", "").startswith("text/event-stream"):
            first = next(answer.iter_raw(), b"")
            return (time.perf_counter() - began) * 1000, len(first), ""
        answer.read()
    return (time.perf_counter() - began) * 1000, answer.num_bytes_downloaded, answer.text


async def test_figures_are_those_of_a_count_by_hand(big_ledger: Ready, tmp_path: Path) -> None:
    size = big_ledger.size
    asked = _to_count(size)
    with running(tmp_path / "data", env={"DNI_DATABASE_URL": big_ledger.url}) as service:
        async with httpx.AsyncClient(
            base_url=service.url, trust_env=False, timeout=600, headers=service.headers
        ) as script:
            told = [(await script.get(_address(one))).raise_for_status().json()["data"] for one in asked]
    ledger = Ledger(big_ledger.url)
    by_hand = ByHand(ledger, asked)
    began = time.monotonic()
    await by_hand.count()
    took_s = time.monotonic() - began
    await ledger.close()
    checked = 0
    for one, rows, groups in zip(asked, told, by_hand.groups, strict=True):
        found = {tuple(row[name] for name in one.names): row for row in rows}
        assert found, one
        if len(rows) < _ROWS:
            assert found.keys() == groups.keys(), one
        else:  # the first ones: none that is left out has more calls
            fewest = min(row["calls"] for row in rows)
            assert all(groups[key].calls <= fewest + 1e-6 for key in groups.keys() - found.keys()), one
        for key, row in found.items():
            _compare(one, key, row, groups[key])
            checked += len(_FIGURES)
    print(
        f"\n{big_ledger.name}: {checked:,} figures of {len(asked)} reports are those counted by hand in {took_s:.0f} s"
    )


_ROWS = 10_000
# Seconds are told to a tenth, expected calls to four decimals.
_FIGURES = {
    "sessions": 0,
    "leased": 0,
    "calls": 1e-5,
    "expected_calls": 1e-3,
    "first_time_callers": 1e-5,
    "answered": 1e-5,
    "duration": 0.11,
    "talk_seconds": 0.11,
}


def _compare(asked: Asked, key: tuple[object, ...], row: dict[str, float | None], counted: Counted) -> None:
    for name, nearly in _FIGURES.items():
        if name in ("sessions", "leased") and set(asked.names) & set(OF_CALL):
            assert row[name] is None
        else:
            assert row[name] == pytest.approx(getattr(counted, name), abs=nearly, rel=1e-9), (asked, key, name)


def _to_count(size: Size) -> list[Asked]:
    until, month, odd = size.until_ms, 30 * DAY_MS, 12_345_678
    whole, lately = (until - (size.days + 1) * DAY_MS, until), (until - month - odd, until - odd)
    google = {"source": "GOOGLE", "campaign_id": big_world.campaign(0)}
    return [
        Asked(("source", "medium"), "last_touch", *whole),
        Asked(("keyword",), "linear", *whole),
        Asked(("landing_page",), "first_touch", *whole),
        Asked(("channel", "day"), "time_decay", *lately),
        Asked(("weekday", "hour"), "position_based", *whole),
        Asked(("publisher", "tag", "device"), "last_non_direct", *lately),
        Asked(("campaign", "region"), "linear", *lately),
        Asked(("campaign_name", "content", "source"), "time_decay", *lately),
        Asked(("number",), "last_touch", *lately),
        Asked(("first_time", "channel"), "last_touch", *whole),
        Asked(("campaign",), "linear", *whole),
        Asked(("source", "keyword"), "linear", *whole, google),
        Asked(("hour",), "last_touch", *lately, {"publisher_id": big_world.publisher(3)}),
        Asked(("source", "medium", "keyword", "day"), "first_touch", *lately, {"tag_id": big_world.tag(2)}),
    ]


def _address(asked: Asked) -> str:
    span = {"from": rfc3339(asked.from_ms), "to": rfc3339(asked.to_ms)}
    only = {name.removesuffix("_id"): value for name, value in asked.only.items()}
    query = {"group_by": ",".join(asked.names), "model": asked.model, **span, **only, "limit": str(_ROWS)}
    return f"{PREFIX}/reports/attribution?{urlencode(query)}"


async def _ids(url: str) -> dict[str, str]:
    """A call of a visitor who came more than once, and the visit it is credited to."""
    ledger = Ledger(url)
    several = select(call_touch.c.call_id).group_by(call_touch.c.call_id).having(func.count() > 2).limit(1)
    async with ledger.read() as connection:
        wanted = select(call.c.id, call.c.session_id).where(call.c.id.in_(several))
        found = (await connection.execute(wanted)).one()
    await ledger.close()
    return {"calls": found.id, "sessions": found.session_id}
