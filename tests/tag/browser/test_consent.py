"""Global Privacy Control, Google Consent Mode and TCF: what the tag keeps and says before and after a yes."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.until import until
from tests.tag.browser.shop import STATIC, Shop
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import PRINTED, Visitor

BODY = f'<p id="number">{PRINTED}</p><a href="tel:+14155550100">Call</a>'
SOURCE_HAS_A_NUMBER = [{"when": {"consent": "denied"}, "use": {"number": STATIC}}]
GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
GTAG = """<script>
  window.dataLayer = window.dataLayer || [];
  function gtag() { dataLayer.push(arguments); }
  gtag('consent', 'default', {ad_storage: 'denied', ad_user_data: 'denied', analytics_storage: 'denied'});
</script>"""
# As IAB's TCF v2.2 has it: a listener hears at once how things stand, and every change. Vendor-less: purposes only.
CMP = """<script>
  const listeners = [];
  let data = {gdprApplies: true, tcfPolicyVersion: 4, cmpStatus: 'loaded', eventStatus: 'cmpuishown', tcString: '',
              purpose: {consents: {}, legitimateInterests: {}}, vendor: {consents: {}, legitimateInterests: {}}};
  window.__tcfapi = (command, version, callback) => {
    if (command === 'ping') callback({gdprApplies: true, cmpLoaded: true, cmpStatus: 'loaded'}, true);
    else if (command === 'addEventListener') {
      const listenerId = listeners.push(callback);
      callback({...data, listenerId}, true);
    } else callback(null, false);
  };
  window.decide = (yes) => {
    const consents = Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((purpose) => [purpose, yes]));
    data = {...data, eventStatus: 'useractioncomplete', tcString: 'CP', purpose: {consents, legitimateInterests: {}}};
    listeners.forEach((listener, at) => listener({...data, listenerId: at + 1}, true));
  };
