"""Where a call goes: values in, an instruction out. Pure; from the catalog in memory, so that it needs nothing else."""

import msgspec

from dni.catalog.model import Campaign, Carrier, Catalog, Number
from dni.telephony.model import Connect, Instruction, Reject

RING_S = 25
"""About five rings: long enough to reach the phone, short of most voice mails."""


class Plan(msgspec.Struct, frozen=True):
    """`refusal`: why the call belongs to no campaign. It may have a destination all the same: the account's own."""

    number: Number | None
    campaign: Campaign | None
    destination: str | None
    refusal: str | None
    publisher: str | None

    def instruction(self, status_url: str) -> Instruction:
        return Connect((self.destination,), RING_S, status_url) if self.destination else Reject()


def plan(catalog: Catalog, carrier: Carrier, tracking_number: str | None) -> Plan:
    """For a call to `tracking_number` (E.164). Retired numbers still belong to their campaign."""
    number = catalog.numbers.get(tracking_number) if tracking_number else None
    if number is None:
        return Plan(None, None, carrier.default_destination, "unknown_number", None)
    pool = catalog.pools.get(number.pool) if number.pool else None
    publisher = pool.publisher if pool else number.publisher
    campaign = catalog.campaign_of(number)
    if campaign is None:
        return Plan(number, None, carrier.default_destination, "no_campaign", publisher)
    return Plan(number, campaign, campaign.destination, None, publisher)
