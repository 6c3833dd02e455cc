"""What other systems were told goes with whom it tells of, and when it is old; nothing is told again by that."""

from typing import Any

import pytest
from sqlalchemy import insert

from dni.access.authenticate import ADMIN
from dni.ledger import schema
from dni.parts import Parts
from dni.privacy.erase import erase
from dni.privacy.export import export
from dni.privacy.model import Who
from tests.dashboard.samples import CALLER, call, insert_rows
from tests.privacy.story import rows
from tests.privacy.test_forget import DAY, run
from tests.support.world import START_MS, add

OTHER = "+14155550177"
SAID = '{"call":{"caller":"%s"}}'


@pytest.fixture
async def told(parts: Parts) -> Parts:
    """Two calls, each told to a webhook and as a conversion; one delivery of each waits."""
    await add(parts)
    await insert_rows(parts, schema.call, call("call_old", 50 * DAY), call("call_new", 5 * DAY, caller=OTHER))
    endpoint = {"types": [], "settings": {}, "secrets": {}, "created_at_ms": 0}
    await insert_rows(
        parts,
        schema.endpoint,
        *({"id": kind, "kind": kind, "name": kind, **endpoint} for kind in ("webhook", "postback", "broken")),
    )
    for seq, (name, ago, caller) in enumerate((("call_old", 50, CALLER), ("call_new", 5, OTHER)), start=1):
        at_ms = START_MS - ago * DAY
        message = {"id": f"msg_{seq}", "type": "call.completed", "at_ms": at_ms, "subject_id": name, "made_ms": at_ms}
        await insert_rows(parts, schema.outbox, {"seq": seq, **message, "data": SAID % caller})
        await _deliveries(parts, seq, name, at_ms, caller)
    return parts


async def _deliveries(parts: Parts, seq: int, call_id: str, at_ms: int, caller: str) -> None:
    sent = {"request": {"method": "POST", "url": "https://x.example", "body": caller}, "kept": {"caller": caller}}
    common = {"message_seq": seq, "subject_id": call_id, "at_ms": at_ms, "due_ms": at_ms, "why": None}
    async with parts.ledger.write() as connection:
        for endpoint, action, state in (
            ("webhook", "tell", "delivered"),
            ("postback", "convert", "delivered"),
            ("broken", "tell", "waiting"),
        ):
            name = f"{endpoint}_{seq}"
            values = {"id": name, "endpoint_id": endpoint, "action": action, "state": state, **common, **sent}
            await connection.execute(insert(schema.delivery).values(values))
            tried = {"delivery_id": name, "at_ms": at_ms, "took_ms": 1, "result": state, "answer": f"thanks, {caller}"}
            await connection.execute(insert(schema.delivery_attempt).values(id=f"try_{name}", **tried))


async def held(parts: Parts) -> str:
    return repr([await rows(parts, table) for table in (schema.outbox, schema.delivery, schema.delivery_attempt)])


async def states(parts: Parts) -> dict[str, Any]:
    return {row["id"]: row["state"] for row in await rows(parts, schema.delivery)}


async def test_a_caller_who_is_erased_is_in_no_message_and_what_waits_is_not_sent(told: Parts) -> None:
    assert CALLER in await held(told)
    await erase(told, Who(caller=CALLER), ADMIN)
    left = await held(told)
    assert CALLER not in left
    assert OTHER in left
    assert (await states(told)) == {
        "webhook_1": "delivered",
        "postback_1": "delivered",
        "broken_1": "dead",
        "webhook_2": "delivered",
        "postback_2": "delivered",
        "broken_2": "waiting",
    }
    [why] = [row["why"] for row in await rows(told, schema.delivery) if row["id"] == "broken_1"]
    assert "forgotten" in why


async def test_his_file_says_who_was_told_of_him(told: Parts) -> None:
    found = (await export(told, Who(caller=CALLER))).messages
    assert [(one["call_id"], one["kind"], one["state"]) for one in found] == [
        ("call_old", "broken", "waiting"),
        ("call_old", "postback", "delivered"),
        ("call_old", "webhook", "delivered"),
    ]


async def test_what_is_old_goes_but_for_the_row_that_keeps_a_conversion_from_being_told_again(told: Parts) -> None:
    assert await run(told, messages=30) == {"messages": 1}
    assert CALLER not in await held(told)
    assert (await states(told)) == {
        "postback_1": "delivered",
        "webhook_2": "delivered",
        "postback_2": "delivered",
        "broken_2": "waiting",
    }
    assert [row["id"] for row in await rows(told, schema.outbox)] == ["msg_1", "msg_2"]
    assert {row["delivery_id"] for row in await rows(told, schema.delivery_attempt)} == {
        "webhook_2",
        "postback_2",
        "broken_2",
    }


@pytest.mark.parametrize("kind", ["details", "callers"])
async def test_no_message_keeps_what_its_call_has_lost(told: Parts, kind: str) -> None:
    days: dict[str, Any] = {kind: 30}
    await run(told, **days)
    left = await held(told)
    assert CALLER not in left
    assert OTHER in left