</script>"""


async def kept(page: Page) -> Any:
    """Everything that a script can leave behind in a browser."""
    return await page.evaluate(
        """async () => [document.cookie, Object.keys(localStorage), Object.keys(sessionStorage),
                        (await indexedDB.databases()).length, await caches.keys()]"""
    )


NOTHING = ["", [], [], 0, []]


def knows_nobody(visitor: Visitor) -> None:
    """Nothing that was said tells one visitor from another."""
    for _, body in visitor.asked:
        assert not body.get("visitor")
        assert not body.get("session")
        assert not body.get("ids")
        assert body.get("consent", "denied") == "denied"


async def test_privacy_control_gets_the_sources_number_and_leaves_no_trace(
    visitor: Visitor, site: Site, shop: Shop
) -> None:
    tag = await shop.tag(rules=SOURCE_HAS_A_NUMBER)
    await visitor.page.add_init_script(GPC)
    # Ids of others lie around: they are not ours to send.
    await visitor.page.context.add_cookies([{"name": "_ga", "value": "GA1.1.1.2", "url": site.origin}])
    await visitor.open(site.page(BODY, tag.snippet()) + "?utm_source=yelp&gclid=x")
    await visitor.sees("#number", PRINTED, STATIC)
    await expect(visitor.page.locator("a")).to_have_attribute("href", f"tel:{STATIC}")
    assert visitor.bodies("lease")[0]["consent"] == "denied"
    knows_nobody(visitor)
    assert await kept(visitor.page) == ["_ga=GA1.1.1.2", *NOTHING[1:]]


async def test_privacy_control_without_such_a_rule_leaves_the_original(
    visitor: Visitor, site: Site, shop: Shop
) -> None:
    await visitor.page.add_init_script(GPC)
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    await until(lambda: bool(visitor.signals("view")), "a report of the page")
    assert visitor.signals("view")[0]["page"]["reason"] in ("consent", "no_consent")
    assert await visitor.text("#number") == PRINTED
    knows_nobody(visitor)
    assert await kept(visitor.page) == NOTHING


@pytest.mark.parametrize("unknown", ["wait", "no_storage"])
async def test_consent_mode_denied_at_first_and_granted_later(
    unknown: str, visitor: Visitor, site: Site, shop: Shop
) -> None:
    tag = await shop.tag(consent_default="unknown", consent_unknown=unknown)
    await visitor.open(site.page(BODY, GTAG + tag.snippet()))
    await until(lambda: bool(visitor.asked), "a first word of the page")
    assert await visitor.text("#number") == PRINTED
    knows_nobody(visitor)
    assert await kept(visitor.page) == NOTHING

    await visitor.page.evaluate("gtag('consent', 'update', {ad_storage: 'granted', analytics_storage: 'granted'})")

    def given() -> Any:
        return [one for answer in visitor.answers if (one := answer["numbers"]["+14155550100"])["kind"] == "pool"]

    await until(lambda: bool(given()), "a number of his own")
    await visitor.sees("#number", PRINTED, given()[0]["number"])
    assert visitor.bodies("lease")[-1]["consent"] == "granted"
    assert await kept(visitor.page) != NOTHING


async def test_consent_mode_granted_before_the_tag_came(visitor: Visitor, site: Site, shop: Shop) -> None:
    tag = await shop.tag(consent_default="unknown", consent_unknown="wait")
    update = "<script>gtag('consent', 'update', {ad_storage: 'granted', analytics_storage: 'granted'})</script>"
    await visitor.open(site.page(BODY, GTAG + update + tag.snippet()))
    await visitor.sees("#number", PRINTED, await visitor.leased())
    assert visitor.bodies("lease")[0]["consent"] == "granted"


async def test_unknown_waits_for_a_word(visitor: Visitor, site: Site, shop: Shop) -> None:
    tag = await shop.tag(consent_default="unknown", consent_unknown="wait")
    await visitor.open(site.page(BODY, tag.snippet()))
    await visitor.tag_ran()
    assert visitor.bodies("lease") == []
    assert await visitor.text("#number") == PRINTED
    assert await kept(visitor.page) == NOTHING
    await visitor.page.evaluate("dni.consent('granted')")
    await visitor.sees("#number", PRINTED, await visitor.leased())


async def test_unknown_goes_on_without_storage(visitor: Visitor, site: Site, shop: Shop) -> None:
    tag = await shop.tag(consent_default="unknown", consent_unknown="no_storage")
    await visitor.open(site.page(BODY, tag.snippet()))
    number = await visitor.leased()
    assert visitor.bodies("lease")[0]["consent"] == "unknown"
    await visitor.sees("#number", PRINTED, number)
    assert await kept(visitor.page) == NOTHING


async def test_consent_taken_back_takes_everything_back(visitor: Visitor, site: Site, shop: Shop) -> None:
    await visitor.open(site.page(BODY, (await shop.tag()).snippet()))
    await visitor.sees("#number", PRINTED, await visitor.leased())
    await visitor.page.evaluate("dni.consent('denied')")
    await expect(visitor.page.locator("#number")).to_have_text(PRINTED)
    assert await kept(visitor.page) == NOTHING


@pytest.mark.parametrize("yes", [True, False])
async def test_a_consent_platform_is_asked_when_the_page_has_one(
    yes: bool, visitor: Visitor, site: Site, shop: Shop
) -> None:
    tag = await shop.tag(consent_default="unknown", consent_unknown="wait", rules=SOURCE_HAS_A_NUMBER)
    async with visitor.page.expect_request("**/t/tcf.js"):
        await visitor.open(site.page(BODY, CMP + tag.snippet()))
    await visitor.page.wait_for_function("listeners.length")
    assert visitor.bodies("lease") == []
    assert await visitor.text("#number") == PRINTED
    await visitor.page.evaluate("yes => decide(yes)", yes)
    if yes:
        await visitor.sees("#number", PRINTED, await visitor.leased())
        assert visitor.bodies("lease")[0]["consent"] == "granted"
    else:
        await visitor.sees("#number", PRINTED, STATIC)
        knows_nobody(visitor)
        assert await kept(visitor.page) == NOTHING
