"""GET /t/…: the tag's script with its configuration, in every encoding, fresh or for ever."""

import gzip
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha384
from typing import Any

import brotli
import httpx
import msgspec
import pytest

from dni import __version__
from dni.campaign import declare
from dni.campaign.change import changing
from dni.catalog.model import Selector, Tag
from dni.parts import Parts
from dni.tag import delivery
from dni.tag.encoded import encoded, wanted
from dni.tag.model import TagChange
from dni.tag.pattern import pattern
from dni.tag.pin import PinnedView, pin
from dni.tag.script import script
from tests.support.browser import client, door
from tests.support.world import START_MS, TARGET, add

FRESH = "public, max-age=300, stale-while-revalidate=604800"
BASE = "https://dni.example"
PLAIN = {"Accept-Encoding": "identity"}
TAG = Tag(
    id="tag_1",
    key="key1",
    name="Tag",
    campaign="cmp_1",
    publisher=None,
    pool=None,
    origins=("https://shop.example",),
    targets=(TARGET, "+442079460958"),
    rules=(),
    params=(),
)


@pytest.fixture
async def browser(sqlite_parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    await add(sqlite_parts)
    async with client(door(sqlite_parts)) as made:
        yield made


def configuration(text: str) -> Any:
    found, _ = json.JSONDecoder().raw_decode(text.partition("const DNI_CONFIG=")[2])
    return found


async def pinned(parts: Parts) -> PinnedView:
    async with changing(parts) as connection:
        return await pin(connection, START_MS, "tag_1", BASE)


async def change(parts: Parts, **fields: Any) -> None:
    async with changing(parts) as connection:
        await declare.change_tag(connection, START_MS, "tag_1", TagChange(**fields))


def test_the_configuration_is_what_the_core_reads() -> None:
    targets = [[target, *pattern(target)] for target in TAG.targets]
    assert configuration(script(TAG, BASE).decode()) == ["key1", BASE, __version__, targets, {}]
    assert targets[0][1] == "1"


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({"attributes": ("title", "alt")}, {"attributes": ["title", "alt"]}),
        ({"selectors": (Selector("#phone > b", TARGET),)}, {"selectors": [["#phone > b", TARGET]]}),
        ({"linked_domains": ("shop.example.net",)}, {"domains": ["shop.example.net"]}),
        ({"consent_default": "unknown"}, {"consent": "unknown"}),
        ({"consent_unknown": "wait"}, {"wait": 1}),
        ({"first_party": True}, {"cookie": 1}),
        ({"after_load": True}, {"hydrate": 1}),
    ],
)
def test_only_what_differs_from_the_usual_is_written(options: dict[str, Any], written: dict[str, Any]) -> None:
    tag = msgspec.structs.replace(TAG, **options)
    assert configuration(script(tag, BASE).decode())[4] == written


def test_what_people_wrote_cannot_end_the_script() -> None:
    evil = '</script><script>alert(1)//\u2028"\\'
    tag = msgspec.structs.replace(TAG, selectors=(Selector(evil, TARGET),))
    text = script(tag, BASE).decode()
    assert configuration(text)[4]["selectors"][0][0] == evil
    assert "<" not in text.partition("const DNI_CONFIG=")[2].partition("];")[0]
    assert "\u2028" not in text


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("", "identity"),
        ("identity", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP;Q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000, gzip;q=0", "identity"),
        ("br;q=x, gzip;q=.", "br"),
        ("*", "br"),
        ("br;q=0, *;q=0.1", "gzip"),
        ("*;q=0", "identity"),
        (",;,=", "identity"),
    ],
)
def test_the_smallest_encoding_that_the_browser_takes(accept: str, encoding: str) -> None:
    assert wanted(accept) == encoding


def test_any_encoding_that_a_browser_keeps_will_do() -> None:
    file = encoded(b"text" * 1_000)
    ours = [file.etag(one) for one in file.bodies]
    assert len({*ours}) == 3
    for tag in ours:
        for header in (tag, f"W/{tag}", f'"other", W/{tag} ,"more"'):
            assert file.known(header, "gzip") == tag
    for header in ("", '"other"', ours[0].strip('"'), encoded(b"other").etag("br")):
        assert file.known(header, "br") is None
    assert file.known(" * ", "br") == file.etag("br")


