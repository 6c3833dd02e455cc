"""The dashboard's addresses. Each room of pages names its own (`addresses`); what all share stands here."""

from collections.abc import Callable, Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from dni.access import invitations
from dni.dashboard.accounts import Accounts
from dni.dashboard.assets import Assets
from dni.dashboard.audit import Audit
from dni.dashboard.bring_in import BringIn
from dni.dashboard.budgets import Budgets
from dni.dashboard.calls import Calls
from dni.dashboard.campaigns import Campaigns
from dni.dashboard.carriers import Carriers
from dni.dashboard.corrections import Corrections
from dni.dashboard.deliveries import Deliveries
from dni.dashboard.destinations import Destinations
from dni.dashboard.disputes import Disputes
from dni.dashboard.door import Door
from dni.dashboard.exports import Exports
from dni.dashboard.glossary import Glossary
from dni.dashboard.integration_desk import IntegrationDesk
from dni.dashboard.integration_tries import IntegrationTries
from dni.dashboard.integrations import Integrations
from dni.dashboard.invitation import Invitation
from dni.dashboard.live import Live
from dni.dashboard.my_account import MyAccount
from dni.dashboard.numbers import Numbers
from dni.dashboard.outcomes import Outcomes
from dni.dashboard.overview import Overview
from dni.dashboard.page import Address, Page, route
from dni.dashboard.pages import Pages
from dni.dashboard.payouts import Payouts
from dni.dashboard.pool_use import PoolUse
from dni.dashboard.pools import Pools
from dni.dashboard.privacy import Privacy
from dni.dashboard.publishers import Publishers
from dni.dashboard.routing import RoutingEditor
from dni.dashboard.settings import Settings
from dni.dashboard.setup import Setup
from dni.dashboard.sign_in import SignIn
from dni.dashboard.sources import Keywords, Sources
from dni.dashboard.statements import Statements
from dni.dashboard.tag_desk import TagDesk
from dni.dashboard.tags import Tags
from dni.dashboard.terms import TermsEditor
from dni.dashboard.test_page import TestPage
from dni.dashboard.tokens import Tokens
from dni.errors import NotFound
from dni.parts import Parts


class Room(Protocol):
    def addresses(self) -> Sequence[Address]: ...


ROOMS: tuple[Callable[[Parts, Pages], Room], ...] = (
    Overview,
    Calls,
    Outcomes,
    BringIn,
    Corrections,
    Disputes,
    Payouts,
    Statements,
    Sources,
    Keywords,
    Live,
    TagDesk,
    TestPage,
    Tags,
    Setup,
    Exports,
    Destinations,
    RoutingEditor,
    TermsEditor,
    Budgets,
    Campaigns,
    Pools,
    Numbers,
    Publishers,
    Deliveries,
    IntegrationDesk,
    IntegrationTries,
    Integrations,
    Settings,
    Carriers,
    Accounts,
    Tokens,
    Audit,
    MyAccount,
    Privacy,
    Glossary,
    PoolUse,
)


def routes(parts: Parts) -> list[Route]:
    assets = Assets()
    pages, door = Pages(assets), Door(parts)
    sign_in, invitation = SignIn(parts, door, pages), Invitation(parts, door, pages)

    async def start(_request: Request) -> Response:
        return RedirectResponse("/overview", 303)

    return [
        Route("/static/dashboard/{name}", Page(pages, assets.serve)),
        Route("/", Page(pages, start)),
        Route("/signin", Page(pages, sign_in.form, post=sign_in.submit)),
        Route(invitations.PATH, Page(pages, invitation.form, post=invitation.submit)),
        Route("/signout", Page(pages, post=sign_in.out)),
        *(route(address, door, pages) for address in addresses(parts, pages)),
    ]


def addresses(parts: Parts, pages: Pages) -> list[Address]:
    """Of all rooms: what people who are signed in may read and send."""
    return [address for room in ROOMS for address in room(parts, pages).addresses()]


def nowhere() -> ASGIApp:
    """For addresses that no door has: a page for people, the problem for others."""

    async def missing(request: Request) -> Response:
        raise NotFound(f"nothing is at {request.url.path[:200]}")

    return Page(Pages(Assets()), missing, post=missing)
