"""Open pages keep themselves up to date: over a real port, within the reader's walls, holding nothing up."""

import asyncio
import socket
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import delete, select, update

from dni.access import tokens, walls
from dni.access.model import Principal, Role
from dni.access.tokens import NewToken
from dni.clock import SettableClock
from dni.dashboard.assets import Assets
from dni.dashboard.door import Door
from dni.dashboard.live import Live, Stream
from dni.dashboard.live_words import STALE
from dni.dashboard.page import route
from dni.dashboard.pages import Pages
from dni.dashboard.watch import Limits, Listener, Watch
from dni.ids import new_id
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.conftest import token
from tests.dashboard.people import Person
from tests.dashboard.samples import GOING_ON, HOUR, call, event, insert_rows
from tests.dashboard.site import serving
from tests.dashboard.test_in_browser import opened
from tests.support.service import Service
from tests.support.until import until
from tests.support.world import START_MS

QUICK = Limits(every_s=0.02)
ADMIN = Principal(id="admin", name="admin", role="admin")
Told = tuple[str, Any]


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    """Of the samples no carrier tells now; their events have ids of no time."""
    async with parts.ledger.write() as connection:
        await connection.execute(delete(schema.call_event))
    return parts


async def ring(parts: Parts, call_id: str, kind: str = "inbound", **values: Any) -> None:
    """A call that a carrier tells of just now, or one more thing of it."""
    if kind == "inbound":
        ringing = {"status": "ringing", **GOING_ON, "answered_at_ms": None}
        await insert_rows(parts, schema.call, call(call_id, 0, **{**ringing, **values}))
    else:
        async with parts.ledger.write() as connection:
            await connection.execute(update(schema.call).where(schema.call.c.id == call_id).values(**values))
    told = {**event(call_id, 0, kind), "id": new_id("evt", parts.clock.now_ms())}
    await insert_rows(parts, schema.call_event, told)


@asynccontextmanager
async def site(parts: Parts, limits: Limits = QUICK) -> AsyncIterator[str]:
    door, pages = Door(parts), Pages(Assets())
    first = [route(address, door, pages) for address in Live(parts, pages, limits).addresses()]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving(parts, listener, first) as address:
            yield address


@asynccontextmanager
async def signed_in(address: str, secret: str = "t" * 32) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Accept": "text/html"}
    async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=20) as client:
        person = Person(client)
        page = await person.read("/signin")
        csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        answer = await client.post("/signin", data={"csrf": csrf, "next": "/", "token": secret})
        assert answer.status_code == 303
        yield client


