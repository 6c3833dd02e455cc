"""Creates and changes configuration: what a request names is found, pools are claimed, then the store writes.

Every function runs in the transaction of `change.one_change`, which makes its checks hold.
"""

from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import tokens
from dni.access.model import Principal
from dni.access.tokens import NewToken, TokenView
from dni.campaign import campaigns, publishers, refer
from dni.campaign.campaigns import CampaignChange, NewCampaign
from dni.campaign.model import moment_ms
from dni.campaign.publishers import NewPublisher, PublisherChange
from dni.catalog.model import Rule, Selector
from dni.clock import rfc3339
from dni.errors import Conflict, InvalidField
from dni.ledger import schema
from dni.pool import numbers, pools
from dni.pool.numbers import NewNumber, NumberChange
from dni.pool.pools import NewPool, PoolChange
from dni.qualification import budgets, dedupe, limits
from dni.qualification import terms as versions_of_terms
from dni.qualification.limits import BudgetChange, NewBudget
from dni.qualification.model import Terms
from dni.routing import destinations
from dni.routing.destinations import DestinationChange, NewDestination
from dni.routing.model import Routing, checked
from dni.tag import drafts, tags, versions
from dni.tag.model import NewTag, TagChange, show_targets
from dni.tag.versions import Rollback
from dni.telephony import carriers
from dni.telephony.carriers import CarrierChange, NewCarrier


async def campaign(connection: AsyncConnection, now_ms: int, new: NewCampaign) -> str:
    await refer.to_a_person(connection, new.destination)
    return await campaigns.create(connection, now_ms, new)


async def change_campaign(connection: AsyncConnection, now_ms: int, wanted: str, change: CampaignChange) -> None:
    await refer.live(connection, schema.campaign, wanted)
    values = _given(change)
    await refer.to_a_person(connection, values.get("destination"))
    if "timezone" not in values:
        await campaigns.change(connection, wanted, values)
        return
    await connection.run_sync(budgets.lock, wanted)
    await campaigns.change(connection, wanted, values)
    await connection.run_sync(budgets.recount, wanted)


async def routing(connection: AsyncConnection, wanted: str, told: Routing) -> Routing:
    """How the campaign's calls go from now on; those under way go on behind the step that they are at."""
    await refer.live(connection, schema.campaign, wanted)
    made = checked(told)
    await refer.to_routing(connection, wanted, made)
    await campaigns.reroute(connection, wanted, made)
    return made


async def terms(
    connection: AsyncConnection,
    principal: Principal,
    now_ms: int,
    campaign_id: str,
    publisher_id: str | None,
    from_: str | None,
    told: Terms | None,
) -> str | None:
    """The id of a version from a moment on (RFC 3339; None: now), None when nothing changes by it. `told` None: an end
    of the campaign's terms, or of the publisher's own."""
    await refer.live(connection, schema.campaign, campaign_id)
    if publisher_id is not None:
        await refer.to_publisher(connection, publisher_id)
    from_ms = now_ms if from_ is None else moment_ms(from_, "/from")
    if from_ms < now_ms:
        raise InvalidField("/from", f"calls that began keep their terms: not before now, {rfc3339(now_ms)}")
    await connection.run_sync(dedupe.hold_campaign, campaign_id)
    before = await versions_of_terms.settings_of(connection, campaign_id, publisher_id, from_ms)
    if msgspec.to_builtins(before) == msgspec.to_builtins(told):
        return None
    made = await versions_of_terms.add(connection, principal, now_ms, campaign_id, publisher_id, from_ms, told)
    await connection.run_sync(dedupe.unsettle_since, campaign_id, publisher_id, from_ms, now_ms)
    return made


async def destination(connection: AsyncConnection, now_ms: int, new: NewDestination) -> str:
    await refer.to_campaign(connection, new.campaign)
    await refer.to_a_person(connection, new.number, "/number")
    return await destinations.create(connection, now_ms, new)


