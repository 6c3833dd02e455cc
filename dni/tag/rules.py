"""A tag's rules: how a visit came, and which pool or number a target of its page gets. Pure; the first that matches
wins."""

from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dni.catalog.model import Tag, When
from dni.session import touch as touches
from dni.session.channels import channel_of
from dni.session.model import Touch
from dni.tag.origins import hosts

Consent = Literal["granted", "denied", "unknown"]


class Choice(msgspec.Struct, frozen=True, gc=False):
    """One of: a pool (with an overflow number, if the rule has one), a static number, or the page's own, with why."""

    pool: str | None = None
    overflow: str | None = None
    number: str | None = None
    original: str | None = None


def touch_of(tag: Tag, url: str, referrer: str | None, consent: Consent) -> Touch:
    """How a visit came, by its address and referrer, and by the first touch rule of the tag that matches these. The
    tag's own sites do not refer."""
    own = hosts(tag.origins) + tag.linked_domains
    touch = touches.read(url, referrer, frozenset(tag.params), own)
    for rule in tag.touch_rules:
        if _matches(rule.when, touch, consent):
            told = {name: value for name, value in msgspec.structs.asdict(rule.touch).items() if value is not None}
            changed = msgspec.structs.replace(touch, **told)
            if rule.touch.channel is None:
                channel = channel_of(changed.source, changed.medium, changed.campaign_name)
                changed = msgspec.structs.replace(changed, channel=channel)
            return changed
    return touch


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
