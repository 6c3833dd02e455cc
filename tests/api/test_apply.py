from pathlib import Path

import pytest

from dni.access.authenticate import ADMIN
from dni.api.apply import Change, apply
from dni.catalog.load import current_revision, load
from dni.catalog.model import Catalog
from dni.errors import UsageError
from dni.ledger.engines import Ledger
from dni.outbound import endpoints
from dni.qualification import terms
from dni.tag import tags

NOW = 1_800_000_000_000
DOCS = Path(__file__).parents[2] / "docs" / "apply.md"

FILE = """
[[campaigns]]
name = "Plumbing"
destination = "(415) 555-0100"
timezone = "America/Los_Angeles"

[[publishers]]
name = "Ads"

[[pools]]
name = "Google"
numbers = ["+14155550101", "+14155550102"]
hold_seconds = 60

[[numbers]]
number = "+14155550111"
campaign = "Plumbing"
source = "billboard"

[[carriers]]
kind = "twilio"
name = "Main"
account_sid = "AC1"
auth_token = "s3cret"

[[tags]]
name = "Landing"
campaign = "Plumbing"
publisher = "Ads"
pool = "Google"
origins = ["https://www.example.com"]
targets = ["+14155550100"]
rules = [{ when = { source = "yelp" }, use = { pool = "Google", overflow = "+14155550111" } }]
"""


async def _revision(ledger: Ledger) -> int:
    async with ledger.read() as connection:
        return await current_revision(connection)


def _actions(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.kind, change.action) for change in changes]


async def test_a_file_makes_everything_that_it_declares_and_a_second_run_nothing(ledger: Ledger) -> None:
    first = await apply(ledger, FILE, NOW)
    kinds = ["campaign", "publisher", "pool", "number", "carrier", "tag"]
    assert _actions(first) == [(kind, "create") for kind in kinds]
    assert "s3cret" not in str(first)
    made = await load(ledger)
    (tag,) = made.tags.values()
    assert made.pools[tag.pool or ""].campaign == tag.campaign
    assert tag.rules[0].use.pool == tag.pool
    revision = await _revision(ledger)
    assert _actions(await apply(ledger, FILE, NOW + 1)) == [(kind, "unchanged") for kind in kinds]
    assert await _revision(ledger) == revision, "nothing changed, so no worker need read anew"
    assert await load(ledger) == made


async def test_what_differs_is_changed_and_shown(ledger: Ledger) -> None:
    await apply(ledger, FILE, NOW)
    changed = FILE.replace('"+14155550102"', '"+14155550103"').replace("(415) 555-0100", "+14155550150")
    changed = changed.replace("s3cret", "an0ther").replace('source = "billboard"', 'source = "radio"')
    changed = changed.replace("https://www.example.com", "https://*.example.com")
    shown = {c.kind: c for c in await apply(ledger, changed, NOW + 1, dry_run=True)}
    assert shown["campaign"].details == ("destination: +14155550100 -> +14155550150",)
    assert shown["pool"].details == ("numbers: 1 added, 1 retired",)
    assert shown["number"].details == ("source: billboard -> radio",)
    assert shown["carrier"].details == ("auth_token: another one",)
    assert shown["tag"].details == ('origins: ["https://www.example.com"] -> ["https://*.example.com"]',)
    assert shown["publisher"].action == "unchanged"
    assert {c.kind: c for c in await apply(ledger, changed, NOW + 1)} == shown
    again = await apply(ledger, changed, NOW + 2)
    assert {change.action for change in again} == {"unchanged"}


async def test_options_of_a_tag_are_declared_and_a_change_makes_a_version(ledger: Ledger) -> None:
    options = """
attributes = ["title"]
selectors = [{ selector = "#phone", target = "(415) 555-0100" }]
linked_domains = ["shop.example.net"]
consent_default = "unknown"
consent_unknown = "wait"
first_party = true
after_load = true
"""
    await apply(ledger, FILE + options, NOW)
    assert {change.action for change in await apply(ledger, FILE + options, NOW + 1)} == {"unchanged"}
    (tag,) = (await load(ledger)).tags.values()
    assert (tag.attributes, tag.selectors[0].target, tag.consent_default) == (("title",), "+14155550100", "unknown")
    changed = await apply(ledger, FILE + options.replace("after_load = true", "after_load = false"), NOW + 2)
    assert [change.details for change in changed if change.kind == "tag"] == [("after_load: true -> false",)]
    async with ledger.read() as connection:
        assert (await tags.one(connection, ADMIN, "", tag.id)).version == 2
    with pytest.raises(UsageError) as refused:
        await apply(ledger, FILE + options.replace('"title"', '"title", "onclick"'), NOW)
    assert refused.value.detail.startswith("tags[0].attributes[1]: ")


