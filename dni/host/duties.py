"""Background duties of the parent (recorder, …): each runs as long as the service, again when it fails."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from dni.settings import Settings

logger = logging.getLogger("dni.host")

Duty = Callable[[Settings, asyncio.Event], Awaitable[None]]
"""Given the settings (Redis address resolved) and the event that asks to finish. Returns when done."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 30.0
_HEALTHY_AFTER_S = 60.0


async def keep(name: str, duty: Duty, settings: Settings, stop: asyncio.Event) -> None:
    """Runs a duty until it returns or `stop` is set. A failure is logged and retried, later each time."""
    pause_s = _FIRST_PAUSE_S
    while not stop.is_set():
        began = time.monotonic()
        try:
            await duty(settings, stop)
            return
        except Exception:
            if time.monotonic() - began > _HEALTHY_AFTER_S:
                pause_s = _FIRST_PAUSE_S
            logger.exception("duty %s failed; it starts again in %.1f s", name, pause_s)
        try:
            async with asyncio.timeout(pause_s):
                await stop.wait()
        except TimeoutError:
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
