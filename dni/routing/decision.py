"""What is decided for a call, and what the carrier is told of it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from dni import phone
from dni.attribution.area_codes import region_of
from dni.catalog.model import Budget, Campaign, Catalog, Destination
from dni.qualification.budget import Hold
from dni.routing import model
from dni.routing.conditions import Facts
from dni.routing.doors import blindly
from dni.routing.model import Ask, Refuse, Ring, TakeMessage
from dni.routing.plan import RING_S, Heard, Move, Over, Passage, Place, Ringing, Target, move, packed
from dni.session.model import Touch
from dni.telephony.model import Connect, HangUp, Instruction, Last, Menu, Prompt, Reject, Voicemail


class Urls(msgspec.Struct, frozen=True):
    """The carrier's door as the carrier reaches it: scheme, host and path without the act."""

    door: str

    @property
    def status(self) -> str:
        return f"{self.door}/status"

    def step(self, place: Place) -> str:
        return f"{self.door}/step?at={packed(place)}"

    def whisper(self, place: Place) -> str:
        return f"{self.door}/step?whisper={packed(place)}"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to the carrier, and why. `targets`: where the call is sent now, and `holds`: what it takes of budgets
    then. `refusal`: why it is sent nowhere."""

    instruction: Instruction
    phase: str
    spoke: bool = False
    path: tuple[Passage, ...] = ()
    targets: tuple[Target, ...] = ()
    holds: tuple[Hold, ...] = ()
    refusal: str | None = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a campaign when its next step is chosen, as far as memory knows it.

    call        names it for good; `at_ms` is now, `began_ms` when it began
    place, heard  where it is in the plan, and what the carrier told there
    touch, publisher  of what brought it, as it is credited by now
    budgets     all of the campaign
    """

    campaign: Campaign
    destinations: Mapping[str, Destination]
    urls: Urls
    call: str
    at_ms: int
    began_ms: int
    place: Place = Place()
    heard: Heard | None = None
    caller: str | None = None
    phone_type: str | None = None
    touch: Touch = Touch()
    publisher: str | None = None
    budgets: tuple[Budget, ...] = ()

    def blind(self) -> Facts:
        """What is known without the ledger."""
        zone = self.campaign.timezone
        routing = self.campaign.routing
        bounded = {one.destination for one in self.budgets}
        is_mine = any(not one.destination and one.publisher in (None, self.publisher) for one in self.budgets)
        return Facts(
            call=self.call,
            at_ms=self.began_ms,
            local=datetime.fromtimestamp(self.at_ms / 1000, ZoneInfo(zone)),
            caller=self.caller,
            region=region_of(self.caller),
            country=phone.country(self.caller),
            phone_type=self.phone_type,
            touch=self.touch,
            publisher=self.publisher,
            destinations={
                one.id: blindly(one, self.at_ms, zone, has_budget=one.id in bounded)
                for one in self.destinations.values()
            },
            holidays=frozenset(routing.holidays),
            blocked=frozenset(routing.blocked),
            over_budget=None if is_mine else "",
        )


def destinations_of(catalog: Catalog, campaign: Campaign) -> dict[str, Destination]:
    """Those that its routing names and that are still there."""
    named = model.destinations(campaign.routing)
    return {each: one for each in named if (one := catalog.destinations.get(each))}


def decide(route: Route, facts: Facts) -> Decision:
    """The next move of the call's plan, for the carrier."""
    made = move(route.campaign.routing, facts, route.campaign.destination, route.place, route.heard)
    targets = made.then.targets if isinstance(made.then, Ringing) else ()
    rung = {None, *(one.id for one in targets)}
    return Decision(
        instruction=Instruction(_last(made, route), made.say),
        phase=made.phase,
        spoke=made.place.spoke or bool(made.say) or isinstance(made.then, TakeMessage),
        path=made.path,
        targets=targets,
        holds=tuple(one for one in facts.holds if one.destination in rung) if targets else (),
        refusal="routing" if made.phase == "rejected" else None,
    )


def connected(number: str, urls: Urls) -> Decision:
    """Straight to a phone, whatever the plan says."""
    instruction = Instruction(Connect(destinations=(number,), timeout_s=RING_S, status_url=urls.status))
    return Decision(instruction=instruction, phase="connecting", targets=(Target(None, number),))


def refused(why: str) -> Decision:
    return Decision(instruction=Instruction(Reject()), phase="rejected", refusal=why)


def _last(made: Move, route: Route) -> Last:
    urls, place = route.urls, replace(made.place, campaign=route.campaign.id)
    match made.then:
        case Ringing() as ringing:
            # The last resort of a call that we did not take ourselves ends with it: there is nothing more to ask.
            asks = not ringing.is_last or place.spoke
            return Connect(
                destinations=tuple(one.number for one in ringing.targets),
                timeout_s=ringing.ring_s,
                status_url=urls.status,
                step_url=urls.step(place) if asks else None,
                whisper=ringing.whisper,
                whisper_url=urls.whisper(Place(place.campaign, place.step)) if ringing.whisper else None,
                record=ringing.record,
            )
        case Ask() as menu:
            return Menu(
                prompt=menu.prompt,
                keys=tuple(menu.keys),
                timeout_s=menu.timeout_s,
                step_url=urls.step(place),
            )
        case TakeMessage() as message:
            return Voicemail(
                prompt=message.prompt,
                longest_s=message.longest_s,
                step_url=urls.step(place),
                status_url=urls.status,
            )
        case Refuse() as refuse:
            return Reject(reason=refuse.reason)
        case Over():
            return HangUp()


def whispered(catalog: Catalog, place: Place | None) -> Prompt | None:
    """What a destination hears that was rung from that place."""
    campaign = catalog.campaigns.get(place.campaign) if place else None
    steps = campaign.routing.steps if campaign else ()
    return next((one.whisper for one in steps if place and one.id == place.step and isinstance(one, Ring)), None)
