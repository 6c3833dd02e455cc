"""Where forgetting meets the reports: what they count of the past must not change because rows grow old.

Both functions stand here alone, so that there is one place to say how figures are kept.
"""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection


async def kept_until(_connection: AsyncConnection) -> int | None:
    """Sessions that began before then (ms) are in copies that reports count, so their rows may go. None: all are."""
    return None


async def changed(_connection: AsyncConnection, _table: str, _started_at_ms: Collection[int]) -> None:
    """Rows of `session` or `call` that began at these moments (ms) went or changed because a person was erased."""
