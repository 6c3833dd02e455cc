"""Numbers: those bound to a source and those that pools lease, found by their digits, with the forms of the first."""

import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from dni.dashboard.desk import Desks, Noun, done
from dni.dashboard.door import Reader, id_of
from dni.dashboard.fields import named
from dni.dashboard.forms import Field
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.words import number as said
from dni.errors import Conflict
from dni.parts import Parts
from dni.pool import numbers, pools
from dni.pool.numbers import NumberFilter, NumberView

_LIMIT = 100
_POOLS = 500
_KINDS: dict[str, str] = {"": "All", "static": "Static", "pooled": "In pools"}
_ASKED = ("kind", "campaign", "publisher", "pool", "q")
_LONGEST = 64

_LABELS = (
    Field(
        name="source",
        label="Source",
        empty="null",
        placeholder="billboard",
        help="What its calls are counted under, as your reports call it.",
        legend="What brings its calls",
    ),
    Field(name="medium", label="Medium", empty="null", placeholder="outdoor"),
    Field(name="campaign_name", label="Ad campaign", empty="null", placeholder="spring"),
    Field(name="keyword", label="Keyword", empty="null"),
)


class Numbers:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desks = Desks(
            parts,
            pages,
            Noun(
                noun="number",
                called="static number",
                here="numbers",
                path="/numbers",
                home=("/numbers", "Numbers"),
                new=self._new,
                edit=self._edit,
                one=self._view,
                name=lambda view: said(view.number),
                away="retire",
                takes=(
                    "No page shows it any more. Calls to it still ring at the campaign's phone and stay in your "
                    "reports, so keep it at the carrier for some weeks.",
                ),
                intro=(
                    "A static number stands for one source: a billboard, a letter, a directory. Numbers that visitors "
                    "are shown in turn are added to a pool instead.",
                ),
            ),
        )

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/numbers", self.list),
            *self._desks.addresses(),
            Address("/numbers/{id}", self.one),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor, asked = request.query_params.get("cursor"), _asked(request)
        owners = await owners_of(self._parts, reader.principal)
        async with self._parts.ledger.read() as connection:
            found, after = await numbers.page(connection, reader.principal, _LIMIT, cursor, _filter(asked))
            known = {each.id: each.name for each in (await pools.briefs(connection, reader.principal, _POOLS))[0]}
        return self._pages.render(
            "numbers.html",
            reader=reader,
            numbers=found,
            owners=owners,
            pools=known,
            asked=asked,
            kinds=[(label, _address({**asked, "kind": kind}), asked["kind"] == kind) for kind, label in _KINDS.items()],
            query=urlencode({name: value for name, value in asked.items() if value}),
            cursor=cursor,
            older=after,
            done=done(request, "Number"),
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        view = await self._view(request, reader)
        owners = await owners_of(self._parts, reader.principal)
        pool = None
        if view.pool:
            async with self._parts.ledger.read() as connection:
                pool = await pools.brief(connection, reader.principal, view.pool)
        return self._pages.render(
            "number.html", reader=reader, view=view, pool=pool, owners=owners, done=done(request, "Number")
        )

    async def _new(self, reader: Reader) -> Sequence[Field]:
        owners = await owners_of(self._parts, reader.principal)
        only = next(iter(owners.campaigns)) if len(owners.campaigns) == 1 else ""
        return (
            Field(
                name="number",
                label="Number",
                kind="phone",
                help="As you rented it from your carrier.",
                placeholder="+1 415 555 0100",
            ),
            Field(
                name="campaign",
                label="Campaign",
                kind="select",
                choices=named(owners.campaigns),
                default=only,
                help="Its calls go to the campaign's phone."
                if owners.campaigns
                else "There is none: create one first.",
            ),
            *_publisher(owners.publishers),
            *_LABELS,
        )

    async def _edit(self, reader: Reader, view: NumberView) -> Sequence[Field]:
        if view.pool:
            raise Conflict(
                "this number is in a pool: only a static number has a source to change", code="number_pooled"
            )
        owners = await owners_of(self._parts, reader.principal)
        return *_publisher(owners.publishers, view.publisher), *_LABELS

    async def _view(self, request: Request, reader: Reader) -> NumberView:
        async with self._parts.ledger.read() as connection:
            return await numbers.one(connection, reader.principal, id_of(request, "number"))


def _publisher(publishers: dict[str, str], present: str | None = None) -> tuple[Field, ...]:
    """No field where there is nobody to choose."""
    choices = named(publishers, present)
    told = "Who brings these callers, if it is not you."
    field = Field(name="publisher", label="Publisher", kind="select", empty="null", choices=choices, help=told)
    return (field,) if choices else ()


def _asked(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "").strip()[:_LONGEST] for name in _ASKED}


def _filter(asked: dict[str, str]) -> NumberFilter:
    kind: Literal["static", "pooled"] | None = None
    if asked["kind"] in ("static", "pooled"):
        kind = "static" if asked["kind"] == "static" else "pooled"
    # An id that holds what none does finds nothing, and PostgreSQL takes no NUL.
    ids = {name: re.sub(r"[^\w-]", "?", asked[name]) or None for name in ("pool", "campaign", "publisher")}
    return NumberFilter(kind=kind, digits=re.sub(r"[^0-9]", "", asked["q"]) or None, **ids)


def _address(asked: dict[str, str]) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/numbers?{query}" if query else "/numbers"
