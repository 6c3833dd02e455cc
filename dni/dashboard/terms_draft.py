"""Terms while they are edited: they travel in the form itself, so nothing half-written ever applies. Pure."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from dni.dashboard import forms
from dni.dashboard.forms import Choice, Field, Sheet
from dni.errors import BadBody, FieldError, InvalidField
from dni.qualification import language
from dni.qualification.model import MOST_BONUSES, Dedupe, Policy, Side, Terms
from dni.routing import hours
from dni.web import body

SIDES = ("payout", "revenue")
BASE = "base"
"""Stands for the base policy's place; a bonus has its number, from 0."""

_SIDE = msgspec.json.Decoder(Side)
_UNREADABLE = "this form does not hold terms: open the page anew"
_USUAL = Dedupe()
_PICKS = (
    Choice("first", "the first bonus that holds, else the base"),
    Choice("best", "what pays most of all that hold"),
)
PICKS = {side: Field(name=f"{side}/pick", label="Where several hold", kind="select", choices=_PICKS) for side in SIDES}
DEDUPE = (
    Field(
        name="dedupe/days",
        label="Within",
        kind="number",
        unit="days",
        empty="omit",
    ),
    Field(
        name="dedupe/scope",
        label="It rang",
        kind="select",
        choices=(
            Choice("campaign", "this campaign"),
            Choice("advertiser", "any campaign of its advertiser"),
            Choice("destination", "the same destination"),
        ),
    ),
    Field(
        name="dedupe/counts",
        label="And that call was",
        kind="select",
        choices=(Choice("connected", "connected"), Choice("paid", "paid")),
    ),
)
SHARED = Field(
    name="dedupe/shared",
    label="Shared telephones",
    kind="lines",
    rows=3,
    help="Of hotels, hospitals and the like, one a line. Their calls are no repeats, as withheld numbers' are not.",
    placeholder="(415) 555-0166",
)
CONFIDENCE = Field(
    name="min_confidence",
    label="Least confidence",
    unit="%",
    empty="omit",
    help="Where publishers share a pool: how likely it must be that this publisher's visitor made the call.",
)
HOURS = Field(
    name="hours",
    label="Hours by name",
    kind="lines",
    rows=3,
    help="name = hours, one a line, on the campaign's clock. Conditions say during(name).",
    placeholder="business = Mo-Fr 09:00-17:00; PH off",
)
FROM = Field(
    name="from",
    label="Applies to calls from",
    kind="moment",
    empty="omit",
    help="On the campaign's clock. Empty: from now on. Calls that began before keep the terms they had.",
)
FIELDS = (*PICKS.values(), *DEDUPE, SHARED, CONFIDENCE, HOURS, FROM)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """`payout`, `revenue`: their policies; what they pick stands in `typed`, with all else that is a field of the page.
    `seen`: digest of what applied when it was begun."""

    payout: Side
    revenue: Side
    typed: dict[str, str]
    seen: str = ""

    def side(self, name: str) -> Side:
        return self.payout if name == "payout" else self.revenue

    def form(self) -> dict[str, str]:
        """As it stands in a form's fields."""
        return {
            **{name: msgspec.json.encode(self.side(name)).decode() for name in SIDES},
            **self.typed,
            "seen": self.seen,
        }

    @property
    def hours(self) -> dict[str, str]:
        """Those that are right, by name."""
        found = {}
        for line in forms.lines(self.typed.get("hours", "")):
            name, text = _named(line.value)
            if language.NAME.fullmatch(name) and _are_hours(text):
                found[name] = text
        return found


def of(terms: Terms, seen: str = "") -> Draft:
    dedupe = terms.dedupe or _USUAL
    return Draft(
        payout=msgspec.structs.replace(terms.payout, pick="first"),
        revenue=msgspec.structs.replace(terms.revenue, pick="first"),
        typed={
            "payout/pick": terms.payout.pick,
            "revenue/pick": terms.revenue.pick,
            "dedupe/days": str(dedupe.days) if terms.dedupe else "",
            "dedupe/scope": dedupe.scope,
            "dedupe/counts": dedupe.counts,
            "dedupe/shared": "\n".join(dedupe.shared),
            "min_confidence": f"{100 * terms.min_confidence:.6g}",
            "hours": "\n".join(f"{name} = {text}" for name, text in terms.hours.items()),
            "from": "",
        },
        seen=seen,
    )


def digest(terms: Terms | None) -> str:
    return sha256(msgspec.json.encode(terms)).hexdigest()[:16]


def read(sent: Mapping[str, str]) -> Draft:
    """Raises BadBody for what no form of ours sends."""
    try:
        sides = {name: body.decode(_SIDE, sent.get(name, "").encode()) for name in SIDES}
    except (InvalidField, UnicodeEncodeError):
        raise BadBody(_UNREADABLE) from None
    if any(len(side.bonuses) > MOST_BONUSES for side in sides.values()):
        raise BadBody(_UNREADABLE)
    typed = {field.name: sent.get(field.name, "") for field in FIELDS}
    return Draft(**sides, typed=typed, seen=sent.get("seen", ""))


def differs(draft: Draft, live: Terms) -> bool:
    """Whether there is anything to save."""
    same = of(live)
    return (draft.payout, draft.revenue, _lines(draft)) != (same.payout, same.revenue, _lines(same))


def terms(draft: Draft) -> Terms:
    """Raises InvalidField, each error with the field or policy that it is about."""
    told = settings(draft)
    try:
        return msgspec.convert(told, Terms)
    except msgspec.ValidationError as error:
        raise body.invalid(error) from None


