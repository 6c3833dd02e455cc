"""A tag's settings and rules as fields of a form that work without script, and back. Pure.

Lists are texts with an entry a line. What a field means is checked by the forms of requests (`tag.model`).
"""

from collections.abc import Mapping
from typing import Any

from dni.dashboard.rule_words import CONDITIONS
from dni.errors import InvalidField
from dni.phone import e164

Fields = Mapping[str, str]

LISTS = ("origins", "targets", "params", "attributes", "linked_domains")
SWITCHES = ("first_party", "after_load")
CHOICES = ("consent_default", "consent_unknown")

# Between a selector and the number that it shows: never part of a selector.
_ARROW = "=>"

# What a form is before anybody typed.
EMPTY: dict[str, str] = {
    **dict.fromkeys(("name", "campaign", "publisher", "pool", *LISTS, "selectors", *SWITCHES), ""),
    "consent_default": "granted",
    "consent_unknown": "no_storage",
}


def texts(settings: Mapping[str, Any]) -> dict[str, str]:
    """The fields that show these settings: those of a tag, in JSON values."""
    return {
        "name": settings["name"],
        "pool": settings["pool"] or "",
        **{name: "\n".join(settings[name]) for name in LISTS},
        "selectors": "\n".join(f"{one['selector']} {_ARROW} {one['target']}" for one in settings["selectors"]),
        **{name: settings[name] for name in CHOICES},
        **{name: "on" if settings[name] else "" for name in SWITCHES},
    }


def settings(fields: Fields) -> dict[str, Any]:
    """What the fields say, as a request writes it; `rules` and `touch_rules` have forms of their own.

    Raises InvalidField for a selector without its number.
    """
    targets = _lines(fields.get("targets", ""))
    return {
        "name": fields.get("name", ""),
        "pool": fields.get("pool") or None,
        **{name: _lines(fields.get(name, "")) for name in LISTS},
        "selectors": [
            _selector(line, place, targets) for place, line in enumerate(_lines(fields.get("selectors", "")))
        ],
        **{name: fields.get(name) or EMPTY[name] for name in CHOICES},
        **{name: bool(fields.get(name)) for name in SWITCHES},
    }


def rule_texts(rule: Mapping[str, Any] | None) -> dict[str, str]:
    """The fields of one rule; of a new one without `rule`."""
    when, use = (rule["when"], rule["use"]) if rule else ({}, {})
    kind = "number" if use.get("number") else "original" if use.get("original") else "pool"
    return {
        **{name: when.get(name) or "" for name, _, _ in CONDITIONS},
        "param": "\n".join(f"{name}={value}" for name, value in (when.get("param") or {}).items()),
        "consent": when.get("consent") or "",
        "use": kind,
        "pool": use.get("pool") or "",
        "number": use.get("number") or "",
        "overflow": use.get("overflow") or "",
    }


def rule(fields: Fields) -> dict[str, Any]:
    """As a request writes it; an empty field is no condition. Raises InvalidField by the form's field."""
    when: dict[str, Any] = {name: value for name, _, _ in CONDITIONS if (value := fields.get(name, "").strip())}
    if params := _lines(fields.get("param", "")):
        when["param"] = dict(_param(line) for line in params)
    if consent := fields.get("consent"):
        when["consent"] = consent
    kind = fields.get("use", "pool")
    if kind == "original":
        return {"when": when, "use": {"original": True}}
    wanted = fields.get(kind, "").strip()
    if not wanted:
        raise InvalidField(f"/{kind}", "choose a pool" if kind == "pool" else "which number?")
    if kind == "number":
        return {"when": when, "use": {"number": e164(wanted, "/number")}}
    overflow = fields.get("overflow", "").strip()
    return {"when": when, "use": {"pool": wanted} | ({"overflow": e164(overflow, "/overflow")} if overflow else {})}


def _selector(line: str, place: int, targets: list[str]) -> dict[str, str]:
    css, arrow, target = line.rpartition(_ARROW)
    if arrow:
        return {"selector": css.strip(), "target": target.strip()}
    if len(targets) == 1:
        return {"selector": line, "target": targets[0]}
    raise InvalidField(f"/selectors/{place}", f"which number does it show? write “{line[:60]} {_ARROW} +1…”")


def _param(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise InvalidField("/param", f"name=value, such as plan=gold, not {line[:60]!r}")
    return name.strip(), value.strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
