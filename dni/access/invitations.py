"""Storage of invitations: one-time codes that let choose an account's password. Only their digests are kept."""

import secrets

from sqlalchemy import RowMapping, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access.tokens import digest
from dni.ledger.schema import account, invitation

VALID_MS = 7 * 86_400_000
PATH = "/invitation"
"""The page that takes a code, as its parameter `code`."""


async def issue(connection: AsyncConnection, now_ms: int, account_id: str) -> str:
    """A new code of 32 characters, in place of earlier ones of the account."""
    code = secrets.token_urlsafe(24)
    await drop(connection, account_id)
    values = {"digest": digest(code), "account_id": account_id, "expires_at_ms": now_ms + VALID_MS}
    await connection.execute(insert(invitation).values(values))
    return code


async def invited(connection: AsyncConnection, now_ms: int, code: str) -> RowMapping | None:
    """The row of the live account that this code invites. It may be asked again."""
    if len(code) > 64 or not code.isascii():
        return None
    good = invitation.c.digest == digest(code), invitation.c.expires_at_ms > now_ms
    query = select(account).join(invitation, invitation.c.account_id == account.c.id)
    return (await connection.execute(query.where(*good, account.c.disabled_at_ms.is_(None)))).mappings().first()


async def redeem(connection: AsyncConnection, now_ms: int, code: str) -> bool:
    """Whether the code is good. It never is again: of two who redeem it at once, one succeeds."""
    good = invitation.c.digest == digest(code), invitation.c.expires_at_ms > now_ms
    return bool((await connection.execute(delete(invitation).where(*good))).rowcount)


async def drop(connection: AsyncConnection, account_id: str) -> None:
    await connection.execute(delete(invitation).where(invitation.c.account_id == account_id))


async def forget(connection: AsyncConnection, now_ms: int) -> None:
    """Those that have run out."""
    await connection.execute(delete(invitation).where(invitation.c.expires_at_ms <= now_ms))
