"""The form of an integration: its kind's own fields, what it is told and of which calls, and the body of it. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from dni.dashboard import fields, forms, struct_fields
from dni.dashboard.condition_form import Group
from dni.dashboard.forms import Choice, Field, Sheet, Wrong
from dni.dashboard.integration_words import CHOICES, EVENTS
from dni.errors import DniError, FieldError, InvalidField
from dni.outbound.conversion import Valued
from dni.outbound.model import OF_CALLS, Kind
from dni.outbound.payload import FIELDS
from dni.outbound.presets import Preset

WEBHOOK = "webhook"

# What a platform has by default, and only a test or a proxy changes.
_SELDOM = ("base_url", "data_manager_url", "token_url", "login_url", "api_version", "version")
# Templates are long, and read better in several lines.
_TEMPLATES = {"settings/url": 3, "settings/adjust_url": 3, "settings/body": 5, "settings/adjust_body": 5}
_WALLS = ("campaign", "publisher")
_WORTH = Valued.__struct_fields__
_YES_NO = {"yes": True, "no": False}
_CALLS = (
    ("qualified", "Qualified", "Only those that did", "Only those that did not"),
    ("billable", "Billed", "Only those that are", "Only those that are not"),
    ("answered", "Answered", "Only those that were", "Only those that were not"),
)


class Form(msgspec.Struct, frozen=True):
    """The form's parts, as the page shows them: what the kind itself asks for, what a call is worth there, what it is
    told, of which calls, which parts of a message if not all of it, and the call that it may be looked at with before
    it is saved."""

    own: tuple[Field, ...]
    worth: tuple[Field, ...]
    seldom: tuple[Field, ...]
    events: tuple[Field, ...]
    which: tuple[Field, ...]
    parts: tuple[Group, ...] = ()
    calls: Field | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        parts = (one for group in self.parts for one in group.fields)
        return *self.own, *self.worth, *self.seldom, *self.events, *self.which, *parts

    @property
    def previewed(self) -> tuple[Field, ...]:
        """What a request is made of before anything is saved: no name, and no secret."""
        of_calls = (self.calls,) if self.calls else ()
        settings = (one for one in self.fields if one.name.startswith("settings/") or one.name in _WALLS)
        return *settings, *of_calls


def operation(act: str, kind: str) -> str:
    """The API's, such as `change_webhook`: a webhook has operations of its own."""
    return f"{act}_{'webhook' if kind == WEBHOOK else 'integration'}"


def form(
    kind: Kind,
    campaigns: Mapping[str, str],
    publishers: Mapping[str, str],
    present: Mapping[str, Any] | None = None,
    calls: Field | None = None,
) -> Form:
    """`campaigns`, `publishers`: names by id. `present`: of one that is changed, the API's view of it as JSON."""
    name = Field(name="name", label="Name", help="For your own lists.")
    settings = tuple(_spoken(one) for one in struct_fields.fields(kind.settings, _place(kind)))
    if present is not None:  # a change leaves what it does not name: what was emptied is named as null
        settings = tuple(msgspec.structs.replace(one, empty="null") if one.empty == "omit" else one for one in settings)
    worth = tuple(one for one in settings if issubclass(kind.settings, Valued) and _last(one) in _WORTH)
    seldom = tuple(one for one in settings if _last(one) in _SELDOM and one.default)
    parts = _parts() if kind.name == WEBHOOK else ()
    own = [one for one in settings if one not in (*worth, *seldom) and not (parts and one.name == "fields")]
    own.sort(key=lambda one: one.empty != "wrong" or one.kind == "select")
    secrets = [_secret(one, present) for one in _secrets(kind)]
    events = tuple(
        Field(name=f"events/{type_}", label=EVENTS[type_].label, help=EVENTS[type_].says, kind="checkbox")
        for type_ in kind.may_ask
    )
    which = _which(campaigns, publishers, present or {}) if set(OF_CALLS) & set(kind.may_ask) else ()
    if "min_confidence" in kind.settings.__struct_fields__ and not _only_of(present).get("min_confidence"):
        which = tuple(one for one in which if _last(one) != "min_confidence")  # the kind asks for it itself
    return Form((name, *own, *secrets), worth, seldom, events, which, parts, calls)


