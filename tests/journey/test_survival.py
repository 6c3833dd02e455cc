"""What is killed comes back: nothing acknowledged is lost, and no number is shown to two."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from tests.support.browser import PERSON, lease_body
from tests.support.service import Service
from tests.support.world import AUTH_TOKEN, DESTINATION, ORIGIN, TARGET, numbers


class Api:
    """An operator with curl, and what he set up: one campaign with a pool."""

    def __init__(self, service: Service, pool_size: int) -> None:
        self.service = service
        campaign = self.make("campaigns", name="Spring", destination=DESTINATION, timezone="America/New_York")
        publisher = self.make("publishers", name="Publisher")
        pool = self.make("pools", name="Pool", numbers=numbers(pool_size))
        self.tag = self.make(
            "tags",
            name="Tag",
            campaign=campaign["id"],
            publisher=publisher["id"],
            pool=pool["id"],
            origins=[ORIGIN],
            targets=[TARGET],
        )
        self.carrier = self.make("carriers", kind="twilio", name="Twilio", account_sid="AC1", auth_token=AUTH_TOKEN)

    def make(self, noun: str, **fields: Any) -> dict[str, Any]:
        url = f"{self.service.url}/api/v1/{noun}"
        answer = httpx.post(url, json=fields, headers=self.service.headers, trust_env=False)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def visit(self, **change: Any) -> dict[str, Any]:
        body = lease_body(tag=self.tag["key"], **change)
        headers = {"Origin": ORIGIN, "User-Agent": PERSON}
        answer = httpx.post(f"{self.service.url}/v1/lease", json=body, headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given

    def ring(self, number: str, sid: str) -> httpx.Response:
        fields = {"CallSid": sid, "AccountSid": "AC1", "From": "+12125550142", "To": number, "CallStatus": "ringing"}
        url = self.carrier["inbound_url"]
        headers = {"X-Twilio-Signature": RequestValidator(AUTH_TOKEN).compute_signature(url, fields)}
        return httpx.post(url, data=fields, headers=headers, trust_env=False)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.service.url}/api/v1/{path}", headers=self.service.headers, trust_env=False)

    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("calls").json()["data"]
        return found


def eventually(true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Another process brings it about; asked again and again, with a limit."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        signal.sigtimedwait([], 0.05)


def pid_of(service: Service, program: str) -> int:
    return next(pid for pid, name in service.processes().items() if program in name)


def test_kill_9_right_after_a_calls_answer_loses_nothing_and_leaves_nothing_behind(service: Service) -> None:
    api = Api(service, pool_size=3)
    visit = api.visit()
    answer = api.ring(visit["numbers"][TARGET]["number"], "CA1")
    service.kill9()
    assert DESTINATION in answer.text
    eventually(lambda: not service.processes(), "workers and Valkey end with their parent")
    service.start()
    [call] = api.calls()
    assert call["provider_id"] == "CA1"
    assert call["attribution"]["session"] == visit["session"]
    assert call["source"] == "google"
    session = f"sessions/{visit['session']}"
    eventually(lambda: api.get(session).status_code == 200, "the session is recorded after the restart")


def test_kill_9_of_valkey_brings_leases_back_and_gives_no_number_that_may_be_on_a_screen(service: Service) -> None:
    api = Api(service, pool_size=10)
    before = api.visit()
    shown = before["numbers"][TARGET]["number"]
    # Everysec: what is older than two seconds is on disk. A restart in order makes sure of it without waiting.
    service.restart()
    valkey = pid_of(service, "valkey")
    os.kill(valkey, signal.SIGKILL)
    eventually(lambda: service.ready() and pid_of(service, "valkey") != valkey, "Valkey is started again")
    same = api.visit(visitor=before["visitor"], session=before["session"])
    assert same["numbers"][TARGET]["number"] == shown
    assert same["session"] == before["session"]
    stranger = api.visit()["numbers"][TARGET]
    assert (stranger["kind"], stranger["reason"]) == ("original", "recovering")
    assert stranger["retry_ms"] > 0
    # A call to the number is still known to be his.
    assert DESTINATION in api.ring(shown, "CA2").text
    assert api.calls()[0]["attribution"]["session"] == before["session"]


def test_valkey_killed_and_its_file_lost_the_pool_is_rebuilt_from_the_ledger(service: Service) -> None:
    api = Api(service, pool_size=3)
    before = api.visit()
    shown = before["numbers"][TARGET]
    service.kill9()
    eventually(lambda: not service.processes(), "nothing is left")
    for file in (service.data_dir / "valkey").rglob("*"):
        if file.is_file():
            file.unlink()
    service.start()
    stranger = api.visit()["numbers"][TARGET]
    assert (stranger["kind"], stranger["reason"]) == ("original", "recovering")
    # The page that still shows it says a beat, and has its number back.
    beat = {
        "v": 1,
        "tag": api.tag["key"],
        "session": before["session"],
        "visitor": before["visitor"],
        "signals": [{"type": "beat", "lease": shown["lease"], "ago_ms": 0}],
        "page": {"id": "page1", "seq": 5},
    }
    answer = httpx.post(f"{service.url}/v1/signal", json=beat, headers={"Origin": ORIGIN}, trust_env=False)
    assert answer.status_code == 204, answer.text
    assert DESTINATION in api.ring(shown["number"], "CA3").text
    assert api.calls()[0]["attribution"]["session"] == before["session"]


def test_a_stop_in_order_goes_on_at_once(service: Service) -> None:
    api = Api(service, pool_size=3)
    first = api.visit()
    service.restart()
    other = api.visit()["numbers"][TARGET]
    assert other["kind"] == "pool"
    assert other["number"] != first["numbers"][TARGET]["number"]


@pytest.mark.parametrize("workers", [2])
async def test_64_parallel_visitors_on_40_numbers(start_service: Any, workers: int) -> None:
    service = start_service(workers=workers, env={"DNI_TRUSTED_PROXIES": "127.0.0.1"})
    api = Api(service, pool_size=40)
    key = f"{service.url}/t/{api.tag['key']}.js"
    # A change reaches every worker within a second: ask on new connections until no worker answers 404.
    eventually(
        lambda: all(httpx.get(key, trust_env=False).status_code == 200 for _ in range(10)), "both workers know the tag"
    )
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=30) as browsers:

        async def visit(n: int) -> dict[str, Any]:
            headers = {"Origin": ORIGIN, "User-Agent": PERSON, "X-Forwarded-For": f"198.51.100.{n}"}
            body = lease_body(tag=api.tag["key"], page={"id": f"p{n}", "seq": 1, "url": ORIGIN + "/"})
            answer = await browsers.post("/v1/lease", json=body, headers=headers)
            given: dict[str, Any] = answer.json()["numbers"][TARGET]
            return given

        got = await asyncio.gather(*(visit(n) for n in range(64)))
    leased = [given["number"] for given in got if given["kind"] == "pool"]
    assert sorted(leased) == sorted(numbers(40))
    refused = [given for given in got if given["kind"] != "pool"]
    assert len(refused) == 24
    assert all((g["kind"], g["reason"]) == ("original", "exhausted") and g["retry_ms"] > 0 for g in refused)