async def test_a_dry_run_writes_nothing(ledger: Ledger) -> None:
    assert len(await apply(ledger, FILE, NOW, dry_run=True)) == 6
    assert await load(ledger) == Catalog(1, {}, {}, {}, {}, {}, {}, {})


async def test_what_the_file_leaves_out_stays(ledger: Ledger) -> None:
    await apply(ledger, FILE, NOW)
    before = await load(ledger)
    await apply(ledger, '[[campaigns]]\nname = "Plumbing"\ndestination = "+14155550199"\n', NOW + 1)
    after = await load(ledger)
    assert after.tags == before.tags
    assert next(iter(after.campaigns.values())).timezone == "America/Los_Angeles"


MISTAKES = [
    ('["https://www.example.com"]', '["https://ok.example", "www.example.com"]', "tags[0].origins[1]: "),
    ('["+14155550101", "+14155550102"]', '["+14155550101", "555"]', "pools[0].numbers[1]: "),
    ('"(415) 555-0100"', '"nowhere"', "campaigns[0].destination: "),
    ('publisher = "Ads"', 'publisher = "Adz"', "tags[0].publisher: there is no publisher named 'Adz'"),
    ('{ pool = "Google", overflow', '{ pool = "Bing", overflow', "tags[0].rules[0].use.pool: "),
    ('overflow = "+14155550111"', 'overflow = "+14155550101"', "tags[0].rules[0].use.overflow: "),
    ("hold_seconds = 60", 'hold_seconds = "60"', "pools[0].hold_seconds: "),
    ("hold_seconds = 60", "hold = 60", "pools[0]: "),
    ('kind = "twilio"', 'kind = "pigeon"', "carriers[0].kind: "),
    ('kind = "twilio"', 'kind = "plivo"', "carriers[0].account_sid: the auth ID"),
    ('number = "+14155550111"', 'number = "+14155550101"', "numbers[0].number: +14155550101 is already in pool"),
    ('name = "Ads"', 'name = ""', "publishers[0].name: "),
    ('name = "Ads"', 'nome = "Ads"', "publishers[0].name: "),
    (
        '[[publishers]]\nname = "Ads"',
        '[[publishers]]\nname = "Ads"\n[[publishers]]\nname = "Ads "',
        "publishers[1].name",
    ),
    ("[[publishers]]", "[publishers]", "publishers: "),
    ("[[publishers]]", "[[publisher]]", "publisher: no such section"),
    ("[[publishers]]", "[[publishers", "the file is no TOML: "),
]


async def test_a_mistake_is_told_by_its_place_and_changes_nothing(ledger: Ledger) -> None:
    for old, new, told in MISTAKES:
        assert old in FILE
        with pytest.raises(UsageError) as refused:
            await apply(ledger, FILE.replace(old, new), NOW)
        assert refused.value.detail.startswith(told)
    assert not (await load(ledger)).campaigns


async def test_what_cannot_change_is_refused(ledger: Ledger) -> None:
    other = '[[campaigns]]\nname = "Roofing"\ndestination = "+14155550160"\n'
    await apply(ledger, FILE + other, NOW)
    moved = FILE.replace('campaign = "Plumbing"\npublisher', 'campaign = "Roofing"\npublisher')
    with pytest.raises(UsageError) as refused:
        await apply(ledger, moved + other, NOW + 1)
    assert refused.value.detail.startswith("tags[0].campaign: ")


async def test_the_example_of_the_docs_works(ledger: Ledger) -> None:
    example = DOCS.read_text().split("```toml\n")[1].split("```")[0]
    assert {change.action for change in await apply(ledger, example, NOW)} == {"create"}
    assert {change.action for change in await apply(ledger, example, NOW + 1)} == {"unchanged"}


TERMS = """
[[campaigns]]
name = "Plumbing"
destination = "(415) 555-0100"
advertiser = "Bay Plumbing"
[campaigns.terms]
payout.base = { name = "Base", when = "talk >= 90s", amount = 2500 }
[[campaigns.overrides]]
publisher = "Ads"
payout.base = { name = "Special", when = "talk >= 60s", amount = 3000 }

[[publishers]]
name = "Ads"
"""


async def _applying(ledger: Ledger, at_ms: int, publisher: str | None = None) -> str | None:
    """Which policy pays a publisher's calls that begin then."""
    catalog = await load(ledger)
    [campaign] = catalog.campaigns
    async with ledger.read() as connection:
        found = await connection.run_sync(terms.applying, campaign, publisher, at_ms)
    return found.terms.payout.base.name if found and found.terms.payout.base else None


