"""The table of everything that the admin API does. Routes, OpenAPI and the tests of the walls are made from it."""

from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import tokens
from dni.access.tokens import NewToken, TokenView
from dni.api import (
    of_access,
    of_calls,
    of_conversions,
    of_outbound,
    of_payout,
    of_privacy,
    of_routing,
    of_tags,
    of_terms,
    of_what_if,
)
from dni.api.model import Access, Ask, ListQuery, Operation, Query
from dni.api.of_outbound import WebhookView
from dni.api.query import (
    BudgetQuery,
    DestinationQuery,
    GoogleAdsQuery,
    NumberQuery,
    ReportQuery,
    SessionQuery,
    TagQuery,
    span_ms,
)
from dni.api.report_file import report_csv
from dni.campaign import campaigns, declare, publishers, withdraw
from dni.campaign.campaigns import CampaignChange, CampaignView, NewCampaign
from dni.campaign.model import timezone
from dni.campaign.publishers import NewPublisher, PublisherChange, PublisherView
from dni.outbound import conversions, endpoints, google_ads
from dni.outbound import declare as outbound
from dni.outbound.endpoints import EndpointView
from dni.outbound.entered import IntegrationChange, NewIntegration, NewWebhook, WebhookChange
from dni.outbound.google_ads import Conversion, Wish
from dni.pool import numbers, pools
from dni.pool.numbers import NewNumber, NumberChange, NumberFilter, NumberView
from dni.pool.pools import NewPool, PoolChange, PoolView
from dni.qualification import limits
from dni.qualification.limits import BudgetChange, BudgetFilter, BudgetView, NewBudget
from dni.report.attribution import attribution
from dni.report.model import ReportFilter, ReportRow, dimensions
from dni.routing import destinations
from dni.routing.destinations import DestinationChange, DestinationFilter, DestinationView, NewDestination
from dni.session import search as session_search
from dni.session.search import SessionFilter, SessionView
from dni.tag import tags
from dni.tag.model import NewTag, TagChange
from dni.tag.tags import TagFilter, TagView
from dni.telephony import carriers
from dni.telephony.carriers import CarrierChange, CarrierView, NewCarrier, RefusalView
from dni.web.body import JSON_LIMIT

PREFIX = "/api/v1"

_REPORT_MS = 30 * 86_400_000
# 100,000 numbers with quotes and a comma, and room for blanks and other ways to write them.
_POOL_LIMIT = 4 * 1024 * 1024

One = Callable[[AsyncConnection, Ask, str], Awaitable[Any]]
Page = Callable[[AsyncConnection, Ask], Awaitable[tuple[list[Any], str | None]]]


class _Noun(msgspec.Struct, frozen=True, kw_only=True):
    """A collection that people write. `created` says how the answer to POST differs from reading it; `reading` and
    `writing`: who may. `check`: what of a body only the service can tell."""

    noun: str
    view: Any
    new: Any
    change: Any
    declare: Callable[..., Awaitable[Any]]
    rewrite: Callable[..., Awaitable[None]] | None
    withdraw: Callable[..., Awaitable[None]]
    one: One
    page: Page
    created: str
    withdrawn: str
    query: type[Query] = ListQuery
    check: Callable[[Ask], None] = lambda _ask: None
    reading: Access = "read"
    writing: Access = "write"
    configures: bool = True
    body_limit: int = JSON_LIMIT
    secret: str | None = None


