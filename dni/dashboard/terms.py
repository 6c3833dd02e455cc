"""The editor of a campaign's terms. Its draft travels in the form: every act is sent with it, and answered with it
changed; saving alone makes a version, which applies from a moment on."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access.model import Principal
from dni.api import of_what_if
from dni.api.model import Ask
from dni.api.of_what_if import TryTerms
from dni.api.query import EndQuery
from dni.campaign import campaigns, publishers
from dni.campaign.campaigns import CampaignView
from dni.dashboard import bringing, forms, moments, policy_pages, terms_draft, terms_rows, terms_words, what_if_form
from dni.dashboard.desk import Desk, struct
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet, Wrong
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.dashboard.terms_draft import FIELDS, Draft
from dni.dashboard.what_if_form import Tried
from dni.errors import Conflict, DniError, InvalidField, NotFound, Unavailable
from dni.parts import Parts
from dni.qualification import terms
from dni.qualification.model import Terms
from dni.qualification.terms import TermsView
from dni.web.base_url import base_url

_LIMIT = 256 * 1024
"""Room for terms, as a form writes them."""
_MANY = 500
[_TRY] = of_what_if.OPERATIONS
_SAVED = {
    "saved": "Saved: calls that begin from then on go by these terms.",
    "ended": "Ended: calls that begin from then on go by the campaign's terms.",
}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign, and whose terms are meant.

    publisher  its id: terms in place of the campaign's, for its calls; None: the campaign's own
    versions   of these, the latest first
    now        which of them applies, else the next that will; None: none does
    usual      the campaign's terms, which apply where a publisher has none of its own
    names      of publishers that bring calls, or have terms of their own here
    own        those that have terms of their own
    """

    view: CampaignView
    publisher: str | None
    versions: Sequence[TermsView]
    now: TermsView | None
    usual: Terms
    names: Mapping[str, str]
    own: frozenset[str]

    @property
    def address(self) -> str:
        return terms_rows.address(self.view.id, self.publisher)

    @property
    def live(self) -> Terms:
        """What the editor begins with."""
        return self.now.terms if self.now and self.now.terms else self.usual

    @property
    def seen(self) -> str:
        """Differs when somebody saved."""
        return (self.versions[0].id or "") if self.versions else ""