def blank(kind: Kind, shown: Form) -> dict[str, str]:
    """What stands in the form of a new one."""
    ticked = {f"events/{type_}": "on" for type_ in kind.types}
    return {**{one.name: one.default for one in shown.fields}, "name": kind.label, **ticked}


def filled(sent: Mapping[str, str], preset: Preset) -> dict[str, str]:
    """What stands in the form of a postback after a preset was chosen: what it does not name stays."""
    fill = {"url": preset.url, "adjust_url": preset.adjust_url, "method": preset.method, "platform": preset.platform}
    return {**sent, **{f"settings/{name}": value for name, value in fill.items()}}


def written(kind: Kind, present: Mapping[str, Any]) -> dict[str, str]:
    """`present`: as `form` has it."""
    only = _only_of(present)
    return {
        "name": str(present["name"]),
        **struct_fields.written(kind.settings, present["settings"], _place(kind)),
        **{f"events/{type_}": "on" for type_ in present["events"]},
        **{f"fields/{one}": "on" for one in present["settings"].get("fields") or () if kind.name == WEBHOOK},
        "campaign": present.get("campaign") or "",
        "publisher": present.get("publisher") or "",
        **{f"only/{each}": {True: "yes", False: "no"}.get(only.get(each, ""), "") for each, *_ in _CALLS},
        "only/min_talk_seconds": str(only.get("min_talk_seconds") or ""),
        "only/min_confidence": f"{100 * only['min_confidence']:.4g}" if only.get("min_confidence") else "",
    }


def body(kind: Kind, told: Mapping[str, Any]) -> dict[str, Any]:
    """The operation's body, of what `forms.body` read. Raises InvalidField."""
    made: dict[str, Any] = {name: told[name] for name in ("name", *_WALLS) if name in told}
    if "events" in told:
        made["events"] = [type_ for type_ in kind.may_ask if told["events"].get(type_)]
    if "only" in told or "campaign" in told:
        made["only"] = _only(told.get("only", {}))
    if kind.name == WEBHOOK:
        parts = [one for one in FIELDS if told.get("fields", {}).get(one)]
        return made | struct_fields.values(kind.settings, {**told, "fields": parts})
    made["settings"] = struct_fields.values(kind.settings, told.get("settings", {}), "/settings")
    if secrets := told.get("secrets"):
        made["secrets"] = struct_fields.values(kind.secrets, secrets, "/secrets")
    return made


