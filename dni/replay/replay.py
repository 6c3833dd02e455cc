"""Plays a log: every event to the rule, every call's answer out, in order; then what it came to."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable

from dni.replay.events import BadLog, Call, Event, Log, Visit
from dni.replay.model import Answer, Played, Summary, Truth, nobody
from dni.replay.rule import Rule

MOST_UNANSWERED = 512
"""Calls whose answers may be on their way at once."""


async def replay(lines: Iterable[bytes], rule: Rule, tell: Callable[[Answer], None]) -> Played:
    """Answers are told in the order of the calls, each from the lines before its call only.

    Raises BadLog at the first line that is not right, when all calls before it are answered.
    """
    return await _Run(rule, tell).play(lines)


class _Run:
    def __init__(self, rule: Rule, tell: Callable[[Answer], None]) -> None:
        self._rule = rule
        self._tell = tell
        self._log = Log()
        self._played = Played(Summary(), Truth())
        self._unanswered: deque[tuple[Call, asyncio.Future[Answer]]] = deque()

    async def play(self, lines: Iterable[bytes]) -> Played:
        began = time.perf_counter()
        played, rule = self._played, self._rule
        try:
            for line in lines:
                await self._take(self._log.read(line))
        except BadLog:
            await self._answer(all_of_them=True)
            raise
        await rule.finish()
        await self._answer(all_of_them=True)
        played.summary.peak_in_use = rule.peak
        played.events, played.strangers = self._log.line, self._log.strangers
        played.seconds = time.perf_counter() - began
        return played

    async def _take(self, event: Event) -> None:
        if isinstance(event, Visit):
            leased = await self._rule.visit(event)
            self._played.summary.visits += 1
            self._played.summary.leased += leased
            self._played.summary.overflow += not leased
        elif isinstance(event, Call):
            self._unanswered.append((event, await self._ring(event)))
            await self._answer(all_of_them=len(self._unanswered) >= MOST_UNANSWERED)
        else:
            await self._rule.sign(event)

    async def _ring(self, call: Call) -> asyncio.Future[Answer]:
        """Only the number goes on to the rule, as only the number reaches a carrier."""
        number = self._rule.shown(call.session) if call.session is not None else self._slot(call.slot or 0)
        if number is not None:
            return await self._rule.ring(call.t, number, call.call, call.caller)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        answered.set_result(nobody(call.call, None))
        return answered

    def _slot(self, slot: int) -> str:
        return self._rule.numbers[slot % len(self._rule.numbers)]

    async def _answer(self, all_of_them: bool) -> None:
        """Tells what is answered by now, or waits for all."""
        while self._unanswered and (all_of_them or self._unanswered[0][1].done()):
            call, answered = self._unanswered.popleft()
            answer = await answered
            self._tell(answer)
            self._played.summary.calls += 1
            self._played.summary.attributed += answer.session is not None
            _compare(self._played.truth, call, answer)


def _compare(truth: Truth, call: Call, answer: Answer) -> None:
    if call.session is None:
        truth.unsolicited += 1
        truth.unsolicited_credited += answer.session is not None
    elif answer.number is None:
        truth.without_number += 1
    elif answer.session == call.session:
        truth.right += 1
    else:
        truth.wrong += 1
    if answer.confidence is not None:
        truth.calibration.add(answer.confidence, answer.session == call.session)
