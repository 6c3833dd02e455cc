"""Storage of how often a password was tried for an e-mail address, over all processes and addresses that ask.

Addresses that no account has are counted too: what is refused must not tell which exist.
"""

from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.errors import TooManyTries
from dni.ledger.engines import Ledger
from dni.ledger.schema import sign_in_try

MOST = 10
WINDOW_MS = 15 * 60_000


async def take(ledger: Ledger, connection: AsyncConnection, now_ms: int, email: str) -> None:
    """Takes one of the ten tries of a quarter of an hour, before the password is looked at: many who try at once have
    ten together. Raises TooManyTries; the quarter of an hour does not begin anew by that."""
    await connection.execute(delete(sign_in_try).where(sign_in_try.c.since_ms <= now_ms - WINDOW_MS))
    made = ledger.insert(sign_in_try).values(digest=_digest(email), since_ms=now_ms, tries=1)
    again = made.on_conflict_do_update(
        index_elements=["digest"], set_={"tries": sign_in_try.c.tries + 1}, where=sign_in_try.c.tries < MOST
    )
    if (await connection.execute(again)).rowcount:
        return
    since = select(sign_in_try.c.since_ms).where(sign_in_try.c.digest == _digest(email))
    left_ms = (await connection.execute(since)).scalar_one() + WINDOW_MS - now_ms
    raise TooManyTries("too many wrong passwords for this e-mail address", retry_after_s=max(1, -(-left_ms // 1000)))


async def forgive(connection: AsyncConnection, email: str) -> None:
    """The right password came, or another one was chosen."""
    await connection.execute(delete(sign_in_try).where(sign_in_try.c.digest == _digest(email)))


def _digest(email: str) -> bytes:
    return sha256(email.strip().lower().encode("utf-8", "surrogatepass")).digest()
