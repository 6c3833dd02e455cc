"""Pools: the list, one with its tags and numbers, and its forms. Numbers come by the page: a pool may have 100,000."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response

from dni.access.model import Principal
from dni.catalog.model import Use
from dni.dashboard import pool_numbers
from dni.dashboard.desk import Desk, Desks, Noun, done
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Choice, Field, Sheet
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.parts import Parts
from dni.pool import numbers, pools
from dni.pool.numbers import NumberFilter
from dni.pool.pools import PoolBrief
from dni.tag import tags

_LIMIT = 50
_NUMBERS = 100
# 100,000 numbers with blanks and parentheses, as a browser writes them.
_FORM_LIMIT = 8 * 1024 * 1024

_NAME = Field(name="name", label="Name", help="For your own lists; visitors never see it.")
_HOLD = Field(
    name="hold_seconds",
    label="Keep a number after the visitor left",
    kind="number",
    unit="seconds",
    default="120",
    help="0 to 3600. Longer credits late calls better and needs more numbers. It matters only when the pool is nearly "
    "full: else every number rests as long as it can.",
)
_SHARED = Field(
    name="shared",
    label="Shared by all publishers of the campaign",
    kind="checkbox",
    help="Otherwise the pool belongs to the publisher of the first tag that uses it.",
)
_REGION_RULE = Field(
    name="region_rule",
    label="When no number of the visitor's region is free",
    kind="select",
    default="prefer",
    choices=(
        Choice("prefer", "Show any other number of the pool"),
        Choice("strict", "Leave the number that the page has"),
    ),
    help="Only for pools whose numbers have regions.",
)
_NUMBERS_HELP = (
    "One a line, written as you like: +14155550100 or (415) 555-0100. A state or country behind a number keeps it for "
    "visitors from there: +14155550100 US-CA."
)


def _numbers(label: str, told: str, *, some: bool = False) -> Field:
    return Field(name="numbers", label=label, kind="numbers", help=told, placeholder="+14155550100", some=some)


class Row(msgspec.Struct, frozen=True):
    pool: PoolBrief
    tags: list[RowMapping]


class Pools:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages, (pool_numbers.ADD, pool_numbers.RETIRE))
        self._desks = Desks(
            parts,
            pages,
            Noun(
                noun="pool",
                here="pools",
                path="/pools",
                home=("/pools", "Pools"),
                new=self._new,
                edit=self._edit,
                one=self._view,
                name=lambda view: str(view.name),
                takes=(
                    "Its numbers are retired: no page shows them any more. Calls to them still ring at the campaign's "
                    "phone and stay in your reports.",
                    "This works only when no tag uses the pool.",
                ),
                intro=(
                    "A pool holds the tracking numbers that visitors are shown in turn. It belongs to the campaign of "
                    "the first tag that uses it.",
                ),
                limit=_FORM_LIMIT,
            ),
        )

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/pools", self.list),
            *self._desks.addresses(),
            Address("/pools/{id}", self.one),
            Address("/pools/{id}/add", self.ask_more, self.add, "write", _FORM_LIMIT),
            Address("/pools/{id}/retire", self.ask_fewer, self.retire, "write", _FORM_LIMIT),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor, owners = request.query_params.get("cursor"), await owners_of(self._parts, reader.principal)
        async with self._parts.ledger.read() as connection:
            found, after = await pools.briefs(connection, reader.principal, _LIMIT, cursor)
            uses = await tags.uses(connection)
        rows = [Row(each, _users(uses, each.id, reader.principal)) for each in found]
        return self._pages.render(
            "pools.html",
            reader=reader,
            rows=rows,
            owners=owners,
            cursor=cursor,
            older=after,
            done=done(request, "Pool"),
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        wanted, cursor = id_of(request, "pool"), request.query_params.get("cursor")
        owners = await owners_of(self._parts, reader.principal)
        async with self._parts.ledger.read() as connection:
            pool = await pools.brief(connection, reader.principal, wanted)
            by_region, retired = await pools.tally(connection, wanted)
            only = NumberFilter(pool=wanted)
            found, after = await numbers.page(connection, reader.principal, _NUMBERS, cursor, only)
            uses = await tags.uses(connection)
        return self._pages.render(
            "pool.html",
            reader=reader,
            pool=pool,
            tags=_users(uses, wanted, reader.principal),
            owners=owners,
            regions=_sorted(by_region),
            retired=retired,
            numbers=found,
            cursor=cursor,
            older=after,
            done=done(request, "Pool"),
        )

    async def ask_more(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, self._more(await self._view(request, reader)))

    async def add(self, request: Request, reader: Reader, sent: Form) -> Response:
        pool = await self._view(request, reader)
        return await self._desk.send(
            request, reader, self._more(pool), sent, lambda _: f"/pools/{pool.id}?done=changed", wanted=pool.id
        )

    async def ask_fewer(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, self._fewer(await self._view(request, reader)))

    async def retire(self, request: Request, reader: Reader, sent: Form) -> Response:
        pool = await self._view(request, reader)
        return await self._desk.send(
            request, reader, self._fewer(pool), sent, lambda _: f"/pools/{pool.id}?done=changed", wanted=pool.id
        )

    def _more(self, pool: PoolBrief) -> Sheet:
        return Sheet(
            operation=pool_numbers.ADD.name,
            here="pools",
            title=f"Add numbers to {pool.name}",
            button="Add them",
            action=f"/pools/{pool.id}/add",
            back=(f"/pools/{pool.id}", pool.name),
            fields=(_numbers("New numbers", f"{_NUMBERS_HELP} One that is there takes the new region.", some=True),),
        )

    def _fewer(self, pool: PoolBrief) -> Sheet:
        return Sheet(
            operation=pool_numbers.RETIRE.name,
            here="pools",
            title=f"Retire numbers of {pool.name}",
            button="Retire them",
            action=f"/pools/{pool.id}/retire",
            back=(f"/pools/{pool.id}", pool.name),
            fields=(_numbers("Numbers to retire", "One a line.", some=True),),
            notes=(
                "No new visitor is shown a retired number. Calls to it still ring at the campaign's phone and stay in "
                "your reports, so keep it at the carrier for some weeks.",
            ),
            takes_away=True,
        )

    async def _new(self, _reader: Reader) -> Sequence[Field]:
        return _NAME, _numbers("Numbers", _NUMBERS_HELP), _HOLD, _REGION_RULE, _SHARED

    async def _edit(self, _reader: Reader, _pool: PoolBrief) -> Sequence[Field]:
        return _NAME, _HOLD, _REGION_RULE, _SHARED

    async def _view(self, request: Request, reader: Reader) -> PoolBrief:
        async with self._parts.ledger.read() as connection:
            return await pools.brief(connection, reader.principal, id_of(request, "pool"))


def _users(uses: Sequence[tuple[RowMapping, list[Use]]], pool: str, principal: Principal) -> list[RowMapping]:
    """The reader's tags that lease from the pool: themselves, by a rule, or once their draft is published."""
    return [
        row
        for row, given in uses
        if any(use.pool == pool for use in given)
        and principal.campaign in (None, row["campaign_id"])
        and principal.publisher in (None, row["publisher_id"])
    ]


def _sorted(by_region: Mapping[str | None, int]) -> list[tuple[str, int]]:
    named = sorted((region, many) for region, many in by_region.items() if region)
    return [*named, *(("anywhere", many) for region, many in by_region.items() if region is None)]
