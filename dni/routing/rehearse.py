"""Plays a call that does not ring: the steps it would take now, and why."""

from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from dni.campaign.model import Phone, moment_ms
from dni.catalog.model import Budget, Campaign, Destination
from dni.ledger.rows import Instant
from dni.ledger.schema import call
from dni.phone import e164
from dni.routing import facts, model
from dni.routing.decision import Route, Urls
from dni.routing.model import Ask, Routing
from dni.routing.plan import Heard, Passage, Place, Ringing, move

_TOUCH = ("source", "medium", "channel", "campaign_name", "keyword")


class Rehearsal(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A call to try a campaign's routing with.

    routing   null: the one that is live
    at        null: now
    caller    null: withheld
    keys      by a menu's id: what is pressed there; nothing at the others
    unanswered  ids of destinations that do not pick up, and "own": the campaign's own
    """

    routing: Routing | None = None
    at: Instant | None = None
    caller: Phone | None = None
    phone_type: str | None = None
    source: str | None = None
    medium: str | None = None
    channel: str | None = None
    campaign_name: str | None = None
    keyword: str | None = None
    publisher: str | None = None
    custom: dict[str, str] = {}
    keys: dict[str, str] = {}
    unanswered: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.caller is not None:
            self.caller = e164(self.caller, "/caller")
        if self.routing is not None:
            self.routing = model.checked(self.routing)


class Scene(msgspec.Struct):
    """One answer to the carrier. `phase`: `connecting`, `menu`, `voicemail`, `rejected` or `over`; `says` what the
    caller hears first; `rings` the phones (E.164)."""

    phase: str
    says: list[str]
    rings: list[str]
    path: list[Passage]


class RehearsalView(msgspec.Struct):
    """`ends`: the phase of the last scene."""

    scenes: list[Scene]
    ends: str


def rehearse(
    connection: Connection,
    campaign: Campaign,
    destinations: dict[str, Destination],
    now_ms: int,
    asked: Rehearsal,
    budgets: tuple[Budget, ...] = (),
) -> RehearsalView:
    """`destinations`, `budgets`: all of the campaign. Caps and budgets count the calls that are really there. Raises
    InvalidField."""
    at_ms = moment_ms(asked.at, "/at") if asked.at else now_ms
    if asked.routing is not None:
        campaign = replace(campaign, routing=asked.routing)
    route = Route(
        campaign=campaign,
        destinations={each: one for each in model.destinations(campaign.routing) if (one := destinations.get(each))},
        urls=Urls(""),
        call=f"rehearsal at {at_ms} of {asked.caller}",
        at_ms=at_ms,
        began_ms=at_ms,
        caller=asked.caller,
        phone_type=asked.phone_type,
        publisher=asked.publisher,
        budgets=budgets,
    )
    row: dict[str, Any] = dict.fromkeys(call.c.keys())
    row |= {name: getattr(asked, name) for name in (*_TOUCH, "caller")}
    row |= {"publisher_id": asked.publisher, "started_at_ms": at_ms, "provider_id": ""}
    known = replace(facts.known(connection, route, row), custom=asked.custom)
    scenes: list[Scene] = []
    place, heard = Place(), None
    while True:
        made = move(campaign.routing, known, campaign.destination, place, heard)
        rings = made.then.targets if isinstance(made.then, Ringing) else ()
        said = [one.text or one.audio or "" for one in made.say]
        prompt = getattr(made.then, "prompt", None)
        if prompt is not None:
            said.append(prompt.text or prompt.audio or "")
        scenes.append(Scene(made.phase, said, [one.number for one in rings], list(made.path)))
        place = made.place
        match made.then:
            case Ask() as menu:
                heard = Heard(keys=asked.keys.get(menu.id, ""))
            case Ringing() if all((one.id or "own") in asked.unanswered for one in rings):
                heard = Heard()
            case _:
                return RehearsalView(scenes, made.phase)
