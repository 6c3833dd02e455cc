"""What the admin API does with money after the verdict: corrections, disputes, balances, statements."""

from typing import Annotated, Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.api.model import Ask, ListQuery, Operation, Query
from dni.payout import balances, close, corrections, disputes, statements
from dni.payout.balances import BalanceView, BilledView
from dni.payout.close import NewStatement
from dni.payout.corrections import Correct, CorrectionView
from dni.payout.disputes import Decision, DisputeFilter, DisputeView, NewDispute, SideName, State
from dni.payout.statements import PreviewView, StatementFilter, StatementLine, StatementView, WholeStatement

Day = Annotated[str, msgspec.Meta(examples=["2026-12-01"])]


class DisputeQuery(ListQuery, kw_only=True):
    state: State | None = None
    side: SideName | None = None
    call: str | None = None
    campaign: str | None = None
    publisher: str | None = None


class BalanceQuery(Query, kw_only=True):
    publisher: str | None = None


class StatementQuery(ListQuery, kw_only=True):
    publisher: str | None = None
    currency: str | None = None


class PreviewQuery(Query, kw_only=True):
    """As the body of `POST /statements`."""

    publisher: str
    currency: str | None = None
    from_: Day | None = msgspec.field(default=None, name="from")
    to: Day | None = None
    month: Annotated[str, msgspec.Meta(examples=["2026-11"])] | None = None
    timezone: str | None = None


async def _correct(connection: AsyncConnection, ask: Ask) -> CorrectionView:
    return await corrections.correct(connection, ask.principal, ask.now_ms, ask.id, ask.body)


