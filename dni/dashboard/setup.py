"""The guided set-up, from nothing to a swapped number and a call: a page a step, each can be left and come back to."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from dni.access import acts
from dni.api.write import acting
from dni.call.search import CallFilter, list_calls
from dni.call.views import CallView
from dni.campaign import campaigns, declare
from dni.campaign.campaigns import CampaignView
from dni.clock import from_rfc3339
from dni.dashboard import carrier_fields, forms, setup_fields, setup_steps, tag_words, words
from dni.dashboard.carrier_fields import SPOKEN
from dni.dashboard.desk import Desk, struct
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet, Wrong
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.dashboard.setup_steps import State
from dni.dashboard.test_page import own_origin
from dni.demo import command
from dni.demo import page as demo
from dni.errors import Conflict, DniError, InvalidField, Unavailable
from dni.parts import Parts
from dni.pool import pools
from dni.pool.pools import NewPool, PoolChange, PoolFilter
from dni.session.search import SessionFilter, list_sessions
from dni.tag import health_reports, tags
from dni.tag.health import HealthView
from dni.tag.tags import TagFilter
from dni.telephony import carriers
from dni.telephony.accounts import KINDS
from dni.telephony.carriers import CarrierView, NewCarrier
from dni.web.base_url import base_url

_CAMPAIGNS = 20
_POOLS = 500
_ACCOUNTS = 20
PRACTICE = "Practice account"


class Setup:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/setup", self.start, access="write"),
            Address("/setup/campaign", self.campaign, self.make_campaign, "write"),
            Address("/setup/campaigns/{id}", self.go_on, access="write"),
            Address("/setup/campaigns/{id}/numbers", self.numbers, self.add_numbers, "write"),
            Address("/setup/campaigns/{id}/page", self.page, self.make_tag, "write"),
            Address("/setup/campaigns/{id}/tag", self.tag, access="write"),
            Address("/setup/campaigns/{id}/call", self.call, access="write"),
            Address("/setup/campaigns/{id}/rang", self.rang, access="write"),
            Address("/setup/campaigns/{id}/carrier", self.to_call, self.make_carrier, "administer"),
            Address("/setup/campaigns/{id}/practice", self.to_call, self.make_practice, "administer"),
        )

    async def start(self, request: Request, reader: Reader) -> Response:
        """What it is about, and the campaigns that were begun."""
        made_up = demo.campaigns(self._parts.catalog.now)
        async with self._parts.ledger.read() as connection:
            found, _ = await campaigns.page(connection, reader.principal, _CAMPAIGNS)
        own = [await self._state(request, reader, campaign) for campaign in found if campaign.id not in made_up]
        begun = [(state, setup_steps.done(state), setup_steps.next_address(state)) for state in own]
        return self._pages.render(
            "setup.html", reader=reader, steps=setup_steps.steps(State(), ""), begun=begun, demo=bool(made_up)
        )

    async def go_on(self, request: Request, reader: Reader) -> Response:
        return RedirectResponse(setup_steps.next_address(await self._state_of(request, reader)), 303)

    # 1: the campaign

    async def campaign(self, _request: Request, reader: Reader) -> Response:
        return self._form(reader, State(), setup_fields.CAMPAIGN)

    async def make_campaign(self, request: Request, reader: Reader, sent: Form) -> Response:
        sheet = setup_fields.CAMPAIGN
        try:
            made: CampaignView = await self._desk.run(request, reader, sheet, sent)
        except (InvalidField, Conflict, Unavailable) as error:
            return self._form(reader, State(), sheet, sent, error)
        return RedirectResponse(f"/setup/campaigns/{made.id}/numbers", 303)

    # 2: the numbers

    async def numbers(self, request: Request, reader: Reader) -> Response:
        state = await self._state_of(request, reader)
        return self._form(reader, state, setup_fields.numbers(_campaign(state), state.pool))

    async def add_numbers(self, request: Request, reader: Reader, sent: Form) -> Response:
        """Into the campaign's pool, or a new one; the same numbers again change nothing."""
        state = await self._state_of(request, reader)
        owner, sheet = _campaign(state), setup_fields.numbers(_campaign(state), state.pool)
        try:
            new = struct({"name": owner.name, "numbers": forms.body(sheet, sent)["numbers"]}, NewPool)
            name = "create_pool" if state.pool is None else "change_pool"
            async with acting(self._parts, reader.principal, name) as (connection, act):
                now_ms = self._parts.clock.now_ms()
                act.told = acts.told(new)
                if state.pool is None:
                    act.object_id = await declare.pool(connection, now_ms, new, owner.id)
                else:
                    act.object_id = state.pool.id
                    known = (await pools.one(connection, reader.principal, state.pool.id)).numbers
                    both = list(dict.fromkeys([*known, *new.numbers]))
                    await declare.change_pool(connection, now_ms, state.pool.id, PoolChange(numbers=both))
        except (InvalidField, Conflict, Unavailable) as error:
            return self._form(reader, state, sheet, sent, error)
        return RedirectResponse(
            f"/setup/campaigns/{owner.id}/page" if not state.tag else f"/setup/campaigns/{owner.id}/tag", 303
        )

    # 3: the page, which makes the tag

    async def page(self, request: Request, reader: Reader) -> Response:
        state = await self._state_of(request, reader)
        if state.pool is None or state.tag is not None:
            return RedirectResponse(setup_steps.next_address(state), 303)
        return self._form(reader, state, setup_fields.page(_campaign(state)))

    async def make_tag(self, request: Request, reader: Reader, sent: Form) -> Response:
        state = await self._state_of(request, reader)
        if state.pool is None or state.tag is not None:
            return RedirectResponse(setup_steps.next_address(state), 303)
        sheet = setup_fields.page(_campaign(state))
        try:
            here = own_origin(request, self._parts.settings)
            new = setup_fields.tag(sheet, sent, _campaign(state), state.pool.id, here)
            async with acting(self._parts, reader.principal, "create_tag") as (connection, act):
                numbers = (await pools.one(connection, reader.principal, state.pool.id)).numbers
                if new.targets[0] in numbers:
                    raise InvalidField("/target", setup_fields.IS_POOLED)
                act.object_id = await declare.tag(connection, self._parts.clock.now_ms(), new)
                act.told = acts.told(new)
        except (InvalidField, Conflict, Unavailable) as error:
            return self._form(reader, state, sheet, sent, error)
        return RedirectResponse(f"/setup/campaigns/{_campaign(state).id}/tag", 303)

    # 4: paste, and see it work

    async def tag(self, request: Request, reader: Reader) -> Response:
        state = await self._state_of(request, reader)
        if state.tag is None:
            return RedirectResponse(setup_steps.next_address(state), 303)
        health = await self._health(state)
        last = health.pages[0] if health and health.pages else None
        here = own_origin(request, self._parts.settings)
        return self._pages.render(
            "setup_tag.html",
            reader=reader,
            state=state,
            steps=setup_steps.steps(state, "tag"),
            tag=state.tag,
            own=[origin for origin in state.tag.origins if origin != here],
            targets=[words.number(target) for target in state.tag.targets],
            visits=demo.VISITS,
            health=health,
            last=last,
            says=f"We have seen your tag, {tag_words.says(last)}." if last else None,
            hint=tag_words.hint(last.latest, last.reason) if last and last.latest != "no_number" else None,
            ago=words.span(max(0, self._parts.clock.now_ms() - from_rfc3339(last.last_seen_at))) if last else None,
            now_ms=self._parts.clock.now_ms(),
        )

    # 5: a call

    async def call(self, request: Request, reader: Reader) -> Response:
        return await self._call(request, reader, await self._state_of(request, reader))

    async def to_call(self, request: Request, _reader: Reader) -> Response:
        """Who comes to the address of one of its forms by a link or after signing in."""
        return RedirectResponse(f"/setup/campaigns/{id_of(request, 'campaign')}/call", 303)

    async def make_carrier(self, request: Request, reader: Reader, sent: Form) -> Response:
        state = await self._state_of(request, reader)
        told = sent.get("kind", "")
        sheet = setup_fields.carrier(carrier_fields.kind_of(told))
        try:
            await self._desk.run(request, reader, sheet, sent, shape=lambda body: {**body, "kind": told})
        except (InvalidField, Conflict, Unavailable) as error:
            return await self._call(request, reader, state, sent, error)
        return RedirectResponse(f"/setup/campaigns/{_campaign(state).id}/call", 303)

    async def make_practice(self, request: Request, reader: Reader, _sent: Form) -> Response:
        """An account that no carrier knows; `dni demo call` plays it. Where there is one already, nothing is made."""
        state = await self._state_of(request, reader)
        if not state.ready:
            made_up = {"account_sid": f"AC{secrets.token_hex(16)}", "auth_token": secrets.token_hex(16)}
            async with acting(self._parts, reader.principal, "create_carrier") as (connection, act):
                new = NewCarrier(kind="twilio", name=PRACTICE, **made_up)
                act.object_id = await declare.carrier(connection, self._parts.clock.now_ms(), new)
                act.told = acts.told(new)
        return RedirectResponse(f"/setup/campaigns/{_campaign(state).id}/call", 303)

    async def rang(self, request: Request, reader: Reader) -> Response:
        """For the page's script: the newest call after `since` (ms), in the shape of `/tags/{id}/seen`."""
        since = request.query_params.get("since", "")
        if not since.isascii() or not since.isdigit() or len(since) > 15:
            raise InvalidField("since", "a moment in ms")
        state = await self._state_of(request, reader)
        call = await self._last_call(reader, state)
        told: dict[str, Any] = {"seen": False}
        if call and from_rfc3339(call.started_at) > int(since):
            at_ms = from_rfc3339(call.started_at)
            told = {"seen": True, "at_ms": at_ms, "says": setup_fields.rang(call), "tone": "good", "hint": ""}
            told["page"] = words.number(call.tracking_number or "")
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    async def _call(
        self,
        request: Request,
        reader: Reader,
        state: State,
        sent: Mapping[str, str] | None = None,
        error: DniError | None = None,
    ) -> Response:
        if state.tag is None:
            return RedirectResponse(setup_steps.next_address(state), 303)
        shown = await self._shown(reader, state)
        call = await self._last_call(reader, state)
        asked = (sent or {}).get("kind") or request.query_params.get("kind")
        kind = carrier_fields.kind_of(asked)
        sheet = setup_fields.carrier(kind)
        base = base_url(request.scope, request.headers, self._parts.settings)
        return self._pages.render(
            "setup_call.html",
            status=error.status if error else 200,
            reader=reader,
            state=state,
            steps=setup_steps.steps(state, "call"),
            sheet=sheet,
            kind=kind,
            kinds=KINDS,
            spoken=SPOKEN,
            chosen=asked is not None,
            written=sent or forms.defaults(sheet),
            wrong=forms.wrong(sheet, sent or {}, error) if error else Wrong(),
            once=secrets.token_urlsafe(12),
            accounts=await self._accounts(reader, base),
            is_https=urlsplit(base).scheme == "https",
            base=base,
            shown=words.number(shown) if shown else None,
            command=command.ring(self._parts.settings, shown) if shown else None,
            visit=demo.VISITS[0][1],
            call=call,
            says=setup_fields.rang(call) if call else None,
            now_ms=self._parts.clock.now_ms(),
        )

    async def _accounts(self, reader: Reader, base: str) -> list[CarrierView]:
        """Real ones, with the addresses that belong at the carrier; they are for admins."""
        if not reader.principal.may_administer:
            return []
        async with self._parts.ledger.read() as connection:
            found, _ = await carriers.page(connection, base, _ACCOUNTS)
        return [one for one in found if one.name not in (demo.CARRIER_NAME, PRACTICE)]

    async def _shown(self, reader: Reader, state: State) -> str | None:
        """The number that a visitor of the tag was shown last."""
        assert state.tag is not None
        only = SessionFilter(tag=state.tag.id)
        found, _ = await list_sessions(self._parts.ledger, reader.principal, only, 10)
        leases = [lease for session in found for lease in session.leases]
        return max(leases, key=lambda lease: lease.started_at).number if leases else None

    async def _last_call(self, reader: Reader, state: State) -> CallView | None:
        only = CallFilter(campaign=_campaign(state).id)
        found, _ = await list_calls(self._parts.ledger, reader.principal, only, 1)
        return found[0] if found else None

    async def _state_of(self, request: Request, reader: Reader) -> State:
        """Raises NotFound."""
        async with self._parts.ledger.read() as connection:
            campaign = await campaigns.one(connection, reader.principal, id_of(request, "campaign"))
        return await self._state(request, reader, campaign)

    async def _state(self, request: Request, reader: Reader, campaign: CampaignView) -> State:
        base = base_url(request.scope, request.headers, self._parts.settings)
        async with self._parts.ledger.read() as connection:
            own, _ = await pools.briefs(connection, reader.principal, _POOLS, None, PoolFilter(campaign=campaign.id))
            placed, _ = await tags.page(connection, reader.principal, base, 1, None, TagFilter(campaign=campaign.id))
            accounts, _ = await carriers.page(connection, base, 1)
        tag = placed[0] if placed else None
        pool = next((pool for pool in own if tag and pool.id == tag.pool), own[-1] if own else None)
        state = State(campaign=campaign, pool=pool, tag=tag, ready=bool(accounts))
        health = await self._health(state)
        seen = bool(health and any(page.swapped for page in health.pages))
        rang = await self._last_call(reader, state) is not None
        return msgspec.structs.replace(state, seen=seen, rang=rang)

    async def _health(self, state: State) -> HealthView | None:
        """None when Redis is away, and without a tag."""
        if state.tag is None:
            return None
        try:
            return await health_reports.of(self._parts.live, self._parts.keys, state.tag.campaign, state.tag.id)
        except Unavailable:
            return None

    def _form(
        self,
        reader: Reader,
        state: State,
        sheet: Sheet,
        sent: Mapping[str, str] | None = None,
        error: DniError | None = None,
    ) -> Response:
        """A step that asks for something."""
        return self._pages.render(
            "setup_form.html",
            status=error.status if error else 200,
            reader=reader,
            state=state,
            steps=setup_steps.steps(state, setup_fields.step_of(sheet)),
            step=setup_fields.step_of(sheet),
            sheet=sheet,
            written=forms.defaults(sheet) if sent is None else sent,
            wrong=forms.wrong(sheet, sent or {}, error) if error else Wrong(),
            once=(sent or {}).get("once") or secrets.token_urlsafe(12),
            needed=setup_steps.numbers_needed(),
        )


def _campaign(state: State) -> CampaignView:
    assert state.campaign is not None
    return state.campaign