def settings(draft: Draft) -> dict[str, Any]:
    """As a request writes them. Raises InvalidField for what cannot be read of the page's fields."""
    sheet = Sheet(operation="", here="", title="", button="", action="", back=("", ""), fields=FIELDS)
    given = forms.body(sheet, draft.typed)
    wrong: list[FieldError] = []
    named: dict[str, str] = {}
    for place, line in enumerate(given["hours"]):
        name, text = _named(line)
        if not text:
            wrong.append(FieldError(f"/hours/{place}", "name = hours, such as business = Mo-Fr 09:00-17:00"))
        elif name in named:
            wrong.append(FieldError(f"/hours/{place}", f"{name} stands there twice"))
        elif not language.NAME.fullmatch(name):
            wrong.append(FieldError(f"/hours/{place}", "a name of lower-case letters, digits and _, such as business"))
        else:
            wrong += _wrong_hours(text, f"/hours/{place}")
            named[name] = text
    told: dict[str, Any] = {
        side: {**msgspec.to_builtins(draft.side(side)), "pick": given[side]["pick"]} for side in SIDES
    }
    told["hours"] = named
    told["dedupe"] = None if "days" not in given["dedupe"] else given["dedupe"]
    if "min_confidence" in given:
        told["min_confidence"] = _share(given["min_confidence"], wrong)
    if wrong:
        raise InvalidField(wrong[0].path, wrong[0].message, *wrong[1:])
    return told


def problems(draft: Draft) -> dict[tuple[str, str], FieldError]:
    """The first of each policy, by side and place; its path begins in the policy."""
    found: dict[tuple[str, str], FieldError] = {}
    for name in SIDES:
        seen: set[str] = set()
        for place, policy in placed(draft.side(name)):
            if error := _wrong(policy, frozenset(draft.hours), seen):
                found[name, place] = error
            seen.add(policy.name)
    return found


def check(draft: Draft, side: str, place: str) -> None:
    """Raises InvalidField for what is wrong with one policy."""
    if error := problems(draft).get((side, place)):
        raise InvalidField(error.path, error.message)


def placed(side: Side) -> list[tuple[str, Policy]]:
    """Policies in the order in which they are tried, with their places."""
    found = [(str(place), policy) for place, policy in enumerate(side.bonuses)]
    return [*found, (BASE, side.base)] if side.base else found


def at(side: Side, place: str) -> Policy | None:
    return dict(placed(side)).get(place)


def next_place(side: Side) -> str:
    """Where another bonus comes."""
    return str(len(side.bonuses))


def put(draft: Draft, name: str, place: str, policy: Policy) -> Draft:
    """Replaces the one at a place, or adds it there."""
    side = draft.side(name)
    if place == BASE:
        return _with(draft, name, msgspec.structs.replace(side, base=policy))
    bonuses = list(side.bonuses)
    bonuses[int(place) : int(place) + 1] = [policy]
    return _with(draft, name, msgspec.structs.replace(side, bonuses=tuple(bonuses)))


def moved(draft: Draft, act: str, name: str, place: str) -> Draft:
    """After `up`, `down` or `remove` at a place. Raises InvalidField."""
    side = draft.side(name)
    if act == "remove" and place == BASE:
        return _with(draft, name, msgspec.structs.replace(side, base=None))
    bonuses = list(side.bonuses)
    here = int(place) if place.isascii() and place.isdigit() and len(place) < 4 else -1
    other = {"up": here - 1, "down": here + 1, "remove": here}.get(act, -1)
    if not (0 <= here < len(bonuses) and 0 <= other < len(bonuses)):
        raise InvalidField("", "up, down or remove, of a policy that is there")
    if act == "remove":
        del bonuses[here]
    else:
        bonuses[here], bonuses[other] = bonuses[other], bonuses[here]
    return _with(draft, name, msgspec.structs.replace(side, bonuses=tuple(bonuses)))


def fresh_name(side: Side, place: str) -> str:
    """`Base`, `Bonus`, `Bonus 2`."""
    named = {policy.name for _, policy in placed(side)}
    first = "Base" if place == BASE else "Bonus"
    names = (first if n == 1 else f"{first} {n}" for n in range(1, len(named) + 2))
    return next(name for name in names if name not in named)


def _with(draft: Draft, name: str, side: Side) -> Draft:
    return msgspec.structs.replace(draft, **{name: side})


def _wrong(policy: Policy, named: frozenset[str], seen: set[str]) -> FieldError | None:
    """As the only one of terms that have the same hours."""
    if policy.name in seen:
        return FieldError("/name", f"two policies are called {policy.name!r}")
    try:
        Terms(payout=Side(base=policy), hours=dict.fromkeys(named, "24/7"))
    except InvalidField as error:
        first = error.errors[0]
        return FieldError(first.path.removeprefix("/payout/base"), first.message)
    return None


def _named(line: str) -> tuple[str, str]:
    name, _, text = line.partition("=")
    return name.strip(), text.strip()


def _are_hours(text: str) -> bool:
    return not _wrong_hours(text, "")


def _wrong_hours(text: str, path: str) -> Sequence[FieldError]:
    try:
        hours.read(text, path)
    except InvalidField as error:
        return error.errors
    return ()


def _share(text: str, wrong: list[FieldError]) -> float:
    try:
        percent = float(text.removesuffix("%").strip())
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        wrong.append(FieldError("/min_confidence", "a percentage from 0 to 100, such as 80"))
    return round(percent / 100, 6)


def _lines(draft: Draft) -> dict[str, list[str]]:
    """Of the fields that belong to the terms themselves; browsers send other line ends than we wrote."""
    return {name: text.strip().splitlines() for name, text in draft.typed.items() if name != "from"}
