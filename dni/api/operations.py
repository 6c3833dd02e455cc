"""The table of everything that the admin API does. Routes, OpenAPI and the tests of the walls are made from it."""

from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import tokens
from dni.access.tokens import NewToken, TokenView
from dni.api.model import Ask, ListQuery, Operation, Query
from dni.api.query import (
    CallQuery,
    GoogleAdsQuery,
    NumberQuery,
    PersonQuery,
    ReportQuery,
    SessionQuery,
    TagQuery,
    span_ms,
)
from dni.call import search as call_search
from dni.call.search import CallEventView, CallFilter, CallTouchView, CallView, FormerAttributionView
from dni.campaign import campaigns, declare, publishers, withdraw
from dni.campaign.campaigns import CampaignChange, CampaignView, NewCampaign
from dni.campaign.model import timezone
from dni.campaign.publishers import NewPublisher, PublisherChange, PublisherView
from dni.outbound import conversions, google_ads
from dni.outbound.google_ads import Conversion, Wish
from dni.parts import Parts
from dni.pool import numbers, pools
from dni.pool.numbers import NewNumber, NumberChange, NumberFilter, NumberView
from dni.pool.pools import NewPool, PoolChange, PoolView
from dni.privacy import erasures, retentions
from dni.privacy.erase import erase
from dni.privacy.erasures import ErasureView
from dni.privacy.export import ExportView, export
from dni.privacy.model import Erase, RetentionChange, Who
from dni.privacy.retentions import RetentionView
from dni.report.attribution import attribution
from dni.report.model import ReportFilter, ReportRow, dimensions
from dni.session import search as session_search
from dni.session.search import SessionFilter, SessionView
from dni.tag import drafts, health_reports, tags, versions
from dni.tag.drafts import DraftView
from dni.tag.health import HealthView
from dni.tag.model import NewTag, TagChange
from dni.tag.pin import PinnedView, pin
from dni.tag.tags import TagFilter, TagView
from dni.tag.versions import Rollback, VersionView
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
    """A collection that people write. `created` says how the answer to POST differs from reading it."""

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
    secret_store: bool = False
    configures: bool = True
    body_limit: int = JSON_LIMIT
    secret: str | None = None


def _operations(noun: _Noun) -> list[Operation]:
    reading = "administer" if noun.secret_store else "read"
    writing = "administer" if noun.secret_store else "write"
    name, room = noun.noun, f"{noun.noun}s"

    async def read_page(ask: Ask) -> Any:
        async with ask.ledger.read() as connection:
            return await noun.page(connection, ask)

    async def read_one(ask: Ask) -> Any:
        async with ask.ledger.read() as connection:
            return await noun.one(connection, ask, ask.id)

    async def create(connection: AsyncConnection, ask: Ask) -> Any:
        made = await noun.declare(connection, ask.now_ms, ask.body)
        return await noun.one(connection, ask, made) if isinstance(made, str) else made

    async def change(connection: AsyncConnection, ask: Ask) -> Any:
        assert noun.rewrite is not None
        await noun.rewrite(connection, ask.now_ms, ask.id, ask.body)
        return await noun.one(connection, ask, ask.id)

    async def delete(connection: AsyncConnection, ask: Ask) -> None:
        await noun.withdraw(connection, ask.now_ms, ask.id)

    written: dict[str, Any] = {"room": room, "access": writing, "configures": noun.configures}
    found: dict[str, Any] = {"room": room, "access": reading, "answer": noun.view}
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
        secret_store=True,
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
        secret_store=True,
        configures=False,
        secret="token",  # noqa: S106
    ),
)