async def change_destination(connection: AsyncConnection, now_ms: int, wanted: str, change: DestinationChange) -> None:
    await refer.live(connection, schema.destination, wanted)
    values = _given(change)
    await refer.to_a_person(connection, values.get("number"), "/number")
    await destinations.change(connection, wanted, values)


async def budget(connection: AsyncConnection, now_ms: int, new: NewBudget) -> str:
    await refer.to_campaign(connection, new.campaign)
    if new.publisher is not None:
        await refer.to_publisher(connection, new.publisher)
    if new.destination is not None:
        await refer.to_destination(connection, new.campaign, new.destination)
    return await limits.create(connection, now_ms, new)


async def change_budget(connection: AsyncConnection, now_ms: int, wanted: str, change: BudgetChange) -> None:
    await refer.live(connection, schema.budget, wanted)
    await limits.change(connection, wanted, change.limits)


async def publisher(connection: AsyncConnection, now_ms: int, new: NewPublisher) -> str:
    return await publishers.create(connection, now_ms, new)


async def change_publisher(connection: AsyncConnection, now_ms: int, wanted: str, change: PublisherChange) -> None:
    await refer.live(connection, schema.publisher, wanted)
    await publishers.change(connection, wanted, _given(change))


async def pool(connection: AsyncConnection, now_ms: int, new: NewPool, campaign: str | None = None) -> str:
    """`campaign`: whose it is at once; else it becomes that of its first tag."""
    if campaign is not None:
        await refer.to_campaign(connection, campaign)
    await _may_be_leased(connection, new.numbers)
    made = await pools.create(connection, now_ms, new)
    await numbers.add_pooled(connection, now_ms, made, new.numbers)
    if new.regions:
        await numbers.set_regions(connection, made, new.regions)
    if campaign is not None:
        await pools.claim(connection, made, campaign, None)
    return made


async def change_pool(connection: AsyncConnection, now_ms: int, wanted: str, change: PoolChange) -> None:
    await refer.live(connection, schema.pool, wanted)
    values = _given(change)
    added, regions = values.pop("numbers", None), values.pop("regions", None)
    if change.shared is False:
        await _has_one_publisher(connection, wanted)
    await pools.change(connection, wanted, values)
    if added is not None:
        await _may_be_leased(connection, added)
        await numbers.replace_pooled(connection, now_ms, wanted, added)
    if regions is not None:
        await numbers.set_regions(connection, wanted, regions)


async def number(connection: AsyncConnection, now_ms: int, new: NewNumber) -> str:
    await refer.to_campaign(connection, new.campaign)
    if new.publisher is not None:
        await refer.to_publisher(connection, new.publisher)
    await refer.no_campaigns_destination(connection, [new.number], "/number")
    return await numbers.add_static(connection, now_ms, new)


async def change_number(connection: AsyncConnection, now_ms: int, wanted: str, change: NumberChange) -> None:
    await refer.live(connection, schema.number, wanted)
    query = select(schema.number.c.pool_id).where(schema.number.c.id == wanted)
    if owner := (await connection.execute(query)).scalar_one():
        raise Conflict(f"this number is leased from pool {owner}: only a static one has a source", code="number_pooled")
    values = _given(change)
    if values.get("publisher") is not None:
        await refer.to_publisher(connection, values["publisher"])
    await numbers.change(connection, wanted, _columns(values))


async def tag(connection: AsyncConnection, now_ms: int, new: NewTag) -> str:
    await refer.to_campaign(connection, new.campaign)
    if new.publisher is not None:
        await refer.to_publisher(connection, new.publisher)
    await _claim(connection, new.campaign, new.publisher, new.pool, new.rules)
    return await tags.create(connection, now_ms, new)


async def change_tag(connection: AsyncConnection, now_ms: int, wanted: str, change: TagChange) -> None:
    """Live at once; the former settings are kept as a version."""
    row = await tags.row(connection, wanted)
    before = tags.settings(row)
    after = await _after(connection, row, change)
    if any(after[name] != value for name, value in before.items()):
        await versions.keep(connection, now_ms, row)
    await tags.change(connection, wanted, after)