def previewed(kind: Kind, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the preview is asked with; of settings what says nothing is left out. Raises InvalidField."""
    settings = struct_fields.values(kind.settings, told.get("settings", {}), "/settings")
    said = {name: value for name, value in settings.items() if value is not None}
    return {"settings": said, **{name: told[name] for name in (*_WALLS, "call") if name in told}}


def wrong(sheet: Sheet, sent: Mapping[str, str], error: DniError) -> Wrong:
    """As `forms.wrong`: an error of the events stands at the first of them, one of a pair at its line."""
    by_name = {one.name: one for one in sheet.fields}

    def place(path: str) -> str:
        for several in ("events", "fields"):
            if path == f"/{several}" or path.startswith(f"/{several}/"):
                return f"/{next((name for name in by_name if name.startswith(f'{several}/')), several)}"
        if path.startswith("/settings/") and path.removeprefix("/settings/").split("/")[0] in by_name:
            path = path.removeprefix("/settings")
        of = next((one for one in sheet.fields if one.kind == "lines" and path.startswith(f"/{one.name}/")), None)
        return struct_fields.line_of(of, sent.get(of.name, ""), path) if of else path

    if not error.errors:
        return forms.wrong(sheet, sent, error)
    errors = [FieldError(place(each.path), each.message) for each in error.errors]
    return forms.wrong(sheet, sent, InvalidField(errors[0].path, errors[0].message, *errors[1:], code=error.code))


def _parts() -> tuple[Group, ...]:
    """What of a message may be chosen: whole parts, and the fields of those that have many."""
    found, rest = list[Group](), list[Field]()
    for part in (name for name in FIELDS if "." not in name):
        inner = [name for name in FIELDS if name.startswith(f"{part}.")]
        boxes = [Field(name=f"fields/{name}", label=name.partition(".")[2], kind="checkbox") for name in inner]
        whole = Field(name=f"fields/{part}", label=f"All of {part}" if inner else part, kind="checkbox")
        if inner:
            found.append(Group((whole, *boxes), part, is_row=True))
        else:
            rest.append(whole)
    return *found, Group(tuple(rest), "other parts", is_row=True)


def _last(one: Field) -> str:
    return one.name.rpartition("/")[2]


def _only_of(present: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return (present or {}).get("only") or {}


def _place(kind: Kind) -> str:
    """Where its settings stand in the body: a webhook has an operation of its own, which knows them by name."""
    return "" if kind.name == WEBHOOK else "settings/"


def _spoken(one: Field) -> Field:
    """As people read and write it: choices in words, templates in several lines."""
    labels = CHOICES.get(_last(one), {})
    choices = tuple(Choice(each.value, labels.get(each.value, each.label)) for each in one.choices)
    rows = _TEMPLATES.get(one.name)
    long: dict[str, Any] = {"kind": "prose", "rows": rows} if rows and one.kind == "text" else {}
    return msgspec.structs.replace(one, choices=choices, **long)


def _secrets(kind: Kind) -> tuple[Field, ...]:
    """A webhook's is made for it."""
    return () if kind.name == WEBHOOK else struct_fields.fields(kind.secrets, "secrets/", secret=True)


def _secret(one: Field, present: Mapping[str, Any] | None) -> Field:
    if present is None:
        return one
    is_set = one.name.removeprefix("secrets/") in present.get("secrets_set", ())
    says = "It is set; leave this empty to keep it." if is_set else "It is not set."
    return msgspec.structs.replace(one, empty="omit", help=f"{one.help} {says}".strip())


def _which(
    campaigns: Mapping[str, str], publishers: Mapping[str, str], present: Mapping[str, Any]
) -> tuple[Field, ...]:
    def owner(name: str, label: str, names: Mapping[str, str], of_all: str) -> Field:
        choices = fields.named(names, present.get(name))
        return Field(name=name, label=label, kind="select", empty="null", choices=choices, placeholder=of_all)

    def either(name: str, label: str, yes: str, no: str) -> Field:
        choices = Choice("yes", yes), Choice("no", no)
        return Field(name=f"only/{name}", label=label, kind="select", empty="null", choices=choices, placeholder="Any")

    return (
        owner("campaign", "Campaign", campaigns, "All campaigns"),
        owner("publisher", "Publisher", publishers, "All publishers"),
        *(either(*each) for each in _CALLS),
        Field(name="only/min_talk_seconds", label="Talked for at least", kind="number", empty="omit", unit="s"),
        Field(name="only/min_confidence", label="Credited with at least", kind="number", empty="omit", unit="%"),
    )


def _only(told: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {name: _YES_NO[told[name]] for name, *_ in _CALLS if told.get(name) in _YES_NO}
    if (seconds := told.get("min_talk_seconds")) is not None:
        made["min_talk_seconds"] = seconds
    if (share := told.get("min_confidence")) is not None:
        percent = _percent(share)
        if percent is None:
            raise InvalidField("/only/min_confidence", "a share from 0 to 100")
        made["min_confidence"] = percent / 100
    return made


def _percent(text: Any) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found <= 100 else None
