"""What the admin API does with people: accounts, their invitations, and the log of who did what."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import accounts, audit, invite
from dni.access.accounts import AccountChange, AccountView, NewAccount
from dni.access.audit import AuditFilter, AuditView
from dni.api.model import Ask, ListQuery, Operation
from dni.api.query import AuditQuery, span_ms


async def _accounts(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await accounts.page(connection, ask.query.limit, ask.query.cursor)


async def _account(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await accounts.one(connection, ask.id)


async def _as_it_is(connection: AsyncConnection, ask: Ask) -> Any:
    return await accounts.one(connection, ask.id)


async def _create(connection: AsyncConnection, ask: Ask) -> Any:
    return await invite.create(connection, ask.now_ms, ask.body, ask.base_url)


async def _change(connection: AsyncConnection, ask: Ask) -> Any:
    await invite.change(connection, ask.now_ms, ask.id, ask.body)
    return await accounts.one(connection, ask.id)


async def _reset(connection: AsyncConnection, ask: Ask) -> Any:
    return await invite.reset(connection, ask.now_ms, ask.id, ask.base_url)


async def _delete(connection: AsyncConnection, ask: Ask) -> None:
    await invite.delete(connection, ask.id)


async def _audit(ask: Ask) -> Any:
    query: AuditQuery = ask.query
    from_ms, to_ms = span_ms(query)
    only = AuditFilter(object=query.object, by=query.by, act=query.act, from_ms=from_ms, to_ms=to_ms)
    async with ask.ledger.read() as connection:
        return await audit.page(connection, only, query.limit, query.cursor)


OPERATIONS = (
    Operation(
        method="GET",
        path="/accounts",
        name="list_accounts",
        summary="List accounts, newest first",
        room="accounts",
        access="administer",
        run=_accounts,
        answer=AccountView,
        query=ListQuery,
        is_list=True,
    ),
    Operation(
        method="POST",
        path="/accounts",
        name="create_account",
        summary="Create an account; the link that lets its holder choose a password is told in this answer only",
        room="accounts",
        access="administer",
        run=_create,
        answer=AccountView,
        status=201,
        body=NewAccount,
        configures=False,
        secret="invitation",  # noqa: S106
    ),
    Operation(
        method="GET",
        path="/accounts/{id}",
        name="get_account",
        summary="One account",
        room="accounts",
        access="administer",
        run=_account,
        answer=AccountView,
    ),
    Operation(
        method="PATCH",
        path="/accounts/{id}",
        name="change_account",
        summary="Change an account: what is left out stays; disabled ends all its sign-ins",
        room="accounts",
        access="administer",
        run=_change,
        answer=AccountView,
        body=AccountChange,
        configures=False,
        before=_as_it_is,
    ),
    Operation(
        method="POST",
        path="/accounts/{id}/reset",
        name="reset_account",
        summary="A new link that lets choose a password; the present password and all sign-ins end",
        room="accounts",
        access="administer",
        run=_reset,
        answer=AccountView,
        configures=False,
        secret="invitation",  # noqa: S106
    ),
    Operation(
        method="DELETE",
        path="/accounts/{id}",
        name="delete_account",
        summary="Delete an account: its e-mail address and name are forgotten, its id stays with what it did",
        room="accounts",
        access="administer",
        run=_delete,
        status=204,
        configures=False,
    ),
    Operation(
        method="GET",
        path="/audit",
        name="list_audit",
        summary="Who did what, newest first: every change by the API, the pages and the command line, and sign-ins",
        room="audit",
        access="administer",
        run=_audit,
        answer=AuditView,
        query=AuditQuery,
        is_list=True,
    ),
)
