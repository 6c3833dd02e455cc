"""A tag's rules: which pool or number a target of a page gets. Pure; the first rule that matches wins."""

from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dni.catalog.model import Tag, When
from dni.session.model import Touch

Consent = Literal["granted", "denied", "unknown"]


class Choice(msgspec.Struct, frozen=True, gc=False):
    """One of: a pool (with an overflow number, if the rule has one), a static number, or the page's own, with why."""

    pool: str | None = None
    overflow: str | None = None
    number: str | None = None
    original: str | None = None


def choose(tag: Tag, touch: Touch, consent: Consent) -> Choice:
    """The first rule that matches; without one the tag's own pool."""
    for rule in tag.rules:
        if _matches(rule.when, touch, consent):
            return Choice(rule.use.pool, rule.use.overflow, rule.use.number, "rule" if rule.use.original else None)
    return Choice(tag.pool, original=None if tag.pool else "no_pool")


def _matches(when: When, touch: Touch, consent: Consent) -> bool:
    if when.consent is not None and when.consent != consent:
        return False
    for name in ("source", "medium", "channel", "campaign_name", "keyword", "content"):
        wanted: str | None = getattr(when, name)
        if wanted is not None and wanted.casefold() != (getattr(touch, name) or "").casefold():
            return False
    if when.referrer is not None and not _host_matches(when.referrer, touch.referrer):
        return False
    landing = urlsplit(touch.landing_page or "")
    if when.path is not None and not fnmatchcase(landing.path or "/", when.path):
        return False
    if when.param:
        told = {**touch.click_ids, **touch.params, **_utm(touch)}
        return all(told.get(name) == value for name, value in when.param.items())
    return True


def _host_matches(pattern: str, referrer: str | None) -> bool:
    """`*.yelp.com` stands for yelp.com too: who writes it means the site."""
    host = urlsplit(referrer or "").hostname or ""
    return fnmatchcase(host, pattern.lower()) or (pattern.startswith("*.") and host == pattern[2:].lower())


def _utm(touch: Touch) -> dict[str, str]:
    pairs = {
        "utm_source": touch.source,
        "utm_medium": touch.medium,
        "utm_campaign": touch.campaign_name,
        "utm_term": touch.keyword,
        "utm_content": touch.content,
    }
    return {name: value for name, value in pairs.items() if value is not None}
