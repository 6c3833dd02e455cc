"""A call by a carrier's door of the real service reaches a receiver that is written with the official library."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.conftest import StartService
from tests.support.receiver import Got, Receiver, Reply, receiving
from tests.support.service import Service
from tests.support.until import until

LINE = {"Authorization": "Bearer sixteen-or-more-characters"}
NUMBER = "+14155550123"


class Verifying:
    """Takes what one of the secrets signs, and nothing else."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.taken: dict[str, list[dict[str, Any]]] = {}
        self.refused: list[Got] = []

    def __call__(self, got: Got) -> Reply:
        name = got.path.strip("/")
        try:
            told = Webhook(self.secrets[name]).verify(got.body, got.headers)
        except WebhookVerificationError:
            self.refused.append(got)
            return Reply(400, b"not signed by you")
        self.taken.setdefault(name, []).append({**told, "id": got.headers["webhook-id"]})
        return Reply(204, b"")

    def types(self, name: str) -> list[str]:
        return [told["type"] for told in self.taken.get(name, [])]


@pytest.fixture
def service(start_service: StartService) -> Service:
    return start_service(env={"DNI_OUTBOUND_ALLOW": "127.0.0.1"})


@pytest.fixture
async def api(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, headers=service.headers, trust_env=False) as client:
        yield client


async def made(api: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def hook(api: httpx.AsyncClient, receiver: Receiver, office: Verifying, name: str, **more: Any) -> str:
    url = f"http://127.0.0.1:{receiver.port}/{name}"
    webhook = await made(api, "/webhooks", {"name": name, "url": url, **more})
    office.secrets[name] = webhook["secret"]
    return str(webhook["id"])


async def line(api: httpx.AsyncClient) -> str:
    """A campaign whose calls come by a SIP server of one's own, and pay; the account of the carrier."""
    campaign = (await made(api, "/campaigns", {"name": "Roofs", "destination": "+14155550199"}))["id"]
    terms = {side: {"base": {"name": "Base", "when": "talk >= 1s", "amount": 1250}} for side in ("payout", "revenue")}
    await api.put(f"/api/v1/campaigns/{campaign}/terms", json={"terms": terms})
    publisher = (await made(api, "/publishers", {"name": "Acme Media"}))["id"]
    number = {"number": NUMBER, "campaign": campaign, "publisher": publisher, "source": "billboard"}
    await made(api, "/numbers", number)
    secret = LINE["Authorization"].removeprefix("Bearer ")
    return str((await made(api, "/carriers", {"kind": "generic", "name": "Ours", "auth_token": secret}))["id"])


async def ring(api: httpx.AsyncClient, account: str, call: str) -> None:
    door = f"/voice/generic/{account}"

    async def asked() -> bool:
        arriving = {"call_id": call, "from": "+13125550142", "to": NUMBER}
        answer = await api.post(f"{door}/inbound", json=arriving, headers=LINE)
        return answer.status_code == 200 and answer.json()["action"] == "connect"

    await until(asked, "the call is taken")
    for event, more in (("answered", {"destination": "+14155550199"}), ("ended", {"talk_seconds": 60})):
        answer = await api.post(f"{door}/status", json={"call_id": call, "event": event, **more}, headers=LINE)
        assert answer.status_code == 204, answer.text


async def test_a_call_is_told_signed_to_each_receiver_as_it_may_read_it(api: httpx.AsyncClient) -> None:
    office = Verifying()
    async with receiving(office) as receiver:
        account = await line(api)
        wanted = await hook(api, receiver, office, "office")
        await hook(api, receiver, office, "partner", role="publisher", events=["call.completed"], fields=["call"])
        await ring(api, account, "first")
        started = {"call.started", "call.attributed", "call.completed", "call.qualified"}
        await until(lambda: started <= set(office.types("office")), "all is told")
        await until(lambda: office.types("partner") == ["call.completed"], "the partner is told what it asked for")
        assert office.refused == []

        ids = [told["id"] for told in office.taken["office"]]
        assert len(set(ids)) == len(ids)
        whole = next(told for told in office.taken["office"] if told["type"] == "call.completed")
        [seen] = office.taken["partner"]
        assert whole["data"]["call"]["caller"] == "+13125550142"
        assert whole["data"]["publisher"]["name"] == "Acme Media"
        assert (list(seen["data"]), seen["data"]["call"]["caller"]) == (["call"], "+1312555••••")
        assert seen["data"]["call"]["destination"] is None
        assert seen["id"] == whole["id"], "a message has one id, whoever is told"

        call = whole["data"]["call"]["id"]

        async def is_recorded() -> bool:
            found = (await api.get(f"/api/v1/deliveries?call={call}&endpoint={wanted}")).json()["data"]
            return {one["state"] for one in found} == {"delivered"}

        await until(is_recorded, "each delivery says so")


async def test_over_a_rotation_nothing_is_missed_and_then_the_new_secret_holds(api: httpx.AsyncClient) -> None:
    office = Verifying()
    async with receiving(office) as receiver:
        account = await line(api)
        wanted = await hook(api, receiver, office, "office", events=["call.started"])
        former = office.secrets["office"]
        rotated = (await api.post(f"/api/v1/webhooks/{wanted}/rotate")).json()["secret"]
        await ring(api, account, "first")
        await until(lambda: len(office.taken.get("office", [])) == 1, "who has the former secret takes it")
        office.secrets["office"] = rotated
        await ring(api, account, "second")
        await until(lambda: len(office.taken["office"]) == 2, "so does who has the new one")
        assert office.refused == []
        assert former != rotated


async def test_a_test_shows_what_was_answered(api: httpx.AsyncClient) -> None:
    office = Verifying()
    async with receiving(office) as receiver:
        wanted = await hook(api, receiver, office, "office")
        tried = (await api.post(f"/api/v1/webhooks/{wanted}/test", json={}, timeout=20)).json()
        assert (tried["result"], tried["status"], tried["why"]) == ("delivered", 204, None)
        assert json.loads(tried["request"]["body"])["type"] == "test"
        assert office.types("office") == ["test"]
        office.secrets["office"] = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
        tried = (await api.post(f"/api/v1/webhooks/{wanted}/test", json={}, timeout=20)).json()
        assert (tried["result"], tried["status"], tried["answer"]) == ("again", 400, "not signed by you")
        assert tried["why"]
