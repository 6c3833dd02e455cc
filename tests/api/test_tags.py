"""Options, drafts, versions and pinned scripts of tags, as people change them."""

from typing import Any

import httpx
import pytest

from dni.parts import Parts
from dni.tag import versions
from tests.api.conftest import Api, a_page
from tests.api.test_door import is_problem

OPTIONS: dict[str, Any] = {
    "attributes": ["title", "data-phone"],
    "selectors": [{"selector": "#phone", "target": "+14155550100"}],
    "linked_domains": ["shop.example.net"],
    "consent_default": "unknown",
    "consent_unknown": "wait",
    "first_party": True,
    "after_load": True,
    "touch_rules": [{"when": {"referrer": "*.yelp.com"}, "touch": {"source": "yelp", "medium": "listing"}}],
}
DEFAULTS: dict[str, Any] = {
    "attributes": [],
    "selectors": [],
    "linked_domains": [],
    "consent_default": "granted",
    "consent_unknown": "no_storage",
    "first_party": False,
    "after_load": False,
    "touch_rules": [],
}


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def options(view: dict[str, Any]) -> dict[str, Any]:
    return {name: view[name] for name in DEFAULTS}


@pytest.fixture
async def tag(api: Api) -> str:
    return await api.tag(await api.campaign())


def live(parts: Parts, tag: str) -> Any:
    """As this worker's pages have it."""
    return parts.catalog.now.tags[tag]


async def test_options_are_set_changed_and_taken_back(api: Api, tag: str) -> None:
    assert options(told(await api.get(f"/tags/{tag}"))) == DEFAULTS
    campaign = await api.campaign("Other")
    assert options(await api.made("/tags", {"name": "T", "campaign": campaign, **a_page(), **OPTIONS})) == OPTIONS
    assert options(told(await api.patch(f"/tags/{tag}", OPTIONS))) == OPTIONS
    assert live(api.parts, tag).selectors[0].selector == "#phone"
    assert live(api.parts, tag).first_party
    one = {"after_load": False, "attributes": []}
    assert options(told(await api.patch(f"/tags/{tag}", one))) == {**OPTIONS, **one}
    assert options(told(await api.patch(f"/tags/{tag}", DEFAULTS))) == DEFAULTS


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"attributes": ["title", "onclick"]}, "/attributes/1"),
        ({"attributes": "title"}, "/attributes"),
        ({"selectors": [{"selector": "#a", "target": "+14155550177"}]}, "/selectors/0/target"),
        ({"selectors": [{"selector": "#a", "target": "+14155550100", "x": 1}]}, "/selectors/0"),
        ({"linked_domains": ["https://x.example"]}, "/linked_domains/0"),
        ({"consent_default": "perhaps"}, "/consent_default"),
        ({"consent_unknown": None}, "/consent_unknown"),
        ({"first_party": "yes"}, "/first_party"),
    ],
)
async def test_a_wrong_option_is_told_by_its_place(api: Api, tag: str, change: Any, path: str) -> None:
    for method, address in (("PATCH", f"/tags/{tag}"), ("PUT", f"/tags/{tag}/draft")):
        is_problem(await api.ask(method, address, json=change), 422, "invalid_field", path)
    assert told(await api.get(f"/tags/{tag}"))["version"] == 1


async def test_a_selector_keeps_its_target_among_the_tags(api: Api, tag: str) -> None:
    await api.patch(f"/tags/{tag}", {"selectors": OPTIONS["selectors"]})
    is_problem(
        await api.patch(f"/tags/{tag}", {"targets": ["+14155550177"]}), 422, "invalid_field", "/selectors/0/target"
    )
    moved = [{"selector": "#phone", "target": "(415) 555-0177"}]
    view = told(await api.patch(f"/tags/{tag}", {"targets": ["+14155550177"], "selectors": moved}))
    assert view["selectors"] == [{"selector": "#phone", "target": "+14155550177"}]


async def test_every_change_of_settings_keeps_what_was_as_a_version(api: Api, tag: str) -> None:
    await api.patch(f"/tags/{tag}", {"attributes": ["title"]})
    await api.patch(f"/tags/{tag}", {"name": "Only its name", "attributes": ["title"]})
    await api.patch(f"/tags/{tag}", {})
    await api.patch(f"/tags/{tag}", {"attributes": ["alt"], "params": ["store"]})
    listed = told(await api.get(f"/tags/{tag}/versions"))
    assert [(one["version"], one["settings"]["attributes"]) for one in listed["data"]] == [
        (3, ["alt"]),
        (2, ["title"]),
        (1, []),
    ]
    assert [one["replaced_at"] is None for one in listed["data"]] == [True, False, False]
    assert listed["next"] is None
    csv = await api.get(f"/tags/{tag}/versions", headers={"Accept": "text/csv"})
    assert csv.text.splitlines()[0].startswith("version,replaced_at,settings.pool,settings.origins")


async def test_a_rollback_makes_former_settings_live_as_a_new_version(api: Api, tag: str) -> None:
    await api.patch(f"/tags/{tag}", {"name": "Renamed", **OPTIONS})
    back = told(await api.post(f"/tags/{tag}/rollback", {"version": 1}))
    assert (options(back), back["version"], back["name"]) == (DEFAULTS, 3, "Renamed")
    assert not live(api.parts, tag).first_party
    again = told(await api.post(f"/tags/{tag}/rollback", {"version": 2}))
    assert (options(again), again["version"]) == (OPTIONS, 4)
    for version in (0, 4, 99, 2**70):
        is_problem(await api.post(f"/tags/{tag}/rollback", {"version": version}), 422, "invalid_field", "/version")
    is_problem(await api.post(f"/tags/{tag}/rollback", {}), 422, "invalid_field", "")
    is_problem(await api.post("/tags/nobody/rollback", {"version": 1}), 404, "not_found")


