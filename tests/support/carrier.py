"""A Twilio account's side of the carrier's door, its requests signed by Twilio's own library."""

from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
from sqlalchemy import Table, select
from starlette.routing import Router
from starlette.types import ASGIApp
from twilio.request_validator import RequestValidator

from dni.catalog.load import raise_revision
from dni.clock import SettableClock
from dni.parts import Parts
from dni.pool.place import place
from dni.telephony.routes import routes
from dni.web.frame import Frame
from tests.support import browser
from tests.support.world import AUTH_TOKEN, DESTINATION, TARGET

BASE = "https://dni.example"
CALLER = "+14155550142"
CALL, LEG = "CA" + "1" * 32, "CA" + "2" * 32


def door(parts: Parts) -> ASGIApp:
    """The carrier's door alone, in the frame that the service has around it."""
    return Frame(Router(routes(parts)))


class Carrier:
    """Posts as the account `car_1` of `world`; keywords `fields` replace or add, None takes a field away."""

    def __init__(self, app: ASGIApp, account: str = "car_1", sid: str = "AC1", token: str = AUTH_TOKEN) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)
        self.path = f"/voice/twilio/{account}"
        self.sid = sid
        self.validator = RequestValidator(token)

    async def post(self, door: str, fields: dict[str, str], base: str = BASE) -> httpx.Response:
        url = f"{self.path}/{door}"
        signature = self.validator.compute_signature(base + url, fields)
        return await self.http.post(url, content=urlencode(fields), headers=_headers(signature))

    async def inbound(self, to: str, call: str = CALL, **fields: str | None) -> httpx.Response:
        return await self.post("inbound", self.fields(to, call, "ringing", **fields))

    async def status(self, to: str, status: str, call: str = CALL, **fields: str | None) -> httpx.Response:
        return await self.post("status", self.fields(to, call, status, **fields))

    async def leg(self, status: str, call: str = CALL, leg: str = LEG, **fields: str | None) -> httpx.Response:
        """Progress of the leg to the destination."""
        return await self.post("status", self.fields(DESTINATION, leg, status, ParentCallSid=call, **fields))

    def fields(self, to: str, call: str, status: str, **change: str | None) -> dict[str, str]:
        usual = {
            "CallSid": call,
            "AccountSid": self.sid,
            "From": CALLER,
            "To": to,
            "CallStatus": status,
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
            "ForwardedFrom": "",
            "CallerName": "",
        }
        return {name: value for name, value in {**usual, **change}.items() if value is not None}


def at(ms: int) -> str:
    """Twilio's `Timestamp`."""
    return formatdate(ms // 1000)


def dialled(answer: httpx.Response) -> str | None:
    """The number that the TwiML connects to; None: it rejects."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.text)  # noqa: S314  our own answer
    assert (root.tag, len(root)) == ("Response", 1)
    if root[0].tag == "Reject":
        return None
    assert root[0].tag == "Dial"
    return root[0][0].text


async def rows(parts: Parts, table: Table) -> list[dict[str, Any]]:
    async with parts.ledger.read() as connection:
        found = await connection.execute(select(table).order_by(table.c.id))
        return [dict(row) for row in found.mappings()]


async def visit(parts: Parts, **change: Any) -> dict[str, Any]:
    """A page view; its answer, with the tracking number as `number`."""
    async with browser.client(browser.door(parts)) as page:
        answer = (await browser.post(page, "/v1/lease", browser.lease_body(**change))).json()
    return {**answer, "number": answer["numbers"][TARGET]["number"], "lease": answer["numbers"][TARGET]["lease"]}


def advance(parts: Parts, ms: int) -> int:
    """The time then, in ms."""
    assert isinstance(parts.clock, SettableClock)
    parts.clock.advance(ms)
    return parts.clock.now_ms()


async def protected_until(parts: Parts, number: str) -> int:
    """The pool's score of a number, in ms."""
    return int(float(await parts.live.node("s0").send("ZSCORE", parts.keys.pool("cmp_1", "pool_1"), number)))


async def configure(parts: Parts, change: Any) -> None:
    """One change of the configuration, live at once."""
    async with parts.ledger.write() as connection:
        await connection.execute(change)
        await raise_revision(connection)
    await parts.catalog.refresh()
    await place(parts)


def _headers(signature: str) -> dict[str, str]:
    return {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
