"""Whose calls and visits a reader may choose from."""

from zoneinfo import ZoneInfo

import msgspec

from dni.access.model import Principal
from dni.campaign import campaigns, publishers
from dni.dashboard.call_rows import zone_of
from dni.parts import Parts

# Campaigns, and publishers, in the filter's lists.
_CHOICES = 200


class Owners(msgspec.Struct, frozen=True):
    """The campaigns and publishers that a reader may choose from, newest first, and the zone of his list."""

    campaigns: dict[str, str]
    publishers: dict[str, str]
    zone: ZoneInfo
    zone_of_campaign: bool


async def owners_of(parts: Parts, principal: Principal) -> Owners:
    async with parts.ledger.read() as connection:
        own_campaigns, _ = await campaigns.page(connection, principal, _CHOICES)
        own_publishers, _ = await publishers.page(connection, principal, _CHOICES)
    zone, agreed = zone_of(campaign.timezone for campaign in own_campaigns)
    return Owners(
        campaigns={campaign.id: campaign.name for campaign in own_campaigns},
        publishers={publisher.id: publisher.name for publisher in own_publishers},
        zone=zone,
        zone_of_campaign=agreed,
    )
