"""What Redis knows of who holds or held numbers: found, and made nobody's."""

from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from sqlalchemy import select

from dni.clock import rfc3339
from dni.errors import Unavailable
from dni.ledger.schema import pool
from dni.live.connection import RedisError
from dni.parts import Parts
from dni.pool import record
from dni.pool.leases import Forgotten
from dni.pool.record import Holder, about
from dni.privacy.model import short
from dni.privacy.traces import Traces
from dni.seal import new_session
from dni.session.model import Touch, packed, unpacked

_NEVER_MS = 2**47  # no sign comes later
_AT_ONCE = 100
_LONGEST = 18  # bytes of a session's id


async def of(parts: Parts, traces: Traces) -> list[dict[str, Any]]:
    """For people. Raises Unavailable."""
    found, is_his = [], _his(parts, traces)
    async for _, _, field, raw in _records(parts):
        if is_his(raw):
            holder = record.one(raw)
            touch = _touch(holder)
            found.append(
                {
                    "number": field.decode().partition("/")[0],
                    "now": b"/" not in field,
                    "started_at": rfc3339(holder.started_ms),
                    "last_sign_at": rfc3339(holder.sign_ms),
                    "touch": msgspec.to_builtins(touch) if touch else None,
                }
            )
    return found


async def forget(parts: Parts, traces: Traces) -> int:
    """How many records name the visitor no more. Raises Unavailable."""
    return await _forget(parts, _his(parts, traces), _NEVER_MS)


async def forget_before(parts: Parts, before_ms: int) -> int:
    """The same of all whose last sign is older."""
    return await _forget(
        parts, lambda raw: not record.is_nobodys(raw) and record.one(raw).sign_ms < before_ms, before_ms
    )


async def _forget(parts: Parts, goes: Callable[[bytes], bool], before_ms: int) -> int:
    count = 0
    waiting: list[tuple[str, str, Forgotten]] = []
    async for campaign, pool_id, field, raw in _records(parts):
        if not goes(raw):
            continue
        holder = record.one(raw)
        touch = _touch(holder)
        kept = packed(short(touch))[0] if touch else b""
        instead = new_session(holder.started_ms, 0)
        waiting.append((campaign, pool_id, Forgotten(field, holder.session, instead, about(holder.tag, kept))))
        if len(waiting) >= _AT_ONCE:
            count += await _send(parts, waiting, before_ms)
            waiting = []
    return count + await _send(parts, waiting, before_ms)


async def _send(parts: Parts, waiting: list[tuple[str, str, Forgotten]], before_ms: int) -> int:
    of_pool: dict[tuple[str, str], list[Forgotten]] = {}
    for campaign, pool_id, one in waiting:
        of_pool.setdefault((campaign, pool_id), []).append(one)
    return sum([await parts.leases.forget(*where, before_ms, some) for where, some in of_pool.items()])


async def _records(parts: Parts) -> AsyncIterator[tuple[str, str, bytes, bytes]]:
    """Campaign, pool, field and record, of deleted pools too: their late calls are still credited."""
    async with parts.ledger.read() as connection:
        wanted = select(pool.c.campaign_id, pool.c.id).where(pool.c.campaign_id.is_not(None))
        pools = (await connection.execute(wanted)).all()
    try:
        for campaign, pool_id in pools:
            async for field, raw in parts.leases.records(campaign, pool_id):
                yield campaign, pool_id, field, raw
    except RedisError as error:
        raise Unavailable("Redis does not answer as it should", code="redis_away") from error


def _his(parts: Parts, traces: Traces) -> Callable[[bytes], bool]:
    sessions, visitors = set(map(_payload, traces.sessions)), set(map(_payload, traces.visitors))

    def is_his(raw: bytes) -> bool:
        holder = record.one(raw)
        # Most records are told apart by their bytes; the MAC says whose ids these are.
        alike = holder.session in sessions or any(one.startswith(holder.visitor) for one in visitors)
        return alike and _names(parts, traces, holder)

    return is_his


def _payload(text: str) -> bytes:
    """The bytes of an id that a browser holds; of any other text, some."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))[:_LONGEST]
    except ValueError:
        return b""


def _names(parts: Parts, traces: Traces, holder: Holder) -> bool:
    return (
        parts.sealer.session(holder.tag, holder.session) in traces.sessions
        or parts.sealer.visitor(holder.tag, holder.visitor) in traces.visitors
    )


def _touch(holder: Holder) -> Touch | None:
    try:
        return unpacked(holder.touch)
    except msgspec.DecodeError:  # empty: the lease was taken back after Redis was lost
        return None
