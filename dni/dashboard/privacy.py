"""How long things are kept, and what a person who asks is told or rid of. Admins only."""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access import acts
from dni.api.write import acting
from dni.clock import from_rfc3339, rfc3339
from dni.dashboard import privacy_words, words
from dni.dashboard.door import Reader
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.dashboard.privacy_words import WAYS, Field
from dni.errors import InvalidField
from dni.parts import Parts
from dni.phone import international
from dni.privacy import erasures, retentions
from dni.privacy.erase import erase
from dni.privacy.export import export
from dni.privacy.model import RetentionChange, Who

_PATH = "/settings/privacy"
_ERASURES, _SHOWN = 20, 50


class Privacy:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (
            Address(_PATH, self.page, self.keep, access="administer"),
            Address(f"{_PATH}/person", self.back, self.person, access="administer"),
            Address(f"{_PATH}/export", self.back, self.export, access="administer"),
            Address(f"{_PATH}/erase", self.back, self.erase, access="administer"),
        )

    async def page(self, request: Request, reader: Reader) -> Response:
        return await self._show(request, reader)

    async def keep(self, request: Request, reader: Reader, sent: Form) -> Response:
        async with self._parts.ledger.read() as connection:
            days = await retentions.days(connection)
        fields = privacy_words.fields(days, sent)
        if any(field.wrong for field in fields):
            return await self._show(request, reader, fields=fields, status=422)
        to = msgspec.convert(privacy_words.change(fields), RetentionChange)
        async with acting(self._parts, reader.principal, "change_retention") as (connection, act):
            act.told = acts.told(to, await retentions.days(connection))
            await retentions.change(self._parts.ledger, connection, to)
        return RedirectResponse(f"{_PATH}?saved=1", 303)

    async def person(self, request: Request, reader: Reader, sent: Form) -> Response:
        """What is held of one, what would go and what would stay: to be read before anything is done."""
        try:
            who = _who(sent)
        except InvalidField as error:
            return await self._show(request, reader, asked=sent, wrong=error.errors[0].message, status=422)
        now_ms = self._parts.clock.now_ms()
        zone = (await owners_of(self._parts, reader.principal)).zone
        held = await export(self._parts, who)
        would = await erase(self._parts, who, reader.principal, dry_run=True)
        return self._pages.render(
            "person.html",
            reader=reader,
            who=who,
            name=who.caller and international(who.caller),
            held=held,
            visits=privacy_words.visits(held, zone, now_ms)[:_SHOWN],
            calls=privacy_words.calls(held, zone, now_ms)[:_SHOWN],
            going=privacy_words.counted(would.removed),
            zone=zone.key,
            share=words.share,
        )

    async def export(self, _request: Request, _reader: Reader, sent: Form) -> Response:
        who = _who(sent)
        held = msgspec.json.format(msgspec.json.encode(await export(self._parts, who)), indent=2)
        name = f"{who.kind}-{rfc3339(self._parts.clock.now_ms())[:10]}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(held, media_type="application/json", headers=headers)

    async def erase(self, request: Request, reader: Reader, sent: Form) -> Response:
        if sent.get("sure") != "1":
            return await self.person(request, reader, sent)
        done = await erase(self._parts, _who(sent), reader.principal)
        return RedirectResponse(f"{_PATH}?{urlencode({'done': done.id or ''})}", 303)

    async def back(self, _request: Request, _reader: Reader) -> Response:
        """Who comes to a form's address by a link or after signing in."""
        return RedirectResponse(_PATH, 303)

    async def _show(
        self,
        request: Request,
        reader: Reader,
        *,
        fields: list[Field] | None = None,
        asked: Form | None = None,
        wrong: str = "",
        status: int = 200,
    ) -> Response:
        now_ms = self._parts.clock.now_ms()
        zone = (await owners_of(self._parts, reader.principal)).zone
        async with self._parts.ledger.read() as connection:
            days = await retentions.days(connection)
            runs = await retentions.last_runs(connection, 1)
            done, _ = await erasures.page(connection, _ERASURES)
        just = request.query_params.get("done", "")
        return self._pages.render(
            "privacy.html",
            status=status,
            reader=reader,
            fields=fields or privacy_words.fields(days),
            saved=request.query_params.get("saved") == "1",
            last_run=privacy_words.run(runs[0], zone, now_ms) if runs else None,
            ways=WAYS,
            asked={"kind": "", "who": "", **(asked or {})},
            wrong=wrong,
            just=next((one for one in done if one.id == just), None),
            erasures=[(one, words.moment(from_rfc3339(one.at), zone, now_ms)) for one in done],
            counted=privacy_words.counted,
            zone=zone.key,
        )


def _who(sent: Form) -> Who:
    """Raises InvalidField."""
    kind = sent.get("kind", "")
    if kind not in WAYS:
        raise InvalidField("/kind", "choose whom the request is about")
    text = sent.get("who", "").strip()
    if not text:
        raise InvalidField(f"/{kind}", "write the number or the id")
    return Who(**{kind: text})
