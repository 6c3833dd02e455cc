"""Webhooks, integrations and deliveries by the API: what is asked, what is answered, what is told of secrets."""

from typing import Any

from sqlalchemy import insert, select, update

from dni.ledger import schema
from dni.outbound import endpoints
from dni.outbound.payload import FIELDS
from tests.api.conftest import Api

URL = "https://example.com/calls"
HOOK = {"name": "Warehouse", "url": URL}
POSTBACK = {"kind": "postback", "name": "Network", "settings": {"url": "https://example.com/p?id={sub1}"}}
POSTBACK_OF = {"kind": "postback", "settings": POSTBACK["settings"]}


async def audited(api: Api) -> str:
    return (await api.get("/audit")).text


async def queued(api: Api, of: str, *states: str, first: int = 0) -> list[str]:
    made = [f"dlv_{n:022}" for n in range(first, first + len(states))]
    async with api.parts.ledger.write() as connection:
        for wanted, state in zip(made, states, strict=True):
            told = {"subject_id": f"call_{wanted}", "at_ms": 1_790_000_000_000}
            message = schema.outbox.insert().values(id=f"msg_{wanted}", type="call.completed", data="{}", **told)
            seq = (await connection.execute(message.returning(schema.outbox.c.seq))).scalar_one()
            row = {"id": wanted, "endpoint_id": of, "message_seq": seq, "action": "tell", "state": state, "due_ms": 0}
            await connection.execute(insert(schema.delivery).values(**row, **told))
    return made


async def test_a_webhook_tells_its_secret_once(api: Api) -> None:
    made = await api.made("/webhooks", HOOK)
    assert made["secret"].startswith("whsec_")
    assert (made["role"], made["fields"], made["paused"]) == ("staff", None, False)
    assert made["health"]["state"] == "never"
    read = (await api.get(f"/webhooks/{made['id']}")).json()
    assert read == {**made, "secret": None}
    assert (await api.get("/webhooks")).json()["data"] == [read]
    assert (await api.get("/integrations")).json()["data"] == [], "a list of the others"
    assert made["secret"] not in await audited(api)


