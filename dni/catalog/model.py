"""The catalog: campaigns, publishers, pools, tags, numbers and carriers, as values. Pure."""

from hmac import compare_digest
from typing import Any, Literal

import msgspec

from dni.routing.model import Caps, Routing


class Campaign(msgspec.Struct, frozen=True):
    id: str
    name: str
    destination: str
    timezone: str
    currency: str
    routing: Routing = Routing()
    advertiser: str | None = None


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """`timezone` None: the campaign's. `hours` None: always."""

    id: str
    campaign: str
    name: str
    number: str
    timezone: str | None = None
    hours: str | None = None
    caps: Caps = Caps()
    paused: bool = False


class Budget(msgspec.Struct, frozen=True):
    """Whose it is: the campaign's, a publisher's in it, or a destination's. What it says is the ledger's to tell."""

    id: str
    publisher: str | None
    destination: str | None


class Publisher(msgspec.Struct, frozen=True):
    id: str
    name: str


class Pool(msgspec.Struct, frozen=True):
    """`campaign` is None until the pool's first tag claims it. `regions`: those that any of its numbers is of."""

    id: str
    name: str
    campaign: str | None
    publisher: str | None
    shared: bool
    hold_ms: int
    strict: bool = False
    regions: frozenset[str] = frozenset()


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Conditions of a rule; all that are given must hold. `referrer` (host) and `path` may hold `*`."""

    source: str | None = None
    medium: str | None = None
    channel: str | None = None
    campaign_name: str | None = None
    keyword: str | None = None
    content: str | None = None
    referrer: str | None = None
    path: str | None = None
    param: dict[str, str] | None = None
    consent: Literal["granted", "denied", "unknown"] | None = None


class Use(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a rule gives: exactly one of `pool` (with an optional `overflow` number), `number` or `original`."""

    pool: str | None = None
    overflow: str | None = None
    number: str | None = None
    original: bool = False


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    when: When
    use: Use


class Came(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a touch rule says of how a visit came. Without a channel, source and medium give it."""

    source: str | None = None
    medium: str | None = None
    campaign_name: str | None = None
    keyword: str | None = None
    content: str | None = None
    channel: str | None = None


class TouchRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    when: When
    touch: Came


class Selector(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every element that the CSS selector finds shows the number of `target`, whatever it says now."""

    selector: str
    target: str


class Options(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a tag works on its pages.

    attributes       where targets are swapped beside text and links
    linked_domains   hosts to which links carry visitor and session
    consent_default  before the page says otherwise
    consent_unknown  ask for nothing, or go on without storage
    first_party      the service is on a host of the page's own site: its cookie knows the visitor
    after_load       nothing is swapped before the page's `load`
    touch_rules      the first that matches says how a visit came, whatever its address says
    """

    attributes: tuple[str, ...] = ()
    selectors: tuple[Selector, ...] = ()
    linked_domains: tuple[str, ...] = ()
    consent_default: Literal["granted", "unknown", "denied"] = "granted"
    consent_unknown: Literal["wait", "no_storage"] = "no_storage"
    first_party: bool = False
    after_load: bool = False
    touch_rules: tuple[TouchRule, ...] = ()


class Tag(Options, frozen=True, kw_only=True):
    id: str
    key: str
    name: str
    campaign: str
    publisher: str | None
    pool: str | None
    origins: tuple[str, ...]
    targets: tuple[str, ...]
    rules: tuple[Rule, ...]
    params: tuple[str, ...]

    def changed(self, change: dict[str, Any]) -> "Tag":
        """With some fields as a request writes them."""
        return msgspec.convert({**msgspec.to_builtins(self), **change}, Tag)


class Draft(msgspec.Struct, frozen=True):
    """A tag as it will be when its draft is published; whoever knows the token may look at it now."""

    token: str
    tag: Tag


class Number(msgspec.Struct, frozen=True):
    """A tracking number: pooled when `pool` is set, else static. Retired ones stay, because they still ring."""

    id: str
    number: str
    pool: str | None
    campaign: str | None
    publisher: str | None
    source: str | None
    medium: str | None
    campaign_name: str | None
    keyword: str | None
    live: bool
    region: str | None = None


class Carrier(msgspec.Struct, frozen=True):
    id: str
    kind: str
    name: str
    account_sid: str
    auth_token: str
    default_destination: str | None


class Catalog(msgspec.Struct, frozen=True):
    """Everything by id; tags also by key; numbers by E.164, where a live number hides a retired one.

    `judged`: campaigns with terms or budgets, which look at each call that ends. `budgets` by their campaigns' ids,
    `drafts` by their tags'. `pinned`: (tag's id, version) of every script that was handed out by its version.
    """

    revision: int
    campaigns: dict[str, Campaign]
    publishers: dict[str, Publisher]
    pools: dict[str, Pool]
    tags: dict[str, Tag]
    tags_by_key: dict[str, Tag]
    numbers: dict[str, Number]
    carriers: dict[str, Carrier]
    drafts: dict[str, Draft] = {}
    pinned: frozenset[tuple[str, str]] = frozenset()
    destinations: dict[str, Destination] = {}
    budgets: dict[str, tuple[Budget, ...]] = {}
    judged: frozenset[str] = frozenset()

    def draft(self, tag: Tag, token: str) -> Tag | None:
        """The tag as its draft has it, for who knows the token of that draft."""
        found = self.drafts.get(tag.id)
        same = found and compare_digest(found.token.encode(), token.encode(errors="replace"))
        return found.tag if found and same else None

    def campaign_of(self, number: Number) -> Campaign | None:
        """The campaign that a call to this number belongs to."""
        pool = self.pools.get(number.pool) if number.pool else None
        owner = pool.campaign if pool else number.campaign
        return self.campaigns.get(owner) if owner else None


def empty() -> Catalog:
    return Catalog(0, {}, {}, {}, {}, {}, {}, {})
