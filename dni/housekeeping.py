"""What the service does for itself, in a process of its own that the parent starts: nobody waits for it."""

import asyncio
from collections.abc import Awaitable, Callable

from dni.call.keep_touches import keep_touches
from dni.host.duties import Duty, keep
from dni.outbound.alerts import keep_alerts
from dni.outbound.nightly import ask_nightly
from dni.parts import Parts
from dni.pool.count_use import keep_use
from dni.privacy.forget import forget_daily
from dni.report.seal import keep_columns
from dni.settings import Settings

_CHORES: tuple[Callable[[Parts, asyncio.Event], Awaitable[None]], ...] = (
    keep_touches,
    keep_columns,
    keep_use,
    forget_daily,
    ask_nightly,
    keep_alerts,
)


async def keep_house(settings: Settings, stop: asyncio.Event) -> None:
    """All of it, until `stop`; what fails begins again by itself."""
    parts = Parts(settings)
    await parts.open()

    def of(chore: Callable[[Parts, asyncio.Event], Awaitable[None]]) -> Duty:
        return lambda _settings, stop: chore(parts, stop)

    try:
        await asyncio.gather(*(keep(chore.__name__, of(chore), settings, stop) for chore in _CHORES))
    finally:
        await parts.close()