async def test_every_encoding_holds_the_same_script(browser: httpx.AsyncClient) -> None:
    plain = await browser.get("/t/key1.js", headers=PLAIN)
    assert "content-encoding" not in plain.headers
    assert configuration(plain.text)[:2] == ["key1", BASE]
    for encoding, unpacked in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        async with browser.stream("GET", "/t/key1.js", headers={"Accept-Encoding": encoding}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == encoding
        assert unpacked(raw) == plain.content
        assert len(raw) < len(plain.content) * 0.6
        assert answer.headers["etag"] != plain.headers["etag"]


async def test_the_script_is_fresh_for_five_minutes_and_then_asked_for_by_its_etag(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/t/key1.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    again = await browser.get("/t/key1.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for told in (answer, again):
        assert told.headers["cache-control"] == FRESH
        assert told.headers["vary"] == "Accept-Encoding"
        assert told.headers["access-control-allow-origin"] == "*"
        assert told.headers["etag"] == answer.headers["etag"]
    head = await browser.head("/t/key1.js")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-length", "content-encoding", "cache-control"):
        assert head.headers[name] == answer.headers[name]


async def test_a_change_is_served_at_once_and_another_tags_change_makes_nothing_anew(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    before = (await browser.get("/t/key1.js")).headers["etag"]
    await add(sqlite_parts, suffix="2", first=50)
    assert (await browser.get("/t/key1.js")).headers["etag"] == before
    await change(sqlite_parts, attributes=["title"])
    after = await browser.get("/t/key1.js")
    assert after.headers["etag"] != before
    assert configuration(after.text)[4] == {"attributes": ["title"]}


async def test_what_strangers_ask_for_fills_no_memory(sqlite_parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    await add(sqlite_parts)
    monkeypatch.setattr(delivery, "_KEPT", 3)
    made = delivery.Delivery(sqlite_parts)
    tag = sqlite_parts.catalog.now.tags["tag_1"]
    for number in range(5):
        assert f"host{number}".encode() in (await made.script(tag, f"https://host{number}")).bodies["identity"]
    assert len(made._kept) == 3


async def test_a_pinned_script_is_served_for_ever_as_it_was(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    first = await pinned(sqlite_parts)
    assert await pinned(sqlite_parts) == first, "the same script, the same version"
    await change(sqlite_parts, attributes=["title"])
    second = await pinned(sqlite_parts)
    assert second.version != first.version
    async with client(door(sqlite_parts)) as restarted:  # nothing in memory
        for view, options in ((first, {}), (second, {"attributes": ["title"]})):
            for asked in (browser, restarted):
                answer = await asked.get(f"/t/key1.{view.version}.js")
                assert answer.status_code == 200
                assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
                assert configuration(answer.text)[4] == options
            assert f'src="{BASE}/t/key1.{view.version}.js" integrity="{view.integrity}"' in view.snippet
            assert 'crossorigin="anonymous"' in view.snippet
            assert view.integrity == f"sha384-{b64encode(sha384(answer.content).digest()).decode()}"


async def test_a_version_that_was_never_handed_out_is_a_clear_404(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    await add(sqlite_parts, suffix="2", first=50)
    of_another = (await pinned(sqlite_parts)).version
    present = (await browser.get("/t/key1.js", headers=PLAIN)).headers["etag"].strip('"')
    await change(sqlite_parts, attributes=["title"])
    for name in (f"key2.{of_another}", "key1.0123", "key1.", "key1.0123456789abcdef.x"):
        answer = await browser.get(f"/t/{name}.js")
        assert (name, answer.status_code) == (name, 404 if name != "key1." else 200)
    answer = await browser.get(f"/t/nosuch.{present}.js")
    assert answer.json()["code"] == "unknown_tag"


async def test_a_preview_is_the_drafts_script_and_is_never_kept(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    async with changing(sqlite_parts) as connection:
        await declare.draft_tag(connection, START_MS, "tag_1", TagChange(attributes=["alt"]))
    token = sqlite_parts.catalog.now.drafts["tag_1"].token
    draft = await browser.get(f"/t/key1.js?preview={token}")
    assert configuration(draft.text)[4] == {"attributes": ["alt"], "preview": token}
    live = await browser.get("/t/key1.js")
    assert (configuration(live.text)[4], live.headers["cache-control"]) == ({}, FRESH)
    async with changing(sqlite_parts) as connection:
        await declare.publish_tag(connection, START_MS, "tag_1")
    for wrong in (token, "x", "%00%ff", ""):
        answer = await browser.get(f"/t/key1.js?preview={wrong}")
        # The word tells the tag not to ask again, and is nobody's token.
        assert configuration(answer.text)[4] == {"attributes": ["alt"], "preview": "none"}, "live by now"
        assert answer.headers["cache-control"] == "no-store"
    assert draft.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["debug.js", "tcf.js"])
async def test_what_the_tag_loads_when_needed_is_served_if_it_is_there(
    sqlite_parts: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, name: str
) -> None:
    made = delivery.Delivery(sqlite_parts, tmp_path)
    monkeypatch.setattr("dni.tag.routes.Delivery", lambda _parts: made)
    async with client(door(sqlite_parts)) as browser:
        missing = await browser.get(f"/t/{name}")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
        (tmp_path / name).write_text("(()=>{})()")
        answer = await browser.get(f"/t/{name}")
        assert (answer.text, answer.headers["cache-control"]) == ("(()=>{})()", FRESH)
        again = await browser.get(f"/t/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
