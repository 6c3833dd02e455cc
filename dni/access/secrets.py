"""Secrets that all hosts of one installation share; kept in the ledger, made at first use."""

import secrets

from sqlalchemy import select

from dni.ledger import schema
from dni.ledger.engines import Ledger


async def shared_secret(ledger: Ledger, name: str) -> bytes:
    """32 bytes, the same on every host from the first call on."""
    wanted = select(schema.secret.c.value).where(schema.secret.c.name == name)
    async with ledger.read() as connection:
        known = (await connection.execute(wanted)).scalar_one_or_none()
    if known is not None:
        return bytes(known)
    async with ledger.write() as connection:
        made = ledger.insert(schema.secret).values(name=name, value=secrets.token_bytes(32))
        await connection.execute(made.on_conflict_do_nothing())
        return bytes((await connection.execute(wanted)).scalar_one())
