"""The list of tags, and the page of one: what to paste where, what its pages report, its draft and its versions."""

import asyncio
import re
from collections.abc import Sequence
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from dni.access import acts
from dni.api.write import acting
from dni.campaign import campaigns, declare
from dni.clock import from_rfc3339
from dni.dashboard import forms, rule_words, tag_changes, tag_history, tag_words, words
from dni.dashboard.desk import struct
from dni.dashboard.door import Reader, id_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.dashboard.redraft import draft_of, live_settings
from dni.dashboard.test_page import own_origin
from dni.demo import page as demo
from dni.errors import Conflict, InvalidField, Unavailable
from dni.parts import Parts
from dni.tag import drafts, health, health_reports, origins, tags, versions
from dni.tag.health import HealthView, PageHealth
from dni.tag.pin import PinnedView, pin
from dni.tag.tags import TagView
from dni.tag.versions import Rollback
from dni.web.base_url import base_url

_LIMIT = 50
_CAMPAIGNS = 200
# Pages in the table before one asks for all.
_PAGES = 50
_DONE = {
    "created": "Tag created. Put its snippet on your pages.",
    "drafted": "Saved as a draft: your pages have not changed. Look at it, then publish.",
    "same": "Nothing differs from what is live, so there is no draft.",
    "published": "Published: it is live now, on pages that are open already when they are loaded again.",
    "dropped": "The draft is gone. What is live stays as it is.",
    "back": "That version is live again.",
}
_WORST_FIRST = {"bad": 0, "warn": 1, "calm": 2, "good": 2}


class Row(msgspec.Struct, frozen=True):
    """A tag in the list. `health` None: Redis is away. `troubled`: pages where somebody should look."""

    tag: TagView
    campaign: str
    health: HealthView | None
    ago: str | None
    troubled: int


class Seen(msgspec.Struct, frozen=True):
    """The last report of the page that is watched, or of any. `page`, `hint` and `ago` may be ''."""

    says: str
    tone: str
    hint: str
    page: str
    ago: str
    at_ms: int


