"""Requests of all carriers, changed at random and signed rightly, at all doors: none is too much, and no call is lost.

What is changed are the requests of whole calls as a line makes them: fields are dropped, doubled, renamed and replaced,
bytes put in, places in the plan forged, one door's request sent to another. In between, real calls are made.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from dni.call.drain import drain_once
from dni.call.journal import Journal
from dni.errors import DniError
from dni.ledger import schema
from dni.parts import Parts
from dni.routing.model import Ask, Choice, Condition, Ring, Routing, TakeMessage
from dni.routing.plan import PLACE_MAX, Place, packed
from dni.telephony import signatures
from dni.telephony.model import AT, Prompt, RawRequest
from dni.telephony.ports import PORTS
from tests.support.carrier import configure
from tests.support.line import Line, Sent
from tests.support.lines import LINES
from tests.support.twiml_lines import telnyx_signed
from tests.support.world import START_MS, add, numbers

[NUMBER] = numbers(1)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_AT_ONCE = 8


def _pairs(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


def _twilio(line: Line, url: str, body: bytes) -> dict[str, str]:
    return {"X-Twilio-Signature": signatures.twilio(url, _pairs(body), line.secret)}


def _signalwire(line: Line, url: str, body: bytes) -> dict[str, str]:
    return {"X-SignalWire-Signature": signatures.signalwire(url, body, line.secret)}


def _telnyx(line: Line, url: str, body: bytes) -> dict[str, str]:
    return telnyx_signed(body, line.clock.now_ms() // 1000)


def _plivo(line: Line, url: str, body: bytes) -> dict[str, str]:
    signature = signatures.plivo_v3(url, _pairs(body), "1", line.secret)
    return {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": "1"}


def _generic(line: Line, url: str, body: bytes) -> dict[str, str]:
    return {"Authorization": f"Bearer {line.secret}"}


SIGN: dict[str, Callable[[Line, str, bytes], dict[str, str]]] = {
    "twilio": _twilio,
    "signalwire": _signalwire,
    "telnyx": _telnyx,
    "plivo": _plivo,
    "generic": _generic,
}


class Shot(msgspec.Struct, frozen=True):
    """A request to be made: to which door, with which query, of which body and kind of body."""

    door: str
    query: str
    body: bytes
    content_type: str


_words = st.text(st.characters(codec="utf-8"), max_size=30)
_odd = st.one_of(
    _words,
    st.sampled_from(
        [
            *("", "0", "-1", "9" * 20, "1e999", "NaN", "\0", "\uffff", "\ud7ff\U0010ffff", "x" * 300, "%00", "null"),
            *(NUMBER, "+14155550142", "12025550100", "anonymous", "sip:x@y.example", "completed", "in-progress"),
            *("answer", "hangup", "ended", "failed", "true", "#", "12", "https://x.example/r", "javascript:x"),
            *("Mon, 21 Sep 2026 14:13:20 -9999", "2026-09-21T14:13:20Z", "1790000000000", "TN-Validation-Passed-A"),
        ]
    ),
)
_places = st.one_of(
    st.builds(
        lambda *told: packed(Place(*told)),
        st.sampled_from(["", "cmp_1", "cmp_9"]),
        st.sampled_from(["", "menu", "ring", "message", "gone"]),
    ),
    _words,
    st.just("x" * (PLACE_MAX + 1)),
)


@st.composite
def shots(draw: st.DrawFn, kind: str, corpus: list[Sent]) -> Shot:
    sent = draw(st.sampled_from(corpus))
    fields: list[tuple[str, str]] = list(sent.fields.items())
    names = st.sampled_from(sorted({name for one in corpus for name in one.fields})) | _words
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(fields) - 1)))
        match draw(st.integers(0, 4)):
            case 0:
                del fields[at : at + 1]
            case 1:
                fields[at : at + 1] = [(fields[at][0] if fields else "", draw(_odd))]
            case 2:
                fields.append((draw(names), draw(_odd)))
            case 3:
                fields[at : at + 1] = [(draw(names), fields[at][1] if fields else "")]
            case 4:
                fields = draw(st.permutations(fields))
    is_json = kind == "generic" or draw(st.integers(0, 19)) == 0
    if is_json:
        values = [
            (name, draw(st.sampled_from([value, [value], {"a": value}, 5, 1.5, None, True]))) for name, value in fields
        ]
        body = json.dumps(dict(values if draw(st.booleans()) else fields)).encode()
    else:
        body = urlencode(fields).encode()
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=6)) + body[at + draw(st.integers(0, 3)) :]
    parts = urlsplit(sent.url)
    door = draw(st.sampled_from([parts.path.rpartition("/")[2]] * 3 + ["inbound", "status", "step"]))
    query = parts.query
    if door == "step" and draw(st.booleans()):
        query = urlencode({draw(st.sampled_from(["at", "whisper"])): draw(_places)})
    return Shot(door, query, body, "application/json" if is_json else _FORM["Content-Type"])


class Range:
    """A service, a line into it, and what it was seen to do."""

    def __init__(self, parts: Parts, line: Line) -> None:
        self.parts = parts
        self.line = line
        self.port = PORTS[line.kind]
        self.seen: Counter[tuple[str, int]] = Counter()
        self.taken: set[tuple[str, str]] = set()

    async def fire(self, shot: Shot) -> None:
        url = f"{self.line.door}/{shot.door}{'?' if shot.query else ''}{shot.query}"
        headers = {**SIGN[self.line.kind](self.line, url, shot.body), "Content-Type": shot.content_type}
        parts = urlsplit(url)
        target = httpx.URL(raw_path=f"{parts.path}{'?' if parts.query else ''}{parts.query}".encode())
        answer = await self.line.http.post(target, content=shot.body, headers=headers)
        self.seen[shot.door, answer.status_code] += 1
        assert answer.status_code in (200, 204, 400, 403, 422), (shot, answer.text)
        assert answer.status_code not in (200, 204) or not answer.content or self.is_known(answer, shot), shot
        if answer.status_code in (200, 204) and not shot.query.startswith("whisper="):
            self.takes(shot, url, headers)

    def is_known(self, answer: httpx.Response, shot: Shot) -> bool:
        """Whether the carrier understands what it is told; it raises when not."""
        if shot.query.startswith("whisper=") and shot.door == "step":
            self.line.read_whisper(answer)
        else:
            self.line.read(answer)
        return True

    def takes(self, shot: Shot, url: str, headers: dict[str, str]) -> None:
        lower = {name.lower(): value for name, value in headers.items()}
        values = self.port.open(RawRequest(url, lower, shot.body, self.line.clock.now_ms()), self.line.secret).values
        at_ms = self.line.clock.now_ms()
        if shot.door == "step":
            event = self.port.step({**values, AT: dict(parse_qsl(shot.query)).get("at", "")[:PLACE_MAX]}, at_ms)
        else:
            event = (self.port.inbound if shot.door == "inbound" else self.port.progress)(values, at_ms)
        self.taken.add((event.provider_id, event.identity))

    async def all_is_kept(self) -> None:
        """What the ledger did not take in time waits on the disk."""
        await drain_once(self.parts, Journal(self.parts))
        wanted = select(schema.call.c.provider_id, schema.call_event.c.identity).join_from(
            schema.call_event, schema.call
        )
        async with self.parts.ledger.read() as connection:
            kept = {tuple(row) for row in await connection.execute(wanted)}
        assert self.taken <= kept, self.taken - kept

    async def calls_for_real(self) -> None:
        """A whole call, which is in the ledger from its arrival to its end."""
        line = self.line
        line.new_call()
        await line.arrives(NUMBER)
        await line.presses("1")
        await line.talks(9)
        await drain_once(self.parts, Journal(self.parts))
        row = schema.call.c
        wanted = select(row.status, row.talk_s, row["keys"]).where(row.provider_id == line.call)
        async with self.parts.ledger.read() as connection:
            assert (await connection.execute(wanted)).all() == [("completed", 9, "1")]


async def range_of(parts: Parts, kind: str) -> Range:
    """With a plan that comes to every kind of step."""
    await add(parts)
    at = {"campaign_id": "cmp_1", "created_at_ms": START_MS}
    destination = {"id": "sales", "name": "Sales", "number": "+14155550181", **at}
    await configure(parts, insert(schema.destination).values(destination))
    ring = Ring(id="ring", destinations=(Choice(destination="sales"),), record=True, whisper=Prompt(text="A call."))
    menu = Ask(id="menu", prompt=Prompt(text="1 for sales."), keys={"1": "Sales"})
    message = TakeMessage(id="message", prompt=Prompt(text="After the beep."), when=Condition(keys={"menu": ("1",)}))
    routing = msgspec.to_builtins(Routing(steps=(menu, ring, message)))
    await configure(parts, update(schema.campaign).values(routing=routing))
    line = LINES[kind]
    row = {"id": "car_0", "kind": kind, "name": kind, "created_at_ms": START_MS}
    account = {"account_sid": line.account_sid, "auth_token": line.secret}
    await configure(parts, insert(schema.carrier).values({**row, **account}))
    return Range(parts, line(parts, "car_0"))


async def corpus(aim: Range) -> list[Sent]:
    """The requests of two whole calls: one that is answered, one that ends in a message."""
    line = aim.line
    await aim.calls_for_real()
    line.new_call()
    await line.arrives(NUMBER)
    await line.waits()
    await line.presses("1")
    if line.kind != "generic":
        await line.whispers()
    await line.fails("busy")
    await line.leaves_message()
    await line.recording_is_ready()
    return list(line.log)


async def storm(aim: Range, sent: list[Sent], count: int, start: int) -> None:
    fired: list[Shot] = []

    @seed(start)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(shot=shots(aim.line.kind, sent))
    def collect(shot: Shot) -> None:
        fired.append(shot)

    collect()
    for begin in range(0, len(fired), _AT_ONCE):
        await asyncio.gather(*(aim.fire(shot) for shot in fired[begin : begin + _AT_ONCE]))
        if begin % (25 * _AT_ONCE) == 0:
            await aim.calls_for_real()


async def survives(parts: Parts, kind: str, rounds: int, each: int, caplog: pytest.LogCaptureFixture) -> None:
    aim = await range_of(parts, kind)
    sent = await corpus(aim)
    with caplog.at_level(logging.ERROR):
        for start in range(rounds):
            await storm(aim, sent, each, start)
        await aim.all_is_kept()
    assert [record.getMessage() for record in caplog.records] == []
    # At which door a request is refused is chance: hypothesis takes numbers and texts from what is imported, too.
    assert {("inbound", 200), ("status", 204), ("step", 200)} <= aim.seen.keys(), aim.seen
    assert 422 in {status for _, status in aim.seen}, aim.seen
    # What the ledger refuses for a reason of its own goes to the disk first, and is set aside when it is drained.
    assert not (parts.settings.data_dir / "spool" / "unreadable.jsonl").exists()


@pytest.mark.parametrize("kind", sorted(LINES))
async def test_no_request_is_a_server_error_and_none_that_is_taken_is_lost(
    parts: Parts, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    await survives(parts, kind, 1, 400, caplog)


@pytest.mark.stress
@pytest.mark.parametrize("kind", sorted(LINES))
async def test_nor_of_twenty_thousand_which_is_a_hundred_thousand_of_all_carriers(
    sqlite_parts: Parts, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    await survives(sqlite_parts, kind, 20, 1_000, caplog)


def test_what_is_refused_is_refused_by_an_error_of_ours() -> None:
    """Not by what a parser happens to raise: whatever `open` and the readers do not take is a DniError."""

    @settings(max_examples=2_000, deadline=None, database=None)
    @given(body=st.binary(max_size=60), kind=st.sampled_from(sorted(PORTS)), url=_words, header=_words)
    def one(body: bytes, kind: str, url: str, header: str) -> None:
        names = ("x-twilio-signature", "x-signalwire-signature", "telnyx-signature-ed25519", "telnyx-timestamp")
        headers = dict.fromkeys((*names, "x-plivo-signature-v3", "x-plivo-signature-v2", "authorization"), header)
        for content_type in ("application/json", "application/x-www-form-urlencoded", header):
            try:
                PORTS[kind].open(RawRequest(url, {**headers, "content-type": content_type}, body), header)
            except DniError:
                continue

    one()
