"""`dni demo fill`: days of made-up traffic, played through the service's own doors on a clock of its own.

A Valkey that ends with it holds the leases; what the recorder and the carrier's door write goes to the real ledger.
"""

import asyncio
import random
import secrets
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import delete, select

from dni.access.model import COMMAND_LINE
from dni.attribution.learn_calls import learn_next
from dni.call.journal import Journal
from dni.call.keep_touches import keep_next
from dni.call.progress import progress
from dni.call.receive import receive
from dni.campaign import declare
from dni.catalog.model import Campaign, Carrier, Tag
from dni.clock import SettableClock, SystemClock
from dni.demo.call import arrives, goes_on
from dni.demo.page import TAG_NAME
from dni.errors import UsageError
from dni.ledger.schema import recorded, session
from dni.parts import Parts
from dni.pool.count_use import count_use
from dni.pool.place import place
from dni.qualification import terms
from dni.qualification.settle import settle_once
from dni.replay import generate
from dni.replay.events import Beat, Call, Event, Leave, Tap, Visit
from dni.replay.server import private_server
from dni.routing.decision import Urls
from dni.session.recorder import record
from dni.settings import Settings
from dni.tag.browser import Browser
from dni.tag.lease import lease
from dni.tag.signal import signal
from dni.tag.wire import LeaseRequest, Page, Signal, SignalPage, SignalRequest
from dni.telephony.ports import PORTS

_HOUR_MS = 3_600_000
# In the busiest hour, of a plumber's page with ten numbers.
_PER_HOUR = 14.0
# Of the busiest hour's visits, by hour of the campaign's day; and of a weekday's on Saturday and Sunday.
_BY_HOUR = (*(0.1,) * 6, 0.3, 0.6, *(1.0,) * 9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
_WEEKEND = 0.55
_ANSWERED = 0.85
# Of the log's, which are for twenty numbers in everybody's hands.
_UNSOLICITED = 0.2
_MEAN_TALK_S, _LONGEST_TALK_S = 150.0, 1_800
_RECORD_EVERY = 400

_KEYWORDS = ("emergency plumber", "plumber near me", "water heater repair", "drain cleaning", "leaking pipe")
_CAMPAIGNS = {"cpc": ("spring", "water-heaters", "emergency"), "paid_social": ("water-heaters", "before-winter")}
_PARTNERS = ("north-bay", "east-bay", "city")
_PAGES = ("/", "/water-heaters", "/emergency", "/drains")
_REFERRERS = {
    "google": "https://www.google.com/",
    "bing": "https://www.bing.com/",
    "facebook": "https://l.facebook.com/",
}
_PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1"
)
_DESK = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


class Filled(msgspec.Struct):
    visits: int = 0
    calls: int = 0


async def fill(settings: Settings, days: float, seed: int, tell: Callable[[float], None]) -> Filled:
    """`tell`: the share that is done. Raises UsageError when there is no demo here, or it has visits of other days."""
    now_ms = SystemClock().now_ms()
    began_ms = now_ms - round(days * 24 * _HOUR_MS)
    async with private_server() as url:
        own = msgspec.structs.replace(settings, redis_url=url)
        parts = Parts(own, SettableClock(began_ms), prefix=f"demo{secrets.token_hex(4)}")
        await parts.open()
        try:
            tag = await _demo(parts, now_ms)
            await _agree(parts, tag.campaign, began_ms, now_ms)
            player = _Player(parts, tag, seed)
            await place(parts)
            traffic = generate.Traffic(days=days, arrivals_per_hour=_PER_HOUR)
            decode = msgspec.json.Decoder(Event).decode
            at_ms = began_ms
            for line in generate.lines(traffic, seed):
                event = decode(line)
                at_ms = began_ms + event.t - generate.START_MS
                await player.play(at_ms, event)
                tell((at_ms - began_ms) / (now_ms - began_ms))
            await player.finish(now_ms)
            return player.filled
        finally:
            await parts.close()


async def _demo(parts: Parts, now_ms: int) -> Tag:
    tag = next((tag for tag in parts.catalog.now.tags.values() if tag.name == TAG_NAME), None)
    if tag is None:
        raise UsageError("there is no demo here: `make run` (`dni serve --demo`) makes it on an empty ledger")
    async with parts.ledger.read() as connection:
        old = session.c.campaign_id == tag.campaign, session.c.started_at_ms < now_ms - 24 * _HOUR_MS
        if (await connection.execute(select(session.c.id).where(*old).limit(1))).first() is not None:
            raise UsageError("the demo has visits of earlier days already")
    return tag


async def _agree(parts: Parts, campaign: str, began_ms: int, now_ms: int) -> None:
    """What is agreed now was agreed before the first call."""
    async with parts.ledger.write() as connection:
        agreed = await terms.settings_of(connection, campaign, None, now_ms)
        await declare.terms(connection, COMMAND_LINE, began_ms, campaign, None, None, agreed)


class _Visit(msgspec.Struct):
    """A page that is open. `lease`, `number`: what it shows; None: its own number."""

    page: str
    browser: Browser
    visitor: str | None
    session: str | None
    lease: str | None
    number: str | None
    seq: int = 1


