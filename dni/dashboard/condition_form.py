"""The fields of a condition, the condition that comes of them, and back. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dni.dashboard.destination_form import HOURS_HELP
from dni.dashboard.forms import Choice, Field
from dni.dashboard.routing_words import PHONES, Names, percent
from dni.errors import InvalidField
from dni.routing.model import Condition


class Group(msgspec.Struct, frozen=True):
    """Fields that stand together, under what they say in common. `is_row`: small ones, beside each other; `is_tight`:
    very small ones. `is_folded`: it opens when something is filled in."""

    fields: tuple[Field, ...]
    legend: str = ""
    is_row: bool = False
    is_tight: bool = False
    is_folded: bool = False


_YES_NO = {"yes": True, "no": False}
_EITHER = ("holiday", "anonymous", "blocked", "within_budget", "first_time")
_LISTS = (
    ("sources", "Sources", "google"),
    ("mediums", "Mediums", "cpc"),
    ("channels", "Channels", "Paid Search"),
    ("campaign_names", "Campaign names", "spring"),
    ("keywords", "Keywords", "emergency plumber"),
)
_PLACES = (("regions", "Regions", "US-CA, US-NV"), ("countries", "Countries", "US, CA"))
# Keys of a telephone that cannot stand in a field's name.
_SPELT = {"*": "star", "#": "hash", "": "none"}
_KEYS = {spelt: key for key, spelt in _SPELT.items()}
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def groups(prefix: str, names: Names, present: Condition) -> list[Group]:
    """`prefix`: `when` or `unless`. What `present` names is offered, whether it is still there or not."""

    def field(name: str, label: str, **more: Any) -> Field:
        return Field(name=f"{prefix}/{name}", label=label, **{"empty": "omit", **more})

    def either(name: str, label: str, yes: str, no: str) -> Field:
        choices = Choice("yes", yes), Choice("no", no)
        return field(name, label, kind="select", choices=choices, placeholder="either")

    def ticks(name: str, legend: str, offered: Mapping[str, str], named: Iterable[str]) -> list[Group]:
        known = {**offered, **{one: f"{one} (is gone)" for one in named if one not in offered and _ID.fullmatch(one)}}
        boxes = tuple(field(f"{name}/{each}", label, kind="checkbox") for each, label in known.items())
        return [Group(boxes, legend, is_row=True)] if boxes else []

    found = [
        Group((field("hours", "Hours", help=HOURS_HELP, placeholder="Mo-Fr 09:00-17:00; PH off"),)),
        Group(
            (
                either("holiday", "The day", "is a holiday", "is no holiday"),
                either("anonymous", "The caller's number", "is withheld", "is known"),
                either("blocked", "The caller", "is on the block list", "is not on the block list"),
                either("within_budget", "The budget", "has room", "is full"),
            ),
            is_row=True,
        ),
        Group(
            (
                either("first_time", "The telephone", "did not ring before", "rang before"),
                field("within_days", "Within", kind="number", unit="days"),
            ),
            "First-time and repeat callers",
            is_row=True,
        ),
        Group(
            (
                field("more_than/calls", "More than", kind="number", unit="calls"),
                field("more_than/minutes", "Within", kind="number", unit="minutes"),
            ),
            "The telephone rings often",
            is_row=True,
            is_tight=True,
        ),
        Group(
            tuple(field(name, label, placeholder=example) for name, label, example in _PLACES),
            "The caller's area code is of",
            is_row=True,
        ),
        *ticks("phone_types", "The telephone is one of", PHONES, present.phone_types),
    ]
    for menu, keys in _menus(names, present).items():
        boxes = tuple(field(f"keys/{menu}/{_spelt(key)}", label, kind="checkbox") for key, label in keys.items())
        found.append(Group(boxes, f"Pressed in “{menu}”", is_row=True))
    found += ticks("available", "One of these takes calls now", names.destinations, present.available)
    found += ticks("publishers", "The publisher is one of", names.publishers, present.publishers)
    lists = tuple(field(name, label, kind="lines", rows=2, placeholder=example) for name, label, example in _LISTS)
    custom = field(
        "custom", "The page told", kind="lines", rows=2, help="name=value, one a line.", placeholder="plan=gold"
    )
    found.append(Group((*lists, custom), "What brought the call is, one a line", is_row=True))
    found.append(Group((field("share", "Share of calls, by chance", unit="%", placeholder="25"),)))
    return found


def written(prefix: str, condition: Condition) -> dict[str, str]:
    told = {
        "hours": condition.hours or "",
        "within_days": _number(condition.within_days),
        "share": percent(condition.share).rstrip("%") if condition.share is not None else "",
        "custom": "\n".join(f"{name}={value}" for name, value in condition.custom.items()),
    }
    for name in _EITHER:
        said = getattr(condition, name)
        told[name] = "" if said is None else "yes" if said else "no"
    if (often := condition.more_than) is not None:
        told |= {"more_than/calls": str(often.calls), "more_than/minutes": str(often.minutes)}
    told |= {name: ", ".join(getattr(condition, name)) for name, _, _ in _PLACES}
    told |= {name: "\n".join(getattr(condition, name)) for name, _, _ in _LISTS}
    for name in ("phone_types", "available", "publishers"):
        told |= {f"{name}/{one}": "on" for one in getattr(condition, name)}
    told |= {f"keys/{menu}/{_spelt(key)}": "on" for menu, keys in condition.keys.items() for key in keys}
    return {f"{prefix}/{name}": value for name, value in told.items()}


def condition(prefix: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """As a request writes it. Raises InvalidField."""
    told: dict[str, Any] = {name: given[name] for name in ("hours", "within_days", "more_than") if given.get(name)}
    told |= {name: _YES_NO[said] for name in _EITHER if (said := given.get(name)) in _YES_NO}
    told |= {
        name: [part.strip().upper() for part in given[name].split(",")] for name, _, _ in _PLACES if given.get(name)
    }
    told |= {name: given[name] for name, _, _ in _LISTS if given.get(name)}
    told |= {
        name: ticked for name in ("phone_types", "available", "publishers") if (ticked := _ticked(given.get(name)))
    }
    keys = {menu: [_KEYS.get(key, key) for key in _ticked(boxes)] for menu, boxes in given.get("keys", {}).items()}
    told |= {"keys": pressed} if (pressed := {menu: ticked for menu, ticked in keys.items() if ticked}) else {}
    if lines := given.get("custom"):
        told["custom"] = dict(_told(line, f"/{prefix}/custom/{place}") for place, line in enumerate(lines))
    if "share" in given:
        told["share"] = _share(given["share"], f"/{prefix}/share")
    if "within_days" in told and "first_time" not in told:
        raise InvalidField(f"/{prefix}/first_time", "choose one: the days belong to it")
    for name in ("calls", "minutes"):
        if name not in told.get("more_than", {"calls", "minutes"}):
            raise InvalidField(f"/{prefix}/more_than/{name}", "fill this in too")
    return told


def _menus(names: Names, present: Condition) -> dict[str, dict[str, str]]:
    """Of each menu what its keys stand for, nothing pressed too."""
    found = {menu: {key: f"{key} {label[:80]}" for key, label in keys.items()} for menu, keys in names.menus.items()}
    for menu, wanted in present.keys.items():
        offered = found.setdefault(menu, {})
        offered |= {
            key: f"{key} (is gone)"
            for key in wanted
            if key and key not in offered and (key in _SPELT or _ID.fullmatch(key))
        }
    return {menu: {**keys, "": "nothing"} for menu, keys in found.items()}


def _spelt(key: str) -> str:
    return _SPELT.get(key, key)


def _ticked(boxes: Mapping[str, bool] | None) -> list[str]:
    return [name for name, is_on in (boxes or {}).items() if is_on]


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _told(line: str, path: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise InvalidField(path, f"name=value, such as plan=gold, not {line[:60]!r}")
    return name.strip(), value.strip()


def _share(text: str, path: str) -> float:
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,4})?)\s?%?", text)
    if found is None or float(found[1]) > 100:
        raise InvalidField(path, "a percentage from 0 to 100, such as 25")
    return round(float(found[1]) / 100, 6)
