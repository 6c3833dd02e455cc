"""The stream of server-sent events that keeps open pages up to date."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dni.dashboard.door import Reader
from dni.dashboard.live_words import BEGIN, SILENCE
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.watch import Limits, Listener, Watch
from dni.errors import NotAcceptable
from dni.ids import first_id, time_of
from dni.parts import Parts

_EVENT = re.compile(r"evt_[0-9a-z]{10,22}")
# Who was away longer reads the page anew.
_REMEMBERED_MS = 10 * 60_000
_PARTING_S = 1.0


class Live:
    def __init__(self, parts: Parts, pages: Pages, limits: Limits | None = None) -> None:
        self._parts = parts
        self._watch = Watch(parts, limits or Limits())

    def addresses(self) -> Sequence[Address]:
        return (Address("/live", self.stream),)

    async def stream(self, request: Request, reader: Reader) -> Response:
        """`Last-Event-ID`, or `after` at first: the last thing that the page knows."""
        if "text/event-stream" not in request.headers.get("accept", ""):
            raise NotAcceptable("this address answers text/event-stream alone, without an end")
        zone = (await owners_of(self._parts, reader.principal)).zone
        asked = request.headers.get("last-event-id") or request.query_params.get("after", "")
        now_ms = self._parts.clock.now_ms()
        after_ms = time_of(asked) if _EVENT.fullmatch(asked) else now_ms
        self._watch.check_room()
        listener = Listener(reader.principal, zone, wants_figures="figures" in request.query_params)
        listener.tell(await self._watch.missed(max(after_ms, now_ms - _REMEMBERED_MS)), now_ms)
        return Stream(self._watch, listener, self._parts.ending)


def live_address(now_ms: int, *, figures: bool = False) -> str:
    """Where a page that is read now hears what happens from now on; `figures`: today's too."""
    return f"/live?after={first_id('evt', now_ms)}{'&figures' if figures else ''}"


class Stream(Response):
    """Ends after a while, when its reader is gone or too slow, and when the process is about to end."""

    def __init__(self, watch: Watch, listener: Listener, ending: asyncio.Event) -> None:
        super().__init__(
            media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        del self.headers["content-length"]
        self._watch, self._listener, self._ending = watch, listener, ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._watch.listening(self._listener):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await self._until_over(receive, send)
        with suppress(TimeoutError):  # one who does not read does not keep us
            async with asyncio.timeout(_PARTING_S):
                await send({"type": "http.response.body", "body": b""})

    async def _until_over(self, receive: Receive, send: Send) -> None:
        ends = (self._tell(send), _gone(receive), self._listener.over.wait(), self._ending.wait())
        tasks = [asyncio.ensure_future(end) for end in ends]
        try:
            await asyncio.wait(tasks, timeout=self._watch.limits.life_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        message = BEGIN
        while True:
            await send({"type": "http.response.body", "body": message, "more_body": True})
            try:
                async with asyncio.timeout(self._watch.limits.silence_s):
                    message = await self._listener.queue.get()
            except TimeoutError:
                message = SILENCE


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