class Ear:
    """A stream as a browser reads it."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()
        self.last_id = ""

    async def next(self) -> Told:
        """The next event; an end is `("end", None)`."""
        name = ""
        async for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                self.last_id = value
            elif field == "data":
                return name, msgspec.json.decode(value)
        return "end", None

    async def next_call(self) -> Any:
        while True:
            name, value = await self.next()
            if name != "figures":
                return value


@asynccontextmanager
async def listening(client: httpx.AsyncClient, query: str = "", **headers: str) -> AsyncIterator[Ear]:
    async with client.stream("GET", f"/live{query}", headers={"Accept": "text/event-stream", **headers}) as answer:
        yield Ear(answer)


async def test_a_call_is_told_while_it_rings_and_when_it_ends(parts: Parts) -> None:
    async with site(parts) as address, signed_in(address) as client, listening(client) as ear:
        assert ear.answer.headers["content-type"].startswith("text/event-stream")
        await ring(parts, "call_new", source="google", medium="cpc", keyword="drain\nid: forged\n\nevent: call")
        told = await ear.next_call()
        assert (told["id"], told["is_live"], told["label"], told["caller"]) == (
            "call_new",
            True,
            "Ringing",
            "(312) 555-0142",
        )
        assert told["keyword"] == "drain\nid: forged\n\nevent: call", "what visitors made up begins no event"
        assert ear.last_id.startswith("evt_")
        await ring(parts, "call_new", "completed", status="completed")
        told = await ear.next_call()
        assert (told["id"], told["is_live"], told["label"]) == ("call_new", False, "Answered")


async def test_figures_of_today_follow(parts: Parts) -> None:
    clock = parts.clock
    assert isinstance(clock, SettableClock)
    async with site(parts) as address, signed_in(address) as client, listening(client, "?figures") as ear:
        await ring(parts, "call_new")
        await ear.next_call()
        clock.advance(30_000)
        name, figures = await ear.next()
        assert name == "figures"
        assert {one["name"]: one["value"] for one in figures} == {
            "Calls": "10",
            "Visits": "4",
            "Answered": "50%",
            "First time": "4",
        }


async def test_each_hears_what_is_his_and_callers_are_masked(parts: Parts) -> None:
    secret = await token(parts, NewToken(role="publisher", publisher="pub_1"))
    async with site(parts) as address, signed_in(address, secret) as client, listening(client) as ear:
        await ring(parts, "call_of_another", campaign_id="cmp_2", publisher_id="pub_2")
        await ring(parts, "call_of_nobody", publisher_id=None)
        await ring(parts, "call_own")
        told = await ear.next_call()
        assert (told["id"], told["caller"]) == ("call_own", "(312) 555-••••")


async def test_what_reaches_whom_is_the_same_in_sql_and_here(parts: Parts) -> None:
    people = [
        Principal(id="p", name="p", role="marketer", campaign=campaign, publisher=publisher)
        for campaign in (None, "cmp_1", "cmp_2")
        for publisher in (None, "pub_1", "pub_2")
    ]
    columns = (schema.call.c.id, schema.call.c.campaign_id, schema.call.c.publisher_id)
    async with parts.ledger.read() as connection:
        everything = (await connection.execute(select(*columns))).all()
        for one in people:
            visible = set((await connection.execute(select(schema.call.c.id).where(walls.calls(one)))).scalars())
            assert visible == {row.id for row in everything if one.reaches(row.campaign_id, row.publisher_id)}


async def test_who_comes_back_hears_what_he_missed(parts: Parts) -> None:
    clock = parts.clock
    assert isinstance(clock, SettableClock)
    async with site(parts) as address, signed_in(address) as client:
        async with listening(client) as ear:
            await ring(parts, "call_first")
            assert (await ear.next_call())["id"] == "call_first"
        clock.advance(20_000)
        await ring(parts, "call_missed")
        clock.advance(20_000)
        async with listening(client, **{"Last-Event-ID": ear.last_id}) as again:
            heard = {(await again.next_call())["id"] for _ in range(2)}
            assert heard == {"call_first", "call_missed"}, "a little twice rather than once never"
        async with listening(client, "?after=evt_nonsense!") as other:
            await ring(parts, "call_last")
            assert (await other.next_call())["id"] == "call_last"


async def test_of_very_many_a_page_hears_that_it_is_out_of_date(parts: Parts) -> None:
    async with site(parts) as address, signed_in(address) as client:
        for n in range(41):
            await ring(parts, f"call_many{n}")
        async with listening(client, f"?after={new_id('evt', START_MS - HOUR)}") as ear:
            assert (await ear.next()) == ("stale", {})


async def test_places_are_limited_and_become_free_again(parts: Parts) -> None:
    async with site(parts, Limits(listeners=1, every_s=0.02)) as address, signed_in(address) as client:
        async with listening(client), listening(client) as second:
            assert second.answer.status_code == 503
            assert second.answer.headers["dni-reason"] == "too_many_listeners"
            assert second.answer.headers["retry-after"] == "60"

        async def is_free() -> bool:
            async with listening(client) as ear:
                return ear.answer.status_code == 200

        await until(is_free, "the first one's place")


async def test_a_revoked_token_hears_no_more(parts: Parts) -> None:
    async with parts.ledger.write() as connection:
        made = await tokens.create(connection, START_MS, NewToken(role="marketer"))
    assert made.token
    async with site(parts, Limits(every_s=0.02, life_s=0.3)) as address, signed_in(address, made.token) as client:
        async with listening(client) as ear:
            async with parts.ledger.write() as connection:
                await tokens.revoke(connection, START_MS, made.id)
            assert await ear.next_call() is None, "the stream ends by itself"
        async with listening(client) as again:
            assert again.answer.status_code == 401


async def test_who_does_not_read_is_dropped(parts: Parts) -> None:
    watch = Watch(parts, QUICK)
    listener = Listener(ADMIN, ZoneInfo("UTC"), wants_figures=False)
    stuck = asyncio.Event()

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await stuck.wait()

    async def receive() -> MutableMapping[str, Any]:
        await stuck.wait()
        return {"type": "http.disconnect"}

    task = asyncio.create_task(Stream(watch, listener, parts.ending)({"method": "GET"}, receive, send))
    await until(lambda: listener.queue.empty() and watch.is_watched, "he listens")
    for _ in range(listener.queue.maxsize + 2):
        listener.hear(STALE)
    await asyncio.wait_for(task, 5)
    assert not watch.is_watched, "nobody listens, so nobody looks"


async def test_only_who_asks_for_events_gets_them(admin: Person, stranger: Person) -> None:
    answer = await admin.read("/live")
    assert (answer.status_code, answer.headers["dni-reason"]) == (406, "not_acceptable")
    assert (await stranger.read("/live", Accept="text/event-stream")).status_code == 401


async def test_an_open_stream_holds_no_shutdown_up(service: Service) -> None:
    async with signed_in(service.url, service.admin_token) as client, listening(client) as ear:
        assert ear.answer.status_code == 200
        began = monotonic()
        assert await asyncio.to_thread(service.stop) == 0
        assert monotonic() - began < 8, "uvicorn would wait for 15 s"
        assert await ear.next_call() is None


async def test_open_pages_change_in_the_browser(chromium: Browser, parts: Parts) -> None:
    async with site(parts) as address:
        page, said = await opened(chromium, address, 1440, "light")
        calls = await page.context.new_page()
        await calls.goto("/calls")
        await expect(calls.locator("[data-live-state]")).to_be_visible()
        await ring(parts, "call_new", source="<b>bold</b>", caller="+13125550155")
        await expect(calls.get_by_role("link", name="1 new call – show")).to_be_visible()
        await ring(parts, "call_ringing", "completed", status="completed")
        row = calls.locator('[data-call="call_ringing"] .badge')
        await expect(row).to_have_text("Answered")
        await calls.get_by_role("link", name="1 new call – show").click()
        await expect(calls.locator('[data-call="call_new"]')).to_be_visible()
        await calls.close()

        await page.bring_to_front()
        now = page.locator(".on-phone")
        await expect(now.get_by_text("(312) 555-0155")).to_be_visible()
        await expect(now.get_by_text("<b>bold</b>")).to_be_visible()
        await ring(parts, "call_new", "completed", status="completed")
        await expect(now.get_by_text("(312) 555-0155")).to_have_count(0)
        assert said == []
        await page.context.close()


def test_figures_are_shared_by_readers_who_may_know_the_same() -> None:
    def of(role: Role) -> Any:
        return Listener(Principal("tok", "", role, "cmp_1"), ZoneInfo("UTC"), wants_figures=True).walls

    assert of("marketer") == of("admin")
    assert len({of("marketer"), of("advertiser"), of("publisher")}) == 3
