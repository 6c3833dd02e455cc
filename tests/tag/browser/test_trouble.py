"""Whatever fails around the tag, the page keeps its own number, and nobody throws or complains."""

import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Route, expect

from tests.support.until import until
from tests.tag.browser.conftest import NewVisitor
from tests.tag.browser.gate import Gate
from tests.tag.browser.shop import SECOND_TARGET, Shop
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import PRINTED, Visitor, like

BODY = f'<p id="number">{PRINTED}</p><a href="tel:+14155550100">Call</a>'
LINK = 'a[href="tel:+14155550100"]'


async def copied(site: Site, src: str) -> str:
    """A page that has the script from elsewhere, so that it runs whatever became of the service."""
    async with httpx.AsyncClient(trust_env=False) as client:
        script = (await client.get(src)).raise_for_status().content
    name = f"/copy{len(site.visited)}.js"
    site.put(name, script, "text/javascript")
    return site.page(BODY, f'<script async src="{name}"></script>')


async def test_a_dead_service(visitor: Visitor, site: Site, shop: Shop, gate: Gate) -> None:
    visitor.network_may_fail = True
    url = await copied(site, (await shop.tag()).src(gate.url))
    await gate.shut()
    async with visitor.page.expect_event("requestfailed"):
        await visitor.open(url)
    await visitor.tag_ran()
    assert await visitor.text("#number") == PRINTED
    assert await visitor.page.locator(LINK).count() == 1
    # It says `original`, so that a page that waits for a number need not wait on.
    assert await visitor.page.evaluate("dni.number('+14155550100').then(({number}) => number)") == "+14155550100"


async def test_a_service_that_comes_back(visitor: Visitor, site: Site, shop: Shop, gate: Gate) -> None:
    visitor.network_may_fail = True
    await visitor.page.clock.install()
    url = await copied(site, (await shop.tag()).src(gate.url))
    await gate.shut()
    async with visitor.page.expect_event("requestfailed"):
        await visitor.open(url)
    await gate.open()
    await visitor.page.clock.run_for(60_000)
    await visitor.sees("#number", PRINTED, await visitor.leased())


async def test_a_service_that_never_answers(visitor: Visitor, site: Site, shop: Shop, gate: Gate) -> None:
    url = await copied(site, (await shop.tag()).src(gate.url))
    gate.hold()
    await visitor.open(url)
    await until(lambda: bool(visitor.bodies("lease")), "it is asked")
    await visitor.tag_ran()
    assert await visitor.text("#number") == PRINTED
    # Neither the page's own leaving nor its coming back waits for the answer.
    await visitor.open(site.page("Elsewhere"))


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
async def test_a_service_that_refuses(status: int, visitor: Visitor, site: Site, shop: Shop) -> None:
    visitor.network_may_fail = True

    async def refuse(route: Route) -> None:
        await route.fulfill(status=status, body="<h1>no</h1>", headers={"Access-Control-Allow-Origin": site.origin})

    await visitor.page.route("**/v1/*", refuse)
    async with visitor.page.expect_response("**/v1/lease"):
        await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    await visitor.tag_ran()
    assert await visitor.text("#number") == PRINTED


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"numbers":null}',
        '{"numbers":{"+14155550100":null}}',
        '{"beat_ms":0,"numbers":{"+14155550100":{"number":"javascript:alert(1)","national":"<b>","kind":"pool","lease":"x"}}}',
    ],
)
async def test_an_answer_that_makes_no_sense(answer: str, visitor: Visitor, site: Site, shop: Shop) -> None:
    async def fulfill(route: Route) -> None:
        await route.fulfill(body=answer, headers={"Access-Control-Allow-Origin": site.origin})

    await visitor.page.route("**/v1/lease", fulfill)
    visitor.page.remove_listener("response", visitor._answered)
    async with visitor.page.expect_response("**/v1/lease"):
        await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    await visitor.tag_ran()
    assert await visitor.text("#number") == PRINTED


@pytest.mark.parametrize("blocked", ["**/v1/*", "**/t/*.js"])
async def test_an_ad_blocker(blocked: str, visitor: Visitor, site: Site, shop: Shop) -> None:
    visitor.network_may_fail = True
    await visitor.page.route(blocked, lambda route: route.abort("blockedbyclient"))
    stub = "<script>window.dni = window.dni || []; dni.push(['set', {plan: 'gold'}])</script>"
    async with visitor.page.expect_event("requestfailed"):
        await visitor.open(site.page(BODY, stub + (await shop.tag()).snippet()))
    await visitor.page.wait_for_load_state("load")
    await visitor.page.evaluate("new Promise((done) => setTimeout(done))")
    assert await visitor.text("#number") == PRINTED


async def test_an_offline_page_from_the_cache(visitor: Visitor, site: Site, shop: Shop) -> None:
    """The connection goes while the page is open: what is shown stays as long as it is surely the visitor's."""
    visitor.network_may_fail = True
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    await visitor.page.context.set_offline(True)
    await visitor.page.evaluate(f"document.getElementById('number').textContent = 'Again {PRINTED}'")
    await visitor.sees("#number", f"Again {PRINTED}", number)


