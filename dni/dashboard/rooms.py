"""What the bar at the top leads to. Pure."""

from typing import Literal

import msgspec


class Room(msgspec.Struct, frozen=True):
    """`name`: what a page of it calls itself (`here`). `access`: for whom the bar shows it."""

    name: str
    path: str
    label: str
    access: Literal["read", "administer"] = "read"


ROOMS = (
    Room("overview", "/overview", "Overview"),
    Room("calls", "/calls", "Calls"),
    Room("sources", "/sources", "Sources"),
    Room("tags", "/tags", "Tags"),
    Room("campaigns", "/campaigns", "Campaigns"),
    Room("pools", "/pools", "Pools"),
    Room("numbers", "/numbers", "Numbers"),
    Room("publishers", "/publishers", "Publishers"),
    Room("settings", "/settings", "Settings", "administer"),
)
