"""What lies between tabs and engine: time, requests and answers under way, and the door's part of a request."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Protocol

from tests.stress.tab import NEVER, Request, Tab

# How long a request takes there, and its answer back (ms). None: until somebody delivers or loses it.
LINES: dict[str, tuple[int | None, int | None]] = {
    "prompt": (20, 20),
    "slow": (7_000, 3_000),
    "stuck": (None, None),
    "stuck on the way there": (None, 20),
    "stuck on the way back": (20, None),
}


class Serve(Protocol):
    """What answers a request, at the moment in which it arrives."""

    def __call__(self, request: Request) -> Awaitable[Any]: ...


class Message:
    """A request on its way, or (with `answered`) its answer."""

    def __init__(self, serial: int, request: Request, due_ms: int, answered: bool, answer: Any) -> None:
        self.serial, self.request, self.due_ms = serial, request, due_ms
        self.answered, self.answer = answered, answer


class Network:
    """Moves time. `line`: how a tab's requests travel now; `before_time_moves` sees what stood until then."""

    def __init__(
        self,
        now_ms: int,
        tabs: list[Tab],
        line: Callable[[Tab], tuple[int | None, int | None]],
        serve: Serve,
        before_time_moves: Callable[[], None],
        after_each: Callable[[], None],
    ) -> None:
        self.now_ms = now_ms
        self.under_way: list[Message] = []
        self._tabs, self._line, self._serve = tabs, line, serve
        self._before_time_moves, self._after_each = before_time_moves, after_each
        self._serials = count()

    def now(self) -> int:
        return self.now_ms

    def post(self, request: Request) -> None:
        self._send(request, self._line(request.tab)[0], False, None)

    async def pass_time(self, ms: int) -> None:
        """All that comes due meanwhile happens in its order."""
        until = self.now_ms + ms
        while True:
            message = min(self.under_way, key=lambda one: (one.due_ms, one.serial), default=None)
            tab = min((one for one in self._tabs if not one.asleep), key=lambda one: one.timer, default=None)
            message_ms, tab_ms = message.due_ms if message else NEVER, tab.timer if tab else NEVER
            due = max(self.now_ms, min(message_ms, tab_ms))
            if due > until:
                break
            self._move(due)
            if message and message_ms <= tab_ms:
                await self.deliver(message)
            elif tab:
                tab.sync()
                self._after_each()
        self._move(until)

    async def deliver(self, message: Message) -> None:
        self.under_way.remove(message)
        request = message.request
        if message.answered:
            then, answer = request.then, message.answer
            if then:
                request.tab.hears(lambda: then(answer))
        else:
            answer = await self._serve(request)
            if answer is None:
                request.tab.hears(request.failed)
            elif request.then:
                self._send(request, self._line(request.tab)[1], True, answer)
        self._after_each()

    def lose(self, message: Message) -> None:
        self.under_way.remove(message)
        if message.request.then:
            message.request.tab.hears(message.request.failed)
        self._after_each()

    def double(self, message: Message) -> None:
        """A second copy of a request; nobody waits for its answer."""
        self._send(message.request._replace(then=None), None, False, None)

    def _send(self, request: Request, takes_ms: int | None, answered: bool, answer: Any) -> None:
        due = NEVER if takes_ms is None else self.now_ms + takes_ms
        self.under_way.append(Message(next(self._serials), request, due, answered, answer))

    def _move(self, to_ms: int) -> None:
        if to_ms > self.now_ms:
            self._before_time_moves()
            self.now_ms = to_ms
