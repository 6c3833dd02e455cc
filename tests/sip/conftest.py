"""One service, one Kamailio, a campaign for each way that a call may go, and all those calls, rung at once."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.support import service as services
from tests.support import sip
from tests.support.browser import PERSON, lease_body
from tests.support.service import Service
from tests.support.sip import Exchange
from tests.support.world import ORIGIN, TARGET, numbers

ANSWERS, IS_BUSY, RINGS, HANGS_UP = (f"+1415555019{i}" for i in range(4))
TOKEN = "a-long-random-token-of-the-sip-server"
CALLER = "+14155550142"
POOL, OWN = numbers(60), numbers(5, first=100)
REJECTED, BUSY_FIRST, UNANSWERED, GIVEN_UP, ENDED_THERE = OWN
WITHIN_S, LATE_MS = 1, 1_500


class Office:
    """The service as its owner and its visitors know it."""

    def __init__(self, service: Service, http: httpx.Client) -> None:
        self.service = service
        self._http = http
        self.tag = ""

    def made(self, collection: str, **new: Any) -> dict[str, Any]:
        answer = self._http.post(f"/api/v1/{collection}", json=new, headers=self.service.headers)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def route(self, campaign: str, step: dict[str, Any]) -> None:
        path = f"/api/v1/campaigns/{campaign}/routing"
        answer = self._http.put(path, json={"steps": [step]}, headers=self.service.headers)
        assert answer.status_code == 200, answer.text

    def read(self, path: str, **query: Any) -> list[dict[str, Any]]:
        answer = self._http.get(f"/api/v1{path}", params=query, headers=self.service.headers)
        assert answer.status_code == 200, answer.text
        data: list[dict[str, Any]] = answer.json()["data"]
        return data

    def calls(self) -> dict[str, dict[str, Any]]:
        """What the ledger holds, by the number that was dialled; no number was dialled twice."""
        found = self.read("/calls", limit=500)
        by_number = {call["tracking_number"]: call for call in found}
        assert len(by_number) == len(found)
        return by_number

    def events(self, call: dict[str, Any]) -> list[dict[str, Any]]:
        return self.read(f"/calls/{call['id']}/events")

    def visit(self, source: str) -> tuple[str, str]:
        """A new visitor by an ad of this source: the number that he is shown, and his session."""
        page = {"id": f"page-{source}", "seq": 1, "url": f"{ORIGIN}/?utm_source={source}&utm_medium=cpc", "title": "T"}
        body = msgspec.json.encode(lease_body(tag=self.tag, page=page))
        headers = {"Origin": ORIGIN, "User-Agent": PERSON, "Content-Type": "text/plain"}
        answer = self._http.post("/v1/lease", content=body, headers=headers).raise_for_status().json()
        shown = answer["numbers"][TARGET]
        assert shown["kind"] == "pool", shown
        return shown["number"], answer["session"]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    with services.running(folder / "service") as service, httpx.Client(base_url=service.url, trust_env=False) as http:
        office = Office(service, http)
        shop = office.made("campaigns", name="Shop", destination=ANSWERS, timezone="America/New_York")["id"]
        pool = office.made("pools", name="Pool", numbers=POOL)["id"]
        office.tag = office.made("tags", name="T", campaign=shop, pool=pool, origins=[ORIGIN], targets=[TARGET])["key"]
        poster(office, REJECTED, ANSWERS, {"id": "no", "do": "reject"})
        poster(office, BUSY_FIRST, ANSWERS, {"id": "desk", "do": "connect"}, first=IS_BUSY)
        poster(office, UNANSWERED, RINGS, {"id": "desk", "do": "connect", "ring_s": 5}, first=RINGS)
        poster(office, GIVEN_UP, RINGS)
        poster(office, ENDED_THERE, HANGS_UP)
        yield office


def poster(office: Office, number: str, destination: str, step: dict[str, Any] | None = None, first: str = "") -> None:
    """A campaign with a number, and perhaps a step before its own destination, which goes to a `first` one."""
    campaign = office.made("campaigns", name=number, destination=destination, timezone="UTC")["id"]
    office.made("numbers", number=number, campaign=campaign, source="poster")
    if first:
        made = office.made("destinations", campaign=campaign, name=first, number=first)
        step = {**(step or {}), "destinations": [{"destination": made["id"]}]}
    if step:
        office.route(campaign, step)


@pytest.fixture(scope="module")
def exchange(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    carrier = office.made("carriers", kind="generic", name="Trunk", account_sid="trunk", auth_token=TOKEN)
    given: dict[str, str | int] = {
        "DNI_URL": carrier["inbound_url"].removesuffix("/inbound"),
        "DNI_TOKEN": TOKEN,
        "DNI_WITHIN_S": WITHIN_S,
        "DNI_LATE_MS": LATE_MS,
        "DEFAULT_DESTINATION": ANSWERS,
    }
    with sip.exchange(tmp_path_factory.mktemp("exchange"), given) as made:
        yield made
