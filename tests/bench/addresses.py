"""Every address that a signed-in person or a script can read, from the application's own tables, as they ask."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlencode

from dni.api.operations import OPERATIONS, PREFIX
from dni.clock import rfc3339
from dni.dashboard.assets import Assets
from dni.dashboard.pages import Pages
from dni.dashboard.routes import ROOMS
from dni.dashboard.source_rows import PAGES
from dni.parts import Parts
from dni.report.model import DIMENSIONS, MODELS
from dni.settings import Settings
from tests.bench import big_world
from tests.bench.big_rows import DAY_MS, Size

# One of each noun, by the word of its address before its id; `call` and `session` are looked up.
_KNOWN = {
    "campaigns": big_world.campaign(0),
    "publishers": big_world.publisher(0),
    "pools": big_world.pool(0),
    "numbers": "num_00000",
    "tags": big_world.tag(0),
    "carriers": "car_1",
    "destinations": big_world.destination(0),
}
_NEEDED = {
    "/tags/{id}/seen": "?since=0",
    "/setup/campaigns/{id}/rang": "?since=0",
    f"{PREFIX}/privacy/export": f"?caller={quote(big_world.CALLERS[17], safe='')}",
    f"{PREFIX}/statements/preview": f"?publisher={big_world.publisher(3)}&currency=USD&from=2020-01-01&to=2020-02-01",
}
# What the ledger has none of, like drafts of tags: nothing can be read there.
_EMPTY = {"accounts", "budgets", "deliveries", "disputes", "integrations", "statements", "tokens", "webhooks"}
# Read as it comes: lists of many thousand rows.
_COUNTED_BY_FIRST_BYTE = re.compile(r"\.csv|/events$")

SPANS = (("today", 1), ("7 days", 7), ("30 days", 30), ("90 days", 90), ("all", None))
_MONTH = 2
_BY_SEVERAL = (
    "source,medium",
    "source,campaign_name,keyword",
    "campaign_name,keyword,content",
    "source,medium,campaign_name,keyword",
    "channel,device,region",
    "publisher,tag,source,day",
    "weekday,hour",
    "channel,day",
    "day,hour",
    "landing_page,device,region,hour",
    "number,source",
    "first_time,channel",
)


def of_pages(size: Size, ids: dict[str, str]) -> list[str]:
    """Pages as they open, and of those that take days and filters every kind. `ids` of nouns by their address."""
    found = [_filled(path, ids) for path in _page_paths(Path.cwd()) if _is_there(path)]
    spans = [dict(zip(("from", "to"), span, strict=True)) for _, span in _days(size)]
    for span in spans:
        found += [_with(page, {**span, "by": by}) for page, ways in PAGES.items() for by in ways]
        found += [_with(path, span) for path in ("/calls", "/calls.csv", "/sources.csv")]
    for span in spans[_MONTH], spans[-1]:
        found += [_with("/sources", {**span, "model": model}) for model in MODELS]
        found += [_with("/sources", {**span, **only}) for only in _filters()]
        found += [_with("/calls", {**span, **only}) for only in (*_filters(), {"status": "no_answer"}, *_searches())]
    return list(dict.fromkeys(found))


def linked(path: str, page: str) -> Iterator[str]:
    """What a page leads to that is itself, asked otherwise: its presets, tabs, filters, older rows."""
    own = path.partition("?")[0]
    for href in re.findall(r'href="([^"#]+)', page):
        if unescape(href).startswith(f"{own}?"):
            yield unescape(href)


def of_api(size: Size, ids: dict[str, str]) -> list[str]:
    """Every reading operation, and reports and lists asked in many ways."""
    found = [_filled(PREFIX + one.path, ids) for one in OPERATIONS if one.method == "GET" and _is_there(one.path)]
    report = f"{PREFIX}/reports/attribution"
    until = rfc3339(size.until_ms)
    spans = [{"from": rfc3339(size.until_ms - (days or size.days + 1) * DAY_MS), "to": until} for _, days in SPANS]
    for span in spans:
        found += [_with(report, {**span, "group_by": by}) for by in _BY_SEVERAL]
    for span in spans[_MONTH], spans[-1]:
        found += [_with(report, {**span, "group_by": by}) for by in DIMENSIONS]
        found += [_with(report, {**span, "group_by": "source,keyword", "model": model}) for model in MODELS]
        found += [_with(report, {**span, "group_by": "source,keyword", **only}) for only in _filters()]
        found += [_with(f"{PREFIX}/{noun}", {**span, **only}) for noun in ("calls", "sessions") for only in _filters()]
    # Edges that are in the middle of an hour.
    odd = {"from": rfc3339(size.until_ms - 40 * DAY_MS + 1_234_567), "to": rfc3339(size.until_ms - 7_654_321)}
    found += [_with(report, {**odd, "group_by": by}) for by in ("source,medium", "day,hour", "keyword")]
    return list(dict.fromkeys(found))


def is_streamed(path: str) -> bool:
    """Whether its first byte is what a reader waits for."""
    return bool(_COUNTED_BY_FIRST_BYTE.search(path.partition("?")[0]))


def _page_paths(folder: Path) -> list[str]:
    # Never opened: only the table of its rooms is read.
    parts = Parts(Settings(data_dir=folder, redis_url="redis://127.0.0.1:1", database_url="sqlite+aiosqlite://"))
    pages = Pages(Assets())
    return [address.path for room in ROOMS for address in room(parts, pages).addresses() if address.get]


def _filled(path: str, ids: dict[str, str]) -> str:
    known = path.replace("{id}", {**_KNOWN, **ids}[_noun(path)]) if "{id}" in path else path
    return known + _NEEDED.get(path, "")


def _is_there(path: str) -> bool:
    if path == "/live":  # it never ends
        return False
    return "{id}" not in path or (_noun(path) not in _EMPTY and not path.endswith("/draft"))


def _noun(path: str) -> str:
    return path.partition("/{id}")[0].rpartition("/")[2]


def _days(size: Size) -> Sequence[tuple[str, tuple[str, str]]]:
    """First and last day of each span, both within."""
    last = datetime.fromtimestamp((size.until_ms - 1) / 1000, UTC).date()
    return [(name, (str(last - timedelta(days=(days or size.days + 1) - 1)), str(last))) for name, days in SPANS]


def _filters() -> Sequence[dict[str, str]]:
    return (
        {"source": "google"},
        {"source": "google", "medium": "cpc"},
        {"keyword": big_world.keywords()[0]},
        {"keyword": big_world.keywords()[5_000].upper()},
        {"keyword": "nobody ever searched for this"},
        {"campaign": big_world.campaign(0)},
        {"publisher": big_world.publisher(3)},
        {"campaign": big_world.campaign(1), "source": "bing"},
    )


def _searches() -> Sequence[dict[str, str]]:
    return {"q": "plumber"}, {"q": big_world.CALLERS[17]}, {"q": "nothing like this"}


def _with(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}"
