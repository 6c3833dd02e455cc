"""The form of one rule of a tag, the rule that comes of it, and back; what moves and removes rules. Pure."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from dni.dashboard.forms import Choice, Field
from dni.dashboard.rule_words import CONDITIONS
from dni.errors import Conflict, FieldError, InvalidField

Rules = Sequence[Mapping[str, Any]]

_KINDS = (
    Choice("pool", "a number of his own, from a pool"),
    Choice("number", "always the same number"),
    Choice("original", "the number that is printed on the page"),
)
_CONSENTS = (
    Choice("granted", "agreed"),
    Choice("denied", "did not agree"),
    Choice("unknown", "has not said"),
)


def fields(pools: Sequence[Choice]) -> tuple[Field, ...]:
    conditions = tuple(
        Field(
            name=f"when/{name}",
            label=f"{label[:1].upper()}{label[1:]}",
            empty="omit",
            placeholder=example,
            legend="When the visitor comes with" if place == 0 else "",
        )
        for place, (name, label, example) in enumerate(CONDITIONS)
    )
    return (
        *conditions,
        Field(
            name="when/param",
            label="Parameters in the address",
            kind="lines",
            rows=2,
            help="name=value, one a line. All must be there.",
            placeholder="plan=gold",
        ),
        Field(
            name="when/consent",
            label="And the visitor",
            kind="select",
            choices=_CONSENTS,
            empty="omit",
            placeholder="may have said anything about consent",
        ),
        Field(name="kind", label="He is shown", kind="select", choices=_KINDS, default="pool", legend="Then"),
        Field(
            name="use/pool",
            label="Pool",
            kind="select",
            choices=tuple(pools),
            empty="omit",
            placeholder="Choose…",
            help="For a number of his own.",
        ),
        Field(
            name="use/overflow",
            label="While none is free",
            kind="phone",
            empty="omit",
            help="A number for everybody then. Without one the printed number stays.",
            placeholder="(415) 555-0150",
        ),
        Field(
            name="use/number",
            label="The same number",
            kind="phone",
            empty="omit",
            help="For always the same number: one of your static numbers.",
            placeholder="(415) 555-0140",
        ),
    )


def written(rule: Mapping[str, Any]) -> dict[str, str]:
    when, use = rule["when"], rule["use"]
    return {
        **{f"when/{name}": when.get(name) or "" for name, _, _ in CONDITIONS},
        "when/param": "\n".join(f"{name}={value}" for name, value in (when.get("param") or {}).items()),
        "when/consent": when.get("consent") or "",
        "kind": "number" if use.get("number") else "original" if use.get("original") else "pool",
        **{f"use/{name}": use.get(name) or "" for name in ("pool", "overflow", "number")},
    }


def rule(body: Mapping[str, Any]) -> dict[str, Any]:
    """As a request writes it: what is not for the chosen kind is left out. Raises InvalidField."""
    when = dict(body["when"])
    params = dict(_param(line, place) for place, line in enumerate(when.pop("param")))
    if params:
        when["param"] = params
    kind, given = body["kind"], body.get("use", {})
    if kind == "original":
        return {"when": when, "use": {"original": True}}
    if kind not in given:
        raise InvalidField(f"/use/{kind}", "choose a pool" if kind == "pool" else "which number?")
    kept = ("pool", "overflow") if kind == "pool" else (kind,)
    return {"when": when, "use": {name: given[name] for name in kept if name in given}}


def digest(rules: Rules) -> str:
    """Stands in every form that changes rules: so that none acts on others than its reader saw."""
    return sha256(msgspec.json.encode(rules)).hexdigest()[:16]


def check(rules: Rules, seen: str | None) -> None:
    """Raises Conflict."""
    if digest(rules) != seen:
        raise Conflict("somebody changed these rules meanwhile: look at them again, then decide")


def moved(rules: Rules, act: str, place: int) -> list[Any]:
    """The rules after `up`, `down` or `remove` at a place. Raises InvalidField."""
    after = list(rules)
    other = {"up": place - 1, "down": place + 1, "remove": place}.get(act)
    if other is None or not 0 <= place < len(after) or not 0 <= other < len(after):
        raise InvalidField("/act", "up, down or remove, of a rule that is there")
    if act == "remove":
        del after[place]
    else:
        after[place], after[other] = after[other], after[place]
    return after


def of_this_rule(error: InvalidField, place: int) -> InvalidField:
    """A refusal of all rules as one of this rule's form: `/rules/2/use/number` is its `/use/number`."""
    told = [FieldError(each.path.removeprefix(f"/rules/{place}"), each.message) for each in error.errors]
    return InvalidField(told[0].path, told[0].message, *told[1:], code=error.code)


def _param(line: str, place: int) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise InvalidField(f"/when/param/{place}", f"name=value, such as plan=gold, not {line[:60]!r}")
    return name.strip(), value.strip()
