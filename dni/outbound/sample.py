"""A message to try an endpoint with: of a chosen call, of the newest one that it would be told of, or a made-up one."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from dni.errors import InvalidField
from dni.ids import new_id
from dni.ledger.engines import Ledger
from dni.ledger.schema import call
from dni.outbound import example, told_of_call
from dni.outbound.kinds import KINDS
from dni.outbound.model import Action, Endpoint, Message, Outgoing

MADE_UP = example.message("test").subject
"""What a message names that is of no real call."""


async def of_call(ledger: Ledger, now_ms: int, endpoint: Endpoint, wanted: str | None) -> Outgoing:
    """As if it happened now. `wanted` None: the newest call. Raises InvalidField at /call for one that is not there, or
    is another campaign's or publisher's than the endpoint's."""
    async with ledger.read() as connection:
        found = await connection.run_sync(_data, endpoint, wanted)
    subject, data = found or (MADE_UP, example.data("test"))
    told = Message(seq=0, id=new_id("msg", now_ms), type="test", at_ms=now_ms, subject=subject, data=data)
    action: Action = "convert" if KINDS[endpoint.kind].converts else "tell"
    return Outgoing(delivery=new_id("dlv", now_ms), message=told, action=action)


def _data(connection: Connection, endpoint: Endpoint, wanted: str | None) -> tuple[str, dict[str, Any]] | None:
    chosen = _newest(connection, endpoint) if wanted is None else [wanted]
    for row in told_of_call.calls(connection, chosen).values():
        if endpoint.campaign in (None, row["campaign_id"]) and endpoint.publisher in (None, row["publisher_id"]):
            said = msgspec.json.encode({**told_of_call.told(connection, [row])[row["id"]], "change": None})
            return row["id"], msgspec.json.decode(said)
    if wanted is not None:
        raise InvalidField("/call", "there is no such call among those that it is told of")
    return None


def _newest(connection: Connection, endpoint: Endpoint) -> Collection[str]:
    query = select(call.c.id).order_by(call.c.started_at_ms.desc(), call.c.id.desc()).limit(1)
    for column, owner in ((call.c.campaign_id, endpoint.campaign), (call.c.publisher_id, endpoint.publisher)):
        if owner is not None:
            query = query.where(column == owner)
    return connection.execute(query).scalars().all()
