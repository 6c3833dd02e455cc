"""What a page's author can say: attributes, selectors, islands of silence, `window.dni`, and linked domains."""

import re

from playwright.async_api import expect

from tests.support.until import until
from tests.tag.browser.conftest import NewVisitor
from tests.tag.browser.shop import Shop
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import PRINTED, Visitor, like

BODY = f'<p id="number">{PRINTED}</p><a id="link" href="tel:+14155550100">Call</a>'
STUB = "<script>window.dni = window.dni || []; {}</script>"


def readable(number: str) -> str:
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}"


async def test_number_gives_the_number_with_and_without_places(visitor: Visitor, site: Site, shop: Shop) -> None:
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    await visitor.tag_ran()
    by_promise = await visitor.page.evaluate("dni.number('+14155550100')")
    by_callback = await visitor.page.evaluate("new Promise((done) => dni.number('+14155550100', done))")
    number = await visitor.leased()
    assert by_promise == by_callback
    assert (by_promise["number"], by_promise["national"]) == (number, readable(number))


async def test_number_asks_for_one_that_the_page_does_not_show(visitor: Visitor, site: Site, shop: Shop) -> None:
    """A form or a chat needs it; nothing of the page's text is the target."""
    await visitor.open(site.page("A chat", (await shop.tag()).snippet()))
    await visitor.tag_ran()
    given = await visitor.page.evaluate("dni.number('+14155550100')")
    number = await visitor.leased()
    assert (given["number"], given["national"]) == (number, readable(number))


async def test_number_of_what_is_no_target_is_itself(visitor: Visitor, site: Site, shop: Shop) -> None:
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    await visitor.tag_ran()
    assert (await visitor.page.evaluate("dni.number('+14155550177')"))["number"] == "+14155550177"


async def test_calls_before_the_tag_came_are_not_lost(visitor: Visitor, site: Site, shop: Shop) -> None:
    queued = """
      dni.push(['set', {plan: 'gold'}]);
      dni.push(['number', '+14155550100', (given) => { window.given = given }]);
      dni.push(['on', 'swap', () => { window.swaps = (window.swaps || 0) + 1 }]);
      dni.push(['no such thing', 1]); dni.push(null); dni.push([]);"""
    await visitor.open(site.page(BODY, STUB.replace("{}", queued) + (await shop.tag()).snippet()))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    await visitor.page.wait_for_function("window.given && window.swaps")
    assert (await visitor.page.evaluate("given"))["number"] == number
    assert visitor.bodies("lease")[0]["custom"] == {"plan": "gold"}
    # The same words after it came.
    await visitor.page.evaluate("dni.push(['set', {seats: 3}])")
    await until(lambda: any(body["custom"].get("seats") == 3 for body in visitor.signals("set")), "a set by push")


async def test_set_reaches_the_session_and_a_late_click_attributes_it(visitor: Visitor, site: Site, shop: Shop) -> None:
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()) + "?utm_source=bing&utm_medium=cpc")
    await visitor.leased()
    session = visitor.answers[0]["session"]
    await visitor.page.evaluate("dni.set({plan: 'gold'}); dni.set({gclid: 'late-one'})")
    await until(lambda: bool(visitor.signals("set")), "it is told")

    async def is_known() -> bool:
        found = (await shop.get("/sessions"))["data"]
        return any(one["id"] == session and one["click_ids"].get("gclid") == "late-one" for one in found)

    await until(is_known, "the click id in the session")
    assert len(visitor.bodies("lease")) == 1
    told = [body["custom"] for body in visitor.signals("set")]
    assert any(custom.get("plan") == "gold" for custom in told)


async def test_on_says_what_happens(visitor: Visitor, site: Site, shop: Shop) -> None:
    listen = """
      window.heard = [];
      for (const name of ['swap', 'lease', 'original']) dni.push(['on', name, () => heard.push(name)]);
      dni.push(['on', 'swap', () => { throw new Error('of the page itself') }]);"""
    await visitor.open(site.page(BODY, STUB.replace("{}", listen) + (await shop.tag()).snippet()))
    await visitor.sees("#number", PRINTED, await visitor.leased())
    await visitor.page.wait_for_function("heard.includes('swap') && heard.includes('lease')")
    assert "original" not in await visitor.page.evaluate("heard")
    await visitor.page.evaluate("dni.consent('denied')")
    await visitor.page.wait_for_function("heard.includes('original')")
    visitor.said.clear()  # what the page's own listener threw may be told or not


