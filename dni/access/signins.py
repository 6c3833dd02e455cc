"""One-time sign-in codes for the dashboard: issued on the terminal, redeemed once by a browser."""

import secrets

from sqlalchemy import delete, insert

from dni.access.tokens import digest
from dni.ledger.engines import Ledger
from dni.ledger.schema import signin

VALID_MS = 15 * 60 * 1000


async def issue(ledger: Ledger, now_ms: int) -> str:
    """A new code of 32 characters, valid for 15 minutes. Codes that have run out are forgotten."""
    code = secrets.token_urlsafe(24)
    async with ledger.write() as connection:
        await connection.execute(delete(signin).where(signin.c.expires_at_ms <= now_ms))
        await connection.execute(insert(signin).values(digest=digest(code), expires_at_ms=now_ms + VALID_MS))
    return code


async def redeem(ledger: Ledger, now_ms: int, code: str) -> bool:
    """Whether the code is good. It never is again: of two who redeem it at once, one succeeds."""
    if len(code) > 64 or not code.isascii():
        return False
    valid = signin.c.digest == digest(code), signin.c.expires_at_ms > now_ms
    async with ledger.write() as connection:
        return bool((await connection.execute(delete(signin).where(*valid))).rowcount)
