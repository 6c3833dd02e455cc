"""Whatever the OpenAPI document allows, and what it does not: no answer is a 500 or outside the document."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Router

from dni.api.openapi import document
from dni.api.routes import routes
from dni.web.frame import Frame
from tests.api.conftest import ADMIN, Api, open_parts

BASE = "http://127.0.0.1:8000"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schema = schemathesis.openapi.from_dict(msgspec.json.decode(msgspec.json.encode(document())))


class Served:
    """The API in an event loop of its own, with one of everything: `ids` by room."""

    def __init__(self, runner: asyncio.Runner, api: Api, ids: dict[str, str]) -> None:
        self.runner = runner
        self.api = api
        self.ids = ids

    def send(self, request: requests.PreparedRequest) -> httpx.Response:
        # As on the wire: httpx would refuse what is not ASCII.
        headers = [(name.encode(), str(value).encode("latin-1")) for name, value in request.headers.items()]
        assert request.method
        assert request.url
        assert request.body is None or isinstance(request.body, str | bytes)
        asked = self.api.client.request(request.method, request.url, headers=headers, content=request.body)
        return self.runner.run(asked)


@asynccontextmanager
async def _api(folder: Path, redis_url: str) -> AsyncIterator[Api]:
    url = f"sqlite+aiosqlite:///{folder / 'ledger.sqlite3'}"
    parts = await open_parts(folder, url, redis_url, f"schemathesis{folder.name}")
    transport = httpx.ASGITransport(app=Frame(Router(routes(parts))))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield Api(parts, client)
    await parts.close()


async def _one_of_each(api: Api) -> dict[str, str]:
    campaign, publisher = await api.campaign(), await api.publisher()
    pool = await api.pool(["+14155550101"])
    number = await api.made("/numbers", {"number": "+14155550111", "campaign": campaign})
    carrier = await api.made("/carriers", {"kind": "twilio", "name": "C", "account_sid": "AC1", "auth_token": "x"})
    token = await api.made("/tokens", {"role": "marketer"})
    return {
        "campaigns": campaign,
        "publishers": publisher,
        "pools": pool,
        "numbers": number["id"],
        "tags": await api.tag(campaign, pool, publisher),
        "carriers": carrier["id"],
        "tokens": token["id"],
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Served]:
    with asyncio.Runner() as runner:
        context = _api(tmp_path_factory.mktemp("schemathesis"), redis_url)
        api = runner.run(context.__aenter__())
        yield Served(runner, api, runner.run(_one_of_each(api)))
        runner.run(context.__aexit__(None, None, None))


@schema.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_outside_the_document(case: schemathesis.Case[Any], served: Served) -> None:
    room = case.operation.path.split("/")[3]
    ids = case.path_parameters
    # Half of the questions are about something that is there.
    if "id" in ids and room in served.ids and case.method != "DELETE" and len(str(ids["id"])) % 2:
        ids["id"] = served.ids[room]
    # A body names what is there: else nothing of a tag or a number would be looked at but its campaign.
    if isinstance(case.body, dict):
        named = {"campaign": "campaigns", "publisher": "publishers", "pool": "pools"}
        real = {name: served.ids[named[name]] for name in named if isinstance(case.body.get(name), str)}
        case.body = {**case.body, **real}
    arguments = case.as_transport_kwargs(base_url=BASE, headers={"Authorization": f"Bearer {ADMIN}"})
    arguments = {name: value for name, value in arguments.items() if name in requests.Request().__dict__}
    response = served.send(requests.Request(**arguments).prepare())
    case.validate_response(response, checks=CHECKS)
