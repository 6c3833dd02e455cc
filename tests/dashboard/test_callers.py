"""A caller's number is told in full to who may know it and to nobody else: tried at every address that can be read."""

import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.routing import Router

from dni.access.tokens import NewToken
from dni.api.operations import OPERATIONS
from dni.api.routes import routes
from dni.call.keep_touches import keep_next
from dni.dashboard.assets import Assets
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.routes import ROOMS
from dni.ledger import schema
from dni.parts import Parts
from dni.web.frame import Frame
from tests.dashboard import priced
from tests.dashboard.conftest import token
from tests.dashboard.people import Person
from tests.privacy.story import rows

# The end of each caller's number in the samples; no number of ours ends so.
ENDS = ("5550142", "5550143", "2960123")
FORMS = ("application/json", "text/csv")
# Of what is read by id.
IDS = {
    "tags": ["tag_1"],
    "pools": ["pool_1"],
    "publishers": ["pub_1"],
    "campaigns": ["cmp_1"],
    "numbers": ["num_1_000000"],
    "budgets": ["bud_2"],
    "disputes": ["dsp_open"],
    "statements": ["sta_august"],
}
GOING_ON = ("/calls/call_ringing/verdict", "/calls/call_pending/verdict")


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    """With calls that were judged, disputed and paid for."""
    await priced.fill(parts)
    return parts


@pytest.fixture
async def api(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    while await keep_next(parts):
        pass
    transport = httpx.ASGITransport(app=Frame(Router(routes(parts))))
    async with httpx.AsyncClient(transport=transport, base_url="http://dni.example") as client:
        yield client


def tells_one(text: str) -> list[str]:
    """Callers that a text tells, however they are written."""
    digits = re.sub(r"[\s().\u00a0\u2011-]|&nbsp;|%20", "", text)
    return [end for end in ENDS if end in digits]


async def own(parts: Parts) -> dict[str, list[str]]:
    """Ids of the publisher, by room."""
    calls = [row["id"] for row in await rows(parts, schema.call) if row["publisher_id"] == "pub_1"]
    sessions = [row["id"] for row in await rows(parts, schema.session) if row["publisher_id"] == "pub_1"]
    return {**IDS, "calls": calls, "sessions": sessions}


def paths(path: str, ids: list[str]) -> Iterator[str]:
    if "{id}" in path:
        yield from (path.replace("{id}", one) for one in ids)
    else:
        yield path
        yield f"{path}?q=312555"


async def test_no_operation_tells_a_publisher_who_called(api: httpx.AsyncClient, parts: Parts) -> None:
    secret = await token(parts, NewToken(role="publisher", publisher="pub_1"))
    ids, asked = await own(parts), 0
    for operation in OPERATIONS:
        if operation.method != "GET":
            continue
        for path in paths(operation.path, ids.get(operation.room, ["car_1"])):
            for form in FORMS:
                headers = {"Authorization": f"Bearer {secret}", "Accept": form}
                answer = await api.get(f"/api/v1{path}", headers=headers)
                where = (operation.name, path, form)
                assert (where, tells_one(answer.text)) == (where, [])
                # Where calls go does not exist for him, and a call that goes on has no verdict.
                nothing = operation.name in ("get_destination", "get_routing") or path in GOING_ON
                assert answer.status_code in ((404, 406) if nothing else (200, 403, 406, 422)), where
                asked += answer.status_code == 200
    assert asked > 40
    found = await api.get("/api/v1/calls?q=5550142", headers={"Authorization": f"Bearer {secret}"})
    assert found.json()["data"] == [], "nor may it be found by"


async def test_no_page_tells_a_publisher_who_called(publisher: Person, api: httpx.AsyncClient, parts: Parts) -> None:
    ids, read = await own(parts), 0
    for address in _addresses(parts):
        room = address.path.split("/")[1].partition(".")[0]
        for path in paths(address.path, ids.get(room, [])):
            answer = await publisher.read(path)
            assert (path, tells_one(answer.text)) == (path, [])
            read += answer.status_code == 200
    assert read > 20


async def test_who_may_know_is_told(admin: Person, api: httpx.AsyncClient, parts: Parts) -> None:
    secret = await token(parts, NewToken(role="advertiser", campaign="cmp_1"))
    answer = await api.get("/api/v1/calls", headers={"Authorization": f"Bearer {secret}"})
    assert set(tells_one(answer.text)) == set(ENDS)
    assert set(tells_one((await admin.read("/calls")).text)) == set(ENDS)
    assert tells_one((await admin.read("/calls/call_google")).text) == ["5550142"]


def _addresses(parts: Parts) -> Iterator[Address]:
    pages = Pages(Assets())
    for room in ROOMS:
        yield from (address for address in room(parts, pages).addresses() if address.get)
