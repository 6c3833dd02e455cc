"""The tag: its bytes beside other makers' tags, and its time on the main thread of a page of 10,000 nodes."""

import gzip
import json
import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest
from playwright.async_api import Browser, BrowserContext

from tests.support import service as services
from tests.support.world import TARGET
from tests.tag.browser import site as sites
from tests.tag.browser.shop import STATIC, Shop, Tag
from tests.tag.browser.site import Site

pytestmark = pytest.mark.bench

_CORE = Path(__file__).parents[2] / "static/tag.js"
_CORE_GZIP, _CORE_GUARD = 4_000, 6_250  # what we aim at, and what must not be passed meanwhile
# As they were served to the public when this was planned: what, raw, gzip.
_PEERS = (("another's tag, which watches no changes", "25,500", "8,265"), ("the market leader's core", "36,000", ""))

_LOADS = 20
_FIRST_MS, _BATCH_MS = 8, 1
# On a machine that has other things to do: in walks over all nodes that do nothing, on the same page at the same time.
# We are at 4 to 5 where we aim at 8 ms, which is about 6 of them.
_FIRST_WALKS = 20
_BATCHES = 100
_TARGETS = [f"+1{area}5550100" for area in range(212, 232)]

# Before the tag: what its observers take, and when an answer of the service has been read.
_PROBE = """
  window.took = {observed: [], read: 0, signals: []};
  const Observer = window.MutationObserver;
  window.MutationObserver = class extends Observer {
    constructor(act) {
      super((records, self) => {
        const began = performance.now();
        act(records, self);
        took.observed.push(performance.now() - began);
      });
    }
  };
  const json = Response.prototype.json;
  Response.prototype.json = async function () {
    const answer = await json.call(this);
    took.read = performance.now();
    return answer;
  };
  const walk = (node) => {
    let count = 1;
    for (let child = node.firstChild; child; child = child.nextSibling) count += walk(child);
    return count;
  };
  addEventListener("load", () => {
    const began = performance.now();
    took.nodes = walk(document);
    took.walk = performance.now() - began;
  });
  window.dni = [["on", "swap", () => (took.swap ??= performance.now() - took.read)]];
"""


def test_bytes(shop_tag: Tag) -> None:
    core = _CORE.read_bytes()
    answer = httpx.get(shop_tag.src(), headers={"Accept-Encoding": "identity"}, trust_env=False)
    served = answer.raise_for_status().content
    print(f"\n{'bytes':46}{'raw':>8} {'gzip -9':>8} {'brotli 11':>10}")
    for what, body in (("dni: the core", core), ("dni: as served, with one target's settings", served)):
        print(f"{what:46}{len(body):8,} {_zipped(body):8,} {len(brotli.compress(body, quality=11)):10,}")
    for what, raw, zipped in _PEERS:
        print(f"{what:46}{raw:>8} {zipped:>8}")
    print(f"aim {_CORE_GZIP:,} gzip -9")
    assert _zipped(core) <= _CORE_GUARD


async def test_first_swap_of_a_large_page(context: BrowserContext, site: Site, shop: Shop) -> None:
    """As a visitor's first page has it (look, ask, swap), and as his second (swap before anything is asked)."""
    tag = await shop.tag(targets=_TARGETS, rules=[{"when": {}, "use": {"number": STATIC}}])
    address = site.page(_page(_TARGETS), f"<script>{_PROBE}</script>")
    walks, looks, swaps = zip(*[await _first(context, address, tag) for _ in range(_LOADS)], strict=True)
    pooled = await shop.tag(targets=_TARGETS)
    await _first(context, address, pooled)
    _, at_once, _ = zip(*[await _first(context, address, pooled) for _ in range(_LOADS)], strict=True)
    walk_ms = statistics.median(walks)
    print(f"\nmain thread, 10,000 nodes, 20 targets, median of {_LOADS} loads (worst)")
    for what, times in (
        ("first page: to find the targets", looks),
        ("first page: to swap them, once answered", swaps),
        ("second page: to find and swap them at once", at_once),
    ):
        print(f"{what:46}{statistics.median(times):8.1f} ms ({max(times):.1f}); aim {_FIRST_MS}")
    print(f"{'for comparison: a walk that does nothing':46}{walk_ms:8.1f} ms ({max(walks):.1f})")
    slowest = max(statistics.median(times) for times in (looks, swaps, at_once))
    assert slowest < max(_FIRST_MS, _FIRST_WALKS * walk_ms)