class TermsEditor:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return (Address("/campaigns/{id}/terms", self.read, self.act, limit=_LIMIT),)

    async def read(self, request: Request, reader: Reader) -> Response:
        known = await self._known(request, reader.principal)
        wanted = request.query_params.get("version")
        begun = next((one.terms for one in known.versions if one.id == wanted and one.terms), known.live)
        draft = terms_draft.of(begun, known.seen)
        return self._show(reader, known, draft, {}, done=_SAVED.get(request.query_params.get("done", "")))

    async def act(self, request: Request, reader: Reader, sent: Form) -> Response:
        """`act` names what to do, and after colons with what: `up:payout:1`, `add:revenue:base`, `save`."""
        known = await self._known(request, reader.principal)
        draft = terms_draft.read(sent)
        act, _, what = sent.get("act", "").partition(":")
        side, _, place = what.partition(":")
        try:
            match act:
                case "save":
                    return await self._save(request, reader, known, draft, sent)
                case "try":
                    return await self._try(request, reader, known, draft, sent)
                case "end":
                    return await self._end(request, reader, known, draft, sent)
                case "up" | "down" | "remove" if side in terms_draft.SIDES:
                    draft = terms_draft.moved(draft, act, side, place)
                case "add" | "edit" | "keep" | "row" | "text" | "rows" if side in terms_draft.SIDES:
                    page = policy_pages.answer(act, side, place, draft, sent, known.view)
                    if isinstance(page, Draft):
                        return self._show(reader, known, page, sent)
                    return self._policy(reader, known, draft, page)
        except (InvalidField, Conflict, Unavailable) as error:
            return self._show(reader, known, draft, sent, error=error)
        return self._show(reader, known, draft, sent)

    async def _save(self, request: Request, reader: Reader, known: Known, draft: Draft, sent: Form) -> Response:
        if terms_draft.problems(draft):
            raise InvalidField("", "a policy is not right yet: look at those in red")
        made = terms_draft.terms(draft)
        if draft.seen != known.seen:
            # A second click finds what the first one saved.
            if known.versions[0].terms == made:
                return RedirectResponse(_done(known, "saved"), 303)
            raise Conflict("somebody saved other terms meanwhile: look at them as they are now, then decide")
        told = {"terms": terms_draft.settings(draft), "publisher": known.publisher}
        if since := _since(known, draft):
            told["from"] = since
        await self._desk.run(request, reader, _sheet(known), sent, wanted=known.view.id, shape=lambda _: told)
        return RedirectResponse(_done(known, "saved"), 303)

    async def _try(self, request: Request, reader: Reader, known: Known, draft: Draft, sent: Form) -> Response:
        """What the draft would have made of past calls."""
        _TRY.check(reader.principal)
        if terms_draft.problems(draft):
            raise InvalidField("", "a policy is not right yet, so no call can be judged: look at those in red")
        zone = ZoneInfo(known.view.timezone)
        times = what_if_form.request(sent, zone)
        body = {"terms": terms_draft.settings(draft), "publisher": known.publisher, **times}
        now_ms = self._parts.clock.now_ms()
        ask = Ask(
            ledger=self._parts.ledger,
            live=self._parts.live,
            keys=self._parts.keys,
            principal=reader.principal,
            now_ms=now_ms,
            base_url=base_url(request.scope, request.headers, self._parts.settings),
            id=known.view.id,
            body=None,
        )
        try:
            asked = msgspec.structs.replace(ask, body=struct(body, TryTerms))
            found = await of_what_if.try_terms(self._parts, asked)
        except InvalidField as error:
            raise what_if_form.of_fields(error) from None
        return self._show(reader, known, draft, sent, tried=what_if_form.shown(found, zone, now_ms))

    async def _end(self, request: Request, reader: Reader, known: Known, draft: Draft, sent: Form) -> Response:
        """A publisher's own terms; the campaign's apply to its calls again."""
        if known.publisher is None:
            raise InvalidField("", "a campaign's own terms are replaced, not ended")
        sheet = msgspec.structs.replace(_sheet(known), operation="end_terms")
        query = EndQuery(publisher=known.publisher, from_=_since(known, draft))
        await self._desk.run(request, reader, sheet, sent, wanted=known.view.id, query=query)
        return RedirectResponse(_done(known, "ended"), 303)

    def _policy(self, reader: Reader, known: Known, draft: Draft, page: policy_pages.Page) -> Response:
        """The form of one policy."""
        sheet = msgspec.structs.replace(_sheet(known), title=page.title, fields=page.fields)
        wrong = forms.wrong(sheet, page.written, page.error) if page.error else Wrong()
        return self._pages.render(
            "terms_policy.html",
            status=page.error.status if page.error else 200,
            reader=reader,
            campaign=known.view,
            sheet=sheet,
            page=page,
            written=page.written,
            wrong=wrong,
            kept=draft.form(),
            vocabulary=policy_pages.VOCABULARY,
        )

    def _show(
        self,
        reader: Reader,
        known: Known,
        draft: Draft,
        sent: Form,
        *,
        error: DniError | None = None,
        done: str | None = None,
        tried: Tried | None = None,
    ) -> Response:
        principal, sheet = reader.principal, _sheet(known)
        written = {**draft.form(), **{field.name: sent.get(field.name, "") for field in what_if_form.FIELDS}}
        wrong = forms.wrong(sheet, written, error) if error else Wrong()
        now_ms, zone = self._parts.clock.now_ms(), ZoneInfo(known.view.timezone)
        seen = tuple(side for side in terms_draft.SIDES if getattr(principal, f"sees_{side}"))
        response = self._pages.render(
            "terms.html",
            status=error.status if error else 200,
            reader=reader,
            campaign=known.view,
            publisher=known.names.get(known.publisher or "") if known.publisher else None,
            at=known.address,
            sheet=sheet,
            wrong=wrong,
            written=written,
            draft=draft,
            sides=terms_rows.sides(draft, known.view.currency, seen),
            overrides=terms_rows.overrides(known.view.id, known.names, known.own, known.publisher)
            if principal.may_write
            else [],
            told=_told(known),
            versions=terms_rows.versions(known.versions, known.now, known.view, seen, zone, now_ms, principal),
            can_end=known.publisher in known.own,
            is_changed=terms_draft.differs(draft, known.live),
            is_saved=done,
            is_stale=isinstance(error, Conflict),
            fields=terms_draft,
            rules=terms_words.rules(known.live),
            box=what_if_form.FIELDS if principal.may_write else (),
            tried=tried,
        )
        if error is not None:
            response.headers["DNI-Reason"] = error.code
        return response

    async def _known(self, request: Request, principal: Principal) -> Known:
        """Raises NotFound, also for another's publisher."""
        wanted = id_of(request, "campaign")
        publisher = request.query_params.get("publisher") or None
        now_ms = self._parts.clock.now_ms()
        async with self._parts.ledger.read() as connection:
            view = await campaigns.one(connection, principal, wanted)
            all_of = await terms.versions(connection, principal, wanted)
            bring = await bringing.publishers_of(connection, principal, wanted)
            called = {one.id: one.name for one in (await publishers.page(connection, principal, _MANY))[0]}
        by_owner: dict[str | None, list[TermsView]] = {}
        for one in all_of:
            by_owner.setdefault(one.publisher, []).append(one)
        now = {owner: _now(found, now_ms) for owner, found in by_owner.items()}
        own = frozenset(owner for owner, one in now.items() if owner and one and one.terms)
        names = {**bring, **{owner: called.get(owner, owner) for owner in by_owner if owner}}
        if principal.publisher:
            publisher = principal.publisher if principal.publisher in own else None
        if publisher is not None and publisher not in names:
            raise NotFound(f"publisher {publisher} brings this campaign no calls")
        usual = now.get(None)
        return Known(
            view=view,
            publisher=publisher,
            versions=by_owner.get(publisher, []),
            now=now.get(publisher),
            usual=(usual.terms if usual else None) or Terms(),
            names=dict(sorted(names.items(), key=lambda each: each[1].casefold())),
            own=own,
        )