async def _tag_versions(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await versions.of(connection, await tags.row(connection, ask.id, ask.principal)), None


async def _roll_back_tag(connection: AsyncConnection, ask: Ask) -> Any:
    await declare.roll_back_tag(connection, ask.now_ms, ask.id, ask.body)
    return await tags.one(connection, ask.principal, ask.base_url, ask.id)


async def _draft(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        await tags.row(connection, ask.id, ask.principal)
        return await drafts.one(connection, ask.id)


async def _save_draft(connection: AsyncConnection, ask: Ask) -> Any:
    await declare.draft_tag(connection, ask.now_ms, ask.id, ask.body)
    return await drafts.one(connection, ask.id)


async def _drop_draft(connection: AsyncConnection, ask: Ask) -> None:
    await tags.row(connection, ask.id, ask.principal)
    await drafts.drop(connection, ask.id)


async def _publish_tag(connection: AsyncConnection, ask: Ask) -> Any:
    await declare.publish_tag(connection, ask.now_ms, ask.id)
    return await tags.one(connection, ask.principal, ask.base_url, ask.id)


async def _pin_tag(connection: AsyncConnection, ask: Ask) -> Any:
    return await pin(connection, ask.now_ms, ask.id, ask.base_url)


async def _tag_health(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        row = await tags.row(connection, ask.id, ask.principal)
    return await health_reports.of(ask.live, ask.keys, row["campaign_id"], row["id"])


# Drafts are for those who may publish them.
_TAGS = (
    Operation(
        method="GET",
        path="/tags/{id}/health",
        name="get_tag_health",
        summary="When the tag was last seen, and how it does on each page that reported",
        room="tags",
        run=_tag_health,
        answer=HealthView,
    ),
    Operation(
        method="GET",
        path="/tags/{id}/versions",
        name="list_tag_versions",
        summary="Settings that were live, newest first; the present ones ahead",
        room="tags",
        run=_tag_versions,
        answer=VersionView,
        is_list=True,
    ),
    Operation(
        method="POST",
        path="/tags/{id}/rollback",
        name="roll_back_tag",
        summary="Make former settings live again, as a new version",
        room="tags",
        access="write",
        run=_roll_back_tag,
        body=Rollback,
        answer=TagView,
    ),
    Operation(
        method="GET",
        path="/tags/{id}/draft",
        name="get_tag_draft",
        summary="What the next settings change, and how to look at them",
        room="tags",
        access="write",
        run=_draft,
        answer=DraftView,
    ),
    Operation(
        method="PUT",
        path="/tags/{id}/draft",
        name="save_tag_draft",
        summary="Draft the next settings: what is left out stays as it is live",
        room="tags",
        access="write",
        run=_save_draft,
        body=TagChange,
        answer=DraftView,
    ),
    Operation(
        method="DELETE",
        path="/tags/{id}/draft",
        name="drop_tag_draft",
        summary="Drop the draft: its preview shows what is live",
        room="tags",
        access="write",
        run=_drop_draft,
        status=204,
    ),
    Operation(
        method="POST",
        path="/tags/{id}/publish",
        name="publish_tag",
        summary="Make the draft live; the former settings are kept as a version",
        room="tags",
        access="write",
        run=_publish_tag,
        answer=TagView,
    ),
    Operation(
        method="POST",
        path="/tags/{id}/pin",
        name="pin_tag",
        summary="A snippet for the script as it is now, which is served for ever; for subresource integrity",
        room="tags",
        access="write",
        run=_pin_tag,
        answer=PinnedView,
    ),
)


def _number_filter(ask: Ask) -> NumberFilter:
    return NumberFilter(kind=ask.query.kind, pool=ask.query.pool, campaign=ask.query.campaign)


async def _refusals(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await carriers.refusals(connection, ask.id, ask.query.limit, ask.query.cursor)


async def _calls(ask: Ask) -> Any:
    query: CallQuery = ask.query
    from_ms, to_ms = span_ms(query)
    shared = {name: getattr(query, name) for name in CallFilter.__struct_fields__ if hasattr(query, name)}
    only = CallFilter(from_ms=from_ms, to_ms=to_ms, **shared)
    return await call_search.list_calls(ask.ledger, ask.principal, only, query.limit, query.cursor)


async def _call(ask: Ask) -> Any:
    return await call_search.one_call(ask.ledger, ask.principal, ask.id)


async def _call_events(ask: Ask) -> Any:
    return await call_search.call_events(ask.ledger, ask.principal, ask.id), None


async def _former_attributions(ask: Ask) -> Any:
    return await call_search.former_attributions(ask.ledger, ask.principal, ask.id), None


async def _call_touches(ask: Ask) -> Any:
    return await call_search.call_touches(ask.ledger, ask.principal, ask.id), None


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


async def _retention(ask: Ask) -> RetentionView:
    async with ask.ledger.read() as connection:
        return await retentions.view(connection)


async def _change_retention(connection: AsyncConnection, ask: Ask) -> RetentionView:
    await retentions.change(ask.ledger, connection, ask.body)
    return await retentions.view(connection)


async def _export(parts: Parts, ask: Ask) -> ExportView:
    query: PersonQuery = ask.query
    return await export(parts, Who(visitor=query.visitor, session=query.session, caller=query.caller))


async def _erase(parts: Parts, ask: Ask) -> ErasureView:
    body: Erase = ask.body
    return await erase(parts, body.who(), ask.principal, dry_run=body.dry_run)


async def _erasures(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await erasures.page(connection, ask.query.limit, ask.query.cursor)


_PRIVACY = (
    Operation(
        method="GET",
        path="/retention",
        name="get_retention",
        summary="How long each kind of data is kept, and what the last day's run removed",
        room="retention",
        access="administer",
        run=_retention,
        answer=RetentionView,
    ),
    Operation(
        method="PATCH",
        path="/retention",
        name="change_retention",
        summary="Change how long kinds of data are kept: what is left out stays, null keeps for good",
        room="retention",
        access="administer",
        run=_change_retention,
        body=RetentionChange,
        answer=RetentionView,
        configures=False,
    ),
    Operation(
        method="GET",
        path="/privacy/export",
        name="export_person",
        summary="All that is held of one visitor or caller",
        room="privacy",
        access="administer",
        run=_export,
        answer=ExportView,
        query=PersonQuery,
        workflow=True,
    ),
    Operation(
        method="POST",
        path="/privacy/erase",
        name="erase_person",
        summary="Erase one visitor or caller everywhere; calls stay, as nobody's. It cannot be undone",
        room="privacy",
        access="administer",
        run=_erase,
        body=Erase,
        answer=ErasureView,
        workflow=True,
    ),
    Operation(
        method="GET",
        path="/privacy/erasures",
        name="list_erasures",
        summary="List erasures, newest first: when, by whom, how much, never of whom",
        room="privacy",
        access="administer",
        run=_erasures,
        answer=ErasureView,
        query=ListQuery,
        is_list=True,
    ),
)

OPERATIONS: tuple[Operation, ...] = (
    *(operation for noun in _NOUNS for operation in _operations(noun)),
    *_TAGS,
    *_PRIVACY,
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
        path="/calls",
        name="list_calls",
        summary="List calls, newest first, each with its touch and attribution",
        room="calls",
        run=_calls,
        answer=CallView,
        query=CallQuery,
        is_list=True,
    ),
    Operation(
        method="GET", path="/calls/{id}", name="get_call", summary="One call", room="calls", run=_call, answer=CallView
    ),
    Operation(
        method="GET",
        path="/calls/{id}/events",
        name="list_call_events",
        summary="What the carrier told of a call, in order",
        room="calls",
        run=_call_events,
        answer=CallEventView,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/calls/{id}/touches",
        name="list_call_touches",
        summary="How all visitors who may have called came, in every visit until the call, in order",
        room="calls",
        run=_call_touches,
        answer=CallTouchView,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/calls/{id}/attributions",
        name="list_former_attributions",
        summary="What was answered before a call was attributed anew, the latest first",
        room="calls",
        run=_former_attributions,
        answer=FormerAttributionView,
        is_list=True,
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
