"""Work for a process of its own; what it sees goes to a file in the data folder."""

import asyncio
import os

from dni.errors import Unavailable
from dni.settings import Settings
from tests.host.tiny import note


async def echo(settings: Settings, question: bytes) -> bytes:
    note(settings, os.getpid(), os.getpriority(os.PRIO_PROCESS, 0), settings.port)
    return question


async def refuse(_settings: Settings, _question: bytes) -> bytes:
    raise Unavailable("not today", code="ledger_busy")


async def die(_settings: Settings, _question: bytes) -> bytes:
    os._exit(7)


async def wait(settings: Settings, _question: bytes) -> bytes:
    note(settings, os.getpid())
    await asyncio.Event().wait()
    return b""
