"""What writes: one transaction, once for its key, and a row of the audit log. The API's door and the dashboard's forms
end here."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import acts, audit
from dni.access.acts import Told
from dni.access.model import Principal
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
            earlier = await idempotency.begin(ask.ledger, connection, who, key, request, ask.now_ms)
            if earlier is not None:
                return earlier
        before = await operation.before(connection, ask) if operation.before else None
        value = await operation.run(connection, ask)
        about = ask.id or getattr(value, "id", None)
        told = acts.told(ask.body, before, value, whole=operation.whole)
        await audit.note(connection, ask.now_ms, ask.principal, operation.name, about, told)
        if key is not None:
            answer = msgspec.structs.replace(value, **{operation.secret: None}) if operation.secret else value
            stored = Stored(operation.status, msgspec.json.encode(answer))
            await idempotency.finish(connection, who, key, stored)
    if operation.settles:
        await settle_since(parts, ask.now_ms)
    return value


class Act(msgspec.Struct):
    """What a page does by more than one operation. It says `object_id` and `told` when it knows them, and `nothing`
    when there was nothing to do."""

    object_id: str | None = None
    told: list[Told] = []
    nothing: bool = False


@asynccontextmanager
async def acting(
    parts: Parts, principal: Principal, name: str, object_id: str | None = None
) -> AsyncIterator[tuple[AsyncConnection, Act]]:
    """Lends the transaction of a change of configuration, and notes it under the `name` of the API's operation."""
    async with changing(parts) as connection:
        act = Act(object_id)
        yield connection, act
        if not act.nothing:
            await audit.note(connection, parts.clock.now_ms(), principal, name, act.object_id, act.told)
