"""Storage of the versions of terms. A row applies to calls that begin from a moment on, until the next one does; what a
call's terms are is fixed by when it began and whose it is. Rows are only added."""

from collections.abc import Sequence
from copy import copy
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import force_setattr, replace
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Text,
    bindparam,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids
from dni.access import walls
from dni.access.model import Principal
from dni.campaign.model import Id
from dni.clock import rfc3339
from dni.errors import FieldError, InvalidField
from dni.ledger import rows, schema
from dni.ledger.rows import Instant
from dni.ledger.schema import terms
from dni.qualification.judge import asked, look_back_ms
from dni.qualification.model import Dedupe, Policy, Side, Terms
from dni.qualification.shown import hidden


class Version(msgspec.Struct, frozen=True):
    """Terms that are read once: `words` are those that any condition speaks of, `looks_back_ms` how long before a call
    the earlier one matters; 0: none does."""

    id: str
    terms: Terms
    words: frozenset[str]
    looks_back_ms: int

    @property
    def dedupe(self) -> Dedupe:
        """How an earlier call is looked for, which conditions may ask though no call is a duplicate."""
        return self.terms.dedupe or Dedupe()


class TermsGiven(Terms, frozen=True, kw_only=True):
    """Terms within a request: a fault's place is told as it stands there."""

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except InvalidField as error:
            inner = [FieldError(f"/terms{one.path}", one.message) for one in error.errors]
            raise InvalidField(inner[0].path, inner[0].message, *inner[1:], code=error.code) from None


