"""The catalog: campaigns, publishers, pools, tags, numbers and carriers, as values. Pure."""

from typing import Any, Literal

import msgspec


class Campaign(msgspec.Struct, frozen=True):
    id: str
    name: str
    destination: str
    timezone: str
    currency: str


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


class Tag(msgspec.Struct, frozen=True):
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
    """Everything by id; tags also by key; numbers by E.164, where a live number hides a retired one."""

    revision: int
    campaigns: dict[str, Campaign]
    publishers: dict[str, Publisher]
    pools: dict[str, Pool]
    tags: dict[str, Tag]
    tags_by_key: dict[str, Tag]
    numbers: dict[str, Number]
    carriers: dict[str, Carrier]

    def campaign_of(self, number: Number) -> Campaign | None:
        """The campaign that a call to this number belongs to."""
        pool = self.pools.get(number.pool) if number.pool else None
        owner = pool.campaign if pool else number.campaign
        return self.campaigns.get(owner) if owner else None


def empty() -> Catalog:
    return Catalog(0, {}, {}, {}, {}, {}, {}, {})


def rules(raw: list[Any]) -> tuple[Rule, ...]:
    """Rules as the ledger keeps them. Raises msgspec.ValidationError, with the place, for what is no rule."""
    return msgspec.convert(raw, tuple[Rule, ...])
