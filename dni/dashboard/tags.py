"""The list of tags, and the page of one: what to paste where, and what pages with it report."""

import asyncio
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from dni.campaign import campaigns
from dni.campaign.change import changing
from dni.clock import from_rfc3339
from dni.dashboard import tag_words, words
from dni.dashboard.door import Reader, id_of, read_form
from dni.dashboard.pages import Pages
from dni.errors import Forbidden, InvalidField, Unavailable
from dni.parts import Parts
from dni.tag import health_reports, tags
from dni.tag.health import HealthView
from dni.tag.pin import PinnedView, pin
from dni.tag.tags import TagView
from dni.web.base_url import base_url

_LIMIT = 50
_CAMPAIGNS = 200


class Row(msgspec.Struct, frozen=True):
    """A tag in the list. `health` None: Redis is away."""

    tag: TagView
    campaign: str
    health: HealthView | None
    ago: str | None


class Tags:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor = request.query_params.get("cursor")
        async with self._parts.ledger.read() as connection:
            found, after = await tags.page(connection, reader.principal, self._base(request), _LIMIT, cursor)
            owners, _ = await campaigns.page(connection, reader.principal, _CAMPAIGNS)
        names = {campaign.id: campaign.name for campaign in owners}
        healths = await asyncio.gather(*(self._health(tag) for tag in found))
        rows = [
            Row(tag, names.get(tag.campaign, ""), health, self._ago(health.last_seen_at) if health else None)
            for tag, health in zip(found, healths, strict=True)
        ]
        return self._pages.render("tags.html", reader=reader, rows=rows, cursor=cursor, older=after)

    async def one(self, request: Request, reader: Reader) -> Response:
        return await self._show(request, reader, await self._tag(request, reader))

    async def pin(self, request: Request, reader: Reader) -> Response:
        """The same page, with a snippet for the script as it is now."""
        await read_form(request, reader.csrf)
        if not reader.principal.may_write:
            raise Forbidden(f"as {reader.principal.role} you may read here, not change")
        tag = await self._tag(request, reader)
        async with changing(self._parts) as connection:
            pinned = await pin(connection, self._parts.clock.now_ms(), tag.id, self._base(request))
        return await self._show(request, reader, tag, pinned)

    async def to_tag(self, request: Request, _reader: Reader) -> Response:
        """Who comes to the form's address by a link or after signing in."""
        return RedirectResponse(f"/tags/{id_of(request, 'tag')}", 303)

    async def seen(self, request: Request, reader: Reader) -> Response:
        """For the page's script: the newest report after `since` (ms), or `seen` false."""
        tag = await self._tag(request, reader)
        since = request.query_params.get("since", "")
        if not since.isascii() or not since.isdigit() or len(since) > 15:
            raise InvalidField("since", "a moment in ms")
        health = await health_reports.of(self._parts.live, self._parts.keys, tag.campaign, tag.id)
        told: dict[str, object] = {"seen": False}
        if health.pages:
            newest = health.pages[0]
            at_ms = from_rfc3339(newest.last_seen_at)
            if at_ms > int(since):
                said = f"We have seen your tag, {tag_words.says(newest, newest.reason)}."
                told = {"seen": True, "at_ms": at_ms, "says": said, "tone": newest.tone, "page": newest.page}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    async def _show(self, request: Request, reader: Reader, tag: TagView, pinned: PinnedView | None = None) -> Response:
        health = await self._health(tag)
        now_ms = self._parts.clock.now_ms()
        base = self._base(request)
        return self._pages.render(
            "tag.html",
            reader=reader,
            tag=tag,
            targets=[words.number(target) for target in tag.targets],
            links=[origin for origin in tag.origins if "*" not in origin],
            script=f"{base}/t/{tag.key}.js",
            host=base,
            is_https=urlsplit(base).scheme == "https",
            pinned=pinned,
            health=health,
            rows=[(page, self._ago(page.last_seen_at), tag_words.hint(page)) for page in health.pages]
            if health
            else [],
            last=tag_words.says(health, health.pages[0].reason) if health and health.pages else None,
            now_ms=now_ms,
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
