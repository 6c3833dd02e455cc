"""Pages with a strict Content Security Policy, and scripts pinned by their hash: a breach is told on the console."""

import pytest

from tests.tag.browser.shop import Shop
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import PRINTED, Visitor

BODY = f'<p id="number">{PRINTED}</p><a href="tel:+14155550100">Call</a><div id="host"></div>'


def policy(shop: Shop, scripts: str, more: str = "", connect: str = "") -> dict[str, str]:
    rules = f"default-src 'none'; img-src data:; base-uri 'none'; script-src {scripts}"
    return {"Content-Security-Policy": f"{rules}; connect-src {connect or shop.service.url}{more}"}


@pytest.mark.parametrize(
    "more", ["", "; require-trusted-types-for 'script'; trusted-types 'none'", "; style-src 'none'"]
)
async def test_a_nonce_is_all_that_the_tag_needs(more: str, visitor: Visitor, site: Site, shop: Shop) -> None:
    snippet = (await shop.tag()).snippet(how='async nonce="bm9uY2U"')
    url = site.page(BODY, snippet, policy(shop, "'nonce-bm9uY2U' 'strict-dynamic'", more))
    await visitor.open(url)
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    # Later content and the second view, under the same policy.
    await visitor.page.evaluate(
        f"""document.getElementById('host').attachShadow({{mode: 'open'}})
          .append(Object.assign(document.createElement('p'), {{textContent: '{PRINTED}'}}))"""
    )
    await visitor.sees("#host p", PRINTED, number)
    await visitor.open(url)
    await visitor.sees("#number", PRINTED, number)


async def test_a_policy_by_the_services_name_without_nonce(visitor: Visitor, site: Site, shop: Shop) -> None:
    url = site.page(BODY, (await shop.tag()).snippet(), policy(shop, shop.service.url))
    await visitor.open(url)
    await visitor.sees("#number", PRINTED, await visitor.leased())


async def test_a_policy_that_forbids_to_ask_leaves_the_original(visitor: Visitor, site: Site, shop: Shop) -> None:
    """The browser itself says on the console what it stopped; our code adds nothing."""
    headers = policy(shop, shop.service.url, connect="'none'")
    await visitor.open(site.page(BODY, (await shop.tag()).snippet(), headers))
    await visitor.tag_ran()
    assert await visitor.text("#number") == PRINTED
    assert visitor.complaints("Content Security Policy") == []
    visitor.said.clear()


async def test_the_pinned_script_is_held_to_its_hash(visitor: Visitor, site: Site, shop: Shop) -> None:
    pinned = await shop.pin(await shop.tag())
    assert f'integrity="{pinned["integrity"]}"' in pinned["snippet"]
    # Nothing but what hashes to this may run on the page.
    await visitor.open(site.page(BODY, pinned["snippet"], policy(shop, f"'{pinned['integrity']}'")))
    await visitor.sees("#number", PRINTED, await visitor.leased())
