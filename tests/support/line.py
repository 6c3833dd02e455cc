"""A carrier's line into the service, for stories that are the same with every carrier.

A line plays what the carrier and people do: a call arrives, keys are pressed, phones ring, are answered and hung up. It
tells of it in the carrier's own fields, signed by the carrier's own library, and does what it is answered, once the
answer is checked against the carrier's grammar. What a carrier does not tell, its line does not.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from dni.clock import SettableClock
from dni.parts import Parts
from dni.telephony.model import Connect, HangUp, Instruction, Menu, Prompt, Reject, Voicemail
from tests.support.carrier import BASE, CALLER, door

Ended = Literal["completed", "busy", "no_answer", "failed", "canceled"]
Fields = dict[str, str]
T = TypeVar("T")

MESSAGE = "https://media.example/message.mp3"
RECORDING = "https://media.example/recording.mp3"


class Leg(msgspec.Struct):
    """The way to one destination. `talk_s`: how long it was connected, once it is over."""

    id: str
    number: str
    state: str = "dialled"
    answered_ms: int = 0
    talk_s: int = 0


class Sent(msgspec.Struct, frozen=True):
    """A request as the carrier made it, to be made again."""

    url: str
    fields: Fields


class Line(ABC):
    """One call at a time; `new_call` begins another. `doing`: what the carrier was told last.

    holding     what only tells, and asks nothing, is kept in `held` instead of sent
    loses       of what only tells, this never arrives
    log         all requests that were made
    """

    kind: ClassVar[str]
    account_sid: ClassVar[str]
    secret: ClassVar[str]

    def __init__(self, parts: Parts, account: str) -> None:
        assert isinstance(parts.clock, SettableClock)
        self.clock = parts.clock
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(door(parts)), base_url=BASE)
        self.door = f"{BASE}/voice/{self.kind}/{account}"
        self.holding = False
        self.held: list[Sent] = []
        self.log: list[Sent] = []
        self.loses: Callable[[Fields], bool] = lambda _fields: False
        self._calls = self._all_legs = 0
        self.new_call()

    def new_call(self) -> None:
        self._calls += 1
        self.call = self.id_of("call", self._calls)
        self.to, self.caller, self.began_ms = "", CALLER, self.clock.now_ms()
        self.legs: list[Leg] = []
        self.doing: Instruction | None = None
        self.is_over = False
        self.last: Sent | None = None

    # What happens, and what the carrier is told to do then.

    async def arrives(self, to: str, caller: str | None = CALLER, **more: str) -> Instruction:
        """`caller` None: withheld."""
        self.to, self.caller, self.began_ms = to, self.withheld if caller is None else caller, self.clock.now_ms()
        return await self._ask(f"{self.door}/inbound", {**self.arriving(), **more})

    async def presses(self, key: str) -> Instruction:
        menu = self._now(Menu)
        return await self._ask(menu.step_url, self.pressed(key))

    async def waits(self) -> Instruction:
        """Nothing is pressed until the menu's time is over."""
        menu = self._now(Menu)
        self.passes(menu.timeout_s)
        return await self._ask(menu.step_url, self.silent())

    async def rings(self, n: int = 0) -> None:
        self._leg(n).state = "ringing"
        await self._tell(self.leg_told(self._leg(n), "ringing"))

    async def answers(self, n: int = 0) -> None:
        """The others that ring are given up."""
        leg = self._leg(n)
        leg.state, leg.answered_ms = "answered", self.clock.now_ms()
        await self._tell(self.leg_told(leg, "answered"))
        for other in self.legs:
            if other is not leg and other.state in ("dialled", "ringing"):
                await self._leg_over(other, "canceled")

    async def leg_ends(self, state: Ended, n: int = 0, by: str | None = None) -> None:
        await self._leg_over(self._leg(n), state, by)

    async def dial_ends(self) -> Instruction | None:
        """All legs are over. None: nothing was to be asked, so the call is over too."""
        connect = self._now(Connect)
        best = next((leg for leg in self.legs if leg.state == "completed"), None)
        state = "completed" if best else self.legs[-1].state
        told = self.dial_over(state, best)
        if connect.step_url:
            return await self._ask(connect.step_url, told)
        if self.tells_of_every_dial:
            await self._tell(told)
        await self.ends("completed" if best else state)
        return None

    async def talks(self, seconds: int, n: int = 0, by: str = "destination") -> Instruction | None:
        """A destination answers, and one of the two hangs up after so long."""
        await self.rings(n)
        self.passes(3)
        await self.answers(n)
        self.passes(seconds)
        await self.leg_ends("completed", n, by)
        if by == "caller":
            await self.ends("completed", by)
            return None
        return await self.dial_ends()

    async def fails(self, state: Ended = "busy") -> Instruction | None:
        """None of the destinations answers."""
        for n in range(len(self.legs)):
            await self.rings(n)
        self.passes(self._now(Connect).timeout_s if state == "no_answer" else 2)
        for n in range(len(self.legs)):
            await self.leg_ends(state, n)
        return await self.dial_ends()

    async def leaves_message(self, seconds: int = 7) -> Instruction | None:
        """After the beep, and hangs up. Then the file is ready."""
        voicemail = self._now(Voicemail)
        self.passes(seconds)
        answer = await self._ask(voicemail.step_url, self.message(MESSAGE))
        await self.ends("completed", "caller")
        if voicemail.status_url:
            await self._tell(self.file_ready(MESSAGE))
        return answer

    async def hangs_up(self) -> None:
        """The caller, whatever happens just now."""
        talking = [leg for leg in self.legs if leg.state == "answered"]
        for leg in self.legs:
            if leg.state in ("dialled", "ringing"):
                await self._leg_over(leg, "canceled", "caller")
            elif leg.state == "answered":
                await self._leg_over(leg, "completed", "caller")
        heard_us = self.doing is not None and isinstance(self.doing.last, Menu | Voicemail)
        await self.ends("completed" if talking or heard_us else "canceled", "caller")

    async def ends(self, state: str, by: str | None = None) -> None:
        """The caller's leg is over."""
        if not self.is_over:
            self.is_over = True
            await self._tell(self.call_over(state, by))

    async def recording_is_ready(self) -> None:
        await self._tell(self.file_ready(RECORDING))

    async def whispers(self, n: int = 0) -> Prompt | None:
        """What the destination hears that has just picked up."""
        url = self._now(Connect).whisper_url
        assert url, "there is nothing to be whispered"
        answer = await self.post(url, self.whispering(self._leg(n)))
        return self.read_whisper(answer)

    def passes(self, seconds: int) -> None:
        self.clock.advance(1000 * seconds)

    async def again(self) -> httpx.Response:
        """The last request once more, as the carrier would repeat it."""
        assert self.last is not None
        return await self.post(self.last.url, self.last.fields)

    async def deliver(self, *, backwards: bool = False) -> None:
        """What was held arrives now."""
        self.holding = False
        held, self.held = self.held, []
        for sent in reversed(held) if backwards else held:
            assert (await self.post(sent.url, sent.fields)).status_code == 204

    async def post(self, url: str, fields: Fields, *, secret: str | None = None, **headers: str) -> httpx.Response:
        self.last = Sent(url, fields)
        self.log.append(self.last)
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = self.body(fields)
        signed = {**self.signed(url, fields, body, secret or self.secret), **headers}
        return await self.http.post(target, content=body, headers=signed)

    # What the carrier says of it.

    tells_of_every_dial: ClassVar[bool] = False
    withheld: ClassVar[str] = "anonymous"
    status: ClassVar[str] = "CallStatus"
    """The field that says what happened."""
    of_leg_alone: ClassVar[str]
    """A field that only progress of a destination's leg has."""

    @abstractmethod
    def id_of(self, what: str, n: int) -> str:
        """An id as the carrier makes them."""

    @abstractmethod
    def arriving(self) -> Fields: ...

    @abstractmethod
    def pressed(self, key: str) -> Fields: ...

    @abstractmethod
    def silent(self) -> Fields: ...

    @abstractmethod
    def leg_told(self, leg: Leg, what: str, by: str | None = None) -> Fields | None:
        """None: the carrier does not tell that."""

    @abstractmethod
    def dial_over(self, state: str, best: Leg | None) -> Fields: ...

    @abstractmethod
    def call_over(self, state: str, by: str | None) -> Fields: ...

    @abstractmethod
    def message(self, url: str) -> Fields: ...

    @abstractmethod
    def file_ready(self, url: str) -> Fields: ...

    @abstractmethod
    def whispering(self, leg: Leg) -> Fields: ...

    @abstractmethod
    def signed(self, url: str, fields: Fields, body: bytes, secret: str) -> dict[str, str]:
        """Headers that a request goes out with."""

    @abstractmethod
    def read(self, answer: httpx.Response) -> Instruction:
        """Checked against the carrier's grammar."""

    @abstractmethod
    def read_whisper(self, answer: httpx.Response) -> Prompt | None: ...

    def body(self, fields: Fields) -> bytes:
        return urlencode(fields).encode()

    # How it goes on.

    async def _ask(self, url: str, fields: Fields) -> Instruction:
        answer = await self.post(url, fields)
        assert answer.status_code == 200, answer.text
        self.doing = self.read(answer)
        match self.doing.last:
            case Connect(destinations=numbers):
                self.legs = [Leg(self._new_leg(), each) for each in numbers]
            case Reject():
                await self.ends("busy")
            case HangUp():
                await self.ends("completed")
        return self.doing

    async def _tell(self, fields: Fields | None) -> None:
        if fields is None or self.loses(fields):
            return
        sent = Sent(f"{self.door}/status", fields)
        if self.holding:
            self.held.append(sent)
            return
        answer = await self.post(sent.url, sent.fields)
        assert answer.status_code == 204, answer.text

    async def _leg_over(self, leg: Leg, state: Ended, by: str | None = None) -> None:
        leg.state = state
        if state == "completed":
            leg.talk_s = (self.clock.now_ms() - leg.answered_ms) // 1000
        await self._tell(self.leg_told(leg, state, by))

    def _new_leg(self) -> str:
        self._all_legs += 1
        return self.id_of("leg", self._all_legs)

    def _leg(self, n: int) -> Leg:
        return self.legs[n]

    def _now(self, kind: type[T]) -> T:
        assert self.doing is not None
        assert isinstance(self.doing.last, kind), self.doing
        return self.doing.last
