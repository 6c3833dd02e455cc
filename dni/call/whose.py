"""Whose a call is, by the number that it rings. Pure; from the catalog in memory, so that it needs nothing else."""

import msgspec

from dni.catalog.model import Campaign, Carrier, Catalog, Number
from dni.routing.decision import Decision, Urls, connected, refused


class Whose(msgspec.Struct, frozen=True):
    """`refusal`: why the call belongs to no campaign. It may be connected all the same: to the account's own phone."""

    number: Number | None
    campaign: Campaign | None
    publisher: str | None
    refusal: str | None = None


def whose(catalog: Catalog, tracking_number: str | None) -> Whose:
    """Of a call to `tracking_number` (E.164). Retired numbers still belong to their campaign."""
    number = catalog.numbers.get(tracking_number) if tracking_number else None
    if number is None:
        return Whose(None, None, None, "unknown_number")
    pool = catalog.pools.get(number.pool) if number.pool else None
    publisher = pool.publisher if pool else number.publisher
    campaign = catalog.campaign_of(number)
    return Whose(number, campaign, publisher, None if campaign else "no_campaign")


def nobodys(carrier: Carrier, why: str, urls: Urls) -> Decision:
    """What is done with a call of no campaign."""
    return connected(carrier.default_destination, urls) if carrier.default_destination else refused(why)
