"""The frame around every door: one error shape whatever happens inside."""

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from dni.errors import Conflict, Unavailable
from dni.web.frame import Frame


async def fine(_request: Request) -> Response:
    return PlainTextResponse("fine")


async def conflict(_request: Request) -> Response:
    raise Conflict("it is taken", code="number_taken")


async def away(_request: Request) -> Response:
    raise Unavailable("later", retry_after_s=7)


async def broken(_request: Request) -> Response:
    raise ZeroDivisionError("the secret +14155550100")


async def teapot(_request: Request) -> Response:
    raise HTTPException(400, "odd")


def browser() -> httpx.AsyncClient:
    doors = (fine, conflict, away, broken, teapot)
    router = Router([Route(f"/{door.__name__}", door, methods=["GET"]) for door in doors])

    async def app(scope: object, receive: object, send: object) -> None:
        scope["app"] = router  # type: ignore[index]
        await Frame(router)(scope, receive, send)  # type: ignore[arg-type]

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dni.example")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/conflict", 409, "number_taken"),
        ("/away", 503, "unavailable"),
        ("/broken", 500, "internal"),
        ("/teapot", 400, "invalid_body"),
        ("/nowhere", 404, "not_found"),
    ],
)
async def test_every_refusal_has_the_one_shape(path: str, status: int, code: str) -> None:
    async with browser() as client:
        answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["dni-reason"] == answer.json()["code"] == code
    assert set(answer.json()) == {"type", "title", "status", "detail", "code", "errors"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "4155550100" not in answer.text


async def test_the_request_id_leads_from_the_answer_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with browser() as client:
        answer = await client.get("/broken", headers={"X-Request-Id": "from-the-proxy-1"})
        odd = await client.get("/fine", headers={"X-Request-Id": "x"})
    assert answer.headers["x-request-id"] == "from-the-proxy-1"
    assert "from-the-proxy-1" in answer.json()["detail"]
    assert "from-the-proxy-1" in caplog.text
    assert odd.headers["x-request-id"] != "x"


async def test_methods_and_waiting_are_told_in_headers() -> None:
    async with browser() as client:
        wrong = await client.post("/fine")
        away = await client.get("/away")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["allow"]
    assert away.headers["retry-after"] == "7"
