"""Storage of sign-ins: one row a browser that somebody signed in with. The row's id is in its sealed cookie."""

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access.model import Principal
from dni.errors import NotFound
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import account, signed_in, token

_KEPT_MS = 30 * 86_400_000


class SignInView(msgspec.Struct):
    """`browser` as people call it, such as Firefox on Linux."""

    id: str
    browser: str
    since: Instant
    ends_at: Instant


async def begin(connection: AsyncConnection, now_ms: int, principal: str, browser: str, until_ms: int) -> str:
    """The id of a new one."""
    made = "sgn_" + secrets.token_urlsafe(18)
    values = {"id": made, "principal_id": principal, "browser": browser, "created_at_ms": now_ms}
    await connection.execute(insert(signed_in).values(**values, expires_at_ms=until_ms))
    return made


async def holder(connection: AsyncConnection, now_ms: int, wanted: str, admin: Principal) -> Principal | None:
    """Who signed in with it, as he stands now; None when it ended, or his account or token did. One query.

    `admin`: whom the id of no row stands for."""
    of_token = token.c.id == signed_in.c.principal_id, token.c.revoked_at_ms.is_(None)
    of_account = account.c.id == signed_in.c.principal_id, account.c.disabled_at_ms.is_(None)
    names = ("id", "name", "role", "campaign_id", "publisher_id")
    columns = [table.c[name].label(f"{table.name}_{name}") for table in (token, account) for name in names]
    query = (
        select(signed_in.c.principal_id, account.c.callers.label("account_callers"), *columns)
        .outerjoin(token, of_token[0] & of_token[1])
        .outerjoin(account, of_account[0] & of_account[1])
        .where(signed_in.c.id == wanted, *_live(now_ms))
    )
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    return admin if row["principal_id"] == admin.id else _principal(row)


async def live(connection: AsyncConnection, now_ms: int, principal: str) -> list[SignInView]:
    """Those of one principal, the newest first."""
    query = select(signed_in).where(signed_in.c.principal_id == principal, *_live(now_ms))
    found = (await connection.execute(query.order_by(signed_in.c.created_at_ms.desc(), signed_in.c.id))).mappings()
    return [
        SignInView(row["id"], row["browser"], instant(row["created_at_ms"]) or "", instant(row["expires_at_ms"]) or "")
        for row in found
    ]


async def end(connection: AsyncConnection, now_ms: int, principal: str, wanted: str) -> None:
    """One of the principal's own. Raises NotFound."""
    own = signed_in.c.id == wanted, signed_in.c.principal_id == principal, *_live(now_ms)
    if not (await connection.execute(update(signed_in).where(*own).values(ended_at_ms=now_ms))).rowcount:
        raise NotFound("this sign-in is over already, or is not yours")


async def end_all(connection: AsyncConnection, now_ms: int, principal: str, *, but: str | None = None) -> int:
    """How many ended; `but`: the one that stays."""
    own = [signed_in.c.principal_id == principal, *_live(now_ms)]
    if but is not None:
        own.append(signed_in.c.id != but)
    return (await connection.execute(update(signed_in).where(*own).values(ended_at_ms=now_ms))).rowcount


async def forget_all(connection: AsyncConnection, principal: str) -> None:
    await connection.execute(delete(signed_in).where(signed_in.c.principal_id == principal))


async def forget(connection: AsyncConnection, now_ms: int) -> None:
    """Those that ended a month ago."""
    before = now_ms - _KEPT_MS
    old = or_(signed_in.c.expires_at_ms < before, signed_in.c.ended_at_ms < before)
    await connection.execute(delete(signed_in).where(old))


def _live(now_ms: int) -> tuple[ColumnElement[bool], ...]:
    return signed_in.c.ended_at_ms.is_(None), signed_in.c.expires_at_ms > now_ms


def _principal(row: Mapping[Any, Any]) -> Principal | None:
    for kind in ("account", "token"):
        if row[f"{kind}_id"] is not None:
            owners = row[f"{kind}_campaign_id"], row[f"{kind}_publisher_id"]
            callers = kind == "account" and bool(row["account_callers"])
            return Principal(row[f"{kind}_id"], row[f"{kind}_name"], row[f"{kind}_role"], *owners, callers=callers)
    return None