class NewTerms(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`publisher`: they are in place of the campaign's for its calls. `from`: for calls that begin from then on;
    without it, from now on."""

    terms: TermsGiven
    publisher: Id | None = None
    from_: Instant | None = msgspec.field(default=None, name="from")


class TermsView(msgspec.Struct, kw_only=True):
    """A version. `from`: calls that begin from then on. `publisher`: it is in place of the campaign's, for its calls;
    null: it is the campaign's own. `terms` null: from then on there are none, or of a publisher those of the campaign.
    A publisher sees the payout alone, an advertiser the revenue. All null: there are no terms."""

    id: str | None
    campaign: str
    publisher: str | None
    from_: Instant | None = msgspec.field(name="from")
    terms: Terms | None
    created_at: Instant | None
    by: str | None


async def add(
    connection: AsyncConnection,
    principal: Principal,
    now_ms: int,
    campaign: str,
    publisher: str | None,
    from_ms: int,
    settings: Terms | None,
) -> str:
    """The id of a new version. `settings` None: an end. Nobody else writes the campaign's terms meanwhile."""
    same = (terms.c.campaign_id == campaign) & _is(publisher)
    last_ms = await connection.scalar(select(func.max(terms.c.created_at_ms)).where(same, terms.c.from_ms == from_ms))
    made = ids.new_id("trm", now_ms)
    values = {
        "id": made,
        "campaign_id": campaign,
        "publisher_id": publisher,
        "from_ms": from_ms,
        "settings": None if settings is None else msgspec.to_builtins(settings),
        "looks_back_ms": 0 if settings is None else look_back_ms(settings),
        "created_at_ms": max(now_ms, (last_ms or 0) + 1),
        "by_id": principal.id,
        "by_name": principal.name,
    }
    await connection.execute(insert(terms).values(values))
    return made


async def one(connection: AsyncConnection, principal: Principal, wanted: str) -> TermsView:
    """A version by its id."""
    return _view(await rows.one(connection, select(terms).where(terms.c.id == wanted), f"terms {wanted}"), principal)


async def settings_of(connection: AsyncConnection, campaign: str, publisher: str | None, at_ms: int) -> Terms | None:
    """What the campaign itself has then, or a publisher by an override of its own."""
    row = (await connection.execute(_at(publisher), _values(campaign, publisher, at_ms))).first()
    return None if row is None or row.settings is None else msgspec.convert(row.settings, Terms)


async def present(
    connection: AsyncConnection, principal: Principal, campaign: str, publisher: str | None, at_ms: int
) -> TermsView:
    """What applies to calls that begin now: to a publisher's, its own or the campaign's. Raises NotFound for a campaign
    behind the principal's walls."""
    await _visible(connection, principal, campaign)
    row: RowMapping | None = None
    for one in (publisher, None) if publisher else (None,):
        found = (await connection.execute(_at(one), _values(campaign, one, at_ms))).mappings().first()
        row = row or (found if found is not None and found["settings"] is not None else None)
    if row is None:
        return TermsView(id=None, campaign=campaign, publisher=None, from_=None, terms=None, created_at=None, by=None)
    return _view(row, principal)


async def versions(connection: AsyncConnection, principal: Principal, campaign: str) -> list[TermsView]:
    """All of the campaign and of its publishers, the latest first; those to come too. A publisher sees no other's.

    Raises NotFound as `present` does.
    """
    await _visible(connection, principal, campaign)
    wanted = select(terms).where(terms.c.campaign_id == campaign)
    if principal.publisher:
        wanted = wanted.where(or_(terms.c.publisher_id.is_(None), terms.c.publisher_id == principal.publisher))
    found = await connection.execute(wanted.order_by(terms.c.from_ms.desc(), terms.c.created_at_ms.desc()))
    return [_view(row, principal) for row in found.mappings()]


def applying(connection: Connection, campaign: str, publisher: str | None, began_ms: int) -> Version | None:
    """The terms of a call, for good once it has begun."""
    values = _values(campaign, publisher, began_ms)
    found: Sequence[Any] = connection.execute(_APPLYING, values).all()
    by_owner = {row.publisher_id: row for row in found if row.settings is not None}
    row = by_owner.get(publisher) or by_owner.get(None)
    return None if row is None else _version(row.id, msgspec.json.encode(row.settings))


@lru_cache(512)
def _version(made: str, settings: bytes) -> Version:
    found = msgspec.json.decode(settings, type=Terms)
    return Version(made, found, asked(found), look_back_ms(found))


async def _visible(connection: AsyncConnection, principal: Principal, campaign: str) -> None:
    here = schema.campaign.c.deleted_at_ms.is_(None) & walls.campaigns(principal)
    await rows.one(
        connection, select(schema.campaign.c.id).where(here, schema.campaign.c.id == campaign), f"campaign {campaign}"
    )


def _view(row: RowMapping, principal: Principal) -> TermsView:
    return TermsView(
        id=row["id"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        from_=rfc3339(row["from_ms"]),
        terms=None if row["settings"] is None else as_seen(msgspec.convert(row["settings"], Terms), principal),
        created_at=rfc3339(row["created_at_ms"]),
        by=None if principal.publisher or principal.role == "advertiser" else row["by_name"],
    )


def as_seen(settings: Terms, principal: Principal) -> Terms:
    """Only the sides that are the principal's to know, and no telephones for who sees no callers."""
    seen: dict[str, Any] = {}
    if not principal.sees_payout:
        seen["payout"] = Side()
    if not principal.sees_revenue:
        seen["revenue"] = Side()
    if settings.dedupe is not None and not principal.sees_callers:
        seen["dedupe"] = replace(settings.dedupe, shared=())
    found = replace(settings, **seen)
    if principal.publisher:
        # The copy does not check itself: a condition without its phone numbers can be read, not parsed.
        found = copy(found)
        force_setattr(found, "payout", _without_numbers(found.payout))
    return found


def _without_numbers(side: Side) -> Side:
    def bare(policy: Policy) -> Policy:
        return replace(policy, when=hidden(policy.when))

    return replace(side, base=side.base and bare(side.base), bonuses=tuple(bare(one) for one in side.bonuses))


def _is(publisher: str | None) -> ColumnElement[bool]:
    return terms.c.publisher_id.is_(None) if publisher is None else terms.c.publisher_id == publisher


def _latest(owner: ColumnElement[bool]) -> Select[Any]:
    of = terms.c.campaign_id == bindparam("campaign", type_=Text)
    begun = terms.c.from_ms <= bindparam("at_ms", type_=BigInteger)
    wanted = select(terms).where(of, owner, begun)
    return wanted.order_by(terms.c.from_ms.desc(), terms.c.created_at_ms.desc()).limit(1)


_OWN = _latest(terms.c.publisher_id == bindparam("publisher", type_=Text))
_CAMPAIGNS = _latest(terms.c.publisher_id.is_(None))
# Made once: every settled call asks it.
_APPLYING = select(terms.c.id, terms.c.publisher_id, terms.c.settings).where(
    terms.c.id.in_(
        [
            _OWN.with_only_columns(terms.c.id).scalar_subquery(),
            _CAMPAIGNS.with_only_columns(terms.c.id).scalar_subquery(),
        ]
    )
)


def _at(publisher: str | None) -> Select[Any]:
    return _CAMPAIGNS if publisher is None else _OWN


def _values(campaign: str, publisher: str | None, at_ms: int) -> dict[str, Any]:
    return {"campaign": campaign, "publisher": publisher, "at_ms": at_ms}
