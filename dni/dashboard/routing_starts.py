"""Routings to begin with, for a campaign that has none. Pure."""

from collections.abc import Sequence

import msgspec

from dni.routing.model import Ask, Choice, Condition, Ring, Step, TakeMessage
from dni.telephony.model import Prompt


class Start(msgspec.Struct, frozen=True):
    """`needs`: destinations that it names, at least."""

    name: str
    title: str
    text: str
    needs: int


STARTS = (
    Start(
        "hours",
        "Voicemail when closed",
        "Mondays to Fridays from 9 to 17 your phone rings, else callers leave a message.",
        0,
    ),
    Start("menu", "Sales or service", "Callers press 1 or 2, and reach the one or the other.", 2),
    Start(
        "buyers",
        "Two buyers by weight",
        "Of four calls three go to the first, one to the second; who is full is left out.",
        2,
    ),
)


def steps(name: str, destinations: Sequence[str]) -> tuple[Step, ...]:
    """Empty for what is no start, or needs more destinations (ids, by name) than there are."""
    known = next((one for one in STARTS if one.name == name), None)
    if known is None or len(destinations) < known.needs:
        return ()
    match name:
        case "hours":
            message = Prompt(text="We are closed. Please leave a message after the tone.")
            return (TakeMessage(id="closed", prompt=message, unless=Condition(hours="Mo-Fr 09:00-17:00; PH off")),)
        case "menu":
            prompt = Prompt(text="For sales, press 1. For service, press 2.")
            return (
                Ask(id="menu", prompt=prompt, keys={"1": "Sales", "2": "Service"}),
                _ring("sales", destinations[0], "1"),
                _ring("service", destinations[1], "2"),
            )
    first, second, *_ = destinations
    return (
        Ring(
            id="buyers", destinations=(Choice(destination=first, weight=3), Choice(destination=second)), order="weight"
        ),
    )


def _ring(name: str, destination: str, key: str) -> Ring:
    return Ring(id=name, destinations=(Choice(destination=destination),), when=Condition(keys={"menu": (key,)}))
