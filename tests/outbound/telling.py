"""Endpoints and messages for tests of what sends them."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import func, insert, select

from dni.ids import new_id
from dni.ledger.engines import Ledger
from dni.ledger.schema import delivery, delivery_attempt, endpoint, endpoint_health, outbox
from dni.outbound.model import Answer, Endpoint, Grant, Kind, Later, Outgoing, Request, Result, Skip, plain_result
from tests.support.world import START_MS


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`token_url`: access tokens are had there. `later_ms`, `skips`: what `check` says of call_later, call_skip."""

    url: str
    token_url: str | None = None


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    secret: str = "hush-hush"


def _check(_endpoint: Endpoint, outgoing: Outgoing, now_ms: int) -> Skip | Later | None:
    match outgoing.message.subject:
        case "call_skip":
            return Skip("there is no click id")
        case "call_later":
            return Later(now_ms + 3_600_000, "too early")
        case "call_bug":
            raise KeyError("a bug")
    return None


def _request(endpoint: Endpoint, outgoing: Sequence[Outgoing], _now_ms: int, token: str | None) -> Request:
    if any(one.message.subject == "call_worse" for one in outgoing):
        raise KeyError("another bug")
    told = [
        {"id": one.message.id, "subject": one.message.subject, "action": one.action, "former": one.former}
        for one in outgoing
    ]
    return Request(
        url=endpoint.settings.url,
        headers={"authorization": f"Bearer {token}"} if token else {},
        body=msgspec.json.encode({"told": told, "secret": endpoint.secrets.secret}),
        hidden=(endpoint.secrets.secret,),
        kept={one.delivery: {"order": one.message.id} for one in outgoing},
    )


def _results(_endpoint: Endpoint, outgoing: Sequence[Outgoing], answer: Answer) -> list[Result]:
    """A body is an object of what is wrong with subjects: `dead`, or `again`, which is not the endpoint's fault."""
    wrong = msgspec.json.decode(answer.body) if answer.body.startswith(b"{") else {}
    return [
        Result(wrong[one.message.subject], "a bad row", failed=False)
        if one.message.subject in wrong
        else plain_result(answer)
        for one in outgoing
    ]


def _grant(endpoint: Endpoint) -> Grant | None:
    url = endpoint.settings.token_url
    return Grant(url, {"client_secret": endpoint.secrets.secret, "grant_type": "client_credentials"}) if url else None


def kind(batch: int = 1) -> Kind:
    return Kind(
        name="plain",
        label="Plain",
        settings=Settings,
        secrets=Secrets,
        converts=True,
        adjusts=True,
        batch=batch,
        check=_check,
        request=_request,
        results=_results,
        grant=_grant,
    )


async def add_endpoint(ledger: Ledger, its: str, url: str, **columns: Any) -> None:
    row = {"id": its, "kind": "plain", "name": its, "types": [], "settings": {"url": url}, "secrets": {}}
    async with ledger.write() as connection:
        await connection.execute(insert(endpoint).values(**{**row, "created_at_ms": START_MS, **columns}))


async def add(ledger: Ledger, its: str, subjects: Sequence[str], at_ms: int = START_MS, **columns: Any) -> list[str]:
    """A delivery of a message of each subject; `columns` change those of the deliveries."""
    made = [new_id("dlv", at_ms) for _ in subjects]
    async with ledger.write() as connection:
        last = await connection.scalar(select(func.max(outbox.c.seq))) or 0
        messages = [
            {"seq": last + n, "id": f"msg_{last + n}", "type": "call.qualified", "at_ms": at_ms, "subject_id": subject,
             "made_ms": at_ms, "data": '{"call":{"id":"' + subject + '"}}'}
            for n, subject in enumerate(subjects, 1)
        ]  # fmt: skip
        rows = [
            {"id": one, "endpoint_id": its, "message_seq": last + n, "subject_id": subject, "action": "tell",
             "state": "waiting", "at_ms": at_ms, "due_ms": at_ms, **columns}
            for n, (one, subject) in enumerate(zip(made, subjects, strict=True), 1)
        ]  # fmt: skip
        await connection.execute(insert(outbox), messages)
        await connection.execute(insert(delivery), rows)
    return made


async def deliveries(ledger: Ledger) -> list[Any]:
    """In the order of their messages."""
    async with ledger.read() as connection:
        return list((await connection.execute(select(delivery).order_by(delivery.c.message_seq))).all())


async def attempts(ledger: Ledger) -> list[Any]:
    async with ledger.read() as connection:
        return list((await connection.execute(select(delivery_attempt).order_by(delivery_attempt.c.id))).all())


async def health(ledger: Ledger) -> dict[str, Any]:
    async with ledger.read() as connection:
        return {row.endpoint_id: row for row in await connection.execute(select(endpoint_health))}