def _operations(noun: _Noun) -> list[Operation]:
    name, room = noun.noun, f"{noun.noun}s"

    async def read_page(ask: Ask) -> Any:
        async with ask.ledger.read() as connection:
            return await noun.page(connection, ask)

    async def read_one(ask: Ask) -> Any:
        async with ask.ledger.read() as connection:
            return await noun.one(connection, ask, ask.id)

    async def read_here(connection: AsyncConnection, ask: Ask) -> Any:
        return await noun.one(connection, ask, ask.id)

    async def create(connection: AsyncConnection, ask: Ask) -> Any:
        noun.check(ask)
        made = await noun.declare(connection, ask.now_ms, ask.body)
        return await noun.one(connection, ask, made) if isinstance(made, str) else made

    async def change(connection: AsyncConnection, ask: Ask) -> Any:
        assert noun.rewrite is not None
        noun.check(ask)
        await noun.rewrite(connection, ask.now_ms, ask.id, ask.body)
        return await noun.one(connection, ask, ask.id)

    async def delete(connection: AsyncConnection, ask: Ask) -> None:
        await noun.withdraw(connection, ask.now_ms, ask.id)

    written: dict[str, Any] = {"room": room, "access": noun.writing, "configures": noun.configures}
    found: dict[str, Any] = {"room": room, "access": noun.reading, "answer": noun.view}
    operations = [
        Operation(
            method="GET",
            path=f"/{room}",
            name=f"list_{room}",
            summary=f"List {room}, newest first",
            run=read_page,
            query=noun.query,
            is_list=True,
            **found,
        ),
        Operation(
            method="POST",
            path=f"/{room}",
            name=f"create_{name}",
            summary=noun.created,
            run=create,
            answer=noun.view,
            status=201,
            body=noun.new,
            body_limit=noun.body_limit,
            secret=noun.secret,
            **written,
        ),
        Operation(
            method="GET",
            path=f"/{room}/{{id}}",
            name=f"get_{name}",
            summary=f"One {name}",
            run=read_one,
            **found,
        ),
        Operation(
            method="DELETE",
            path=f"/{room}/{{id}}",
            name=f"delete_{name}",
            summary=noun.withdrawn,
            run=delete,
            status=204,
            before=read_here,
            **written,
        ),
    ]
    if noun.rewrite is not None:
        operations.append(
            Operation(
                method="PATCH",
                path=f"/{room}/{{id}}",
                name=f"change_{name}",
                summary=f"Change a {name}: what is left out stays",
                run=change,
                answer=noun.view,
                body=noun.change,
                body_limit=noun.body_limit,
                before=read_here,
                **written,
            )
        )
    return operations


