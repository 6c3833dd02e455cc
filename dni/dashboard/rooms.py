"""What the bar beside the pages leads to. Pure."""

from typing import Literal

import msgspec

Group = Literal["What happened", "Set up", "This service"]


class Room(msgspec.Struct, frozen=True):
    """`name`: what a page of it calls itself (`here`). `access`: for whom the bar shows it. `group`: its head there.
    `is_network`: not for a publisher's bar, to whom it is one line that his other pages tell as well."""

    name: str
    path: str
    label: str
    access: Literal["read", "connect", "administer"] = "read"
    group: Group = "Set up"
    is_network: bool = False


# Rooms of a group stand together.
ROOMS = (
    Room("overview", "/overview", "Overview", group="What happened"),
    Room("calls", "/calls", "Calls", group="What happened"),
    Room("sources", "/sources", "Sources", group="What happened"),
    Room("keywords", "/keywords", "Keywords", group="What happened"),
    Room("payouts", "/payouts", "Payouts", group="What happened"),
    Room("tags", "/tags", "Tags"),
    Room("campaigns", "/campaigns", "Campaigns", is_network=True),
    Room("pools", "/pools", "Pools", is_network=True),
    Room("numbers", "/numbers", "Numbers"),
    Room("publishers", "/publishers", "Publishers", is_network=True),
    Room("integrations", "/integrations", "Integrations", "connect"),
    Room("settings", "/settings", "Settings", "administer", group="This service"),
)
