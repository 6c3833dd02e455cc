"""Tags made and changed by the forms of their pages: drafts, rules, publishing, going back, deleting."""

import re
from typing import Any

import msgspec
import pytest

from dni.access.tokens import NewToken
from dni.catalog.model import Tag
from dni.parts import Parts
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, hidden, text

PAGE = "/tags/tag_1"
NEW = {
    "name": "Spring page",
    "campaign": "cmp_1",
    "publisher": "pub_1",
    "pool": "pool_1",
    "origins": "https://www.example.com\r\n\r\nHTTPS://*.example.net/",
    "targets": "(415) 555-0101",
    "selectors": "#phone",
    "consent_default": "granted",
    "consent_unknown": "no_storage",
}
RULE = {"kind": "original", "when/source": "Google"}


def live(parts: Parts, tag: str = "tag_1") -> Tag:
    return parts.catalog.now.tags[tag]


async def send(person: Person, path: str, fields: dict[str, str], status: int = 303, at: str = "") -> Any:
    """A form of the page `at`, sent to `path` with these fields."""
    page = (await person.read(at or path)).text
    answer = await person.send(path, {**hidden(page, path), **fields})
    assert answer.status_code == status, text(answer.text)
    return answer


def shown(page: str) -> dict[str, str]:
    """What stands in the fields of a form."""
    found = dict(re.findall(r'<input id="\S+" name="([\w/]+)" type="\w+" value="([^"]*)"', page))
    found |= {name: value.strip() for name, value in re.findall(r'<textarea [^>]*name="([\w/]+)"[^>]*>([^<]*)<', page)}
    for name, options in re.findall(r'<select [^>]*name="([\w/]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found | dict.fromkeys(re.findall(r'type="checkbox"[^>]*name="(\w+)"[^>]* checked', page), "on")


async def change(person: Person, **fields: str) -> Any:
    """Saves the form for editing with these fields changed."""
    page = (await person.read(f"{PAGE}/edit")).text
    return await send(person, f"{PAGE}/edit", {**shown(page), **fields})


async def test_a_tag_is_made_and_is_live_at_once(admin: Person, parts: Parts) -> None:
    answer = await send(admin, "/tags/new", NEW)
    where = answer.headers["location"]
    page = text((await admin.read(where)).text)
    assert "Tag created." in page
    assert "#phone shows (415) 555-0101" in page
    made = live(parts, where.removeprefix("/tags/").partition("?")[0])
    assert made.origins == ("https://www.example.com", "https://*.example.net")
    assert made.targets == ("+14155550101",)
    assert [(one.selector, one.target) for one in made.selectors] == [("#phone", "+14155550101")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"origins": "https://a.example\nnonsense"}, "Line 2: not an origin"),
        ({"targets": ""}, "Numbers that it replaces"),
        ({"targets": "+14155550101\n+14155550102", "selectors": ".a\n.b => +14155550102"}, "say which number it shows"),
        ({"selectors": ".a => +14155550109"}, "none of the tag's targets"),
        ({"campaign": ""}, "Choose one."),
        ({"pool": "pool_2"}, "belongs to campaign cmp_2"),
        ({"attributes": "href"}, "Line 1: an attribute's name"),
    ],
)
async def test_what_is_wrong_with_a_new_tag_stands_beside_its_field(
    admin: Person, parts: Parts, fields: dict[str, str], words: str
) -> None:
    before = set(parts.catalog.now.tags)
    answer = await send(admin, "/tags/new", {**NEW, **fields}, 409 if "pool" in fields else 422)
    assert words in text(answer.text)
    assert 'value="Spring page"' in answer.text
    assert set(parts.catalog.now.tags) == before


async def test_changes_wait_as_a_draft_until_they_are_published(admin: Person, parts: Parts) -> None:
    before = live(parts)
    answer = await change(
        admin,
        targets="+14155550100\n+14155550101",
        origins="https://shop.example\nhttps://*.shop.example\nhttp://dni.example",
        after_load="on",
    )
    assert answer.headers["location"] == f"{PAGE}?done=drafted"
    assert live(parts) == before
    page = (await admin.read(PAGE)).text
    told = text(page)
    assert "A draft waits" in told
    assert "Numbers on the pages new: (415) 555-0101" in told
    assert "The first swap waits until the page has loaded yes instead of no" in told
    token_of = parts.catalog.now.drafts["tag_1"].token
    links = re.findall(rf'href="([^"]+)\?dni_preview={token_of}"', page)
    assert links == ["https://shop.example/", "/tags/tag_1/test"]  # none to a star, nor to the dashboard itself
    assert "https://*.shop.example" in (await admin.read(f"{PAGE}/edit")).text  # editing goes on with the draft

    await send(admin, f"{PAGE}/publish", {}, at=PAGE)
    assert live(parts).targets == ("+14155550100", "+14155550101")
    assert live(parts).after_load
    page = text((await admin.read(f"{PAGE}?done=published")).text)
    assert "Published: it is live now" in page
    assert "A draft waits" not in page
    assert "Version 2 live since Sep 21, 10:13:20" in page
    assert "Numbers on the pages: new: (415) 555-0101" in page
    assert "Times in America/New_York" in page

    back = await send(admin, f"{PAGE}/rollback", {}, at=PAGE)
    assert back.headers["location"] == f"{PAGE}?done=back"
    assert live(parts) == before
    assert "Version 3 live" in text((await admin.read(PAGE)).text)