async def test_restore_gives_the_very_page_back_and_rests(visitor: Visitor, site: Site, shop: Shop) -> None:
    body = f"""{BODY}<p>Call <b>(415)</b> <i>555</i>-<span>0100</span>, 1-415-555-0100</p>
      <img alt="{PRINTED}"><p title="{PRINTED}">415.555.0100</p>
      <script type="application/ld+json">{{"@type": "Plumber", "telephone": "+1-415-555-0100"}}</script>"""
    tag = await shop.tag(attributes=["alt", "title"])
    url = site.page(body)
    await visitor.open(url)
    before = await visitor.page.inner_html("body")
    await visitor.open(site.page(body, tag.snippet()))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    await expect(visitor.page.locator("img")).to_have_attribute("alt", like(PRINTED, number))
    assert "555-0100" not in await visitor.text("body")
    assert f'"+1-{number[2:5]}-{number[5:8]}-{number[8:]}"' in await visitor.page.inner_html("body")
    await visitor.page.evaluate("dni.restore()")
    assert await visitor.page.inner_html("body") == before
    # And it stays so.
    await visitor.page.evaluate(
        f"document.body.append(Object.assign(document.createElement('em'), {{textContent: '{PRINTED}'}}))"
    )
    await visitor.page.evaluate("new Promise((done) => setTimeout(done))")
    await expect(visitor.page.locator("em")).to_have_text(PRINTED)


async def test_links_of_every_kind_and_attributes_as_configured(visitor: Visitor, site: Site, shop: Shop) -> None:
    body = """<a id="tel" href="tel:+1-415-555-0100;ext=7">x</a><a id="sms" href="sms:+14155550100?body=Hi">x</a>
      <a id="wa" href="https://wa.me/14155550100?text=Hi">x</a>
      <a id="api" href="https://api.whatsapp.com/send?phone=14155550100&text=Hi">x</a>
      <a id="page" href="/p/4155550100">x</a>
      <button id="aria" aria-label="Call (415) 555-0100" data-phone="+14155550100" data-other="+14155550100">x</button>
      <input id="hint" placeholder="(415) 555-0100" value="(415) 555-0100">"""
    tag = await shop.tag(attributes=["aria-label", "placeholder", "data-phone"])
    await visitor.open(site.page(BODY + body, tag.snippet()))
    number = await visitor.leased()
    digits = number[1:]

    async def has(selector: str, attribute: str, value: str) -> None:
        await expect(visitor.page.locator(selector)).to_have_attribute(attribute, value)

    await has("#tel", "href", f"tel:{number};ext=7")
    await has("#sms", "href", f"sms:{number}?body=Hi")
    await has("#wa", "href", f"https://wa.me/{digits}?text=Hi")
    await has("#api", "href", f"https://api.whatsapp.com/send?phone={digits}&text=Hi")
    await has("#page", "href", "/p/4155550100")
    await has("#aria", "aria-label", f"Call {readable(number)}")
    await has("#aria", "data-phone", number)
    await has("#aria", "data-other", "+14155550100")
    await has("#hint", "placeholder", readable(number))
    assert await visitor.page.input_value("#hint") == PRINTED
    # Changed later.
    await visitor.page.evaluate(
        f"""document.getElementById('link').href = 'tel:4155550100';
        document.getElementById('aria').setAttribute('aria-label', 'Or {PRINTED}')"""
    )
    await has("#link", "href", f"tel:{number}")
    await has("#aria", "aria-label", f"Or {readable(number)}")


async def test_an_island_of_silence_and_what_is_typed(visitor: Visitor, site: Site, shop: Shop) -> None:
    silent = f"""<div id="off" data-dni="off"><p>{PRINTED}</p><a href="tel:+14155550100">x</a></div>
      <p id="editable" contenteditable>{PRINTED}</p><textarea id="area">{PRINTED}</textarea>
      <div class="cm-editor"><div id="code">{PRINTED}</div></div>"""
    await visitor.open(site.page(silent + BODY, (await shop.tag()).snippet()))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    before = await visitor.page.inner_html("body")
    assert before.count("555-0100") == 4
    assert before.count("+14155550100") == 1
    # What is written there later; and what is put beside it afterwards is swapped, so the tag has looked.
    await visitor.page.evaluate(
        f"""for (const id of ['off', 'editable', 'code']) {{
          document.getElementById(id).append(Object.assign(document.createElement('b'), {{textContent: '{PRINTED}'}}));
        }}
        document.body.append(Object.assign(document.createElement('em'), {{textContent: '{PRINTED}'}}))"""
    )
    await visitor.sees("em", PRINTED, number)
    for inside in ("#off b", "#editable b", "#code b"):
        await expect(visitor.page.locator(inside)).to_have_text(PRINTED)


