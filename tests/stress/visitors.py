"""Visitors and callers of one tag at the HTTP doors, steady and bounded; what each was told is kept.

A page keeps its number as the tag does (snippet/src/runPage.ts): from the answer until what was protected after the
*sending* of the last acknowledged signal; 1.5 beats only, before the first one. Then the original is on the screen
again. Times are monotonic seconds of the test; the service's clock may run `speed` times as fast.
"""

import asyncio
import itertools
import secrets
import time
from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import httpx
import msgspec
from twilio.request_validator import RequestValidator

from tests.support.browser import LANDING, PERSON, lease_body, post, signal_body
from tests.support.service import Service
from tests.support.world import AUTH_TOKEN, DESTINATION, ORIGIN, TARGET

_HIDDEN_MS = 300_000
_MOST_S = 120.0
_REST_S = 0.3
_CALL_S = 0.4
_TAPS = 3


class Shown(msgspec.Struct):
    """A number on a screen from `told_s` to `until_s`, by the lease `nonce` that the service dates `issued_ms`."""

    session: str
    number: str
    nonce: bytes
    issued_ms: int
    told_s: float
    until_s: float


class Asked(msgspec.Struct):
    """A request and its outcome: of a page view `pool` or the reason why not, of a signal `heard` or `ended`, of a
    call `connect`. Any other outcome begins with the HTTP status, 0 when there was no answer."""

    what: str
    sent_s: float
    answered_s: float
    outcome: str
    session: str = ""
    retry_ms: int | None = None


class Traffic:
    """`over` ends it. `callees`: whose number was dialled, by the provider's id of the call."""

    def __init__(self, url: str, speed: float) -> None:
        self.url, self.speed = url, speed
        self.asked: list[Asked] = []
        self.shown: list[Shown] = []
        self.callees: dict[str, Shown] = {}
        self.over = asyncio.Event()
        self.random = Random(11)  # noqa: S311  nothing secret
        self._taps = _TAPS
        self._addresses, self._calls = itertools.count(1), itertools.count(1)
        self._leases: dict[str, tuple[str, str]] = {}
        """Number -> session and lease by which it was shown last."""
        self._ended: list[tuple[str, str]] = []
        """Session and lease of those whose number somebody else was given."""

    def since(self, what: str, moment_s: float, until_s: float = float("inf")) -> list[Asked]:
        return [one for one in self.asked if one.what == what and moment_s <= one.sent_s and one.answered_s <= until_s]

    async def stay(self, http: httpx.AsyncClient) -> None:
        """One visitor who goes from page to page, and asks again when he has no number."""
        page = Page(self, http)
        await page.open()
        while not self.over.is_set():
            await page.live(self.random.randint(4, 8))
            if page.is_shown and self.random.random() < 0.2:
                await page.say("hide")
                await page.say("beat")
            following = page.next()
            await page.say("leave")
            page = following
            await page.open()
        await page.say("leave")

    async def pass_by(self, http: httpx.AsyncClient) -> None:
        """One visitor after another."""
        while not self.over.is_set():
            page = Page(self, http)
            await page.open()
            await page.live(self.random.randint(0, 2))
            if self._taps and page.is_shown and self.random.random() < 0.1:
                self._taps -= 1
                await page.say("tap")
            if self.random.random() < 0.7:  # else the browser was killed: the number stays protected
                await page.say("leave")
            await self.rest(_REST_S)

    async def haunt(self, http: httpx.AsyncClient) -> None:
        """Signals that name leases which are over, of numbers that others are shown."""
        while not self.over.is_set():
            await self.rest(_REST_S)
            if self._ended:
                ghost = Page(self, http)
                ghost.session, ghost.lease = self.random.choice(self._ended[-20:])
                await ghost.signal(self.random.choice(("leave", "beat", "tap")), "ghost")

    async def call(self, http: httpx.AsyncClient) -> None:
        """Somebody who reads a number off a screen, rings and hangs up, and again."""
        while not self.over.is_set():
            await self.rest(_CALL_S)
            now_s = time.monotonic()
            screens = [one for one in self.shown[-200:] if one.told_s < now_s - 0.5 and now_s + 0.2 < one.until_s]
            if not screens:
                continue
            shown = self.random.choice(screens)
            call = f"CA{next(self._calls):032}"
            sent_s = time.monotonic()
            status, text = await self._carrier(http, "inbound", call, shown.number, "ringing")
            if status:
                self.callees[call] = shown
            connects = status == 200 and DESTINATION in text
            outcome = "connect" if connects else f"{status} {text}"
            self.asked.append(Asked("call", sent_s, time.monotonic(), outcome))
            await self._carrier(http, "status", call, shown.number, "completed")

    async def _carrier(
        self, http: httpx.AsyncClient, door: str, call: str, number: str, status: str
    ) -> tuple[int, str]:
        """Posts as the carrier does. Status (0: no answer), and what was answered."""
        path = f"/voice/twilio/car_1/{door}"
        fields = {"CallSid": call, "AccountSid": "AC1", "From": "+12125550142", "To": number, "CallStatus": status}
        signature = RequestValidator(AUTH_TOKEN).compute_signature(self.url + path, fields)
        try:
            answer = await http.post(path, data=fields, headers={"X-Twilio-Signature": signature})
        except httpx.HTTPError as error:
            return 0, type(error).__name__
        return answer.status_code, answer.text

    def show(self, shown: Shown, lease: str) -> None:
        self.shown.append(shown)
        before = self._leases.get(shown.number)
        if before and before[1] != lease:
            self._ended.append(before)
        self._leases[shown.number] = shown.session, lease

    def address(self) -> str:
        count = next(self._addresses)
        return f"198.18.{count // 250 % 250}.{count % 250}"

    async def rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.over.wait(), seconds * self.random.uniform(0.6, 1.4))
        except TimeoutError:
            return