_NOUNS = (
    _Noun(
        noun="campaign",
        view=CampaignView,
        new=NewCampaign,
        change=CampaignChange,
        declare=declare.campaign,
        rewrite=declare.change_campaign,
        withdraw=withdraw.campaign,
        one=lambda c, ask, wanted: campaigns.one(c, ask.principal, wanted),
        page=lambda c, ask: campaigns.page(c, ask.principal, ask.query.limit, ask.query.cursor),
        created="Create a campaign",
        withdrawn="Delete a campaign that no tag, pool or number belongs to",
    ),
    _Noun(
        noun="destination",
        view=DestinationView,
        new=NewDestination,
        change=DestinationChange,
        declare=declare.destination,
        rewrite=declare.change_destination,
        withdraw=withdraw.destination,
        one=lambda c, ask, wanted: destinations.one(c, ask.principal, wanted),
        page=lambda c, ask: destinations.page(
            c, ask.principal, ask.query.limit, ask.query.cursor, DestinationFilter(campaign=ask.query.campaign)
        ),
        created="Create a destination that a campaign's routing may send calls to",
        withdrawn="Delete a destination that no routing names",
        query=DestinationQuery,
    ),
    _Noun(
        noun="budget",
        view=BudgetView,
        new=NewBudget,
        change=BudgetChange,
        declare=declare.budget,
        rewrite=declare.change_budget,
        withdraw=withdraw.budget,
        one=lambda c, ask, wanted: limits.one(c, ask.principal, wanted, ask.now_ms),
        page=lambda c, ask: limits.page(
            c,
            ask.principal,
            ask.now_ms,
            ask.query.limit,
            ask.query.cursor,
            BudgetFilter(campaign=ask.query.campaign, publisher=ask.query.publisher),
        ),
        created="Create a budget: what a campaign, a publisher in it or a destination may use of calls and money",
        withdrawn="Delete a budget: what calls took of it is kept",
        query=BudgetQuery,
    ),
    _Noun(
        noun="publisher",
        view=PublisherView,
        new=NewPublisher,
        change=PublisherChange,
        declare=declare.publisher,
        rewrite=declare.change_publisher,
        withdraw=withdraw.publisher,
        one=lambda c, ask, wanted: publishers.one(c, ask.principal, wanted),
        page=lambda c, ask: publishers.page(c, ask.principal, ask.query.limit, ask.query.cursor),
        created="Create a publisher",
        withdrawn="Delete a publisher that no tag, pool or number belongs to",
    ),
    _Noun(
        noun="pool",
        view=PoolView,
        new=NewPool,
        change=PoolChange,
        declare=declare.pool,
        rewrite=declare.change_pool,
        withdraw=withdraw.pool,
        one=lambda c, ask, wanted: pools.one(c, ask.principal, wanted),
        page=lambda c, ask: pools.page(c, ask.principal, ask.query.limit, ask.query.cursor),
        created="Create a pool; it belongs to the campaign and publisher of its first tag",
        withdrawn="Delete a pool that no tag uses, and retire its numbers",
        body_limit=_POOL_LIMIT,
    ),
    _Noun(
        noun="number",
        view=NumberView,
        new=NewNumber,
        change=NumberChange,
        declare=declare.number,
        rewrite=declare.change_number,
        withdraw=withdraw.number,
        one=lambda c, ask, wanted: numbers.one(c, ask.principal, wanted),
        page=lambda c, ask: numbers.page(c, ask.principal, ask.query.limit, ask.query.cursor, _number_filter(ask)),
        created="Create a static number; pooled ones are created with their pool",
        withdrawn="Retire a number: it stops being shown and still rings",
        query=NumberQuery,
    ),
    _Noun(
        noun="tag",
        view=TagView,
        new=NewTag,
        change=TagChange,
        declare=declare.tag,
        rewrite=declare.change_tag,
        withdraw=withdraw.tag,
        one=lambda c, ask, wanted: tags.one(c, ask.principal, ask.base_url, wanted),
        page=lambda c, ask: tags.page(
            c,
            ask.principal,
            ask.base_url,
            ask.query.limit,
            ask.query.cursor,
            TagFilter(campaign=ask.query.campaign, publisher=ask.query.publisher),
        ),
        created="Place a campaign with a publisher; its pools become theirs",
        withdrawn="Delete a tag: pages that hold its snippet keep their own numbers",
        query=TagQuery,
    ),
    _Noun(
        noun="carrier",
        view=CarrierView,
        new=NewCarrier,
        change=CarrierChange,
        declare=declare.carrier,
        rewrite=declare.change_carrier,
        withdraw=withdraw.carrier,
        one=lambda c, ask, wanted: carriers.one(c, ask.base_url, wanted),
        page=lambda c, ask: carriers.page(c, ask.base_url, ask.query.limit, ask.query.cursor),
        created="Create a carrier account; enter its addresses at the carrier",
        withdrawn="Delete a carrier account: its calls are refused from now on",
        reading="administer",
        writing="administer",
    ),
    _Noun(
        noun="token",
        view=TokenView,
        new=NewToken,
        change=None,
        declare=declare.token,
        rewrite=None,
        withdraw=withdraw.token,
        one=lambda c, ask, wanted: tokens.one(c, wanted),
        page=lambda c, ask: tokens.page(c, ask.query.limit, ask.query.cursor),
        created="Create an API token; its text is told in this answer only",
        withdrawn="Revoke a token: it stops at once",
        reading="administer",
        writing="administer",
        configures=False,
        secret="token",  # noqa: S106
    ),
    _Noun(
        noun="webhook",
        view=WebhookView,
        new=NewWebhook,
        change=WebhookChange,
        declare=of_outbound.new_webhook,
        rewrite=outbound.change_webhook,
        withdraw=lambda c, now_ms, wanted: endpoints.delete(c, now_ms, wanted, outbound.WEBHOOKS),
        one=lambda c, ask, wanted: of_outbound.webhook(c, wanted),
        page=lambda c, ask: of_outbound.webhooks(c, ask.query.limit, ask.query.cursor),
        created="Create a webhook; its secret is told in this answer only",
        withdrawn="Delete a webhook: what waits for it is not sent, what was sent stays to be read",
        check=of_outbound.check_addresses,
        reading="connect",
        writing="connect",
        configures=False,
        secret="secret",  # noqa: S106
    ),
    _Noun(
        noun="integration",
        view=EndpointView,
        new=NewIntegration,
        change=IntegrationChange,
        declare=outbound.new_integration,
        rewrite=outbound.change_integration,
        withdraw=lambda c, now_ms, wanted: endpoints.delete(c, now_ms, wanted, outbound.INTEGRATIONS),
        one=lambda c, ask, wanted: endpoints.one(c, wanted, outbound.INTEGRATIONS),
        page=lambda c, ask: endpoints.page(c, ask.query.limit, ask.query.cursor, outbound.INTEGRATIONS),
        created="Create an integration of some kind: a postback, an ad platform, a CRM, files",
        withdrawn="Delete an integration: what waits for it is not sent, what was sent stays to be read",
        check=of_outbound.check_addresses,
        reading="connect",
        writing="connect",
        configures=False,
    ),
)


