"""A campaign with destinations and a routing, and a call that went through it."""

from typing import Any

import msgspec
from sqlalchemy import update

from dni.catalog.load import raise_revision
from dni.ledger import schema
from dni.parts import Parts
from dni.routing.model import Routing
from tests.dashboard.samples import HOUR, MINUTE, call, event, insert_rows
from tests.support.world import START_MS

ANNA, BOB = "+14155550131", "+14155550132"
CALL = "call_routed"

ROUTING: dict[str, Any] = {
    "steps": [
        {"id": "nuisance", "do": "reject", "reason": "busy", "when": {"more_than": {"calls": 5, "minutes": 10}}},
        {
            "id": "closed",
            "do": "voicemail",
            "prompt": {"text": "We are closed. Please leave a message."},
            "unless": {"hours": "Mo-Fr 09:00-17:00; PH off"},
        },
        {
            "id": "language",
            "do": "menu",
            "prompt": {"text": "For English press 1. Para español oprima 2."},
            "keys": {"1": "English", "2": "Spanish"},
        },
        {
            "id": "spanish",
            "do": "connect",
            "when": {"keys": {"language": ["2"]}},
            "destinations": [{"destination": "dst_anna"}],
        },
        {
            "id": "buyers",
            "do": "connect",
            "order": "weight",
            "record": True,
            "destinations": [
                {"destination": "dst_anna", "weight": 3},
                {"destination": "dst_bob", "weight": 1},
                {"destination": "dst_long", "priority": 2},
            ],
        },
    ],
    "holidays": ["2026-12-25"],
    "blocked": ["+14155550166"],
}


def destination(name: str, called: str, number: str, **values: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"campaign_id": "cmp_1", "timezone": None, "hours": None, "caps": {}, "paused": False}
    at = {"created_at_ms": START_MS, "deleted_at_ms": None}
    return {"id": f"dst_{name}", "name": called, "number": number, **usual, **at, **values}


async def fill(parts: Parts) -> None:
    """Beside `samples.fill`: its campaign `cmp_1` with three destinations and ROUTING, and CALL."""
    long = {"hours": "Mo-Fr 22:00-06:00; Sa 10:00-14:00; PH off", "timezone": "America/Los_Angeles"}
    await insert_rows(
        parts,
        schema.destination,
        destination("anna", "Anna", ANNA, caps={"concurrent": 2, "day": 30}),
        destination("bob", "Bob", BOB, paused=True),
        destination("long", "<b>The call centre</b> of " + "a very long name " * 6, "+14155550133", **long),
    )
    await live(parts, ROUTING)
    began = START_MS - 2 * HOUR
    at = {"call_id": CALL, "identity": "inbound"}
    await insert_rows(
        parts,
        schema.call,
        call(
            CALL,
            2 * HOUR,
            destination=ANNA,
            keys="1",
            hung_up_by="caller",
            attestation="A",
            phone_type="mobile",
            recording_url="https://recordings.example/RE1",
            outcome={
                "sale": True,
                "value": {"amount": 12_500, "currency": "USD"},
                "lead_status": "won",
                "note": "Boiler",
            },
        ),
    )
    await insert_rows(parts, schema.call_event, event(CALL, 2 * HOUR, "inbound", CallStatus="ringing"))
    asked = [
        passage("nuisance", "passed", "the caller rang once within 10 minutes"),
        passage("closed", "passed", "it is Mon 08:13, within Mo-Fr 09:00-17:00; PH off"),
        passage("language", "taken", "always"),
    ]
    rang = [
        passage("language", "taken", "1 was pressed: English"),
        passage("spanish", "passed", "language got 1"),
        passage("buyers", "taken", "always"),
        passage("buyers", "passed", "Bob is paused"),
        passage("buyers", "taken", "rings Anna"),
    ]
    await insert_rows(
        parts,
        schema.decision,
        {"id": "dec_1", **at, "at_ms": began, "phase": "menu", "path": asked, "instruction": {}},
        {"id": "dec_2", **at, "identity": "step", "at_ms": began + 6_000, "phase": "connecting", "path": rang}
        | {"instruction": {}},
    )
    tried = {"call_id": CALL, "destination_id": "dst_anna", "number": ANNA}
    ended = {"state": "completed", "counted": True, "at_ms": began + 6_000, "ended_at_ms": began + 136_000}
    await insert_rows(parts, schema.attempt, {"id": "att_1", **tried, **ended})
    told = {"sale": True, "value": 12_500, "currency": "USD", "lead_status": "won", "note": "Boiler"}
    by = {"by_id": "admin", "by_name": "admin"}
    await insert_rows(
        parts, schema.outcome, {"id": "out_00", "call_id": CALL, "at_ms": began + 60 * MINUTE, **told, **by}
    )


async def live(parts: Parts, routing: dict[str, Any]) -> None:
    made = msgspec.to_builtins(msgspec.convert(routing, Routing))
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.campaign).where(schema.campaign.c.id == "cmp_1").values(routing=made))
        await raise_revision(connection)
    await parts.catalog.refresh()


def passage(step: str, did: str, why: str) -> dict[str, str]:
    return {"step": step, "did": did, "why": why}