@pytest.mark.parametrize(
    ("what", "act"),
    [
        ("a row is added", "rows.append(row.cloneNode(true))"),
        ("a text changes", "text.data = 'Seen ' + turn + ' times'"),
        ("a text with a target changes", "call.data = turn + ' callers today: 212-555-0100'"),
        ("50 rows are added", "rows.append(...Array.from({length: 50}, () => row.cloneNode(true)))"),
    ],
)
async def test_later_changes(what: str, act: str, context: BrowserContext, site: Site, shop: Shop) -> None:
    tag = await shop.tag(targets=_TARGETS, rules=[{"when": {}, "use": {"number": STATIC}}])
    address = site.page(_page(_TARGETS), f"<script>{_PROBE}</script>")
    page = await context.new_page()
    await page.goto(address)
    await page.evaluate(_ADD_TAG, tag.src())
    await page.wait_for_function("took.swap !== undefined")
    observed = await page.evaluate(
        f"""async (batches) => {{
          const rows = document.querySelector('ul');
          const row = document.createElement('li');
          row.innerHTML = '<a href="/p/1">Drain, 20 mm</a> <b>$12.50</b> <i>2024-05-20</i>';
          const text = rows.querySelector('a').firstChild;
          const call = rows.querySelector('.call').firstChild;
          took.observed = [];
          for (let turn = 0; turn < batches; turn++) {{
            {act};
            await new Promise((resolve) => setTimeout(resolve));
          }}
          return took.observed;
        }}""",
        _BATCHES,
    )
    await page.close()
    # The clock of a page is coarse: the mean says more than the median.
    # Without the tenth in which another process had the processor.
    mean = statistics.mean(sorted(observed)[: _BATCHES * 9 // 10])
    print(f"\n{what:46}{mean:8.3f} ms, mean of the quicker 90 of {_BATCHES} ({max(observed):.1f}); aim {_BATCH_MS}")
    assert len(observed) >= _BATCHES
    assert mean < _BATCH_MS


_ADD_TAG = "src => document.head.append(Object.assign(document.createElement('script'), {src, async: true}))"


async def _first(context: BrowserContext, address: str, tag: Tag) -> tuple[float, float, float]:
    """ms of a walk, ms that the tag says its first look took, and ms from the answer to the end of the swap."""
    page = await context.new_page()
    await page.goto(address)
    async with page.expect_request(lambda one: "took_ms" in (one.post_data or "")) as told:
        await page.evaluate(_ADD_TAG, tag.src())
    await page.wait_for_function("took.swap !== undefined")
    body: dict[str, Any] = json.loads((await told.value).post_data or "")
    took = await page.evaluate("took")
    assert took["nodes"] > 10_000
    assert body["page"]["swapped"] == body["page"]["found"] == len(_TARGETS), body
    await page.close()
    return took["walk"], body["page"]["took_ms"], took["swap"]


def _page(targets: list[str]) -> str:
    """A list of goods: 10,000 nodes; a target in each of twenty rows, half of them in links."""
    rows, places = [], iter(targets)
    for number in range(1_120):
        rows.append(
            f'<li><a href="/p/{number}">Drain of {number} mm</a> <b>${number}.50</b> sold 2024-05-{number % 28 + 1:02}'
            f" <i>{number % 7} of them left, order by 4 pm today</i>"
        )
        if number % 56 == 0:
            target = next(places)
            written = f"({target[2:5]}) {target[5:8]}-{target[8:]}"
            link = f'<a href="tel:{target}">Call</a>'
            rows.append(link if number % 112 else f'<span class="call">{written}</span>')
        rows.append("</li>")
    return "".join(["<ul>", *rows, "</ul>"])


def _zipped(body: bytes) -> int:
    return len(gzip.compress(body, 9, mtime=0))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with services.running(tmp_path_factory.mktemp("tag") / "service") as running:
        yield running


@pytest.fixture(scope="module")
async def site(anyio_backend: str) -> AsyncIterator[Site]:
    async with sites.serving() as site:
        yield site


@pytest.fixture(scope="module")
async def shop(service: services.Service, site: Site) -> AsyncIterator[Shop]:
    shop = Shop(service, [site.origin])
    yield shop
    await shop.close()


@pytest.fixture
async def shop_tag(shop: Shop) -> Tag:
    return await shop.tag(targets=[TARGET])


@pytest.fixture
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    async with await chromium.new_context() as context:
        yield context
