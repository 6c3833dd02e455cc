"""Storage of sessions and of the leases they held. Written by the recorder only, a batch in a transaction."""

from functools import reduce
from typing import Any, Literal

import msgspec
from msgspec.structs import astuple
from sqlalchemy import Connection, bindparam, case, select, update

from dni.errors import Unavailable
from dni.ledger import schema, stale
from dni.ledger.bulk import as_json
from dni.ledger.engines import Ledger
from dni.session.model import Touch, credited
from dni.session.news import merged

_TEXTS = ("source", "medium", "campaign_name", "keyword", "content", "channel", "landing_page", "referrer")
_OBJECTS = ("click_ids", "params", "ids", "custom")
_MARKS = {"leave": "left_at_ms", "tap": "tapped_at_ms", "ended": "ended_at_ms"}


class SessionRow(msgspec.Struct):
    """A row of `session`, its columns in their order; JSON ones as text."""

    id: str
    visitor_id: str
    tag_id: str
    campaign_id: str
    publisher_id: str | None
    started_at_ms: int
    last_seen_ms: int
    page_views: int
    source: str | None
    medium: str | None
    campaign_name: str | None
    keyword: str | None
    content: str | None
    channel: str | None
    landing_page: str | None
    referrer: str | None
    click_ids: str | None
    params: str | None
    title: str | None
    consent: str
    language: str | None
    timezone: str | None
    screen: str | None
    device: str
    browser: str | None
    os: str | None
    country: str | None
    region: str | None
    city: str | None
    ids: str | None
    custom: str | None
    unleased: str | None


class LeaseRow(msgspec.Struct):
    """A row of `lease` as it begins."""

    number: str
    started_at_ms: int
    session_id: str
    tag_id: str
    campaign_id: str
    pool_id: str
    target: str
    last_sign_ms: int


class Mark(msgspec.Struct):
    """What became of a lease at `at`; `sign`: the session's last sign of life. Times in ms."""

    kind: Literal["leave", "tap", "ended"]
    number: str
    began: int
    at: int
    sign: int


class SessionNews(msgspec.Struct):
    """What a page told later of a session. `late`: touches of paid clicks that it may not have, in their order."""

    session: str
    late: list[Touch]
    ids: dict[str, Any]
    custom: dict[str, Any] | None


class Batch:
    """What some stream entries come to. Rows of one session are merged, so that each is written once."""

    def __init__(self) -> None:
        self.sessions: dict[str, SessionRow] = {}
        self.begun: set[str] = set()
        """Of these sessions, those that began here."""
        self.leases: list[LeaseRow] = []
        self.marks: list[Mark] = []
        self.news: list[SessionNews] = []
        self.positions: dict[str, tuple[str, str]] = {}
        self.entries = 0

    def session(self, row: SessionRow, *, begins: bool) -> None:
        """A page view. The first one of a session tells how it came."""
        if begins:
            self.begun.add(row.id)
        known = self.sessions.setdefault(row.id, row)
        if known is not row:
            known.page_views += 1
            known.last_seen_ms = max(known.last_seen_ms, row.last_seen_ms)
            known.unleased = row.unleased

    def read(self, stream: str, since: str, last: str, entries: int) -> None:
        """All entries of the stream after `since` up to `last` are in this batch."""
        self.positions[stream] = since, last
        self.entries += entries