async def draft_tag(connection: AsyncConnection, now_ms: int, wanted: str, change: TagChange) -> None:
    """Checked as if it were live: its pools become the tag's, since a preview leases from them."""
    await _after(connection, await tags.row(connection, wanted), change)
    await drafts.save(connection, now_ms, wanted, change)


async def publish_tag(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    """Raises NotFound without a draft."""
    await change_tag(connection, now_ms, wanted, (await drafts.one(connection, wanted)).change)
    await drafts.drop(connection, wanted)


async def roll_back_tag(connection: AsyncConnection, now_ms: int, wanted: str, to: Rollback) -> None:
    """What was live becomes live again, if all that it names is still there."""
    await tags.row(connection, wanted)
    former = await versions.former(connection, wanted, to.version)
    await change_tag(connection, now_ms, wanted, msgspec.convert(former, TagChange))


async def carrier(connection: AsyncConnection, now_ms: int, new: NewCarrier) -> str:
    await refer.to_a_person(connection, new.default_destination, "/default_destination")
    return await carriers.create(connection, now_ms, new)


async def change_carrier(connection: AsyncConnection, now_ms: int, wanted: str, change: CarrierChange) -> None:
    await refer.live(connection, schema.carrier, wanted)
    values = _given(change)
    await refer.to_a_person(connection, values.get("default_destination"), "/default_destination")
    await carriers.change(connection, wanted, values)


async def token(connection: AsyncConnection, now_ms: int, new: NewToken) -> TokenView:
    """The only answer that holds the token's text."""
    if new.campaign is not None:
        await refer.to_campaign(connection, new.campaign)
    if new.publisher is not None:
        await refer.to_publisher(connection, new.publisher)
    return await tokens.create(connection, now_ms, new)


async def _after(connection: AsyncConnection, row: RowMapping, change: TagChange) -> dict[str, Any]:
    """All settings of the tag as the change makes them, and its name if that changes. Raises InvalidField, Conflict."""
    values = _given(change)
    owners = row["campaign_id"], row["publisher_id"]
    await _claim(connection, *owners, values.get("pool"), values.get("rules", []))
    after = {**tags.settings(row), **msgspec.to_builtins(change)}
    show_targets(msgspec.convert(after["selectors"], list[Selector]), after["targets"])
    return after


async def _claim(
    connection: AsyncConnection, campaign_id: str, publisher_id: str | None, own: str | None, rules: list[Rule]
) -> None:
    """Every pool that a tag names becomes its campaign's and publisher's. Raises InvalidField, Conflict."""
    places = [(own, "/pool"), *((rule.use.pool, f"/rules/{n}/use/pool") for n, rule in enumerate(rules))]
    for wanted, path in places:
        if wanted is not None:
            await refer.to_pool(connection, wanted, path)
            await pools.claim(connection, wanted, campaign_id, publisher_id)
    await refer.to_rule_numbers(connection, campaign_id, rules)


async def _may_be_leased(connection: AsyncConnection, added: list[str]) -> None:
    await refer.no_campaigns_destination(connection, added, "/numbers/{place}")
    await refer.no_rule_shows(connection, added)


async def _has_one_publisher(connection: AsyncConnection, wanted: str) -> None:
    """Raises Conflict: a pool that several publishers use stays shared."""
    users = [row for row, given in await tags.uses(connection) if any(use.pool == wanted for use in given)]
    query = select(schema.pool.c.publisher_id).where(schema.pool.c.id == wanted)
    owner = (await connection.execute(query)).scalar_one()
    for row in users:
        if row["publisher_id"] != owner:
            raise Conflict(f"tag {row['name']!r} ({row['id']}) of another publisher uses this pool", code="in_use")


def _given(change: msgspec.Struct) -> dict[str, Any]:
    """The fields of a change that are not left out."""
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    """Fields that name a row are columns ending in `_id`."""
    named = ("campaign", "publisher")
    return {f"{name}_id" if name in named else name: value for name, value in values.items()}
