"""An operation that writes: one transaction, once for its key. The API's door and the dashboard's forms end here."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.api import idempotency
from dni.api.idempotency import Stored
from dni.api.model import Ask, Operation
from dni.campaign.change import changing
from dni.parts import Parts
from dni.qualification.settle import settle_since


async def write(parts: Parts, operation: Operation, ask: Ask, key: str | None = None, request: bytes = b"") -> Any:
    """What the operation answers; `Stored`, what it answered before, when `key` came with this `request` already.

    `request`: `idempotency.digest`. Who may ask this was checked before.
    """
    who = ask.principal.id
    lent: AbstractAsyncContextManager[AsyncConnection]
    lent = changing(parts) if operation.configures else parts.ledger.write()
    async with lent as connection:
        if key is not None:
            before = await idempotency.begin(ask.ledger, connection, who, key, request, ask.now_ms)
            if before is not None:
                return before
        value = await operation.run(connection, ask)
        if key is not None:
            told = msgspec.structs.replace(value, **{operation.secret: None}) if operation.secret else value
            stored = Stored(operation.status, msgspec.json.encode(told))
            await idempotency.finish(connection, who, key, stored)
    if operation.settles:
        await settle_since(parts, ask.now_ms)
    return value