class Page:
    """One page of a visitor's session."""

    def __init__(self, traffic: Traffic, http: httpx.AsyncClient) -> None:
        self.traffic, self.http = traffic, http
        self.address = traffic.address()
        self.visitor: str | None = None
        self.session: str | None = None
        self.id, self.seq = secrets.token_hex(8), 0
        self.shown: Shown | None = None
        self.lease, self.beat_ms, self.hold_ms, self.heard_s = "", 20_000.0, 0.0, 0.0

    @property
    def is_shown(self) -> bool:
        """Once its time is over the original is on the page again, and stays."""
        if self.shown and time.monotonic() >= self.shown.until_s:
            self.shown = None
        return self.shown is not None

    def next(self) -> "Page":
        page = Page(self.traffic, self.http)
        page.visitor, page.session, page.address = self.visitor, self.session, self.address
        return page

    async def open(self) -> None:
        """The page view, and the view signal of a number that it was given."""
        url = LANDING if self.session is None else ORIGIN + "/prices"
        body = lease_body(visitor=self.visitor, session=self.session, page={**self._said(), "url": url})
        sent_s = time.monotonic()
        status, answer = await self._post("/v1/lease", body)
        now_s = time.monotonic()
        if status != 200:
            self.traffic.asked.append(Asked("lease", sent_s, now_s, f"{status} {answer.get('code')}"))
            return
        got = answer["numbers"][TARGET]
        self.visitor, self.session = answer["visitor"], answer["session"]
        outcome = got["reason"] if got["kind"] == "original" else got["kind"]
        self.traffic.asked.append(Asked("lease", sent_s, now_s, outcome, answer["session"], got["retry_ms"]))
        if not got["lease"]:
            return
        self.lease, self.beat_ms = got["lease"], answer["beat_ms"]
        self.hold_ms = got["protected_ms"] - 1.5 * self.beat_ms
        nonce, issued_ms = _read(self.lease)
        until_s = sent_s + self._seconds(1.5 * self.beat_ms)
        self.shown = Shown(answer["session"], got["number"], nonce, issued_ms, now_s, until_s)
        self.traffic.show(self.shown, self.lease)
        await self.say("view")

    async def live(self, beats: int) -> None:
        """Stays open for so many beats; without a number not for long."""
        for _ in range(beats):
            if not self.is_shown:
                return await self.traffic.rest(_REST_S)
            await self.traffic.rest(min(1.0, self._seconds(self.beat_ms) / 1.4))
            await self.say("beat")
        return None

    async def say(self, kind: str) -> None:
        if not self.is_shown or self.shown is None:
            return
        shown, sent_s = self.shown, time.monotonic()
        if kind in ("leave", "hide"):  # whether or not it is heard
            self.heard_s = sent_s
            shown.until_s = min(shown.until_s, sent_s + self._seconds(self._protected_ms(kind)))
        answer = await self.signal(kind)
        if answer is None or kind in ("leave", "tap"):  # those are beacons: the page does not hear the answer
            return
        self.beat_ms = answer.get("beat_ms") or self.beat_ms
        if sent_s >= self.heard_s:
            self.heard_s = sent_s
            shown.until_s = sent_s + self._seconds(self._protected_ms(kind))
        if answer.get("ended"):
            shown.until_s = min(shown.until_s, time.monotonic())
            self.shown = None

    async def signal(self, kind: str, what: str = "signal") -> dict[str, Any] | None:
        """What was answered; None: it was not heard."""
        body = signal_body(
            session=self.session, visitor=self.visitor, page=self._said(), signals=[{"type": kind, "lease": self.lease}]
        )
        sent_s = time.monotonic()
        status, answer = await self._post("/v1/signal", body)
        heard = status in (200, 204)
        outcome = ("ended" if answer.get("ended") else "heard") if heard else f"{status} {answer.get('code')}"
        self.traffic.asked.append(Asked(what, sent_s, time.monotonic(), outcome, self.session or ""))
        return answer if heard else None

    def _said(self) -> dict[str, Any]:
        self.seq += 1
        return {"id": self.id, "seq": self.seq}

    def _protected_ms(self, kind: str) -> float:
        """snippet/src/protectedMs.ts"""
        if kind == "leave":
            return self.hold_ms
        shown = 1.5 * self.beat_ms + self.hold_ms
        return min(shown, max(self.hold_ms, _HIDDEN_MS)) if kind == "hide" else shown

    def _seconds(self, ms: float) -> float:
        return ms / 1000 / self.traffic.speed

    async def _post(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Status (0: no answer), what was answered."""
        try:
            answer = await post(self.http, path, body, **{"X-Forwarded-For": self.address})
        except httpx.HTTPError as error:
            return 0, {"code": type(error).__name__}
        return answer.status_code, answer.json() if answer.content else {}


def shown_twice(shown: list[Shown]) -> list[tuple[Shown, Shown]]:
    """Pairs of different sessions with one number at one moment."""
    found = []
    of_number = defaultdict(list)
    for one in shown:
        of_number[one.number].append(one)
    for same in of_number.values():
        same.sort(key=lambda one: one.told_s)
        for at, one in enumerate(same):
            later = (other for other in same[at + 1 :] if other.told_s < one.until_s)
            found += [(one, other) for other in later if other.session != one.session]
    return found


@asynccontextmanager
async def on(service: Service, speed: float, staying: int, passing: int, haunted: bool) -> AsyncIterator[Traffic]:
    """Runs while the block does; two minutes at most. `haunted`: with signals of leases that are over."""
    traffic = Traffic(service.url, speed)
    asyncio.get_running_loop().call_later(_MOST_S, traffic.over.set)

    async def person(act: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
        headers = {"Origin": ORIGIN, "User-Agent": PERSON}
        async with httpx.AsyncClient(
            base_url=service.url,
            headers=headers,
            verify=False,  # noqa: S501  no TLS
            timeout=10,
            trust_env=False,
        ) as http:
            await act(http)

    async with asyncio.TaskGroup() as people:
        acts = [traffic.stay] * staying + [traffic.pass_by] * passing + [traffic.call] + [traffic.haunt] * haunted
        for act in acts:
            people.create_task(person(act))
        try:
            yield traffic
        finally:
            traffic.over.set()


def _read(lease: str) -> tuple[bytes, int]:
    """Nonce and issue time of a lease's id, which dni/seal.py lays out. A browser does not look inside."""
    raw = urlsafe_b64decode(lease)
    return raw[:9], int.from_bytes(raw[17:23], "big")
