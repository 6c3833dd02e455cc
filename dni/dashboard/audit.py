"""The audit log: who did what, to what, and what it was before. Admins only."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from dni.access import audit
from dni.access.audit import AuditFilter, AuditView
from dni.api.operations import OPERATIONS
from dni.api.table import csv_of
from dni.dashboard import act_words
from dni.dashboard.door import Reader
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.errors import InvalidField
from dni.ledger import schema
from dni.parts import Parts

PATH = "/settings/audit"
_LIMIT, _IN_A_FILE = 50, 10_000
_ID = re.compile(r"[a-z]{2,4}_[0-9A-Za-z_-]{1,40}")
_NAMES = ("object", "by", "act", "from", "to")

# Things with a name, by what their ids begin with.
_NAMED = {
    "acc": schema.account.c.name,
    "car": schema.carrier.c.name,
    "cmp": schema.campaign.c.name,
    "dst": schema.destination.c.name,
    "end": schema.endpoint.c.name,
    "num": schema.number.c.number,
    "pool": schema.pool.c.name,
    "pub": schema.publisher.c.name,
    "tag": schema.tag.c.name,
    "tok": schema.token.c.name,
}


class Audit:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (
            Address(PATH, self.page, access="administer"),
            Address(f"{PATH}.csv", self.file, access="administer"),
        )

    async def page(self, request: Request, reader: Reader) -> Response:
        asked = {name: request.query_params.get(name, "").strip() for name in _NAMES}
        cursor, now_ms = request.query_params.get("cursor"), self._parts.clock.now_ms()
        zone = (await owners_of(self._parts, reader.principal)).zone
        only = _filter(asked, zone)
        async with self._parts.ledger.read() as connection:
            found, after = await audit.page(connection, only, _LIMIT, cursor)
            names = await names_of(connection, found)
            people = await audit.people(connection)
        return self._pages.render(
            "audit.html",
            reader=reader,
            acts=[act_words.line(one, zone, now_ms, names) for one in found],
            asked=asked,
            query=urlencode({name: value for name, value in asked.items() if value}),
            people=people,
            choices=_choices(),
            cursor=cursor,
            older=after,
            zone=zone.key,
        )

    async def file(self, request: Request, reader: Reader) -> Response:
        asked = {name: request.query_params.get(name, "").strip() for name in _NAMES}
        zone = (await owners_of(self._parts, reader.principal)).zone
        async with self._parts.ledger.read() as connection:
            found, _ = await audit.page(connection, _filter(asked, zone), _IN_A_FILE)
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
        return Response("\ufeff" + csv_of(AuditView, found), media_type="text/csv; charset=utf-8", headers=headers)


async def names_of(connection: AsyncConnection, found: Iterable[AuditView]) -> dict[str, str]:
    """Of what acts were done to, and of what their fields name, by id."""
    ids: dict[str, set[str]] = {}
    for one in found:
        named = [one.object, *(value for each in one.changes for value in (each.before, each.after))]
        for wanted in named:
            if isinstance(wanted, str) and _ID.fullmatch(wanted):
                ids.setdefault(wanted.partition("_")[0], set()).add(wanted)
    names: dict[str, str] = {}
    for prefix, those in ids.items():
        if (column := _NAMED.get(prefix)) is not None:
            query = select(column.table.c.id, column).where(column.table.c.id.in_(those))
            names |= {row[0]: row[1] for row in await connection.execute(query)}
    return names


def _filter(asked: dict[str, str], zone: ZoneInfo) -> AuditFilter:
    """Raises InvalidField."""
    return AuditFilter(
        object=asked["object"] or None,
        by=asked["by"] or None,
        act=asked["act"] or None,
        from_ms=_day_ms("from", asked["from"], zone, 0),
        to_ms=_day_ms("to", asked["to"], zone, 1),
    )


def _day_ms(name: str, text: str, zone: ZoneInfo, later: int) -> int | None:
    """When the day begins, or `later` days after it. Raises InvalidField."""
    if not text:
        return None
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=None) + timedelta(days=later)
        return round(day.replace(tzinfo=zone).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InvalidField(f"/{name}", "a day, such as 2026-11-22") from None


def _choices() -> dict[str, str]:
    acts = {operation.name for operation in OPERATIONS if operation.writes and not operation.workflow}
    acts |= {"signed_in", "sign_in_failed", "change_password", "erase_person", "bring_conversions"}
    acts |= {"send_webhook", "send_integration", "test_webhook", "test_integration"}
    return dict(sorted(((act, act_words.did(act)) for act in acts), key=lambda each: each[1]))