async def test_the_same_settings_are_no_draft_and_end_one(admin: Person, parts: Parts) -> None:
    assert (await change(admin)).headers["location"] == f"{PAGE}?done=same"
    assert parts.catalog.now.drafts == {}
    await change(admin, name="Other")
    assert "tag_1" in parts.catalog.now.drafts
    await change(admin, name="Tag 1")
    assert parts.catalog.now.drafts == {}


async def test_a_draft_is_dropped_and_one_that_changed_meanwhile_is_not_published(admin: Person, parts: Parts) -> None:
    await change(admin, name="First")
    form = hidden((await admin.read(PAGE)).text, f"{PAGE}/publish")
    parts.clock.advance(1000)  # type: ignore[attr-defined]
    await change(admin, name="Second")
    answer = await admin.send(f"{PAGE}/publish", form)
    assert answer.status_code == 409
    assert "The draft was changed meanwhile" in text(answer.text)
    assert live(parts).name == "Tag 1"
    await send(admin, f"{PAGE}/drop", {}, at=PAGE)
    assert parts.catalog.now.drafts == {}
    assert (await admin.send(f"{PAGE}/publish", form)).status_code == 404


async def test_rules_are_added_edited_moved_and_removed_in_the_draft(admin: Person, parts: Parts) -> None:
    rules, new = f"{PAGE}/rules", f"{PAGE}/rule"
    assert "Everybody → a number of his own from pool “Pool 1”" in text((await admin.read(rules)).text)
    await send(admin, new, RULE)
    pooled = {"kind": "pool", "use/pool": "pool_1", "use/overflow": "(415) 555-0190", "use/number": "ignored"}
    await send(
        admin, new, {**pooled, "when/path": "/contact*", "when/param": "plan=gold\nx=y", "when/consent": "denied"}
    )
    page = text((await admin.read(rules)).text)
    assert "When the source is “Google” → the page's own number" in page
    assert (
        "When the path of the page is “/contact*” and the address has plan=“gold” and the address has x=“y” and "
        "the visitor did not agree → a number of his own from pool “Pool 1”, or (415) 555-0190 while none is free"
    ) in page
    assert live(parts).rules == ()

    form = shown((await admin.read(f"{PAGE}/rule?place=1")).text)
    expected = {"when/path": "/contact*", "when/param": "plan=gold\nx=y", "when/consent": "denied", "kind": "pool"}
    assert {name: form[name] for name in expected} == expected
    assert form["use/overflow"] == "+14155550190"
    await send(admin, f"{PAGE}/rule?place=1", {**form, "when/path": "/about"})

    await arrange(admin, "down", 0)
    assert [rule.when.path for rule in parts.catalog.now.drafts["tag_1"].tag.rules] == ["/about", None]
    await send(admin, f"{PAGE}/publish", {}, at=PAGE)
    assert [rule.use.original for rule in live(parts).rules] == [False, True]
    await arrange(admin, "remove", 0)
    assert len(live(parts).rules) == 2
    assert "Rules gone: When the path of the page is “/about”" in text((await admin.read(PAGE)).text)
    await arrange(admin, "up", 5, 422)


async def arrange(person: Person, act: str, place: int, status: int = 303) -> None:
    fields = {"act": act, "place": str(place)}
    await send(person, f"{PAGE}/rules", fields, status)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "pool"}, "Choose a pool."),
        ({"kind": "number"}, "Which number?"),
        ({"kind": "number", "use/number": "12"}, "Not a phone number"),
        ({"kind": "number", "use/number": "+12025550100"}, "is leased from pool"),
        ({"kind": "pool", "use/pool": "pool_1", "use/overflow": "+12025550100"}, "is leased from pool"),
        ({"kind": "pool", "use/pool": "nothing"}, "there is no pool"),
        ({"kind": "original", "when/param": "plan"}, "Line 1: name=value"),
        ({"kind": "original", "when/source": "x" * 300}, "1 to 256 characters"),
        ({"kind": "nothing"}, "hich number?"),
    ],
)
async def test_what_is_wrong_with_a_rule_stands_beside_its_field(
    admin: Person, parts: Parts, fields: dict[str, str], words: str
) -> None:
    answer = await send(admin, f"{PAGE}/rule", fields, 422)
    assert words.casefold() in text(answer.text).casefold()
    assert parts.catalog.now.drafts == {}


