"""What is made for others of the ledger: it fits the document, and a role reads in it what the API gives that role."""

from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from sqlalchemy import insert, select

from dni.access.model import COMMAND_LINE, Principal, Role
from dni.api.openapi import document
from dni.api.openapi_webhooks import DATA
from dni.call import outcomes
from dni.call.outcome import TellOutcome
from dni.call.search import former_attributions, one_call
from dni.ledger import schema
from dni.money import Money
from dni.outbound import declare, outbox, reader, webhook
from dni.outbound.entered import NewWebhook
from dni.outbound.make import make
from dni.outbound.model import TYPES, Message, Type
from dni.outbound.webhook import Settings
from dni.parts import Parts
from dni.qualification.amounts import Amounts, corrected
from dni.session.search import one_session
from tests.dashboard import tenants
from tests.support.world import START_MS

URL = "https://example.com/calls"
ROLES: tuple[tuple[Role, Principal], ...] = (
    ("publisher", Principal("x", "x", "publisher", publisher="pub_own")),
    ("advertiser", Principal("x", "x", "advertiser", campaign="cmp_own")),
)
BEFORE, AFTER = Amounts(True, True, 1_250, 2_000), Amounts(False, True, 0, 2_000)
DETAILS: dict[Type, dict[str, Any]] = {
    "call.attributed": {
        "session": {"before": "ses_neighbour", "after": "ses_own"},
        "confidence": {"before": 0.5, "after": 0.9},
    },
    "call.corrected": msgspec.to_builtins(corrected("correction", "by hand", BEFORE, AFTER, ("USD", "USD"))),
    "tag.alert": {"alert": "alr_tag", "state": "began"},
    "pool.alert": {"alert": "alr_pool", "state": "over"},
}
# Of the three tenants, from before.
THEIRS = [f"msg_{side}" for side in tenants.SIDES]
SUBJECTS: dict[str, str] = {"statement": "sta_own", "tag": "tag_own", "pool": "pool_own"}


@pytest.fixture
async def told(parts: Parts) -> dict[Type, Message]:
    """A message of each type about `own`, as it was made; a neighbour shares the pool."""
    await tenants.fill(parts)
    async with parts.ledger.write() as connection:
        await declare.new_webhook(connection, START_MS, NewWebhook(name="All", url=URL))
        for kind in ("tag", "pool"):
            alert = {"id": f"alr_{kind}", "kind": kind, "subject_id": f"{kind}_own", "says": "no beat", "since_ms": 1}
            await connection.execute(insert(schema.alert).values(**alert, over_ms=2 if kind == "pool" else None))
        tell = TellOutcome(sale=True, value=Money(5, "USD"), note="Mr Smith")
        await outcomes.tell(connection, COMMAND_LINE, START_MS, "call_own", tell)
        for kind in TYPES:
            if kind != "outcome.recorded":
                subject = SUBJECTS.get(kind.partition(".")[0], "call_own")
                await outbox.tell(connection, kind, subject, START_MS, DETAILS.get(kind))
    while await make(parts):
        pass
    async with parts.ledger.read() as connection:
        rows = (
            (await connection.execute(select(schema.outbox).where(schema.outbox.c.id.not_in(THEIRS)))).mappings().all()
        )
    return {
        row["type"]: Message(
            seq=row["seq"],
            id=row["id"],
            type=row["type"],
            at_ms=row["at_ms"],
            subject=row["subject_id"],
            data=msgspec.json.decode(row["data"]),
        )
        for row in rows
    }


async def test_what_is_made_fits_the_documents_schemas_and_says_no_more(told: dict[Type, Message]) -> None:
    assert set(told) == set(TYPES)
    made = document()
    for kind, message in told.items():
        content = made["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
        posted = webhook.told(message, Settings(url=URL))
        OAS31Validator({"components": made["components"], **content["schema"]}).validate(posted)
        assert msgspec.to_builtins(msgspec.convert(message.data, DATA[kind])) == message.data, kind


@pytest.mark.parametrize(("role", "principal"), ROLES)
async def test_a_role_is_told_of_a_call_what_the_api_gives_it(
    parts: Parts, told: dict[Type, Message], role: Role, principal: Principal
) -> None:
    data = reader.data_for(role, told["call.qualified"])
    assert data
    assert data["call"] == msgspec.to_builtins(await one_call(parts.ledger, principal, "call_own"))
    visit = msgspec.to_builtins(await one_session(parts.ledger, principal, "ses_own"))
    assert data["visit"] == {name: visit.get(name) for name in data["visit"]} | {"session": visit["id"]}
    assert tenants.tells(principal, repr(data)) == ""


async def test_staff_is_told_of_a_call_what_the_api_gives_it(parts: Parts, told: dict[Type, Message]) -> None:
    data = told["call.qualified"].data
    assert data["call"] == msgspec.to_builtins(await one_call(parts.ledger, COMMAND_LINE, "call_own"))
    assert data["others"] == ["ses_neighbour"]


@pytest.mark.parametrize(("role", "principal"), ROLES)
async def test_a_role_is_told_of_an_outcome_what_the_api_gives_it(
    parts: Parts, told: dict[Type, Message], role: Role, principal: Principal
) -> None:
    data = reader.data_for(role, told["outcome.recorded"])
    assert data
    async with parts.ledger.read() as connection:
        [view] = await outcomes.of_call(connection, principal, "call_own")
    assert data["change"] == msgspec.to_builtins(view)
    assert (view.note is None) == (role == "publisher")


async def test_a_former_answer_of_a_neighbour_is_not_told_its_publisher(
    parts: Parts, told: dict[Type, Message]
) -> None:
    data = reader.data_for("publisher", told["call.attributed"])
    assert data
    assert data["change"]["session"] == {"before": None, "after": "ses_own"}
    former = {"call_id": "call_own", "until_ms": START_MS, "session_id": "ses_neighbour", "method": "current"}
    async with parts.ledger.write() as connection:
        await connection.execute(insert(schema.former_attribution).values(**former, candidates=[]))
    [view] = await former_attributions(parts.ledger, ROLES[0][1], "call_own")
    assert view.session is None, "as the API has it"


@pytest.mark.parametrize(("role", "principal"), ROLES)
async def test_no_message_tells_a_role_what_is_anothers(
    told: dict[Type, Message], role: Role, principal: Principal
) -> None:
    for message in told.values():
        data = reader.data_for(role, message)
        assert data is None or tenants.tells(principal, repr(data)) == "", message.type
