"""The editor of a campaign's routing. Its draft travels in the form: every act is sent with it, and answered with it
changed; saving alone makes it live."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access import acts
from dni.api import of_routing
from dni.api.model import Ask
from dni.api.operations import OPERATIONS
from dni.api.write import acting
from dni.campaign import campaigns, declare
from dni.campaign.campaigns import CampaignView
from dni.dashboard import bringing, destinations, forms, rehearsal_form, routing_draft, routing_words, step_form
from dni.dashboard.desk import struct
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet, Wrong
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.dashboard.rehearsal_form import Played
from dni.dashboard.routing_draft import LISTS, Draft
from dni.dashboard.routing_starts import STARTS
from dni.dashboard.routing_starts import steps as begun
from dni.dashboard.routing_words import KINDS, Names
from dni.errors import Conflict, DniError, InvalidField, Unavailable
from dni.parts import Parts
from dni.routing.destinations import DestinationView
from dni.routing.model import MOST_STEPS, Routing, Step
from dni.routing.rehearse import Rehearsal
from dni.web.base_url import base_url

_LIMIT = 768 * 1024
"""Room for a block list, as a form writes it."""
_PUT = next(one for one in OPERATIONS if one.name == "put_routing")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign and what its routing may name."""

    view: CampaignView
    live: Routing
    destinations: list[DestinationView]
    publishers: dict[str, str]

    def names(self, steps: Sequence[Step]) -> Names:
        """`steps`: those whose menus are meant."""
        called = {one.id: one.name for one in self.destinations}
        return Names(destinations=called, publishers=self.publishers, menus=routing_words.menus(steps))


class RoutingEditor:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (Address("/campaigns/{id}/routing", self.read, self.act, "tell", _LIMIT),)

    async def read(self, request: Request, reader: Reader) -> Response:
        known = await self._known(request, reader)
        return self._show(reader, known, routing_draft.of(known.live), {}, is_saved="saved" in request.query_params)

    async def act(self, request: Request, reader: Reader, sent: Form) -> Response:
        """`act` names what to do, and after a colon with what: `up:2`, `add:menu`, `start:hours`."""
        known = await self._known(request, reader)
        act, _, what = sent.get("act", "").partition(":")
        draft = routing_draft.read(sent)
        try:
            match act:
                case "try":
                    return await self._try(request, reader, known, draft, sent)
                case "save":
                    return await self._save(reader, known, draft, sent)
                case "add" | "edit":
                    return self._step(reader, known, draft, sent, *_which(act, what, draft))
                case "keep":
                    return self._keep(reader, known, draft, sent, *_which("", what, draft, sent.get("kind", "")))
                case "start":
                    steps = begun(what, [one.id for one in known.destinations])
                    draft = msgspec.structs.replace(draft, steps=steps or draft.steps)
                case "up" | "down" | "remove":
                    steps = routing_draft.moved(draft.steps, act, _number(what))
                    draft = msgspec.structs.replace(draft, steps=steps)
        except (InvalidField, Conflict, Unavailable) as error:
            return self._show(reader, known, draft, sent, error=error)
        return self._show(reader, known, draft, sent)

    async def _save(self, reader: Reader, known: Known, draft: Draft, sent: Form) -> Response:
        _PUT.check(reader.principal)
        if routing_draft.problems(draft.steps):
            raise InvalidField("", "a step is not right yet: look at those in red")
        made = routing_draft.routing(draft)
        async with acting(self._parts, reader.principal, "put_routing", known.view.id) as (connection, act):
            live = await campaigns.routing(connection, reader.principal, known.view.id)
            if routing_draft.digest(live) not in (draft.seen, routing_draft.digest(made)):
                raise Conflict("somebody changed this routing meanwhile: look at it as it is now, then decide")
            act.told = acts.told(await declare.routing(connection, known.view.id, made), live, made, whole=True)
        return RedirectResponse(f"/campaigns/{known.view.id}/routing?saved", 303)

    async def _try(self, request: Request, reader: Reader, known: Known, draft: Draft, sent: Form) -> Response:
        if routing_draft.problems(draft.steps):
            raise InvalidField("", "a step is not right yet, so no call can be tried: look at those in red")
        sheet = _sheet(known, draft)
        body = forms.body(sheet, sent)
        made = routing_draft.routing(draft)
        try:
            asked = struct(rehearsal_form.request(body, ZoneInfo(known.view.timezone)), Rehearsal)
            asked.routing = made
            view = await of_routing.try_routing(self._parts, self._ask(request, reader, known, asked))
        except InvalidField as error:
            raise rehearsal_form.of_fields(error) from None
        called = {one.number: one.name for one in known.destinations}
        return self._show(reader, known, draft, sent, tried=rehearsal_form.played(view, draft.steps, called))

    def _step(
        self,
        reader: Reader,
        known: Known,
        draft: Draft,
        sent: Form,
        what: str,
        place: int,
        error: InvalidField | None = None,
    ) -> Response:
        """The form of one step; `place` behind the last: a new one."""
        present = draft.steps[place] if place < len(draft.steps) else None
        sheet, parts = self._step_sheet(known, draft, what, place)
        if error is not None:
            written: Mapping[str, str] = sent
        elif present is not None:
            written = step_form.written(present)
        else:
            written = step_form.blank(routing_draft.fresh_id(what, draft.steps))
        phones = {one.id: one.number for one in known.destinations}
        return self._pages.render(
            "routing_step.html",
            status=error.status if error else 200,
            reader=reader,
            campaign=known.view,
            sheet=sheet,
            parts_of=parts,
            written=written,
            wrong=forms.wrong(sheet, sent, error) if error else Wrong(),
            kept=_kept(draft, sent),
            what=what,
            about=KINDS[what][1],
            place=place,
            needs_destination=what == "connect" and not phones,
        )

    def _keep(self, reader: Reader, known: Known, draft: Draft, sent: Form, what: str, place: int) -> Response:
        """Takes the form of a step into the draft."""
        present = draft.steps[place] if place < len(draft.steps) else None
        sheet, _ = self._step_sheet(known, draft, what, place)
        try:
            made = step_form.step(what, forms.body(sheet, sent), present)
            steps = routing_draft.put(draft.steps, place, made)
            routing_draft.check(steps, place)
        except InvalidField as error:
            return self._step(reader, known, draft, sent, what, place, routing_draft.of_this_step(error))
        return self._show(reader, known, msgspec.structs.replace(draft, steps=steps), sent)

    def _step_sheet(self, known: Known, draft: Draft, what: str, place: int) -> tuple[Sheet, list[step_form.Part]]:
        present = draft.steps[place] if place < len(draft.steps) else None
        phones = {one.id: one.number for one in known.destinations}
        parts = step_form.parts(what, known.names(draft.steps[:place]), phones, present)
        title = f"{place + 1} · {KINDS[what][0]}"
        return _of(known, tuple(field for part in parts for field in part.fields), title), parts

    def _show(
        self,
        reader: Reader,
        known: Known,
        draft: Draft,
        sent: Form,
        *,
        tried: list[Played] | None = None,
        error: DniError | None = None,
        is_saved: bool = False,
    ) -> Response:
        names, sheet = known.names(draft.steps), _sheet(known, draft)
        found = routing_draft.problems(draft.steps)
        response = self._pages.render(
            "routing.html",
            status=error.status if error else 200,
            reader=reader,
            campaign=known.view,
            steps=[
                Row(
                    place,
                    KINDS[routing_words.kind(step)][0],
                    step.id,
                    routing_words.when(step, names),
                    routing_words.does(step, names),
                    _said(found, place),
                )
                for place, step in enumerate(draft.steps)
            ],
            ends_at=routing_draft.always(draft.steps),
            has_room=len(draft.steps) < MOST_STEPS,
            is_changed=routing_draft.differs(draft, known.live),
            is_saved=is_saved,
            is_stale=isinstance(error, Conflict),
            kinds=KINDS,
            starts=STARTS,
            count_of_destinations=len(known.destinations),
            draft=draft,
            lists=LISTS,
            box=rehearsal_form.groups(names, known.view.timezone),
            written={**draft.form(), **{name: sent.get(name, "") for name in _names(sheet)}},
            sheet=sheet,
            wrong=forms.wrong(sheet, {**sent, **draft.form()}, error) if error else Wrong(),
            tried=tried,
        )
        if error is not None:
            response.headers["DNI-Reason"] = error.code
        return response

    async def _known(self, request: Request, reader: Reader) -> Known:
        """Raises NotFound, also for who sees no destinations."""
        principal, wanted = reader.principal, id_of(request, "campaign")
        async with self._parts.ledger.read() as connection:
            view = await campaigns.one(connection, principal, wanted)
            live = await campaigns.routing(connection, principal, wanted)
            bring = await bringing.publishers_of(connection, principal, wanted)
        return Known(
            view=view,
            live=live,
            destinations=await destinations.of_campaign(self._parts, principal, wanted),
            publishers=bring,
        )

    def _ask(self, request: Request, reader: Reader, known: Known, asked: Rehearsal) -> Ask:
        parts = self._parts
        return Ask(
            ledger=parts.ledger,
            live=parts.live,
            keys=parts.keys,
            principal=reader.principal,
            now_ms=parts.clock.now_ms(),
            base_url=base_url(request.scope, request.headers, parts.settings),
            id=known.view.id,
            body=asked,
        )