def _now(found: Sequence[TermsView], now_ms: int) -> TermsView | None:
    """Of versions, the latest first: the one that applies, else the next to."""
    begun = (one for one in found if moments.ms(one.from_) <= now_ms)
    return next(begun, found[-1] if found else None)


def _since(known: Known, draft: Draft) -> str | None:
    """From when they apply; None: from now on. Raises InvalidField."""
    when = draft.typed["from"].strip()
    return moments.rfc3339_of(when, ZoneInfo(known.view.timezone), "/from") if when else None


def _told(known: Known) -> str:
    """What a reader should know before he edits."""
    if known.publisher is not None and known.publisher not in known.own:
        name = known.names[known.publisher]
        return f"{name[:80]} has no terms of its own: the campaign's apply. What is saved here is for its calls alone."
    return ""


def _sheet(known: Known) -> Sheet:
    back = (f"/campaigns/{known.view.id}", known.view.name)
    return Sheet(
        operation="put_terms",
        here="campaigns",
        title="Terms",
        button="",
        action=known.address,
        back=back,
        fields=(*FIELDS, *what_if_form.FIELDS),
    )


def _done(known: Known, done: str) -> str:
    joined = "&" if "?" in known.address else "?"
    return f"{known.address}{joined}{urlencode({'done': done})}#said"
