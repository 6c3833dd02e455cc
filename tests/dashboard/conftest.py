"""A dashboard over real parts, and browsers of people who are signed in there."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from starlette.routing import Router
from starlette.types import ASGIApp

from dni.access import tokens
from dni.access.tokens import NewToken
from dni.dashboard.routes import routes
from dni.demo import page as demo
from dni.parts import Parts
from dni.web.frame import Frame
from tests.dashboard.people import Person
from tests.dashboard.samples import fill


@pytest.fixture
async def parts(sqlite_parts: Parts) -> Parts:
    """With calls of every kind."""
    await fill(sqlite_parts)
    return sqlite_parts


@pytest.fixture
def app(sqlite_parts: Parts) -> ASGIApp:
    return Frame(Router([*routes(sqlite_parts), *demo.routes(sqlite_parts)]))


@pytest.fixture
async def new_person(app: ASGIApp) -> AsyncIterator[Callable[[], Person]]:
    """A browser of somebody who is not signed in; as many as a test wants."""
    people: list[Person] = []

    def new() -> Person:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://dni.example", headers={"Accept": "text/html"}
        )
        people.append(Person(client))
        return people[-1]

    yield new
    for person in people:
        await person.browser.aclose()


@pytest.fixture
def stranger(new_person: Callable[[], Person]) -> Person:
    return new_person()


@pytest.fixture
async def admin(new_person: Callable[[], Person], parts: Parts) -> Person:
    return await new_person().signed_in("t" * 32)


@pytest.fixture
async def publisher(new_person: Callable[[], Person], parts: Parts) -> Person:
    return await new_person().signed_in(await token(parts, NewToken(role="publisher", publisher="pub_1")))


async def token(parts: Parts, new: NewToken) -> str:
    async with parts.ledger.write() as connection:
        made = await tokens.create(connection, parts.clock.now_ms(), new)
    assert made.token
    return made.token
