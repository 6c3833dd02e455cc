"""What the admin API hands out, in a real browser: pinned snippets, previews of drafts, the first-party cookie."""

from typing import Any

import httpx
from playwright.async_api import expect

from tests.support.until import until
from tests.support.world import TARGET
from tests.tag.browser.conftest import NewVisitor
from tests.tag.browser.shop import SECOND_TARGET, Shop, Tag
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import PRINTED, Visitor, like

SECOND = "(415) 555-0101"
BODY = f'<p id="number">{PRINTED}</p><p id="second">{SECOND}</p>'


async def asked(shop: Shop, method: str, path: str, body: Any = None) -> Any:
    """What the admin API answers, as JSON; None for nothing."""
    async with httpx.AsyncClient(base_url=shop.service.url, headers=shop.service.headers, trust_env=False) as api:
        answer = (await api.request(method, f"/api/v1{path}", json=body)).raise_for_status()
        return answer.json() if answer.content else None


async def served(shop: Shop, path: str, *words: str) -> str:
    """What the service shows there, once it holds these words."""
    texts: list[str] = []

    async def has_come() -> bool:
        texts.append(await shop.text(path))
        return all(word in texts[-1] for word in words)

    await until(has_come, f"{words} in {path}")
    return texts[-1]


async def sees_second(visitor: Visitor) -> None:
    number = await visitor.leased(target=SECOND_TARGET)
    await expect(visitor.page.locator("#second")).to_have_text(like(SECOND, number, SECOND_TARGET))


def path(tag: Tag, more: str = "") -> str:
    return f"/t/{tag.key}.js{more}"


async def test_a_pinned_snippet_works_and_stays_as_it_was_when_the_tag_changes(
    new_visitor: NewVisitor, site: Site, shop: Shop
) -> None:
    tag = await shop.tag(params=["pinned"])
    snippet = (await asked(shop, "POST", f"/tags/{tag.id}/pin"))["snippet"]
    await asked(shop, "PATCH", f"/tags/{tag.id}", {"targets": [TARGET, SECOND_TARGET]})
    await served(shop, path(tag), SECOND_TARGET)
    visitor = await new_visitor()
    await visitor.open(site.page(BODY, snippet))
    await visitor.sees("#number", PRINTED, await visitor.leased())
    assert await visitor.text("#second") == SECOND
    fresh = await new_visitor()
    await fresh.open(site.page(BODY, tag.snippet()))
    await sees_second(fresh)


async def test_a_draft_is_seen_by_who_has_its_link_and_by_all_when_it_is_published(
    new_visitor: NewVisitor, site: Site, shop: Shop
) -> None:
    tag = await shop.tag(params=["drafted"])
    url = site.page(BODY, tag.snippet())
    draft = await asked(shop, "PUT", f"/tags/{tag.id}/draft", {"targets": [SECOND_TARGET]})
    preview = f"{url}?{draft['preview_url_parameter']}"
    await served(shop, path(tag, f"?preview={draft['preview_token']}"), SECOND_TARGET)

    marketer, stranger = await new_visitor(), await new_visitor()
    await marketer.open(preview)
    await sees_second(marketer)
    assert await marketer.text("#number") == PRINTED
    await stranger.open(url)
    await stranger.sees("#number", PRINTED, await stranger.leased())
    assert await stranger.text("#second") == SECOND

    await asked(shop, "POST", f"/tags/{tag.id}/publish")
    await served(shop, path(tag), SECOND_TARGET)
    for address in (url, preview):
        visitor = await new_visitor()
        await visitor.open(address)
        await sees_second(visitor)
    await asked(shop, "POST", f"/tags/{tag.id}/rollback", {"version": 1})
    await served(shop, path(tag), TARGET)
    visitor = await new_visitor()
    await visitor.open(url)
    await visitor.sees("#number", PRINTED, await visitor.leased())


async def test_the_services_cookie_knows_a_visitor_whose_browser_forgot_what_the_tag_kept(
    visitor: Visitor, site: Site, shop: Shop
) -> None:
    tag = await shop.tag(first_party=True)
    url = site.page(BODY, tag.snippet())
    await visitor.open(url)
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    cookies = {cookie["name"]: cookie for cookie in await visitor.page.context.cookies(url)}
    assert cookies["dni"]["httpOnly"]
    await visitor.page.evaluate("localStorage.clear()")
    for name in cookies.keys() - {"dni"}:
        await visitor.page.context.clear_cookies(name=name)
    await visitor.open(site.page(BODY, tag.snippet()))
    assert await visitor.leased(times=2) == number
    first, second = visitor.answers
    assert second["visitor"] == first["visitor"]
    assert visitor.bodies("lease")[1]["visitor"] is None, "the page itself had forgotten him"