class Row(msgspec.Struct, frozen=True):
    """A step in the list. `problem` is empty when it is right."""

    place: int
    kind: str
    id: str
    when: str
    does: str
    problem: str


def _sheet(known: Known, draft: Draft) -> Sheet:
    """Of the list's page: the draft's lists, and the box that tries a call."""
    box = rehearsal_form.groups(known.names(draft.steps), known.view.timezone)
    return _of(known, (*LISTS, *(field for group in box for field in group.fields)), "Routing")


def _of(known: Known, fields: tuple[forms.Field, ...], title: str) -> Sheet:
    at = f"/campaigns/{known.view.id}/routing"
    back = (f"/campaigns/{known.view.id}", known.view.name)
    return Sheet(operation="put_routing", here="campaigns", title=title, button="", action=at, back=back, fields=fields)


def _names(sheet: Sheet) -> list[str]:
    return [field.name for field in sheet.fields if field.name.startswith("try/")]


def _kept(draft: Draft, sent: Form) -> dict[str, str]:
    """What the form of a step carries along: the draft, and what stands in the box."""
    return {**draft.form(), **{name: value for name, value in sent.items() if name.startswith("try/") and value}}


def _which(act: str, what: str, draft: Draft, new: str = "") -> tuple[str, int]:
    """Kind and place of the step that is meant; a new one's place is behind the last. Raises InvalidField."""
    if act == "add" or (new in KINDS and _number(what) == len(draft.steps)):
        kind, place = (what if act == "add" else new), len(draft.steps)
        if kind not in KINDS or place >= MOST_STEPS:
            raise InvalidField("", f"one of {', '.join(KINDS)}, and at most {MOST_STEPS} steps")
        return kind, place
    place = _number(what)
    if not 0 <= place < len(draft.steps):
        raise InvalidField("", "there is no such step")
    return routing_words.kind(draft.steps[place]), place


def _number(text: str) -> int:
    """-1 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1


def _said(found: Mapping[int, Any], place: int) -> str:
    if (error := found.get(place)) is None:
        return ""
    return forms.sentence(error.message)