async def test_a_repeated_creation_makes_one_and_tells_no_secret_again(api: Api) -> None:
    key = {"Idempotency-Key": "once"}
    first = await api.post("/webhooks", HOOK, headers=key)
    again = await api.post("/webhooks", HOOK, headers=key)
    assert first.json()["secret"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == {**first.json(), "secret": None}
    assert len((await api.get("/webhooks")).json()["data"]) == 1


async def test_what_is_left_out_stays(api: Api) -> None:
    made = await api.made("/webhooks", {**HOOK, "events": ["call.qualified"], "fields": ["call.id"]})
    changed = (await api.patch(f"/webhooks/{made['id']}", {"paused": True, "role": "publisher"})).json()
    paused = {**made["health"], "state": "paused"}
    assert changed == {**made, "paused": True, "role": "publisher", "secret": None, "health": paused}
    assert (await api.patch(f"/webhooks/{made['id']}", {"fields": None})).json()["fields"] is None


async def test_what_cannot_be_is_refused_with_what_can(api: Api) -> None:
    async def wrong(**more: Any) -> dict[str, str]:
        [error] = (await api.post("/webhooks", {**HOOK, **more})).json()["errors"]
        return dict(error)

    assert "call.payout, " in (await wrong(fields=["call.id", "colour"]))["message"]
    assert (await wrong(fields=["call.id", "colour"]))["path"] == "/fields/1"
    assert (await wrong(url="ftp://example.com/"))["path"] == "/url"
    assert (await wrong(url="https://user:secret@example.com/"))["path"] == "/url"
    assert (await wrong(url="https://example.com/#there"))["path"] == "/url"
    assert (await wrong(events=["export.due"]))["path"] == "/events/0"
    assert (await wrong(campaign="cmp_none"))["path"] == "/campaign"
    assert (await wrong(only={"min_confidence": 2}))["path"] == "/only/min_confidence"
    assert (await wrong(only={"colour": 2}))["path"] == "/only"


async def test_each_field_that_there_is_can_be_chosen(api: Api) -> None:
    made = await api.made("/webhooks", {**HOOK, "fields": list(FIELDS)})
    assert made["fields"] == list(FIELDS)


async def test_rotation_gives_a_new_secret_and_keeps_the_former_for_a_day(api: Api) -> None:
    made = await api.made("/webhooks", HOOK)
    rotated = (await api.post(f"/webhooks/{made['id']}/rotate", {})).json()
    assert rotated["secret"].startswith("whsec_")
    assert rotated == {**made, "secret": rotated["secret"]}
    async with api.parts.ledger.read() as connection:
        kept = (await endpoints.load(connection, made["id"])).secrets
    assert (kept.secret, [former.secret for former in kept.former]) == (rotated["secret"], [made["secret"]])
    assert rotated["secret"] not in await audited(api)
    integration = await api.made("/integrations", POSTBACK)
    assert (await api.post(f"/webhooks/{integration['id']}/rotate", {})).status_code == 404


async def test_an_integrations_secrets_are_named_and_never_shown(api: Api) -> None:
    given = {"kind": "ga4", "name": "Analytics", "settings": {"measurement_id": "G-ABC1234567"}}
    made = await api.made("/integrations", {**given, "secrets": {"api_secret": "very-secret-text"}})
    assert made["secrets_set"] == ["api_secret"]
    changed = await api.patch(f"/integrations/{made['id']}", {"name": "GA4"})
    assert changed.json()["secrets_set"] == ["api_secret"], "what is left out stays"
    changed = await api.patch(f"/integrations/{made['id']}", {"secrets": {"api_secret": "another-secret-text"}})
    for text in (changed.text, await audited(api), (await api.get("/integrations")).text):
        assert "secret-text" not in text
    async with api.parts.ledger.read() as connection:
        assert (await endpoints.load(connection, made["id"])).secrets.api_secret == "another-secret-text"


async def test_settings_are_checked_by_their_kind(api: Api) -> None:
    answer = await api.post("/integrations", {**POSTBACK, "settings": {"url": "https://example.com", "colour": 1}})
    assert [error["path"] for error in answer.json()["errors"]] == ["/settings"]
    answer = await api.post("/integrations", {**POSTBACK, "kind": "fax"})
    assert "postback" in answer.json()["errors"][0]["message"]
    assert (await api.post("/integrations", {**POSTBACK, "kind": "webhook"})).status_code == 422


async def test_settings_are_changed_one_by_one(api: Api) -> None:
    made = await api.made("/integrations", {**POSTBACK, "settings": {**POSTBACK["settings"], "method": "POST"}})  # type: ignore[dict-item]
    changed = await api.patch(f"/integrations/{made['id']}", {"settings": {"body": "a={sub1}"}})
    assert (changed.json()["settings"]["method"], changed.json()["settings"]["body"]) == ("POST", "a={sub1}")


async def test_what_is_deleted_is_gone_and_its_deliveries_stay_to_be_read(api: Api) -> None:
    made = await api.made("/webhooks", HOOK)
    [wanted] = await queued(api, made["id"], "waiting")
    assert (await api.delete(f"/webhooks/{made['id']}")).status_code == 204
    assert (await api.get(f"/webhooks/{made['id']}")).status_code == 404
    read = (await api.get(f"/deliveries/{wanted}")).json()
    assert (read["state"], read["endpoint_name"]) == ("skipped", "Warehouse")


async def test_a_campaign_that_is_told_of_is_in_use(api: Api) -> None:
    campaign = await api.campaign()
    made = await api.made("/webhooks", {**HOOK, "campaign": campaign})
    refused = await api.delete(f"/campaigns/{campaign}")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    await api.delete(f"/webhooks/{made['id']}")
    assert (await api.delete(f"/campaigns/{campaign}")).status_code == 204


async def test_deliveries_are_found_by_what_they_are(api: Api) -> None:
    one, other = (await api.made("/webhooks", HOOK))["id"], (await api.made("/integrations", POSTBACK))["id"]
    dead, _, theirs = [*await queued(api, one, "dead", "delivered"), *await queued(api, other, "dead", first=2)]

    async def found(query: str) -> list[str]:
        return [row["id"] for row in (await api.get(f"/deliveries?{query}")).json()["data"]]

    assert await found("state=dead") == [theirs, dead]
    assert await found(f"endpoint={one}&state=dead") == [dead]
    assert await found(f"call=call_{theirs}") == [theirs]
    assert await found("type=call.started") == []
    assert (await api.get("/deliveries?state=lost")).status_code == 422


async def test_a_dead_one_is_sent_again(api: Api) -> None:
    made = await api.made("/webhooks", HOOK)
    [wanted] = await queued(api, made["id"], "dead")
    sent = (await api.post(f"/deliveries/{wanted}/send", {})).json()
    assert (sent["state"], sent["attempts"]) == ("waiting", 0)
    assert "send_delivery" in await audited(api)


async def test_all_since_a_time_are_sent_again(api: Api) -> None:
    made = await api.made("/webhooks", HOOK)
    await queued(api, made["id"], "dead", "dead", "delivered", "skipped")
    body = {"since": "1970-01-01T00:00:00Z"}
    path = f"/webhooks/{made['id']}/send"
    assert (await api.post(path, body)).json() == {"sent": 2}
    assert (await api.post(path, {**body, "states": ["delivered", "skipped"]})).json() == {"sent": 2}
    assert (await api.post(f"/integrations/{made['id']}/send", body)).status_code == 404
    assert "send_webhook" in await audited(api)
    async with api.parts.ledger.read() as connection:
        states = set((await connection.execute(select(schema.delivery.c.state))).scalars())
    assert states == {"waiting"}


async def test_health_is_told(api: Api) -> None:
    made = await api.made("/webhooks", HOOK)
    await queued(api, made["id"], "waiting", "dead", "dead")
    async with api.parts.ledger.write() as connection:
        health = {"failures": 7, "failing_since_ms": 1_790_000_000_000, "why": "it answered 500"}
        await connection.execute(insert(schema.endpoint_health).values(endpoint_id=made["id"], **health))
    read = (await api.get(f"/webhooks/{made['id']}")).json()
    assert (read["waiting"], read["dead"]) == (1, 2)
    assert (read["health"]["state"], read["health"]["failures"], read["health"]["why"]) == (
        "failing",
        7,
        "it answered 500",
    )
    async with api.parts.ledger.write() as connection:
        await connection.execute(update(schema.endpoint_health).values(failures=0, delivered_ms=1_790_000_000_001))
    assert (await api.get(f"/webhooks/{made['id']}")).json()["health"]["state"] == "ok"


async def test_an_address_that_nothing_would_be_sent_to_is_refused_when_it_is_entered(api: Api) -> None:
    made = await api.made("/webhooks", HOOK)
    inside = "http://169.254.169.254/latest"
    for answer in (
        await api.post("/webhooks", {**HOOK, "url": inside}),
        await api.patch(f"/webhooks/{made['id']}", {"url": inside}),
    ):
        [error] = answer.json()["errors"]
        assert error["path"] == "/url"
        assert "DNI_OUTBOUND_ALLOW" in error["message"]
    answer = await api.post("/integrations", {**POSTBACK, "settings": {"url": "http://127.0.0.1/p"}})
    assert [error["path"] for error in answer.json()["errors"]] == ["/settings/url"]


async def a_call(api: Api, name: str, at_ms: int, campaign: str | None = None) -> str:
    async with api.parts.ledger.write() as connection:
        row = {"id": name, "carrier_id": "car_1", "provider_id": name, "status": "completed", "started_at_ms": at_ms}
        told = {"tracking_number": "+14155550101", "caller": "+12125550101", "campaign_id": campaign}
        await connection.execute(insert(schema.call).values(**row, **told))
    return name


async def preview(api: Api, **more: Any) -> dict[str, Any]:
    body = {"kind": "postback", "settings": {"url": "https://example.com/p?call={call_id}&from={caller}"}, **more}
    answer = await api.post("/integrations/preview", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_preview_is_the_request_that_would_be_sent(api: Api) -> None:
    made_up = await preview(api)
    assert (made_up["call"], made_up["why"]) == (None, None)
    assert made_up["request"]["method"] == "GET"
    await a_call(api, "call_1", 1)
    newest = await a_call(api, "call_2", 2)
    assert (await preview(api))["call"] == newest
    chosen = await preview(api, call="call_1")
    assert chosen["request"]["url"] == "https://example.com/p?call=call_1&from=%2B12125550101"
    assert (await api.get("/deliveries")).json()["data"] == []


async def test_a_preview_keeps_within_its_campaign(api: Api) -> None:
    campaign = await api.campaign()
    await a_call(api, "call_1", 1, campaign)
    await a_call(api, "call_2", 2)
    assert (await preview(api, campaign=campaign))["call"] == "call_1"
    refused = await api.post("/integrations/preview", {**POSTBACK_OF, "campaign": campaign, "call": "call_2"})
    assert [error["path"] for error in refused.json()["errors"]] == ["/call"]


async def test_a_preview_says_what_is_missing_and_shows_no_secret(api: Api) -> None:
    await a_call(api, "call_1", 1)
    without_visit = await preview(api, kind="ga4", settings={"measurement_id": "G-ABC1234567"})
    assert without_visit["request"] is None
    assert without_visit["why"]
    refused = await api.post("/integrations/preview", {"kind": "webhook", "settings": {"url": URL}})
    assert [error["path"] for error in refused.json()["errors"]] == ["/kind"]
    with_secret = await preview(api, settings={"url": "https://example.com/p?key={secret}"})
    assert with_secret["request"]["url"] == "https://example.com/p?key=••••"