async def test_terms_are_declared_and_the_same_again_is_no_version(ledger: Ledger) -> None:
    changes = await apply(ledger, TERMS, NOW)
    assert _actions(changes)[-2:] == [("terms", "create"), ("terms", "create")]
    assert changes[-1].name == "Plumbing, Ads"
    [publisher] = (await load(ledger)).publishers
    assert await _applying(ledger, NOW - 1) is None
    assert (await _applying(ledger, NOW), await _applying(ledger, NOW, publisher)) == ("Base", "Special")
    revision = await _revision(ledger)
    assert {change.action for change in await apply(ledger, TERMS, NOW + 1)} == {"unchanged"}
    assert await _revision(ledger) == revision
    changes = await apply(ledger, TERMS.replace('"Base"', '"Better"'), NOW + 2)
    assert [one.name for one in changes if one.action == "update"] == ["Plumbing"]
    assert (await _applying(ledger, NOW + 1), await _applying(ledger, NOW + 2)) == ("Base", "Better")


@pytest.mark.parametrize(
    ("wrong", "right", "place"),
    [
        ("talk >= 90s", "talks >= 90s", "campaigns[0].terms.payout.base.when: character 1"),
        ("amount = 3000", "amount = -1", "campaigns[0].overrides[0].payout.base.amount"),
        ('publisher = "Ads"', 'publisher = "Nobody"', "campaigns[0].overrides[0].publisher: there is no publisher"),
        ("[campaigns.terms]", "[campaigns.terms]\npay = 1", "campaigns[0].terms"),
    ],
)
async def test_a_mistake_in_terms_is_told_with_its_place(ledger: Ledger, wrong: str, right: str, place: str) -> None:
    with pytest.raises(UsageError) as error:
        await apply(ledger, TERMS.replace(wrong, right), NOW)
    assert error.value.detail.startswith(place)
    assert (await load(ledger)).campaigns == {}


TOLD = """
[[publishers]]
name = "Ads"

[[webhooks]]
name = "Same name"
url = "https://example.com/calls"
secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
events = ["call.qualified"]
publisher = "Ads"

[[integrations]]
kind = "ga4"
name = "Same name"
settings = { measurement_id = "G-ABC1234567" }
secrets = { api_secret = "s3cret-of-analytics" }
"""


async def test_where_calls_are_told_is_declared_and_a_second_run_changes_nothing(ledger: Ledger) -> None:
    first = await apply(ledger, TOLD, NOW)
    assert _actions(first) == [(kind, "create") for kind in ("publisher", "webhook", "integration")]
    assert "s3cret" not in str(first)
    assert "whsec_" not in str(first)
    assert {one.action for one in await apply(ledger, TOLD, NOW + 1)} == {"unchanged"}
    async with ledger.read() as connection:
        made = {one.kind: one for one in await endpoints.live(connection)}
    assert made["webhook"].publisher is not None
    assert made["ga4"].secrets.api_secret == "s3cret-of-analytics"


async def test_another_secret_of_a_webhook_is_a_rotation(ledger: Ledger) -> None:
    await apply(ledger, TOLD, NOW)
    changed = await apply(ledger, TOLD.replace("MDEyMz", "TDEyMz"), NOW + 1)
    assert [one.details for one in changed if one.details] == [("secret: another one",)]
    async with ledger.read() as connection:
        made = {one.kind: one for one in await endpoints.live(connection)}
    assert len(made["webhook"].secrets.former) == 1


async def test_settings_and_secrets_of_an_integration_are_changed_one_by_one(ledger: Ledger) -> None:
    await apply(ledger, TOLD, NOW)
    changed = TOLD.replace("G-ABC1234567", "G-ABC7654321").replace("s3cret", "an0ther")
    [update] = [one for one in await apply(ledger, changed, NOW + 1) if one.details]
    assert update.details == ("settings: other ones", "secrets: other ones")
    without = changed.replace('secrets = { api_secret = "an0ther-of-analytics" }', "")
    assert {one.action for one in await apply(ledger, without, NOW + 2)} == {"unchanged"}


async def test_a_new_webhook_without_a_secret_is_refused(ledger: Ledger) -> None:
    file = '[[webhooks]]\nname = "W"\nurl = "https://example.com"\n'
    with pytest.raises(UsageError, match=r"webhooks\[0\]\.secret: is missing"):
        await apply(ledger, file, NOW)
    with pytest.raises(UsageError, match=r"integrations\[0\]\.settings: "):
        await apply(ledger, '[[integrations]]\nkind = "ga4"\nname = "G"\n', NOW)
