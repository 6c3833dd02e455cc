"""Integrations in words: their kinds, what they are told, how they are, and what became of a delivery. Pure."""

from collections.abc import Mapping

import msgspec

from dni.dashboard.words import Badge
from dni.outbound.kinds import KINDS
from dni.outbound.macros import GROUPS, MACROS
from dni.outbound.model import Kind, Type
from dni.outbound.presets import PRESETS


class Event(msgspec.Struct, frozen=True):
    """`label`: in lists. `says`: beside the box that asks for it."""

    label: str
    says: str


EVENTS: Mapping[Type, Event] = {
    "call.started": Event("Call started", "It begins to ring."),
    "call.completed": Event("Call completed", "It is over: how long it rang and was talked is known."),
    "call.attributed": Event("Call attributed", "It is known what brought it, or known better than before."),
    "call.qualified": Event("Call qualified", "It was judged: whether it counts, and what it pays."),
    "call.corrected": Event("Call corrected", "What it pays or whether it counts changed after that."),
    "outcome.recorded": Event("Outcome recorded", "Somebody told what became of it, such as a sale."),
    "statement.closed": Event("Statement closed", "A period of a publisher was closed."),
    "tag.alert": Event("Tag alert", "A tag stops working on a page, or works again."),
    "pool.alert": Event("Pool alert", "A pool has too few numbers, or enough again."),
    "export.due": Event("Nightly file", "A day is over, and its file is due."),
    "test": Event("Test", "Somebody pressed the button that tries it."),
}

STATES: Mapping[str, Badge] = {
    "waiting": Badge("Waiting", "warn"),
    "delivered": Badge("Delivered", "good"),
    "dead": Badge("Given up", "bad"),
    "skipped": Badge("Not sent", "calm"),
}
"""Of a delivery, in the order in which the filter offers them."""

HEALTH: Mapping[str, Badge] = {
    "never": Badge("Nothing sent yet", "calm"),
    "ok": Badge("Works", "good"),
    "failing": Badge("Failing", "bad"),
    "paused": Badge("Paused", "warn"),
}

RESULTS: Mapping[str, Badge] = {
    "delivered": Badge("Delivered", "good"),
    "again": Badge("Failed", "bad"),
    "dead": Badge("Given up", "bad"),
    "skipped": Badge("Not sent", "calm"),
    "later": Badge("Too early", "warn"),
}
"""Of one attempt."""

ACTIONS: Mapping[str, str] = {
    "tell": "",
    "convert": "as a conversion",
    "adjust": "as a change of its conversion",
}

SAYS: Mapping[str, str] = {
    "webhook": "Signed JSON to an address of your own, by the Standard Webhooks specification.",
    "postback": "A call of an address that has a click id and amounts in it: TUNE, CAKE, Everflow, Voluum, RedTrack.",
    "google_ads": "Calls as conversions of the ad that was clicked, or of the ad that showed the number.",
    "ga4": "An event of the visit that led to the call, in your reports and audiences.",
    "meta": "Calls as conversions on Facebook and Instagram, by click or by the caller's hashed number.",
    "microsoft_ads": "Calls as offline conversions of the ad that was clicked.",
    "tiktok": "Calls as events, by click or by the caller's hashed number.",
    "hubspot": "Each call writes a contact, a call or another record, in the properties that you name.",
    "salesforce": "Each call writes a lead, a contact or another record, in the fields that you name.",
    "csv": "A file of each day's calls, in a folder of this machine or a bucket that speaks S3.",
}
"""What a kind does, in a line."""

_AS_REAL = "Whoever receives it cannot tell it from a real one."
TRIED: Mapping[str, str] = {
    "webhook": "Its type is test.",
    "postback": _AS_REAL,
    "google_ads": "Google checks it and records nothing.",
    "ga4": "Google's checking server says what is wrong with it and counts nothing.",
    "meta": "It needs a test code among the settings. Meta counts it all the same.",
    "microsoft_ads": _AS_REAL,
    "tiktok": "It needs a test code among the settings.",
    "hubspot": _AS_REAL,
    "salesforce": _AS_REAL,
    "csv": "It writes the calls of the day so far to a file whose name begins with test.",
}
"""What comes of it when one is tried."""

CHOICES: Mapping[str, Mapping[str, str]] = {
    "value": {"none": "None", "fixed": "Fixed", "revenue": "Revenue", "payout": "Payout", "sale": "The sale"},
    "clicks_by": {"data_manager": "Data Manager", "google_ads_api": "The Google Ads API"},
    "callers_consent": {"granted": "They agreed", "unspecified": "Nothing is said of it"},
    "platform": {"other": "Another one", **{one.platform: one.label for one in PRESETS}},
    "ad_user_data": {"page": "As the page told Google"},
    "ad_personalization": {"page": "As the page told Google"},
    "content_type": {"application/x-www-form-urlencoded": "A form", "application/json": "JSON"},
    "to": {"folder": "A folder of this machine", "s3": "A bucket that speaks S3"},
    "role": {"staff": "Your own staff", "advertiser": "The advertiser", "publisher": "A publisher"},
}
"""What may be chosen in a field of settings, where its name alone does not say it."""

_SHELVES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Your own systems, and networks", ("webhook", "postback")),
    ("Ads and analytics", ("google_ads", "ga4", "meta", "microsoft_ads", "tiktok")),
)
_REST = "Customers and files"


def shelves() -> list[tuple[str, list[Kind]]]:
    """All kinds as the chooser shows them."""
    placed = {name for _, names in _SHELVES for name in names}
    rest = tuple(name for name in KINDS if name not in placed)
    found = [(title, [KINDS[name] for name in names if name in KINDS]) for title, names in (*_SHELVES, (_REST, rest))]
    return [(title, kinds) for title, kinds in found if kinds]


def macros() -> list[tuple[str, str]]:
    """What may stand in a template, and what it stands for."""
    found = [(f"{{{name}}}", macro.says) for name, macro in MACROS.items()]
    found += [(f"{{{name}.…}}", group.says) for name, group in GROUPS.items()]
    return [(name, says.replace("`", "")) for name, says in found]


def kind_of(name: str) -> str:
    return KINDS[name].label if name in KINDS else name.replace("_", " ").capitalize()


def event(name: str) -> str:
    known = EVENTS.get(name)  # type: ignore[call-overload]
    return known.label if known else name
