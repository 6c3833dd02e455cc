"""What a big made-up ledger is about: its owners and numbers, and what visitors come with. Pure."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from dni.ledger import schema
from dni.session.channels import PAID, channel_of
from tests.support.world import AUTH_TOKEN, DESTINATION, TARGET, numbers

CAMPAIGNS, PUBLISHERS, TAGS, POOL_SIZE, STATICS = 20, 30, 60, 60, 100
"""Tag `t` is campaign `t % 20` with publisher `t % 30`, and has pool `t`: no two tags share both owners."""
DESTINATIONS = 10
"""Of the first campaign."""
ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Denver",
    "America/Phoenix",
    "Europe/London",
    "Australia/Adelaide",
    "Asia/Kolkata",
)
POOLED = numbers(TAGS * POOL_SIZE)
STATIC = numbers(STATICS, len(POOLED))
# The fictional numbers that are left, 100 of each area code from there on.
CALLERS = numbers(79_800 - len(POOLED) - STATICS, len(POOLED) + STATICS)


class Came(msgspec.Struct, frozen=True):
    """A source and medium; `weight` of sessions, and how willingly they call. `click`: parameter of a paid one."""

    source: str | None
    medium: str | None
    weight: float
    calls: float = 1.0
    click: str = ""
    referrer: str | None = None

    @property
    def channel(self) -> str:
        return channel_of(self.source, self.medium)

    @property
    def searched(self) -> bool:
        """Whether somebody pays for words."""
        return self.channel in PAID and self.medium == "cpc"


PAIRS = (
    Came("google", "cpc", 24, 2.0, "gclid", "https://www.google.com/"),
    Came("google", "organic", 16, 1.2, referrer="https://www.google.com/"),
    Came("(direct)", "(none)", 14, 1.1),
    Came("facebook", "paid_social", 8, 0.5, "fbclid", "https://l.facebook.com/"),
    Came("bing", "cpc", 6, 1.9, "msclkid", "https://www.bing.com/"),
    Came("yelp.com", "referral", 4, 2.4, referrer="https://www.yelp.com/"),
    Came("bing", "organic", 3, 1.2, referrer="https://www.bing.com/"),
    Came("facebook", "social", 3, 0.4, referrer="https://m.facebook.com/"),
    Came("instagram", "paid_social", 3, 0.4, "fbclid", "https://l.instagram.com/"),
    Came("newsletter", "email", 2.5, 0.9),
    Came("tiktok", "paid_social", 2, 0.3, "ttclid", "https://www.tiktok.com/"),
    Came("duckduckgo", "organic", 2, 1.2, referrer="https://duckduckgo.com/"),
    Came("nextdoor", "paid_social", 2, 1.4, "ndclid", "https://nextdoor.com/"),
    Came("youtube", "video", 1.5, 0.5, referrer="https://www.youtube.com/"),
    Came("chatgpt.com", "ai-assistant", 1.5, 1.6, referrer="https://chatgpt.com/"),
    Came("yahoo", "organic", 1, 1.1, referrer="https://search.yahoo.com/"),
    Came("partner-a", "affiliate", 1, 0.8),
    Came("partner-b", "affiliate", 1, 0.7),
    Came("linkedin", "paid_social", 1, 0.3, "li_fat_id", "https://www.linkedin.com/"),
    Came("homeadvisor.com", "referral", 1, 1.8, referrer="https://www.homeadvisor.com/"),
    Came("google", "display", 1, 0.2, "gclid"),
    Came("reddit", "social", 0.5, 0.4, referrer="https://www.reddit.com/"),
    Came("sms", "sms", 0.5, 1.3),
    Came("perplexity.ai", "ai-assistant", 0.5, 1.5, referrer="https://www.perplexity.ai/"),
    Came(None, None, 0.5, 1.0),
)

_WORDS = (
    ("emergency", "cheap", "best", "24 hour", "local", "licensed", "same day", "weekend", "affordable", "trusted"),
    ("plumber", "roofer", "electrician", "dentist", "lawyer", "locksmith", "movers", "hvac", "tree removal", "vet"),
    ("near me", "cost", "reviews", "open now", "quote", "phone number", "repair", "installation", "services", "prices"),
    ("austin", "boston", "chicago", "dallas", "denver", "miami", "phoenix", "portland", "seattle", "tampa"),
    ("", " today", " for home", " for business"),
)
CAMPAIGN_NAMES = tuple(
    f"{season}-{what}-{n:02}"
    for season in ("spring", "summer", "autumn", "winter")
    for what in ("search", "brand", "social", "remarketing")
    for n in range(25)
)
CONTENTS = tuple(f"{kind}-{n:03}" for kind in ("headline", "banner", "video", "carousel") for n in range(50))
PATHS = (
    *("/", "/contact", "/about", "/prices", "/reviews", "/areas", "/emergency", "/offers", "/book", "/faq"),
    *(
        "/water-heaters",
        "/drains",
        "/leaks",
        "/boilers",
        "/roofs",
        "/wiring",
        "/locks",
        "/heating",
        "/cooling",
        "/vets",
    ),
)
"""Of each of the 20 campaigns' sites: 400 landing pages."""