def _number_filter(ask: Ask) -> NumberFilter:
    return NumberFilter(kind=ask.query.kind, pool=ask.query.pool, campaign=ask.query.campaign)


async def _refusals(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await carriers.refusals(connection, ask.id, ask.query.limit, ask.query.cursor)


async def _sessions(ask: Ask) -> Any:
    query: SessionQuery = ask.query
    from_ms, to_ms = span_ms(query)
    shared = {name: getattr(query, name) for name in SessionFilter.__struct_fields__ if not name.endswith("_ms")}
    only = SessionFilter(from_ms=from_ms, to_ms=to_ms, **shared)
    return await session_search.list_sessions(ask.ledger, ask.principal, only, query.limit, query.cursor)


async def _session(ask: Ask) -> Any:
    return await session_search.one_session(ask.ledger, ask.principal, ask.id)


async def _attribution(ask: Ask) -> Any:
    query: ReportQuery = ask.query
    from_ms, to_ms = span_ms(query)
    to_ms = ask.now_ms if to_ms is None else to_ms
    from_ms = to_ms - _REPORT_MS if from_ms is None else from_ms
    shared = {name: getattr(query, name) for name in ReportFilter.__struct_fields__ if not name.endswith("_ms")}
    only = ReportFilter(from_ms=from_ms, to_ms=to_ms, **shared)
    names = dimensions(query.group_by)
    return await attribution(ask.ledger, ask.principal, only, names, query.model, query.limit), None


def _wish(query: GoogleAdsQuery) -> Wish:
    from_ms, to_ms = span_ms(query)
    shared = {name: getattr(query, name) for name in Wish.__struct_fields__ if not name.endswith("_ms")}
    return Wish(from_ms=from_ms, to_ms=to_ms, **shared)


async def _google_ads(ask: Ask) -> Any:
    timezone(ask.query.timezone)
    return await conversions.google_ads(ask.ledger, ask.principal, _wish(ask.query), ask.query.limit, ask.query.cursor)


def _google_ads_csv(query: GoogleAdsQuery, found: list[Conversion]) -> str:
    return google_ads.csv_of(_wish(query), ZoneInfo(query.timezone), found)


OPERATIONS: tuple[Operation, ...] = (
    *(operation for noun in _NOUNS for operation in _operations(noun)),
    *of_tags.OPERATIONS,
    *of_routing.OPERATIONS,
    *of_terms.OPERATIONS,
    *of_what_if.OPERATIONS,
    *of_calls.OPERATIONS,
    *of_conversions.OPERATIONS,
    *of_payout.OPERATIONS,
    *of_privacy.OPERATIONS,
    *of_access.OPERATIONS,
    *of_outbound.OPERATIONS,
    Operation(
        method="GET",
        path="/carriers/{id}/refusals",
        name="list_refusals",
        summary="Requests turned away at a carrier's door, newest first, with the reason",
        room="carriers",
        access="administer",
        run=_refusals,
        answer=RefusalView,
        query=ListQuery,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/reports/attribution",
        name="report_attribution",
        summary="Sessions and calls by what brought them, under a credit model",
        room="reports",
        run=_attribution,
        answer=ReportRow,
        query=ReportQuery,
        is_list=True,
        csv=report_csv,
    ),
    Operation(
        method="GET",
        path="/exports/google-ads",
        name="export_google_ads",
        summary="Calls that Google Ads may be told of as conversions, newest first; as CSV the file that it takes",
        room="exports",
        run=_google_ads,
        answer=Conversion,
        query=GoogleAdsQuery,
        is_list=True,
        csv=_google_ads_csv,
    ),
    Operation(
        method="GET",
        path="/sessions",
        name="list_sessions",
        summary="List sessions, newest first, each with the numbers it was shown",
        room="sessions",
        run=_sessions,
        answer=SessionView,
        query=SessionQuery,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/sessions/{id}",
        name="get_session",
        summary="One session",
        room="sessions",
        run=_session,
        answer=SessionView,
    ),
)
