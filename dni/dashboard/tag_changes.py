"""What differs between two settings of a tag, in words for a person. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from dni.catalog.model import Rule
from dni.dashboard import rule_words, words

Settings = Mapping[str, Any]
"""Fields of a tag as requests write them, in JSON values."""

_LISTS = {
    "origins": "Pages",
    "targets": "Numbers on the pages",
    "params": "Query parameters that are kept",
    "attributes": "Attributes",
    "selectors": "Selectors",
    "linked_domains": "Linked sites",
}
_SINGLE: dict[str, tuple[str, Mapping[Any, str]]] = {
    "consent_default": ("Before the visitor says anything, consent is", {}),
    "consent_unknown": (
        "While consent is unknown, the tag",
        {"wait": "waits", "no_storage": "goes on and keeps nothing in the browser"},
    ),
    "first_party": ("This service is on a host of the page's own site", {True: "yes", False: "no"}),
    "after_load": ("The first swap waits until the page has loaded", {True: "yes", False: "no"}),
}


class Change(msgspec.Struct, frozen=True):
    """`what` is a setting's name, `says` what became of it, a line each."""

    what: str
    says: list[str]


def changes(before: Settings, after: Settings, pools: Mapping[str, str]) -> list[Change]:
    """Nothing for equal ones. `name` is compared where both have it; `pools` are names by id."""
    found = [
        _single("Name", before.get("name"), after.get("name"), {}) if "name" in before and "name" in after else None,
        _single("Pool", before["pool"], after["pool"], {**pools, None: "none"}),
        *(_list(label, [_item(one) for one in before[name]], [_item(one) for one in after[name]])
          for name, label in _LISTS.items()),
        _list("Rules", _sentences(before, pools), _sentences(after, pools)),
        *(_single(label, before[name], after[name], named) for name, (label, named) in _SINGLE.items()),
        _touch_rules(before["touch_rules"], after["touch_rules"]),
    ]  # fmt: skip
    return [change for change in found if change]


def options(settings: Settings, plain: Mapping[str, Any]) -> list[Change]:
    """What a tag's options say that differ from the `plain` ones; its query parameters, too."""
    lists = [
        Change(label, [_item(one) for one in settings[name]])
        for name, label in _LISTS.items()
        if name not in ("origins", "targets") and settings[name]
    ]
    single = [
        Change(label, [str(named.get(settings[name], settings[name]))])
        for name, (label, named) in _SINGLE.items()
        if settings[name] != plain[name]
    ]
    touch = settings["touch_rules"]
    told = [Change("Rules of how a visit came", [f"{len(touch)}, written by the API"])] if touch else []
    return [*lists, *single, *told]


def _single(what: str, before: Any, after: Any, named: Mapping[Any, str]) -> Change | None:
    if before == after:
        return None
    return Change(what, [f"{named.get(after, after)} instead of {named.get(before, before)}"])


def _list(what: str, before: list[str], after: list[str]) -> Change | None:
    if before == after:
        return None
    told = [f"new: {one}" for one in after if one not in before] + [
        f"gone: {one}" for one in before if one not in after
    ]
    return Change(what, told or ["the same in another order"])


def _item(one: Any) -> str:
    """A phone number as people write it; a selector with what it shows."""
    if isinstance(one, dict):
        return f"{one['selector']} shows {words.number(one['target'])}"
    return words.number(one) if one[:1] == "+" else str(one)


def _sentences(settings: Settings, pools: Mapping[str, str]) -> list[str]:
    return [rule_words.sentence(msgspec.convert(rule, Rule), pools) for rule in settings["rules"]]


def _touch_rules(before: list[Any], after: list[Any]) -> Change | None:
    """Written by API only; told by their count."""
    if before == after:
        return None
    return Change("Rules of how a visit came", [f"{len(after)} now, {len(before)} before"])