DEVICES = tuple(
    (kind, browser, system, screen)
    for kind, combinations in (
        ("phone", (("Mobile Safari", "iOS"), ("Chrome Mobile", "Android"), ("Samsung Internet", "Android"))),
        ("desktop", (("Chrome", "Windows"), ("Edge", "Windows"), ("Safari", "Mac OS X"), ("Firefox", "Linux"))),
        ("tablet", (("Mobile Safari", "iOS"), ("Chrome", "Android"))),
    )
    for browser, system in combinations
    for screen in {
        "phone": ("390x844", "412x915", "360x800"),
        "desktop": ("1920x1080", "1440x900", "2560x1440"),
        "tablet": ("820x1180", "768x1024", "800x1280"),
    }[kind]
)
DEVICE_WEIGHTS = {"phone": 9.0, "desktop": 4.5, "tablet": 1.0}

_STATES = (
    *("CA", "TX", "FL", "NY", "PA", "IL", "OH", "GA", "NC", "MI", "NJ", "VA", "WA"),
    *("AZ", "MA", "TN", "IN", "MO", "MD", "WI", "CO", "MN", "SC", "AL", "LA", "KY"),
    *("OR", "OK", "CT", "UT", "IA", "NV", "AR", "MS", "KS", "NM", "NE", "ID", "WV"),
    *("HI", "NH", "ME", "RI", "MT", "DE", "SD", "ND", "AK", "VT", "WY"),
)
_PROVINCES = ("ON", "QC", "BC", "AB", "MB", "SK", "NS", "NB", "NL", "PE")
REGIONS = tuple([("US", f"US-{code}") for code in _STATES] + [("CA", f"CA-{code}") for code in _PROVINCES])
CITIES = ("Springfield", "Franklin", "Clinton", "Georgetown")
LANGUAGES = (("en-US", 20.0), ("en-GB", 2.0), ("es-US", 3.0), ("fr-CA", 1.0), (None, 0.5))
UNLEASED = ("exhausted", "no_region", "recovering", "rate_limited")


@cache
def keywords() -> tuple[str, ...]:
    """20,000 of them."""
    made = [
        f"{how} {what} {why} {where}{tail}".strip()
        for tail in _WORDS[4]
        for where in _WORDS[3]
        for why in _WORDS[2]
        for what in _WORDS[1]
        for how in _WORDS[0]
    ]
    return tuple(made[::2])


def campaign(at: int) -> str:
    return f"cmp_{at:02}"


def publisher(at: int) -> str:
    return f"pub_{at:02}"


def tag(at: int) -> str:
    return f"tag_{at:02}"


def pool(at: int) -> str:
    return f"pool_{at:02}"


def destination(at: int) -> str:
    return f"dst_{at:02}"


def site(of_campaign: int) -> str:
    return f"https://site{of_campaign:02}.example"


def static_source(at: int) -> Came:
    """What a static number stands for."""
    return PAIRS[at % len(PAIRS)]


def configuration(created_ms: int) -> Sequence[tuple[Any, list[dict[str, Any]]]]:
    """Rows by table, those first that others point to."""
    made = {"created_at_ms": created_ms}
    statics = [
        {
            "number": number,
            "pool_id": None,
            "campaign_id": campaign(at % CAMPAIGNS),
            "publisher_id": publisher(at % PUBLISHERS),
            "source": static_source(at).source,
            "medium": static_source(at).medium,
        }
        for at, number in enumerate(STATIC)
    ]
    pooled: list[dict[str, Any]] = [
        {**dict.fromkeys(statics[0]), "number": number, "pool_id": pool(at // POOL_SIZE)}
        for at, number in enumerate(POOLED)
    ]
    found: list[tuple[Any, list[dict[str, Any]]]] = [
        (
            schema.campaign,
            [
                {
                    "id": campaign(at),
                    "name": f"Advertiser {at:02}",
                    "destination": DESTINATION,
                    "timezone": ZONES[at % len(ZONES)],
                    "currency": "USD",
                }
                for at in range(CAMPAIGNS)
            ],
        ),
        (schema.publisher, [{"id": publisher(at), "name": f"Publisher {at:02}"} for at in range(PUBLISHERS)]),
        (
            schema.pool,
            [
                {
                    "id": pool(at),
                    "name": f"Pool {at:02}",
                    "campaign_id": campaign(at % CAMPAIGNS),
                    "publisher_id": publisher(at % PUBLISHERS),
                    "shared": False,
                    "hold_seconds": 120,
                }
                for at in range(TAGS)
            ],
        ),
        (schema.number, [{"id": f"num_{at:05}", **row} for at, row in enumerate([*pooled, *statics])]),
        (
            schema.tag,
            [
                {
                    "id": tag(at),
                    "key": f"key{at:011}",
                    "name": f"Site {at % CAMPAIGNS:02} by {at % PUBLISHERS:02}",
                    "campaign_id": campaign(at % CAMPAIGNS),
                    "publisher_id": publisher(at % PUBLISHERS),
                    "pool_id": pool(at),
                    "origins": [site(at % CAMPAIGNS)],
                    "targets": [TARGET],
                    "rules": [],
                    "params": [],
                }
                for at in range(TAGS)
            ],
        ),
        (
            schema.destination,
            [
                {
                    "id": destination(at),
                    "campaign_id": campaign(0),
                    "name": f"Buyer {at:02}",
                    "number": f"+141555501{at:02}",
                    "hours": "24/7",
                    "caps": {"concurrent": 5, "day": 200},
                    "paused": False,
                }
                for at in range(DESTINATIONS)
            ],
        ),
        (
            schema.carrier,
            [{"id": "car_1", "kind": "twilio", "name": "Twilio", "account_sid": "AC1", "auth_token": AUTH_TOKEN}],
        ),
    ]
    return [(table, [{**row, **made} for row in rows]) for table, rows in found]