async def test_rules_that_somebody_changed_meanwhile_are_looked_at_again(admin: Person, parts: Parts) -> None:
    await send(admin, f"{PAGE}/rule", RULE)
    seen = hidden((await admin.read(f"{PAGE}/rule?place=0")).text, f"{PAGE}/rule?place=0")
    await send(admin, f"{PAGE}/rule", {**RULE, "when/source": "bing"})
    answer = await admin.send(f"{PAGE}/rule?place=0", {**seen, **RULE, "when/source": "yahoo"})
    assert answer.status_code == 409
    assert "Somebody changed these rules meanwhile" in text(answer.text)
    # Sent again from there it is refused again: he looks first.
    again = await admin.send(f"{PAGE}/rule?place=0", {**hidden(answer.text, f"{PAGE}/rule?place=0"), **RULE})
    assert again.status_code == 409
    assert [rule.when.source for rule in parts.catalog.now.drafts["tag_1"].tag.rules] == ["Google", "bing"]
    for nowhere in ("7", "-1", "x", "٣"):
        assert (await admin.read(f"{PAGE}/rule?place={nowhere}")).status_code == 404, nowhere
    stale = {**hidden((await admin.read(f"{PAGE}/rules")).text, f"{PAGE}/rules"), "seen": "x", "act": "remove"}
    assert (await admin.send(f"{PAGE}/rules", stale)).status_code == 409


async def test_deleting_asks_first(admin: Person, parts: Parts) -> None:
    asked = text((await admin.read(f"{PAGE}/delete")).text)
    assert "Delete Tag 1?" in asked
    assert "show their own numbers again" in asked
    assert "tag_1" in parts.catalog.now.tags
    gone = await send(admin, f"{PAGE}/delete", {})
    assert "tag_1" not in parts.catalog.now.tags
    assert "Tag deleted." in text((await admin.read(gone.headers["location"])).text)


WRITTEN = ("/tags/new", f"{PAGE}/edit", f"{PAGE}/delete", f"{PAGE}/rules", f"{PAGE}/rule", f"{PAGE}/test")
SENT = (*WRITTEN, f"{PAGE}/publish", f"{PAGE}/drop", f"{PAGE}/rollback")


async def test_who_may_only_read_finds_no_button_and_no_form(publisher: Person, admin: Person, parts: Parts) -> None:
    await change(admin, name="Secret draft")
    page = (await publisher.read(PAGE)).text
    for words in ("Secret draft", "dni_preview", "/edit", '/publish"', "/rollback", "/delete"):
        assert words not in page, words
    assert "Versions" in text(page)
    assert "/tags/new" not in (await publisher.read("/tags")).text
    csrf = {"csrf": hidden(page, "/signout")["csrf"]}
    for path in WRITTEN:
        assert (await publisher.read(path)).status_code == 403, path
    for path in SENT:
        assert (await publisher.send(path, csrf)).status_code == 403, path


async def test_a_wall_hides_the_forms_of_another_publishers_tag(parts: Parts, stranger: Person) -> None:
    person = await stranger.signed_in(await token(parts, NewToken(role="marketer", publisher="pub_1")))
    page = await person.read(PAGE)
    assert "/edit" not in page.text  # inside walls a marketer does not write
    assert (await person.read("/tags/tag_2")).status_code == 404


async def test_hostile_names_are_shown_harmlessly(admin: Person, parts: Parts) -> None:
    hostile = '<img src=x onerror="alert(1)">\u202egnp'
    await change(admin, name=hostile)
    await send(admin, f"{PAGE}/rule", {**RULE, "when/source": hostile})
    for path in (PAGE, f"{PAGE}/edit", f"{PAGE}/rules", f"{PAGE}/rule?place=0", f"{PAGE}/delete", f"{PAGE}/test"):
        page = (await admin.read(path)).text
        assert "<img src=x" not in page, path


async def test_the_test_page_is_offered_and_then_works_on_this_services_origin(admin: Person, parts: Parts) -> None:
    page = await admin.read(f"{PAGE}/test")
    assert "The tag may not work here yet" in text(page.text)
    assert "/t/key1.js" not in page.text
    await send(admin, f"{PAGE}/test", {})
    assert live(parts).origins == ("https://shop.example", "http://dni.example")
    page = await admin.read(f"{PAGE}/test?utm_source=google")
    assert '<script async src="http://dni.example/t/key1.js"></script>' in page.text
    assert '<a class="phone" href="tel:+14155550100">(415) 555-0100</a>' in page.text
    assert "demo call --to +14155550100" in text(page.text)
    assert "script-src 'self';" in page.headers["content-security-policy"]
    await send(admin, f"{PAGE}/rollback", {}, at=PAGE)
    assert "The tag may not work here yet" in text((await admin.read(f"{PAGE}/test")).text)


async def test_the_test_page_may_run_the_tag_by_the_services_public_name_too(admin: Person, parts: Parts) -> None:
    parts.settings = msgspec.structs.replace(parts.settings, public_url="https://calls.example.com")
    page = await admin.read(f"{PAGE}/test")
    assert "let it work on http://dni.example" in text(page.text)  # where the reader is
    await send(admin, f"{PAGE}/test", {})
    page = await admin.read(f"{PAGE}/test")
    assert '<script async src="https://calls.example.com/t/key1.js"></script>' in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self' https://calls.example.com;" in policy
    assert "connect-src 'self' https://calls.example.com;" in policy
    assert "unsafe" not in policy