class Sessions:
    def __init__(self, ledger: Ledger) -> None:
        session, lease = schema.session, schema.lease
        insert = ledger.insert(session)
        later = insert.excluded.last_seen_ms > session.c.last_seen_ms
        known = insert.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "page_views": session.c.page_views + insert.excluded.page_views,
                "last_seen_ms": case((later, insert.excluded.last_seen_ms), else_=session.c.last_seen_ms),
                "unleased": insert.excluded.unleased,
            },
        )
        self._ledger = ledger
        self._session = ledger.many(known, SessionRow.__struct_fields__)
        self._lease = ledger.many(ledger.insert(lease).on_conflict_do_nothing(), LeaseRow.__struct_fields__)
        held = (lease.c.number == bindparam("of"), lease.c.started_at_ms == bindparam("began"))
        sign = case((lease.c.last_sign_ms < bindparam("sign"), bindparam("sign")), else_=lease.c.last_sign_ms)
        told = update(session).where(session.c.id == bindparam("of"))
        self._news = ledger.many(told.values({name: bindparam(f"new_{name}") for name in (*_TEXTS, *_OBJECTS)}))
        self._marks = {
            kind: ledger.many(update(lease).where(*held).values({column: bindparam("at"), "last_sign_ms": sign}))
            for kind, column in _MARKS.items()
        }
        holder = select(lease.c.session_id).where(*held).scalar_subquery()
        seen = update(session).where(session.c.id == holder, session.c.last_seen_ms < bindparam("sign"))
        self._seen = ledger.many(seen.values(last_seen_ms=bindparam("sign")))

    async def positions(self) -> dict[str, str]:
        """Of each stream the id of the last entry that is in the ledger."""
        wanted = select(schema.recorded.c.stream, schema.recorded.c.last_id)
        async with self._ledger.read() as connection:
            return {row.stream: row.last_id for row in await connection.execute(wanted)}

    async def write(self, batch: Batch) -> None:
        """All of the batch with its positions, or nothing. A row that is there already is only brought forward.

        Raises Unavailable when the ledger is, or when another recorder went on from the same position.
        """
        # All thinking comes before the transaction: while it is open, no call can be written to SQLite.
        sessions = [astuple(row) for row in batch.sessions.values()]
        leases = [astuple(row) for row in batch.leases]
        of_kind: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _MARKS}
        for mark in batch.marks:
            of_kind[mark.kind].append({"of": mark.number, "began": mark.began, "at": mark.at, "sign": mark.sign})
        signs = [values for rows in of_kind.values() for values in rows if values["sign"] > values["began"]]
        marks = [(many, many.tuples(of_kind[kind])) for kind, many in self._marks.items()]
        seen = self._seen.tuples(signs)
        news, times = await self._with_news(batch)
        times |= {row.started_at_ms for row in batch.sessions.values()} | await self._leased_late(batch)

        def all_of_it(connection: Connection) -> None:
            if batch.positions:
                self._move(connection, batch.positions)
            self._session.run(connection, sessions)
            self._lease.run(connection, leases)
            for many, rows in marks:
                many.run(connection, rows)
            self._seen.run(connection, seen)
            self._news.run(connection, news)
            stale.mark(connection, "session", times)

        await self._ledger.commit(all_of_it)

    async def _leased_late(self, batch: Batch) -> set[int]:
        """When the sessions began that get a lease and did not begin here: perhaps they had none."""
        asked = {row.session_id for row in batch.leases} - batch.begun
        if not asked:
            return set()
        of = schema.session.c
        async with self._ledger.read() as connection:
            return set((await connection.execute(select(of.started_at_ms).where(of.id.in_(asked)))).scalars())

    async def _with_news(self, batch: Batch) -> tuple[list[tuple[Any, ...]], set[int]]:
        """The sessions of which there is news, as they will be, and when they began. Nobody else writes them, so none
        changes meanwhile."""
        if not batch.news:
            return [], set()
        columns = [schema.session.c[name] for name in ("id", "started_at_ms", *_TEXTS, *_OBJECTS)]
        wanted = select(*columns).where(schema.session.c.id.in_({news.session for news in batch.news}))
        known = {row.id: _told(row) for row in batch.sessions.values()}
        async with self._ledger.read() as connection:
            known |= {row["id"]: dict(row) for row in (await connection.execute(wanted)).mappings()}
        changed = {}
        for news in batch.news:
            if news.session in known:  # else its beginning was lost with a server of Redis
                changed[news.session] = known[news.session] = _changed(known[news.session], news)
        rows = [
            {"of": of}
            | {f"new_{name}": row[name] for name in _TEXTS}
            | {f"new_{name}": as_json(row[name]) for name in _OBJECTS}
            for of, row in changed.items()
        ]
        return self._news.tuples(rows), {row["started_at_ms"] for row in changed.values()}

    def _move(self, connection: Connection, positions: dict[str, tuple[str, str]]) -> None:
        table = schema.recorded
        insert = self._ledger.insert(table).values(
            [{"stream": stream, "last_id": last} for stream, (_, last) in positions.items()]
        )
        since = case({stream: since for stream, (since, _) in positions.items()}, value=table.c.stream)
        moved = insert.on_conflict_do_update(
            index_elements=["stream"], set_={"last_id": insert.excluded.last_id}, where=table.c.last_id == since
        )
        if connection.execute(moved).rowcount != len(positions):
            raise Unavailable("another recorder wrote meanwhile", code="ledger_busy")


def _told(row: SessionRow) -> dict[str, Any]:
    """What news may change of a session that is not in the ledger yet."""
    objects = {name: getattr(row, name) for name in _OBJECTS}
    return {name: getattr(row, name) for name in ("started_at_ms", *_TEXTS)} | {
        name: text and msgspec.json.decode(text) for name, text in objects.items()
    }


def _changed(row: dict[str, Any], news: SessionNews) -> dict[str, Any]:
    changed = row | {"ids": merged(row["ids"], news.ids), "custom": merged(row["custom"], news.custom)}
    if news.late:
        touch = Touch(
            **{name: row[name] for name in _TEXTS}, click_ids=row["click_ids"] or {}, params=row["params"] or {}
        )
        touch = reduce(credited, news.late, touch)
        changed |= {name: getattr(touch, name) for name in (*_TEXTS, "click_ids", "params")}
    return changed