async def test_a_selector_shows_the_number_whatever_was_there(visitor: Visitor, site: Site, shop: Shop) -> None:
    tag = await shop.tag(selectors=[{"selector": ".call-now", "target": "+14155550100"}])
    body = '<b class="call-now">Call our shop</b><a class="call-now" href="#contact">Ring</a>'
    await visitor.open(site.page(body, tag.snippet()))
    number = await visitor.leased()
    await expect(visitor.page.locator("b.call-now")).to_have_text(readable(number))
    await visitor.page.evaluate(
        """const later = Object.assign(document.createElement('i'), {className: 'call-now', textContent: 'Later'});
        document.body.append(later)"""
    )
    await expect(visitor.page.locator("i.call-now")).to_have_text(readable(number))
    await visitor.page.evaluate("dni.restore()")
    await expect(visitor.page.locator("b.call-now")).to_have_text("Call our shop")
    await expect(visitor.page.locator("i.call-now")).to_have_text("Later")


async def test_a_visitor_goes_to_a_linked_domain_and_stays_himself(
    visitor: Visitor, new_visitor: NewVisitor, site: Site, shop: Shop
) -> None:
    tag = await shop.tag(linked_domains=["127.0.0.1"])
    there = site.page(BODY, tag.snippet())
    elsewhere = there.replace("127.0.0.1", "shop.example")
    links = f'<a id="go" href="{there}?x=1#top">Book</a><a id="other" href="{elsewhere}">Friends</a>'
    await visitor.open(site.page(BODY + links, tag.snippet()).replace("127.0.0.1", "localhost"))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    first = visitor.answers[0]

    # A domain that is not named gets nothing.
    other = visitor.page.locator("#other")
    await other.evaluate("link => { link.addEventListener('click', (event) => event.preventDefault()); link.click() }")
    assert "_dni" not in str(await other.get_attribute("href"))

    async with visitor.page.expect_request(lambda one: one.url.startswith(there)) as going:
        await visitor.page.click("#go")
    assert "_dni=" in (await going.value).url
    assert "x=1" in (await going.value).url
    await visitor.leased(2)
    await visitor.sees("#number", PRINTED, number)
    assert visitor.answers[1]["session"] == first["session"]
    assert visitor.answers[1]["visitor"] == first["visitor"]
    # Whoever gets the address from him later is somebody else.
    friend = await new_visitor()
    await friend.open(visitor.page.url)
    assert await friend.leased() != number


async def test_a_forged_link_brings_nobodys_session(visitor: Visitor, site: Site, shop: Shop) -> None:
    tag = await shop.tag(linked_domains=["127.0.0.1"])
    await visitor.open(site.page(BODY, tag.snippet()) + "?_dni=%3Cscript%3E.x.1")
    await visitor.sees("#number", PRINTED, await visitor.leased())


async def test_a_tap_is_told_with_its_lease(visitor: Visitor, site: Site, shop: Shop) -> None:
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    await visitor.page.evaluate(
        "document.getElementById('link').addEventListener('click', (event) => event.preventDefault())"
    )
    await visitor.page.click("#link")
    await until(lambda: bool(visitor.signals("tap")), "the tap")
    lease = visitor.answers[0]["numbers"]["+14155550100"]["lease"]
    assert [one["lease"] for one in visitor.signals("tap")[0]["signals"]] == [lease]


async def test_the_first_signal_says_what_the_tag_did(visitor: Visitor, site: Site, shop: Shop) -> None:
    await visitor.page.context.add_cookies(
        [
            {"name": "_ga", "value": "GA1.1.123.456", "url": site.origin},
            {"name": "_fbp", "value": "fb.1.1700000000000.99", "url": site.origin},
            {"name": "theme", "value": "dark", "url": site.origin},
        ]
    )
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    await visitor.leased()
    asked = visitor.bodies("lease")[0]
    assert asked["ids"] == {"_ga": "GA1.1.123.456", "_fbp": "fb.1.1700000000000.99"}
    assert re.fullmatch(r"\d+x\d+", asked["screen"])
    assert asked["consent"] == "granted"
    assert not asked.get("robot")
    await until(lambda: bool(visitor.signals("view")), "the first signal")
    page = visitor.signals("view")[0]["page"]
    assert (page["found"], page["swapped"], page["reverted"], page["reason"]) == (2, 2, 0, None)
    assert 0 <= page["took_ms"] < 1_000
    assert page["version"]


async def test_analytics_that_come_after_the_lease_are_told(visitor: Visitor, site: Site, shop: Shop) -> None:
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    await visitor.sees("#number", PRINTED, await visitor.leased())
    await until(lambda: len(visitor.signals("view")) == 1, "the first view")
    assert visitor.signals("set") == []
    await visitor.page.evaluate("document.cookie = '_ga=GA1.1.123.456'; history.pushState(null, '', '/next')")
    await until(lambda: len(visitor.signals("set")) == 1, "news")
    assert visitor.signals("set")[0]["ids"] == {"_ga": "GA1.1.123.456"}