async def test_a_rollback_to_what_is_no_more_is_refused(api: Api) -> None:
    pool = await api.pool(["+14155550101"])
    tag = await api.tag(await api.campaign(), pool)
    await api.patch(f"/tags/{tag}", {"pool": None})
    assert (await api.delete(f"/pools/{pool}")).status_code == 204
    is_problem(await api.post(f"/tags/{tag}/rollback", {"version": 1}), 422, "invalid_field", "/pool")
    assert told(await api.get(f"/tags/{tag}"))["version"] == 2


async def test_old_versions_are_forgotten(api: Api, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "KEPT", 2)
    for number in range(4):
        await api.patch(f"/tags/{tag}", {"params": [f"p{number}"]})
    listed = told(await api.get(f"/tags/{tag}/versions"))["data"]
    assert [one["version"] for one in listed] == [5, 4, 3]


async def test_a_draft_is_seen_by_its_token_only_until_it_is_published(api: Api, tag: str) -> None:
    is_problem(await api.get(f"/tags/{tag}/draft"), 404, "not_found")
    is_problem(await api.post(f"/tags/{tag}/publish", None), 404, "not_found")
    is_problem(await api.delete(f"/tags/{tag}/draft"), 404, "not_found")
    draft = told(await api.ask("PUT", f"/tags/{tag}/draft", json={"attributes": ["Title"]}))
    assert draft["change"] == {"attributes": ["title"]}
    assert draft["preview_url_parameter"] == f"dni_preview={draft['preview_token']}"
    assert len(draft["preview_token"]) == 32
    assert told(await api.get(f"/tags/{tag}/draft")) == draft

    catalog = api.parts.catalog.now
    assert live(api.parts, tag).attributes == ()
    seen = catalog.draft(live(api.parts, tag), draft["preview_token"])
    assert seen is not None
    assert seen.attributes == ("title",)
    assert catalog.draft(live(api.parts, tag), draft["preview_token"][:-1]) is None

    again = told(await api.ask("PUT", f"/tags/{tag}/draft", json={"params": ["store"]}))
    assert (again["change"], again["preview_token"]) == ({"params": ["store"]}, draft["preview_token"])
    await api.patch(f"/tags/{tag}", {"after_load": True})
    seen = api.parts.catalog.now.draft(live(api.parts, tag), draft["preview_token"])
    assert seen is not None
    assert (seen.params, seen.after_load) == (("store",), True), "what differs, over what is live"

    published = told(await api.post(f"/tags/{tag}/publish", None))
    assert (published["params"], published["after_load"], published["version"]) == (["store"], True, 3)
    is_problem(await api.get(f"/tags/{tag}/draft"), 404, "not_found")
    assert api.parts.catalog.now.drafts == {}
    next_one = told(await api.ask("PUT", f"/tags/{tag}/draft", json={}))
    assert next_one["preview_token"] != draft["preview_token"], "an old link shows nothing new"
    assert (await api.delete(f"/tags/{tag}/draft")).status_code == 204
    assert api.parts.catalog.now.drafts == {}


async def test_a_draft_is_checked_as_if_it_were_live_and_holds_what_it_names(api: Api) -> None:
    campaign, pool = await api.campaign(), await api.pool(["+14155550101"])
    tag = await api.tag(campaign)
    other = await api.pool(["+14155550102"], name="Other's")
    await api.tag(await api.campaign("Other"), other)
    owned = await api.ask("PUT", f"/tags/{tag}/draft", json={"pool": other})
    is_problem(owned, 409, "pool_owned")
    missing = await api.ask("PUT", f"/tags/{tag}/draft", json={"pool": "pol_nobody"})
    is_problem(missing, 422, "invalid_field", "/pool")

    rule = {"when": {"source": "x"}, "use": {"pool": pool}}
    told(await api.ask("PUT", f"/tags/{tag}/draft", json={"rules": [rule], "origins": ["https://b.example"]}))
    is_problem(await api.delete(f"/pools/{pool}"), 409, "in_use")
    assert (await api.delete(f"/tags/{tag}/draft")).status_code == 204
    assert (await api.delete(f"/pools/{pool}")).status_code == 204


async def test_a_deleted_tags_draft_goes_with_it(api: Api, tag: str) -> None:
    told(await api.ask("PUT", f"/tags/{tag}/draft", json={"params": ["a"]}))
    assert (await api.delete(f"/tags/{tag}")).status_code == 204
    assert api.parts.catalog.now.drafts == {}
    for method, path in (("GET", "draft"), ("PUT", "draft"), ("DELETE", "draft"), ("GET", "versions")):
        is_problem(await api.ask(method, f"/tags/{tag}/{path}", json={}), 404, "not_found")
    for path in ("publish", "pin"):
        is_problem(await api.post(f"/tags/{tag}/{path}", None), 404, "not_found")


async def test_a_pinned_script_is_told_once_for_each_content(api: Api, tag: str) -> None:
    first = told(await api.post(f"/tags/{tag}/pin", None))
    assert first["integrity"].startswith("sha384-")
    key = live(api.parts, tag).key
    assert first["snippet"] == (
        f'<script async src="http://127.0.0.1:8000/t/{key}.{first["version"]}.js" '
        f'integrity="{first["integrity"]}" crossorigin="anonymous"></script>'
    )
    assert told(await api.post(f"/tags/{tag}/pin", None)) == first
    assert api.parts.catalog.now.pinned == {(tag, first["version"])}
    await api.patch(f"/tags/{tag}", OPTIONS)
    assert told(await api.post(f"/tags/{tag}/pin", None))["version"] != first["version"]
    assert len(api.parts.catalog.now.pinned) == 2