async def _corrections(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await corrections.of_call(connection, ask.principal, ask.id), None


async def _open(connection: AsyncConnection, ask: Ask) -> DisputeView:
    made = await disputes.open_one(ask.ledger, connection, ask.principal, ask.now_ms, ask.body)
    return await disputes.one(connection, ask.principal, made)


async def _withdraw(connection: AsyncConnection, ask: Ask) -> DisputeView:
    await disputes.withdraw(connection, ask.principal, ask.now_ms, ask.id)
    return await disputes.one(connection, ask.principal, ask.id)


async def _decide(connection: AsyncConnection, ask: Ask) -> DisputeView:
    await disputes.decide(connection, ask.principal, ask.now_ms, ask.id, ask.body)
    return await disputes.one(connection, ask.principal, ask.id)


async def _disputes(ask: Ask) -> Any:
    query: DisputeQuery = ask.query
    only = DisputeFilter(**{name: getattr(query, name) for name in DisputeFilter.__struct_fields__})
    async with ask.ledger.read() as connection:
        return await disputes.page(connection, ask.principal, query.limit, query.cursor, only)


async def _dispute(ask: Ask) -> DisputeView:
    async with ask.ledger.read() as connection:
        return await disputes.one(connection, ask.principal, ask.id)


async def _balances(ask: Ask) -> Any:
    # What is open is a difference: both terms are of one moment.
    async with ask.ledger.snapshot() as connection:
        return await balances.of_publishers(connection, ask.principal, ask.query.publisher), None


async def _billed(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await balances.of_campaigns(connection, ask.principal), None


async def _close(connection: AsyncConnection, ask: Ask) -> WholeStatement:
    made = await close.close(connection, ask.principal, ask.now_ms, ask.body)
    return await statements.one(connection, ask.principal, made)


async def _preview(ask: Ask) -> PreviewView:
    query: PreviewQuery = ask.query
    wish = NewStatement(**{name: getattr(query, name) for name in NewStatement.__struct_fields__})
    async with ask.ledger.snapshot() as connection:
        return await close.preview(connection, ask.now_ms, wish)


async def _statements(ask: Ask) -> Any:
    query: StatementQuery = ask.query
    only = StatementFilter(publisher=query.publisher, currency=query.currency)
    async with ask.ledger.read() as connection:
        return await statements.page(connection, ask.principal, query.limit, query.cursor, only)


async def _statement(ask: Ask) -> WholeStatement:
    async with ask.ledger.read() as connection:
        return await statements.one(connection, ask.principal, ask.id)


async def _lines(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await statements.lines(connection, ask.principal, ask.id, ask.query.limit, ask.query.cursor)


OPERATIONS = (
    Operation(
        method="POST",
        path="/calls/{id}/correction",
        name="correct_call",
        summary="Put amounts in the place of what the terms say of a call. The same again changes nothing",
        room="calls",
        access="write",
        run=_correct,
        body=Correct,
        answer=CorrectionView,
        configures=False,
        settles=True,
    ),
    Operation(
        method="GET",
        path="/calls/{id}/corrections",
        name="list_corrections",
        summary="What was put in the place of what the terms say of a call, the latest first",
        room="calls",
        run=_corrections,
        answer=CorrectionView,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/disputes",
        name="list_disputes",
        summary="List disputes, newest first",
        room="disputes",
        run=_disputes,
        answer=DisputeView,
        query=DisputeQuery,
        is_list=True,
    ),
    Operation(
        method="POST",
        path="/disputes",
        name="open_dispute",
        summary="Dispute what a call pays, as its publisher, or what it is billed, as its advertiser",
        room="disputes",
        access="dispute",
        run=_open,
        body=NewDispute,
        answer=DisputeView,
        status=201,
        configures=False,
    ),
    Operation(
        method="GET",
        path="/disputes/{id}",
        name="get_dispute",
        summary="One dispute",
        room="disputes",
        run=_dispute,
        answer=DisputeView,
    ),
    Operation(
        method="POST",
        path="/disputes/{id}/withdraw",
        name="withdraw_dispute",
        summary="Take back a dispute that you opened",
        room="disputes",
        access="dispute",
        run=_withdraw,
        answer=DisputeView,
        configures=False,
    ),
    Operation(
        method="POST",
        path="/disputes/{id}/decide",
        name="decide_dispute",
        summary="Grant a dispute, with the amount that the call pays from now on, or deny it",
        room="disputes",
        access="write",
        run=_decide,
        body=Decision,
        answer=DisputeView,
        configures=False,
        settles=True,
    ),
    Operation(
        method="GET",
        path="/balances",
        name="list_balances",
        summary="What each publisher earned, what of it is on statements, and what is open",
        room="balances",
        run=_balances,
        answer=BalanceView,
        query=BalanceQuery,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/balances/campaigns",
        name="list_billed",
        summary="What each campaign's advertiser was billed",
        room="balances",
        run=_billed,
        answer=BilledView,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/statements/preview",
        name="preview_statement",
        summary="The statement that would be closed",
        room="statements",
        access="write",
        run=_preview,
        answer=PreviewView,
        query=PreviewQuery,
    ),
    Operation(
        method="GET",
        path="/statements",
        name="list_statements",
        summary="List statements, the one that was closed last first",
        room="statements",
        run=_statements,
        answer=StatementView,
        query=StatementQuery,
        is_list=True,
    ),
    Operation(
        method="POST",
        path="/statements",
        name="close_statement",
        summary="Close a publisher's period: all that it earned before its end and is on no statement yet",
        room="statements",
        access="write",
        run=_close,
        body=NewStatement,
        answer=WholeStatement,
        status=201,
        configures=False,
    ),
    Operation(
        method="GET",
        path="/statements/{id}",
        name="get_statement",
        summary="One statement, with its sums by campaign",
        room="statements",
        run=_statement,
        answer=WholeStatement,
    ),
    Operation(
        method="GET",
        path="/statements/{id}/lines",
        name="list_statement_lines",
        summary="What a statement is made of, what was posted last first",
        room="statements",
        run=_lines,
        answer=StatementLine,
        query=ListQuery,
        is_list=True,
    ),
)