@pytest.mark.parametrize(
    "blocked",
    [
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})",
        "Object.defineProperty(window, 'localStorage', {value: null})",
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }",
        "const no = () => { throw 'no' }; Object.defineProperty(Document.prototype, 'cookie', {get: no, set: no})",
    ],
)
async def test_no_storage_no_memory_but_a_number(blocked: str, visitor: Visitor, site: Site, shop: Shop) -> None:
    devtools = await visitor.page.context.new_cdp_session(visitor.page)
    await devtools.send("Emulation.setDocumentCookieDisabled", {"disabled": True})
    await visitor.page.add_init_script(blocked)
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    await visitor.sees("#number", PRINTED, await visitor.leased())


async def test_a_sandboxed_frame_has_no_origin_and_no_number(visitor: Visitor, site: Site, shop: Shop) -> None:
    visitor.network_may_fail = True  # refused: its origin is `null`, which no tag allows
    inner = site.page(BODY, (await shop.tag()).snippet())
    async with visitor.page.expect_event("requestfinished", lambda one: one.url.endswith(".js")):
        await visitor.open(site.page(f'<iframe sandbox="allow-scripts" src="{inner}"></iframe>'))
    await expect(visitor.page.frame_locator("iframe").locator("#number")).to_have_text(PRINTED)
    assert visitor.complaints("CORS policy") == []
    visitor.said.clear()


async def test_two_copies_of_a_tag_are_one(visitor: Visitor, site: Site, shop: Shop) -> None:
    tag = await shop.tag()
    await visitor.open(site.page(BODY + tag.snippet(), tag.snippet() + tag.snippet(how="defer")))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    await visitor.page.evaluate(
        """src => new Promise((onload) => {
          document.head.append(Object.assign(document.createElement('script'), {src, onload}));
        })""",
        tag.src() + "?again",
    )
    await visitor.sees("#number", PRINTED, number)
    assert len(visitor.bodies("lease")) == 1
    assert len({body["page"]["id"] for _, body in visitor.asked}) == 1


async def test_two_tags_on_a_page_keep_to_their_targets(visitor: Visitor, site: Site, shop: Shop) -> None:
    second = "(415) 555-0101"
    tags = (await shop.tag()).snippet() + (await shop.tag(targets=[SECOND_TARGET])).snippet()
    body = f'{BODY}<p id="second">{second}</p><p id="both">{PRINTED} or {second}</p>'
    await visitor.open(site.page(body, tags))
    await until(lambda: len(visitor.answers) == 2, "an answer to each")
    given: dict[str, Any] = {target: one for answer in visitor.answers for target, one in answer["numbers"].items()}
    first, other = given["+14155550100"]["number"], given[SECOND_TARGET]["number"]
    assert first != other
    await visitor.sees("#number", PRINTED, first)
    shown = like(second, other, SECOND_TARGET)
    await expect(visitor.page.locator("#second")).to_have_text(shown)
    await expect(visitor.page.locator("#both")).to_have_text(f"{like(PRINTED, first)} or {shown}")
    await visitor.page.evaluate("dni.restore()")
    await expect(visitor.page.locator("#both")).to_have_text(f"{PRINTED} or {second}")


async def test_two_tags_of_one_target_do_not_fight(visitor: Visitor, site: Site, shop: Shop) -> None:
    count = """<script>
      window.writes = 0;
      new MutationObserver((all) => { window.writes += all.length })
        .observe(document.getElementById('number'), {characterData: true, childList: true, subtree: true});
    </script>"""
    tags = (await shop.tag()).snippet() + (await shop.tag(name="Another tag")).snippet()
    await visitor.open(site.page(BODY + count, tags))
    await expect(visitor.page.locator("#number")).not_to_have_text(PRINTED)
    await until(lambda: len(visitor.signals("view")) >= 2, "a report of each")
    await visitor.page.evaluate(f"document.body.append('{PRINTED}')")
    await expect(visitor.page.locator("body")).not_to_contain_text(PRINTED)
    assert await visitor.page.evaluate("writes") <= 2


async def test_a_page_that_owns_our_names(visitor: Visitor, site: Site, shop: Shop) -> None:
    """An identity card's number is `dni` in Spain; whatever the page calls so stays its own."""
    await visitor.open(site.page(BODY + '<input id="dni" value="12345678Z">', (await shop.tag()).snippet()))
    await visitor.sees("#number", PRINTED, await visitor.leased())
    assert await visitor.page.evaluate("dni.value") == "12345678Z"


async def test_a_page_that_broke_its_own_globals(new_visitor: NewVisitor, site: Site, shop: Shop) -> None:
    """Old libraries replace what browsers have: nothing is thrown, a number or the original is shown."""
    for broken in (
        "Array.prototype.toJSON = function () { return 'x' }",
        "Object.prototype.extra = 'enumerable'",
        "window.MutationObserver = undefined",
        "window.Promise = class extends Promise {}",
        "window.fetch = undefined",
        "Object.defineProperty(Navigator.prototype, 'sendBeacon', {value: undefined})",
    ):
        visitor = await new_visitor()
        visitor.network_may_fail = True
        await visitor.page.add_init_script(broken)
        await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
        await visitor.page.wait_for_load_state("load")
        await visitor.page.evaluate("new Promise((done) => setTimeout(done))")
        assert re.fullmatch(r"\(\d{3}\) 555-01\d\d", await visitor.text("#number")), broken
        await visitor.open(site.page("Elsewhere"))
        assert visitor.said == [], broken
