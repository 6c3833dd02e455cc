"""The channel a visit belongs to: Google Analytics 4's default channel group, by its documented rules and in its order.

Source: Google's Analytics Help, "[GA4] Default channel group" (support.google.com/analytics/answer/9756891). Where it
says "matches a list of … sites" the list is `dni.session.sites`.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from dni.session.sites import named_site


def is_paid_medium(medium: str) -> bool:
    """GA4's ^(.*cp.*|ppc|retargeting|paid.*)$ on a lower-case medium."""
    return "cp" in medium or medium in ("ppc", "retargeting") or medium.startswith("paid")


class _Visit(NamedTuple):
    source: str
    medium: str
    campaign: str
    category: str | None
    paid: bool

    @property
    def shopping(self) -> bool:
        return self.category == "shopping" or (bool(self.campaign) and bool(_SHOP.search(self.campaign)))


_SHOP = re.compile(r"(?:^|[^a-df-z])shop|shopping")  # "eshop", "my-shop", but neither "workshop" nor "bishop"
_DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
_SOCIAL = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
_EMAIL = frozenset({"email", "e-mail", "e_mail", "e mail"})


def _is_push(v: _Visit) -> bool:
    named = v.medium.endswith("push") or "mobile" in v.medium or "notification" in v.medium
    return named or v.source == "firebase"


RULES: tuple[tuple[str, Callable[[_Visit], bool]], ...] = (
    ("Direct", lambda v: v.source in ("", "(direct)") and v.medium in ("", "(none)", "(not set)")),
    ("Cross-network", lambda v: "cross-network" in v.campaign),
    ("Paid Shopping", lambda v: v.paid and v.shopping),
    ("Paid Search", lambda v: v.paid and v.category == "search"),
    ("Paid Social", lambda v: v.paid and v.category == "social"),
    ("Paid Video", lambda v: v.paid and v.category == "video"),
    ("Display", lambda v: v.medium in _DISPLAY),
    ("Paid Other", lambda v: v.paid),
    ("AI Assistant", lambda v: v.medium == "ai-assistant" or v.category == "ai"),
    ("Organic Shopping", lambda v: v.shopping),
    ("Organic Social", lambda v: v.category == "social" or v.medium in _SOCIAL),
    ("Organic Video", lambda v: v.category == "video" or "video" in v.medium),
    ("Organic Search", lambda v: v.category == "search" or v.medium == "organic"),
    ("Email", lambda v: v.medium in _EMAIL or v.source in _EMAIL),
    ("Affiliates", lambda v: v.medium in ("affiliate", "affiliates")),
    ("Referral", lambda v: v.medium in ("referral", "app", "link")),
    ("Audio", lambda v: v.medium == "audio"),
    ("SMS", lambda v: v.medium == "sms" or v.source == "sms"),
    ("Mobile Push Notifications", _is_push),
)
"""The first that applies names the channel. AI Assistant stands before the organic channels, so that an
assistant that tags its links with a source alone is still seen."""

UNASSIGNED = "Unassigned"
"""A tagged visit that no rule takes."""

PAID = frozenset(name for name, _ in RULES if name.startswith("Paid")) | {
    "Cross-network",
    "Display",
    "Affiliates",
}
"""Channels whose visits somebody pays for, by the click or by the call."""


@lru_cache(4096)
def channel_of(source: str | None, medium: str | None, campaign: str | None = None) -> str:
    """The channel's name: of RULES, or UNASSIGNED. Case is ignored; nothing known at all is Direct."""
    source = (source or "").lower()
    medium = (medium or "").lower()
    site = named_site(source)
    visit = _Visit(source, medium, (campaign or "").lower(), site and site.category, is_paid_medium(medium))
    for name, applies in RULES:
        if applies(visit):
            return name
    return UNASSIGNED
