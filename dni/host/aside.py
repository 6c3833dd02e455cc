"""Runs a duty aside: in a thread of lower priority with an event loop of its own.

Under load recording is to fall behind before page views and calls do (DESIGN: what degrades first). Linux knows the
priority of a thread; elsewhere the duty runs aside with the priority of all.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from functools import wraps

from dni.host.duties import Duty
from dni.settings import Settings

LOWER_BY = 10


def aside(duty: Duty) -> Duty:
    """The same duty, aside. It must make its own parts: nothing of the parent's event loop may be used in it."""

    @wraps(duty)
    async def run(settings: Settings, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        own = _Own(duty, settings)
        thread = threading.Thread(target=own.run, args=(loop, ended), name="aside", daemon=True)
        thread.start()
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((asked, ended), return_when=asyncio.FIRST_COMPLETED)
            own.finish()
            await ended
        except asyncio.CancelledError:
            own.cancel()
            raise
        finally:
            asked.cancel()

    return run


class _Own:
    """The other side of the thread: its loop, its stop event."""

    def __init__(self, duty: Duty, settings: Settings) -> None:
        self._duty, self._settings = duty, settings
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def run(self, parent: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWER_BY)
        error: BaseException | None = None
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._main())
        except BaseException as raised:  # noqa: BLE001  it is told to whoever waits for the duty
            error = raised
        with contextlib.suppress(RuntimeError):  # the parent's loop is closed already
            parent.call_soon_threadsafe(_tell, ended, error)

    async def _main(self) -> None:
        self._task = asyncio.current_task()
        await self._duty(self._settings, self._stop)

    def finish(self) -> None:
        self._call(self._stop.set)

    def cancel(self) -> None:
        self._call(lambda: self._task.cancel() if self._task else None)

    def _call(self, act: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # it ended by itself
            self._loop.call_soon_threadsafe(act)


def _tell(ended: asyncio.Future[None], error: BaseException | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)
