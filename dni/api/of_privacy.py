"""What the admin API does for privacy: how long things are kept, what is held of one person, and its end."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.api.model import Ask, ListQuery, Operation
from dni.api.query import PersonQuery
from dni.parts import Parts
from dni.privacy import erasures, retentions
from dni.privacy.erase import erase
from dni.privacy.erasures import ErasureView
from dni.privacy.export import ExportView, export
from dni.privacy.model import Erase, RetentionChange, Who
from dni.privacy.retentions import RetentionView


async def _retention(ask: Ask) -> RetentionView:
    async with ask.ledger.read() as connection:
        return await retentions.view(connection)


async def _days(connection: AsyncConnection, _ask: Ask) -> Any:
    return await retentions.days(connection)


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


OPERATIONS = (
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
        before=_days,
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