class _Player:
    def __init__(self, parts: Parts, tag: Tag, seed: int) -> None:
        self.filled = Filled()
        self._parts, self._tag = parts, tag
        self._chance = random.Random(seed)  # noqa: S311  a simulation
        self._campaign: Campaign = parts.catalog.now.campaigns[tag.campaign]
        self._zone = ZoneInfo(self._campaign.timezone)
        self._carrier: Carrier = next(one for one in parts.catalog.now.carriers.values() if one.kind == "twilio")
        self._journal = Journal(parts)
        self._visits: dict[str, _Visit] = {}
        self._visitors: dict[str, str] = {}

    async def play(self, at_ms: int, event: Event) -> None:
        clock = self._parts.clock
        assert isinstance(clock, SettableClock)
        clock.set(at_ms)
        if isinstance(event, Visit):
            if self._chance.random() < self._busy(at_ms):
                await self._visit(event)
        elif isinstance(event, Call):
            if event.session is not None or self._chance.random() < _UNSOLICITED:
                await self._call(at_ms, event)
        elif event.session in self._visits:
            await self._say(event)

    async def finish(self, now_ms: int) -> None:
        """What a service that ran all the while would have done by now."""
        await self._record()
        parts = self._parts
        assert isinstance(parts.clock, SettableClock)
        parts.clock.set(now_ms)
        while await keep_next(parts):
            pass
        while await settle_once(parts):
            pass
        while await learn_next(parts):
            pass
        await count_use(parts, whole=True)
        async with parts.ledger.write() as connection:
            streams = list(parts.keys.all_events())
            await connection.execute(delete(recorded).where(recorded.c.stream.in_(streams)))

    def _busy(self, at_ms: int) -> float:
        at = datetime.fromtimestamp(at_ms / 1000, self._zone)
        return _BY_HOUR[at.hour] * (_WEEKEND if at.isoweekday() > 5 else 1.0)

    async def _visit(self, event: Visit) -> None:
        chance, tag = self._chance, self._tag
        who = crc32(event.visitor.encode())
        browser = Browser(
            f"198.18.{who >> 8 & 255}.{who & 255}",
            _PHONE if event.device == "mobile" else _DESK,
            next(origin for origin in tag.origins if "*" not in origin),
        )
        words = {"utm_source": event.source, "utm_medium": event.medium}
        if event.medium in _CAMPAIGNS:
            words["utm_campaign"] = chance.choice(_CAMPAIGNS[event.medium])
            words["sub1"] = chance.choice(_PARTNERS)
        if event.medium == "cpc":
            words["utm_term"] = chance.choice(_KEYWORDS)
        tagged = {name: value for name, value in words.items() if value} if event.medium != "organic" else {}
        url = f"{browser.origin}{chance.choice(_PAGES)}" + (f"?{urlencode(tagged)}" if tagged else "")
        request = LeaseRequest(
            1,
            tag.key,
            Page(f"p{event.session}", 1, url, "Fairview Plumbing"),
            list(tag.targets),
            visitor=self._visitors.get(event.visitor),
            referrer=_REFERRERS.get(event.source or ""),
            consent="granted",
            tz="America/Los_Angeles",
            lang="en-US",
        )
        answer = await lease(self._parts, tag, request, browser)
        given = answer.numbers[tag.targets[0]]
        if answer.visitor:
            self._visitors[event.visitor] = answer.visitor
        page = _Visit(request.page.id, browser, answer.visitor, answer.session, given.lease, given.number)
        self._visits[event.session] = page
        self.filled.visits += 1
        await self._signal(page, "view")
        if self.filled.visits % _RECORD_EVERY == 0:
            await self._record()

    async def _say(self, event: Beat | Leave | Tap) -> None:
        kind = {Beat: "beat", Leave: "leave", Tap: "tap"}[type(event)]
        await self._signal(self._visits[event.session], kind)

    async def _signal(self, page: _Visit, kind: str) -> None:
        if page.lease is None:
            return
        page.seq += 1
        told = SignalRequest(
            1,
            self._tag.key,
            SignalPage(page.page, page.seq),
            [Signal(msgspec.convert(kind, Signal.__annotations__["type"]), page.lease)],
            session=page.session,
            visitor=page.visitor,
        )
        answer = await signal(self._parts, self._tag, told, page.browser)
        if answer is not None and page.lease in answer.ended:
            page.lease = None

    async def _call(self, at_ms: int, event: Call) -> None:
        pooled = [one.number for one in self._parts.catalog.now.numbers.values() if one.pool == self._tag.pool]
        if event.session is None:
            number: str | None = pooled[(event.slot or 0) % len(pooled)]
        else:
            shown = self._visits.get(event.session)
            number = shown.number if shown else None
        if number is None:
            return  # the page showed its own number: that call is none of ours
        call, leg = f"CA{secrets.token_hex(16)}", f"CA{secrets.token_hex(16)}"
        caller = arrives(self._carrier, call, event.caller or "anonymous", number)
        inbound = PORTS["twilio"].inbound(caller, at_ms)
        await receive(self._parts, self._journal, self._carrier, inbound, caller, at_ms, Urls("demo:"))
        self.filled.calls += 1
        answered_ms = at_ms + 4_000 + round(self._chance.random() * 8_000)
        talk_s = min(_LONGEST_TALK_S, 5 + round(self._chance.expovariate(1 / _MEAN_TALK_S)))
        rest = [fields for _, fields in goes_on(caller, leg, self._campaign.destination, answered_ms, talk_s)]
        if self._chance.random() >= _ANSWERED:
            missed = {"CallStatus": "no-answer", "CallDuration": "0"}
            rest = [rest[0] | missed, rest[2] | missed]
        for fields in rest:
            event_of = PORTS["twilio"].progress(fields, answered_ms)
            await progress(self._parts, self._journal, self._carrier, event_of, fields, answered_ms)

    async def _record(self) -> None:
        stop = asyncio.Event()
        stop.set()  # it ends when nothing waits any more
        await record(self._parts, stop)
