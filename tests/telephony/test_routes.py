"""The carrier's door: who is let in, and what is kept of who is not."""

import asyncio
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from sqlalchemy import func, select, update
from twilio.request_validator import RequestValidator

from dni.call import refusals
from dni.call.refusals import Refusal, Refusals
from dni.catalog.load import raise_revision
from dni.ledger import schema
from dni.parts import Parts
from tests.support.carrier import BASE, CALL, CALLER, Carrier, dialled, door, rows
from tests.support.world import AUTH_TOKEN, DESTINATION, START_MS, add, numbers

[NUMBER] = numbers(1)


@pytest.fixture
async def carrier(parts: Parts) -> Carrier:
    await add(parts)
    return Carrier(door(parts))


def reason(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["dni-reason"] == answer.json()["code"]
    return answer.status_code, answer.json()["code"]


async def test_get_is_not_a_webhook(carrier: Carrier) -> None:
    for name in ("inbound", "status", "step"):
        assert reason(await carrier.http.get(f"{carrier.path}/{name}")) == (405, "method_not_allowed")


async def test_an_unknown_account_and_a_wrong_carrier_are_not_found(carrier: Carrier) -> None:
    for path in ("twilio/car_9", "plivo/car_1", "none/car_1"):
        answer = await carrier.http.post(f"/voice/{path}/inbound", content=b"")
        assert reason(answer)[0] == 404


async def test_an_address_that_is_none_of_ours_leads_to_the_end_of_the_plan(carrier: Carrier) -> None:
    answer = await carrier.post("step", carrier.fields(NUMBER, CALL, "in-progress"))
    assert dialled(answer) == DESTINATION


async def test_refusals_are_kept_with_their_reason_and_without_secrets_or_callers(
    carrier: Carrier, parts: Parts
) -> None:
    fields = carrier.fields(NUMBER, CALL, "ringing")
    address = f"{carrier.path}/inbound"
    answers = [
        await carrier.http.post(address, content=urlencode(fields)),
        await carrier.http.post(
            f"{address}?From={CALLER}", headers={"X-Twilio-Signature": "x"}, content=urlencode(fields)
        ),
        await Carrier(door(parts), sid="AC2").inbound(NUMBER),
        await Carrier(door(parts), token="another").inbound(NUMBER),
        await carrier.post("inbound", fields, base="http://dni.example"),
    ]
    codes = ["missing_signature", "bad_signature", "wrong_account", "bad_signature", "bad_signature"]
    assert [reason(answer) for answer in answers] == [(403, code) for code in codes]
    kept = await rows(parts, schema.refusal)
    assert sorted(row["code"] for row in kept) == sorted(codes)
    assert {(row["carrier_id"], row["url"], row["at_ms"]) for row in kept} == {("car_1", BASE + address, START_MS)}
    for row in kept:
        text = msgspec.json.encode(row).decode()
        assert AUTH_TOKEN not in text
        assert CALLER not in text
        assert NUMBER not in text
    assert await rows(parts, schema.call) == []


async def test_at_most_a_thousand_refusals_an_account_are_kept(parts: Parts) -> None:
    keeper = Refusals(parts.ledger)
    for begin in range(0, 1_100, 100):
        batch = [Refusal("car_1", START_MS + begin + i, "bad_signature", "", "") for i in range(100)]
        await asyncio.gather(*(keeper.keep(one) for one in batch))
    await keeper.keep(Refusal("car_2", START_MS, "bad_signature", "", ""))
    async with parts.ledger.read() as connection:
        row = schema.refusal.c
        wanted = select(row.carrier_id, func.count(), func.min(row.at_ms)).group_by(row.carrier_id)
        counts = {carrier: (count, oldest) for carrier, count, oldest in await connection.execute(wanted)}
    assert counts == {"car_1": (refusals.KEPT, START_MS + 100), "car_2": (1, START_MS)}


async def test_a_refusal_is_answered_with_the_ledger_locked(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    async with sqlite_parts.ledger.write():
        answer = await Carrier(door(sqlite_parts), token="another").inbound(NUMBER)
    assert reason(answer) == (403, "bad_signature")


async def test_behind_a_proxy_the_public_address_is_what_is_signed(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    sqlite_parts.settings = msgspec.structs.replace(sqlite_parts.settings, public_url="https://calls.example.com")
    carrier = Carrier(door(sqlite_parts))
    fields = carrier.fields(NUMBER, CALL, "ringing")
    assert reason(await carrier.post("inbound", fields)) == (403, "bad_signature")
    answer = await carrier.post("inbound", fields, base="https://calls.example.com")
    assert dialled(answer) == DESTINATION
    assert f'statusCallback="https://calls.example.com{carrier.path}/status"' in answer.text


@pytest.mark.parametrize("signed", ["https://dni.example", "https://dni.example:443"])
async def test_the_default_port_may_be_signed_or_not(sqlite_parts: Parts, signed: str) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    answer = await carrier.post("inbound", carrier.fields(NUMBER, CALL, "ringing"), base=signed)
    assert dialled(answer) == DESTINATION


async def test_a_query_is_part_of_what_is_signed(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    fields = carrier.fields(NUMBER, CALL, "ringing")
    address = f"{carrier.path}/inbound?a=%20b&c=d"
    headers = {
        "X-Twilio-Signature": RequestValidator(AUTH_TOKEN).compute_signature(BASE + address, fields),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert dialled(await carrier.http.post(address, content=urlencode(fields), headers=headers)) == DESTINATION


async def test_what_cannot_be_a_call_is_said_clearly(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    fields = carrier.fields(NUMBER, CALL, "ringing")
    del fields["CallSid"]
    answer = await carrier.post("inbound", fields)
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == ["/CallSid"]


async def test_a_call_to_what_is_no_number_is_answered_as_to_an_unknown_one(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    for to in ("sip:x@y.example", "", "\x00"):
        answer = await carrier.post(
            "inbound", {**carrier.fields(NUMBER, f"CA{to}".encode().hex(), "ringing"), "To": to}
        )
        assert answer.status_code == 200
        assert "<Reject/>" in answer.text


async def test_a_body_too_large_is_refused(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    answer = await carrier.inbound(NUMBER, CallerName="x" * 70_000)
    assert reason(answer) == (413, "body_too_large")


async def test_a_new_secret_counts_at_once(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    async with sqlite_parts.ledger.write() as connection:
        await connection.execute(update(schema.carrier).values(auth_token="new"))
        await raise_revision(connection)
    await sqlite_parts.catalog.refresh()
    assert reason(await Carrier(door(sqlite_parts)).inbound(NUMBER)) == (403, "bad_signature")
    assert dialled(await Carrier(door(sqlite_parts), token="new").inbound(NUMBER)) == DESTINATION