class Tags:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/tags", self.list),
            Address("/tags/{id}", self.one),
            Address("/tags/{id}/pin", self.to_tag, self.pin),
            Address("/tags/{id}/publish", self.to_tag, self.publish),
            Address("/tags/{id}/drop", self.to_tag, self.drop),
            Address("/tags/{id}/rollback", self.to_tag, self.roll_back),
            Address("/tags/{id}/seen", self.seen),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor = request.query_params.get("cursor")
        async with self._parts.ledger.read() as connection:
            found, after = await tags.page(connection, reader.principal, self._base(request), _LIMIT, cursor)
            owners, _ = await campaigns.page(connection, reader.principal, _CAMPAIGNS)
        names = {campaign.id: campaign.name for campaign in owners}
        told = await asyncio.gather(*(self._health(tag) for tag in found))
        rows = [
            Row(
                tag,
                names.get(tag.campaign, ""),
                known,
                self._ago(known.last_seen_at) if known else None,
                sum(page.tone in ("bad", "warn") for page in known.pages) if known else 0,
            )
            for tag, known in zip(found, told, strict=True)
        ]
        known = self._parts.catalog.now
        return self._pages.render(
            "tags.html",
            reader=reader,
            rows=rows,
            cursor=cursor,
            older=after,
            demo=demo.PATH if demo.tag_key(known) else None,
            first_run=reader.principal.may_write and demo.is_all(known),
            done="Tag deleted." if request.query_params.get("done") == "deleted" else None,
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        return await self._show(request, reader, await self._tag(request, reader))

    async def pin(self, request: Request, reader: Reader, _fields: Form) -> Response:
        """The same page, with a snippet for the script as it is now."""
        tag = await self._tag(request, reader)
        async with acting(self._parts, reader.principal, "pin_tag", tag.id) as (connection, _):
            pinned = await pin(connection, self._parts.clock.now_ms(), tag.id, self._base(request))
        return await self._show(request, reader, tag, pinned)

    async def publish(self, request: Request, reader: Reader, fields: Form) -> Response:
        """The draft that was looked at becomes live; another one does not."""
        tag = await self._tag(request, reader)
        try:
            async with acting(self._parts, reader.principal, "publish_tag", tag.id) as (connection, act):
                if (await drafts.one(connection, tag.id)).saved_at != fields.get("saved_at"):
                    raise Conflict("the draft was changed meanwhile: look at it as it is now, then publish")
                await declare.publish_tag(connection, self._parts.clock.now_ms(), tag.id)
                after = await tags.one(connection, reader.principal, self._base(request), tag.id)
                act.told = acts.told(None, tag, after)
        except (InvalidField, Conflict) as error:
            return await self._show(request, reader, tag, error=error)
        return RedirectResponse(f"/tags/{tag.id}?done=published", 303)

    async def drop(self, request: Request, reader: Reader, _fields: Form) -> Response:
        tag = await self._tag(request, reader)
        async with acting(self._parts, reader.principal, "drop_tag_draft", tag.id) as (connection, act):
            act.nothing = not await draft_of(connection, tag.id)
            if not act.nothing:
                await drafts.drop(connection, tag.id)
        return RedirectResponse(f"/tags/{tag.id}?done=dropped", 303)

    async def roll_back(self, request: Request, reader: Reader, fields: Form) -> Response:
        tag = await self._tag(request, reader)
        version = fields.get("version", "")
        try:
            to = struct({"version": int(version) if re.fullmatch(r"[0-9]{1,9}", version) else 0}, Rollback)
            async with acting(self._parts, reader.principal, "roll_back_tag", tag.id) as (connection, act):
                await declare.roll_back_tag(connection, self._parts.clock.now_ms(), tag.id, to)
                after = await tags.one(connection, reader.principal, self._base(request), tag.id)
                act.told = acts.told(None, tag, after)
        except (InvalidField, Conflict) as error:
            return await self._show(request, reader, tag, error=error)
        return RedirectResponse(f"/tags/{tag.id}?done=back", 303)

    async def to_tag(self, request: Request, _reader: Reader) -> Response:
        """Who comes to the form's address by a link or after signing in."""
        return RedirectResponse(f"/tags/{id_of(request, 'tag')}", 303)

    async def seen(self, request: Request, reader: Reader) -> Response:
        """For the page's script: the newest report after `since` (ms), of `page` or any, or `seen` false."""
        tag = await self._tag(request, reader)
        since, watched = request.query_params.get("since", ""), request.query_params.get("page", "")
        if not since.isascii() or not since.isdigit() or len(since) > 15:
            raise InvalidField("since", "a moment in ms")
        if watched and not (place := self._place(tag, watched)):
            raise InvalidField("page", "an address of one of the tag's origins")
        found = self._seen(await self._last(tag, place if watched else None))
        told = (
            {"seen": False} if not found or found.at_ms <= int(since) else {"seen": True, **msgspec.to_builtins(found)}
        )
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    async def _show(
        self,
        request: Request,
        reader: Reader,
        tag: TagView,
        pinned: PinnedView | None = None,
        error: InvalidField | Conflict | None = None,
    ) -> Response:
        known = await self._health(tag)
        async with self._parts.ledger.read() as connection:
            row = await tags.row(connection, tag.id, reader.principal)
            former = await versions.of(connection, row)
            draft = await draft_of(connection, tag.id) if reader.principal.may_write else None
        live, names, here = live_settings(row), self._names(), own_origin(request, self._parts.settings)
        after = {**live, **msgspec.to_builtins(draft.change)} if draft else live
        owner = self._parts.catalog.now.campaigns.get(tag.campaign)
        zone = ZoneInfo(owner.timezone if owner else "UTC")
        base, watched = self._base(request), request.query_params.get("page", "").strip()[:2000]
        place = self._place(tag, watched) if watched else None
        pages = known.pages if known else []
        chosen = next((page for page in pages if page.page == place), None) if watched else next(iter(pages), None)
        rows = sorted(pages, key=lambda page: _WORST_FIRST[page.tone])  # of each tone the newest first
        shown = rows if "all" in request.query_params else rows[:_PAGES]
        return self._pages.render(
            "tag.html",
            status=error.status if error else 200,
            reader=reader,
            tag=tag,
            campaign=owner.name if owner else tag.campaign,
            publisher=self._publisher(tag),
            pool=names.get(tag.pool, tag.pool) if tag.pool else None,
            rules=[rule_words.sentence(rule, names) for rule in tag.rules],
            options=tag_changes.options(live, tags.DEFAULTS),
            draft=draft,
            changes=tag_changes.changes(live, after, names),
            previews=[origin for origin in after["origins"] if "*" not in origin and origin != here],
            history=tag_history.history(former, tag.created_at, names, zone, self._parts.clock.now_ms()),
            zone=zone,
            problem=forms.sentence(error.errors[0].message if error.errors else error.detail) if error else None,
            done=_DONE.get(request.query_params.get("done", "")),
            targets=[words.number(target) for target in tag.targets],
            links=[origin for origin in tag.origins if "*" not in origin and origin != here],
            script=f"{base}/t/{tag.key}.js",
            host=base,
            is_https=urlsplit(base).scheme == "https",
            pinned=pinned,
            health=known,
            rows=[(page, self._ago(page.last_seen_at), tag_words.hint(page.state, page.reason)) for page in shown],
            more=len(rows) - len(shown),
            watched=watched,
            place=place,
            seen=self._seen(chosen),
            now_ms=self._parts.clock.now_ms(),
        )

    def _names(self) -> dict[str, str]:
        """Of pools, by id."""
        return {pool.id: pool.name for pool in self._parts.catalog.now.pools.values()}

    def _publisher(self, tag: TagView) -> str | None:
        known = self._parts.catalog.now.publishers.get(tag.publisher or "")
        return known.name if known else tag.publisher

    def _place(self, tag: TagView, url: str) -> str | None:
        """The page as reports name it; None when it is none of the tag's."""
        found, known = health.place(url), self._parts.catalog.now.tags.get(tag.id)
        return found[1] if found and known and origins.allows(known, found[0]) else None

    async def _last(self, tag: TagView, page: str | None) -> PageHealth | None:
        live, keys = self._parts.live, self._parts.keys
        if page:
            return await health_reports.of_page(live, keys, tag.campaign, tag.id, page)
        return next(iter((await health_reports.of(live, keys, tag.campaign, tag.id)).pages), None)

    def _seen(self, page: PageHealth | None) -> Seen | None:
        if page is None:
            return None
        return Seen(
            f"We have seen your tag, {tag_words.says(page)}.",
            health.tone(page.latest, page.reason),
            # The sentence itself says why there is no number.
            "" if page.latest == "no_number" else tag_words.hint(page.latest, page.reason) or "",
            page.page,
            self._ago(page.last_seen_at) or "",
            from_rfc3339(page.last_seen_at),
        )

    async def _tag(self, request: Request, reader: Reader) -> TagView:
        wanted = id_of(request, "tag")
        async with self._parts.ledger.read() as connection:
            return await tags.one(connection, reader.principal, self._base(request), wanted)

    async def _health(self, tag: TagView) -> HealthView | None:
        """None when Redis is away: the snippet is there all the same."""
        try:
            return await health_reports.of(self._parts.live, self._parts.keys, tag.campaign, tag.id)
        except Unavailable:
            return None

    def _ago(self, at: str | None) -> str | None:
        return words.span(max(0, self._parts.clock.now_ms() - from_rfc3339(at))) if at else None

    def _base(self, request: Request) -> str:
        return base_url(request.scope, request.headers, self._parts.settings)
