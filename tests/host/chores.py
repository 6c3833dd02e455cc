"""Duties for a process of their own; what they see goes to a file in the data folder."""

import asyncio
import os

from dni.settings import Settings
from tests.host.tiny import note


async def wait(settings: Settings, stop: asyncio.Event) -> None:
    note(settings, "began", os.getpid(), os.getpriority(os.PRIO_PROCESS, 0), settings.port)
    await stop.wait()
    note(settings, "finished")


async def die(_settings: Settings, _stop: asyncio.Event) -> None:
    os._exit(7)


async def fail_once(settings: Settings, stop: asyncio.Event) -> None:
    if not (settings.data_dir / "events").exists():
        note(settings, "failed", os.getpid())
        raise LookupError("lost")
    await wait(settings, stop)
