"""Visitors and callers of many campaigns at the HTTP doors, steady and bounded; what each was told is kept.

A page keeps its number as the tag does (snippet/src/runPage.ts): from the answer until what was protected after the
*sending* of the last acknowledged signal; 1.5 beats only, before the first one. Times are monotonic seconds.
"""

import asyncio
import itertools
import secrets
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import httpx
import msgspec
from twilio.request_validator import RequestValidator

from tests.support.browser import LANDING, PERSON, lease_body, post, signal_body
from tests.support.service import Service
from tests.support.world import AUTH_TOKEN, DESTINATION, ORIGIN, TARGET

STAYING, PASSING = 3, 3
"""Visitors at once on each campaign: who stay and go from page to page, and who come and go."""
_HIDDEN_MS = 300_000
_BEAT_S, _CALL_S = 0.35, 0.8
_TAPS = 1
_MOST_S = 60.0

Act = Callable[[str, httpx.AsyncClient], Awaitable[None]]
"""What somebody does on a campaign until it is over."""


class Shown(msgspec.Struct):
    """A number on a screen from `told_s` to `until_s`, by the lease with this nonce, which began at `issued_ms`.

    `sent_s`: when the page asked.
    """

    campaign: str
    session: str
    number: str
    nonce: bytes
    issued_ms: int
    sent_s: float
    told_s: float
    until_s: float


class Asked(msgspec.Struct):
    """A request and its outcome: of a lease `pool` or the reason why not, of a signal `heard`, of a call `connect`.

    Other outcomes begin with the HTTP status; `broken` is none at all.
    """

    what: str
    campaign: str
    sent_s: float
    answered_s: float
    outcome: str
    session: str = ""


class Traffic:
    """What all visitors and callers asked and were told. `slow_down` lets nobody new come."""

    def __init__(self, service: Service, campaigns: list[str]) -> None:
        self.campaigns = campaigns
        self.asked: list[Asked] = []
        self.shown: list[Shown] = []
        self.views: dict[str, int] = {}
        """Page views that a session asked for, answered or not."""
        self.callees: dict[str, Shown] = {}
        """Provider's id of a call -> whose number was dialled."""
        self.over = asyncio.Event()
        self.base = service.url
        self.random = Random(7)  # noqa: S311  nothing secret
        self.taps = dict.fromkeys(campaigns, _TAPS)
        self._addresses = itertools.count(1)
        self._calls = itertools.count(1)

    def answered(self, what: str, campaigns: list[str], since_s: float = 0.0) -> Iterator[Asked]:
        wanted = set(campaigns)
        return (one for one in self.asked if one.what == what and one.campaign in wanted and one.sent_s >= since_s)

    def browser(self) -> httpx.AsyncClient:
        """With a connection of its own; one client for all would spend its time on finding one that is idle."""
        headers = {"Origin": ORIGIN, "User-Agent": PERSON}
        return httpx.AsyncClient(base_url=self.base, headers=headers, verify=False, timeout=10, trust_env=False)  # noqa: S501  no TLS

    async def stay(self, campaign: str, http: httpx.AsyncClient) -> None:
        """One visitor, who opens link after link in a new tab and closes the old one, if the new one has a number."""
        page = Page(self, campaign, http)
        await page.open()
        while not self.over.is_set():
            for _ in range(3):
                await self._rest(_BEAT_S)
                await page.say("beat")
            if self.random.random() < 0.3:
                await page.say("hide")
                await page.say("beat")
            new = page.next()
            await new.open()
            if new.shown or not page.shown:
                await page.say("leave")
                page = new
        await page.say("leave")

    async def pass_by(self, campaign: str, http: httpx.AsyncClient) -> None:
        """One visitor after another."""
        while not self.over.is_set():
            page = Page(self, campaign, http)
            await page.open()
            for _ in range(self.random.randint(0, 2)):
                await self._rest(_BEAT_S)
                await page.say("beat")
            if self.taps[campaign] and page.shown and self.random.random() < 0.2:
                self.taps[campaign] -= 1
                await page.say("tap")
            if self.random.random() < 0.9:  # else the browser was killed: the number stays protected
                await page.say("leave")
            await self._rest(0.2)

    async def call(self, campaign: str, http: httpx.AsyncClient) -> None:
        """Callers who read the number off the screen of one who stays."""
        carrier = f"/voice/twilio/car_{campaign.removeprefix('cmp_')}"
        while not self.over.is_set():
            await self._rest(_CALL_S)
            shown = self._dialled(campaign)
            if shown is None:
                continue
            call = f"CA{next(self._calls):032}"
            self.callees[call] = shown
            fields = {"CallSid": call, "AccountSid": f"AC{campaign.removeprefix('cmp_')}", "From": "+12125550142"}
            fields |= {"To": shown.number, "CallStatus": "ringing"}
            signature = RequestValidator(AUTH_TOKEN).compute_signature(f"{self.base}{carrier}/inbound", fields)
            sent_s, outcome = time.monotonic(), "broken"
            try:
                answer = await http.post(f"{carrier}/inbound", data=fields, headers={"X-Twilio-Signature": signature})
                connects = answer.status_code == 200 and DESTINATION in answer.text
                outcome = "connect" if connects else f"{answer.status_code} {answer.text}"
            except httpx.HTTPError as error:
                outcome = f"broken: {error!r}"
            self.asked.append(Asked("call", campaign, sent_s, time.monotonic(), outcome))

    def _dialled(self, campaign: str) -> Shown | None:
        now_s = time.monotonic()
        stays = {session for session, views in self.views.items() if views > 1}
        screens = [one for one in self.shown[-500:] if one.campaign == campaign and one.session in stays]
        screens = [one for one in screens if one.until_s > now_s + 1]
        return self.random.choice(screens) if screens else None

    def address(self) -> str:
        count = next(self._addresses)
        return f"198.18.{count // 250 % 250}.{count % 250}"

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.over.wait(), seconds * self.random.uniform(0.6, 1.4))
        except TimeoutError:
            return


