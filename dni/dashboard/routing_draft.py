"""A routing while it is edited: it travels in the form itself, so nothing half-written is ever live. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec

from dni.dashboard import forms, routing_words
from dni.dashboard.forms import Field, Sheet
from dni.errors import BadBody, FieldError, InvalidField
from dni.routing.model import MOST_STEPS, Ask, Condition, Routing, Step, checked
from dni.telephony.model import Prompt
from dni.web import body

# What stands in names of fields.
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_STEPS = msgspec.json.Decoder(tuple[Step, ...])
_LIST = Field(
    name="holidays",
    label="Holidays",
    kind="lines",
    rows=4,
    help="Days of the campaign's time zone, one a line. PH in opening hours means them.",
    placeholder="2026-12-25",
)
LISTS = (
    _LIST,
    msgspec.structs.replace(
        _LIST,
        name="blocked",
        label="Block list",
        help="Callers, one a line. A step that looks at it says what happens to them.",
        placeholder="(415) 555-0166",
    ),
)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """`holidays` and `blocked` as they are typed, a line each. `seen`: digest of what was live when it was begun."""

    steps: tuple[Step, ...]
    holidays: str
    blocked: str
    seen: str

    def form(self) -> dict[str, str]:
        """As it stands in a form's fields."""
        steps = msgspec.json.encode(self.steps).decode()
        return {"seen": self.seen, "steps": steps, "holidays": self.holidays, "blocked": self.blocked}


def of(live: Routing) -> Draft:
    return Draft(
        steps=live.steps,
        holidays="\n".join(str(day) for day in live.holidays),
        blocked="\n".join(live.blocked),
        seen=digest(live),
    )


def differs(draft: Draft, live: Routing) -> bool:
    """Whether there is anything to save."""
    same = of(live)
    lists = [(one.holidays.splitlines(), one.blocked.splitlines()) for one in (draft, same)]
    return draft.steps != same.steps or lists[0] != lists[1]


def digest(live: Routing) -> str:
    return sha256(msgspec.json.encode(live)).hexdigest()[:16]


def read(sent: Mapping[str, str]) -> Draft:
    """Raises BadBody for what no form of ours sends."""
    try:
        steps = body.decode(_STEPS, sent.get("steps", "").encode())
    except (InvalidField, UnicodeEncodeError):
        raise BadBody("this form does not hold a routing: open the page anew") from None
    if len(steps) > MOST_STEPS or not all(
        _ID.fullmatch(name) for step in steps for name in (step.id, *_looks_at(step))
    ):
        raise BadBody("this form does not hold a routing: open the page anew")
    return Draft(steps=steps, **{name: sent.get(name, "") for name in ("holidays", "blocked", "seen")})


def routing(draft: Draft) -> Routing:
    """Raises InvalidField for lines of its lists."""
    told = forms.body(
        Sheet(operation="", here="", title="", button="", action="", back=("", ""), fields=LISTS), draft.form()
    )
    wrong = [FieldError(f"/holidays/{n}", _DAY) for n, text in enumerate(told["holidays"]) if not _is_day(text)]
    if wrong:
        raise InvalidField(wrong[0].path, wrong[0].message, *wrong[1:])
    holidays = tuple(date.fromisoformat(text) for text in told["holidays"])
    return checked(Routing(steps=draft.steps, holidays=holidays, blocked=tuple(told["blocked"])))


def problems(steps: Sequence[Step]) -> dict[int, FieldError]:
    """The first of each step, by place; its path begins in the step."""
    found: dict[int, FieldError] = {}
    named: set[str] = set()
    for place, step in enumerate(steps):
        error = FieldError("/id", f"{step.id} is the name of an earlier step") if step.id in named else None
        named.add(step.id)
        if error := error or _wrong(step, steps[:place]):
            found[place] = error
    return found


def check(steps: Sequence[Step], place: int) -> None:
    """Raises InvalidField for what is wrong with one step."""
    if error := problems(steps[: place + 1]).get(place):
        raise InvalidField(error.path, error.message)


def fresh_id(kind: str, steps: Sequence[Step]) -> str:
    """`menu`, `menu-2`."""
    named = {step.id for step in steps}
    return next(one for n in range(1, len(named) + 2) if (one := kind if n == 1 else f"{kind}-{n}") not in named)


def moved(steps: Sequence[Step], act: str, place: int) -> tuple[Step, ...]:
    """After `up`, `down` or `remove` at a place. Raises InvalidField."""
    after = list(steps)
    other = {"up": place - 1, "down": place + 1, "remove": place}.get(act)
    if other is None or not 0 <= place < len(after) or not 0 <= other < len(after):
        raise InvalidField("", "up, down or remove, of a step that is there")
    if act == "remove":
        del after[place]
    else:
        after[place], after[other] = after[other], after[place]
    return tuple(after)


def put(steps: Sequence[Step], place: int, step: Step) -> tuple[Step, ...]:
    """Replaces the one at a place, or adds it there. Where a menu got another name, later steps look at that."""
    before = steps[place] if place < len(steps) else None
    behind = steps[place + 1 :]
    if isinstance(before, Ask) and before.id != step.id:
        behind = [_renamed(one, before.id, step.id) for one in behind]
    return (*steps[:place], step, *behind)


def of_this_step(error: InvalidField) -> InvalidField:
    """A refusal of a step of any place as one of its form: `/steps/2/when/hours` is its `/when/hours`."""
    told = [FieldError(re.sub(r"^/steps/\d+", "", each.path), each.message) for each in error.errors]
    # Of both fields of a prompt, the first is where one looks.
    told = [FieldError(f"{each.path}/text" if each.path in _PROMPTS else each.path, each.message) for each in told]
    return InvalidField(told[0].path, told[0].message, *told[1:], code=error.code)


_PROMPTS = ("/prompt", "/whisper")
_DAY = "a day, written as 2026-12-25"


def _wrong(step: Step, earlier: Sequence[Step]) -> FieldError | None:
    """With nothing of the earlier steps but the menus, as far as they are right."""
    menus = {one.id: Ask(id=one.id, prompt=Prompt(text="."), keys=one.keys) for one in earlier if isinstance(one, Ask)}
    menus.pop(step.id, None)
    try:
        checked(Routing(steps=(*menus.values(), step)))
    except InvalidField as error:
        first, prefix = error.errors[0], f"/steps/{len(menus)}"
        is_its = f"{first.path}/".startswith(f"{prefix}/")
        return FieldError(first.path.removeprefix(prefix), first.message) if is_its else None
    return None


def _looks_at(step: Step) -> list[str]:
    return [menu for one in (step.when, step.unless) if one is not None for menu in one.keys]


def _renamed(step: Step, former: str, name: str) -> Step:
    changes: dict[str, Any] = {}
    for which in ("when", "unless"):
        condition: Condition | None = getattr(step, which)
        if condition is not None and former in condition.keys:
            keys = {name if menu == former else menu: wanted for menu, wanted in condition.keys.items()}
            changes[which] = msgspec.structs.replace(condition, keys=keys)
    return msgspec.structs.replace(step, **changes) if changes else step


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text))


def always(steps: Sequence[Step]) -> int | None:
    """The place of the first step that ends every call that comes to it, where others stand behind."""
    ends = (place for place, step in enumerate(steps[:-1]) if routing_words.always_ends(step))
    return next(ends, None)
