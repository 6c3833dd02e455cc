"""A duty aside: in its own loop and thread, told to finish, and heard when it fails."""

import asyncio
import os
import sys
import threading
from pathlib import Path

import pytest

from dni.host.aside import aside
from dni.settings import Settings

SETTINGS = Settings(data_dir=Path("unused"))


async def test_it_runs_in_a_thread_of_lower_priority_and_finishes_when_asked() -> None:
    seen: dict[str, object] = {}
    started = threading.Event()

    async def duty(settings: Settings, stop: asyncio.Event) -> None:
        seen["loop"], seen["settings"] = asyncio.get_running_loop(), settings
        seen["nice"] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        started.set()
        await stop.wait()
        seen["finished"] = True

    stop = asyncio.Event()
    running = asyncio.ensure_future(aside(duty)(SETTINGS, stop))
    assert await asyncio.to_thread(started.wait, 5)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert seen["loop"] is not asyncio.get_running_loop()
    assert seen["settings"] is SETTINGS
    assert seen["finished"]
    if sys.platform == "linux":
        assert seen["nice"] == os.getpriority(os.PRIO_PROCESS, 0) + 10


async def test_what_it_raises_reaches_whoever_runs_it() -> None:
    async def duty(_settings: Settings, _stop: asyncio.Event) -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        await asyncio.wait_for(aside(duty)(SETTINGS, asyncio.Event()), 5)


async def test_cancelling_it_ends_the_duty() -> None:
    started, ended = threading.Event(), threading.Event()

    async def duty(_settings: Settings, _stop: asyncio.Event) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    running = asyncio.ensure_future(aside(duty)(SETTINGS, asyncio.Event()))
    assert await asyncio.to_thread(started.wait, 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.to_thread(ended.wait, 5)