class Page:
    """One page of a visitor's session."""

    def __init__(self, traffic: Traffic, campaign: str, http: httpx.AsyncClient) -> None:
        self.traffic, self.campaign, self.http = traffic, campaign, http
        self.address = traffic.address()
        self.visitor: str | None = None
        self.session: str | None = None
        self.id, self.seq = secrets.token_hex(8), 0
        self.shown: Shown | None = None
        self.lease, self.beat_ms, self.hold_ms, self.heard_s = "", 20_000.0, 0.0, 0.0

    def next(self) -> "Page":
        """The next page of the same session."""
        page = Page(self.traffic, self.campaign, self.http)
        page.visitor, page.session, page.address = self.visitor, self.session, self.address
        return page

    async def open(self) -> None:
        """The page view, and the view signal of a number that it was given."""
        if self.session:
            self.traffic.views[self.session] = self.traffic.views.get(self.session, 0) + 1
        body = lease_body(
            tag=self._tag,
            visitor=self.visitor,
            session=self.session,
            page={**self._said(), "url": LANDING if self.session is None else ORIGIN + "/prices"},
        )
        sent_s, status, answer = await self._post("/v1/lease", body)
        got = answer.get("numbers", {}).get(TARGET)
        outcome = str(status) if not got else "pool" if got["kind"] == "pool" else got["reason"]
        if got and got["kind"] != "original" and got["kind"] != "pool":
            outcome = got["kind"]
        if answer.get("session") and answer["session"] != self.session:
            self.traffic.views[answer["session"]] = 1
        self.visitor, self.session = answer.get("visitor") or self.visitor, answer.get("session") or self.session
        now_s = time.monotonic()
        self.traffic.asked.append(Asked("lease", self.campaign, sent_s, now_s, outcome, answer.get("session") or ""))
        if not got or not got["lease"]:
            return
        self.lease, self.beat_ms = got["lease"], answer["beat_ms"]
        self.hold_ms = got["protected_ms"] - 1.5 * self.beat_ms
        nonce, issued_ms = _read(self.lease)
        until_s = sent_s + 1.5 * self.beat_ms / 1000
        self.shown = Shown(self.campaign, self.session or "", got["number"], nonce, issued_ms, sent_s, now_s, until_s)
        self.traffic.shown.append(self.shown)
        await self.say("view")

    async def say(self, kind: str) -> None:
        shown = self.shown
        if shown is None:
            return
        body = signal_body(
            tag=self._tag,
            session=self.session,
            page={**self._said(), "found": 1, "swapped": 1},
            signals=[{"type": kind, "lease": self.lease, "ago_ms": 0}],
        )
        sent_s = time.monotonic()
        if kind in ("leave", "hide"):  # whether or not it is heard
            self.heard_s = sent_s
            shown.until_s = min(shown.until_s, sent_s + self._protected_s(kind))
        sent_s, status, answer = await self._post("/v1/signal", body, sent_s)
        now_s = time.monotonic()
        heard = status in (200, 204)
        outcome = "heard" if heard else f"{status} {answer.get('code')}"
        self.traffic.asked.append(Asked("signal", self.campaign, sent_s, now_s, outcome))
        if not heard or kind in ("leave", "tap"):  # those are beacons: the page does not hear the answer
            return
        self.beat_ms = answer.get("beat_ms") or self.beat_ms
        if sent_s >= self.heard_s:
            self.heard_s, shown.until_s = sent_s, sent_s + self._protected_s(kind)
        if answer.get("ended"):
            shown.until_s = min(shown.until_s, now_s)
            self.shown = None
            self.traffic.asked.append(Asked("ended", self.campaign, sent_s, now_s, kind))

    @property
    def _tag(self) -> str:
        return f"key{self.campaign.removeprefix('cmp_')}"

    def _said(self) -> dict[str, Any]:
        self.seq += 1
        return {"id": self.id, "seq": self.seq}

    def _protected_s(self, kind: str) -> float:
        """snippet/src/protectedMs.ts"""
        if kind == "leave":
            return self.hold_ms / 1000
        shown = 1.5 * self.beat_ms + self.hold_ms
        return (min(shown, max(self.hold_ms, _HIDDEN_MS)) if kind == "hide" else shown) / 1000

    async def _post(self, path: str, body: Any, sent_s: float | None = None) -> tuple[float, int, dict[str, Any]]:
        """When it was sent, status (0: no answer), what was answered."""
        sent_s = sent_s or time.monotonic()
        try:
            answer = await post(self.http, path, body, **{"X-Forwarded-For": self.address})
        except httpx.HTTPError as error:
            return sent_s, 0, {"code": repr(error)}
        return sent_s, answer.status_code, answer.json() if answer.content else {}


def _read(lease: str) -> tuple[bytes, int]:
    """Nonce and issue time of a lease's id, which dni/seal.py lays out. A browser does not look inside."""
    raw = urlsafe_b64decode(lease)
    return raw[:9], int.from_bytes(raw[17:23], "big")


@asynccontextmanager
async def on(service: Service, campaigns: list[str]) -> AsyncIterator[Traffic]:
    """Runs while the block does; a minute at most."""
    traffic = Traffic(service, campaigns)
    asyncio.get_running_loop().call_later(_MOST_S, traffic.over.set)
    acts = (*[traffic.stay] * STAYING, *[traffic.pass_by] * PASSING, traffic.call)

    async def person(act: Act, campaign: str) -> None:
        async with traffic.browser() as http:
            await act(campaign, http)

    async with asyncio.TaskGroup() as people:
        for campaign, act in itertools.product(campaigns, acts):
            people.create_task(person(act, campaign))
        try:
            yield traffic
        finally:
            traffic.over.set()
