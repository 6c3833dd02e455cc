"""How a tag is written in requests: forms that check themselves, each mistake told by its place. Pure."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from dni.campaign import model
from dni.campaign.model import Id, Name, Phone
from dni.catalog.model import Rule, Selector, TouchRule, When
from dni.errors import InvalidField
from dni.phone import e164

Origins = Annotated[
    list[str],
    msgspec.Meta(min_length=1, max_length=50, examples=[["https://www.example.com", "https://*.example.net"]]),
]
Targets = Annotated[list[Phone], msgspec.Meta(min_length=1, max_length=50)]
Rules = Annotated[list[Rule], msgspec.Meta(max_length=100)]
TouchRules = Annotated[list[TouchRule], msgspec.Meta(max_length=100)]
Params = Annotated[list[str], msgspec.Meta(max_length=20)]
Attributes = Annotated[list[str], msgspec.Meta(max_length=20, examples=[["title", "aria-label", "data-phone"]])]
Selectors = Annotated[list[Selector], msgspec.Meta(max_length=50)]
Domains = Annotated[list[str], msgspec.Meta(max_length=50, examples=[["shop.example.net"]])]
ConsentDefault = Literal["granted", "unknown", "denied"]
ConsentUnknown = Literal["wait", "no_storage"]

_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://(?P<star>\*\.)?(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?"
)
_DEFAULT_PORT = {"http": 80, "https": 443}
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_PARAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
# Links are swapped by their own rule; the others are code, addresses, or what a visitor typed.
_ATTRIBUTE = re.compile(r"(?!(?:href|style|src|value|on.*)\Z)[a-z][a-z0-9-]{0,63}")


class NewTag(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`params`: query parameters that are kept beside the usual ones. First rule that matches wins, else `pool`.

    From `attributes` on: see `catalog.model.Options`.
    """

    name: Name
    campaign: Id
    publisher: Id | None = None
    pool: Id | None = None
    origins: Origins
    targets: Targets
    rules: Rules = []
    params: Params = []
    attributes: Attributes = []
    selectors: Selectors = []
    linked_domains: Domains = []
    consent_default: ConsentDefault = "granted"
    consent_unknown: ConsentUnknown = "no_storage"
    first_party: bool = False
    after_load: bool = False
    touch_rules: TouchRules = []

    def __post_init__(self) -> None:
        _check(self)
        show_targets(self.selectors, self.targets)


class TagChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays. A tag's campaign and publisher never change: place another tag."""

    name: Name | UnsetType = UNSET
    pool: Id | UnsetType | None = UNSET
    origins: Origins | UnsetType = UNSET
    targets: Targets | UnsetType = UNSET
    rules: Rules | UnsetType = UNSET
    params: Params | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    selectors: Selectors | UnsetType = UNSET
    linked_domains: Domains | UnsetType = UNSET
    consent_default: ConsentDefault | UnsetType = UNSET
    consent_unknown: ConsentUnknown | UnsetType = UNSET
    first_party: bool | UnsetType = UNSET
    after_load: bool | UnsetType = UNSET
    touch_rules: TouchRules | UnsetType = UNSET

    def __post_init__(self) -> None:
        _check(self)


def show_targets(selectors: list[Selector], targets: list[str]) -> None:
    """Raises InvalidField for a selector that shows the number of what is no target of the tag."""
    for place, one in enumerate(selectors):
        if one.target not in targets:
            raise InvalidField(
                f"/selectors/{place}/target", f"{one.target} is none of the tag's targets: {', '.join(targets)}"
            )


def origin(value: str, path: str) -> str:
    """Scheme, host and port in lower case, a default port left out, as browsers send it. Raises InvalidField.

    A leading `*.` stands for every subdomain, with https only.
    """
    found = _ORIGIN.fullmatch(value.strip().lower().removesuffix("/"))
    if found is None or len(found["host"]) > 253 or int(found["port"] or 1) not in range(1, 65_536):
        raise InvalidField(path, f"not an origin: scheme and host, such as https://www.example.com, not {value[:80]!r}")
    if found["star"] and (found["scheme"] != "https" or "." not in found["host"]):
        raise InvalidField(
            path, f"a wildcard is for https and a whole domain, such as https://*.example.com, not {value[:80]!r}"
        )
    port = int(found["port"] or 0)
    shown = f":{port}" if port and port != _DEFAULT_PORT[found["scheme"]] else ""
    return f"{found['scheme']}://{found['star'] or ''}{found['host']}{shown}"


def _check(form: NewTag | TagChange) -> None:
    """Every field that was given, in its normal form. Raises InvalidField."""
    if form.name is not UNSET:
        form.name = model.text(form.name, "/name")
    if form.origins is not UNSET:
        form.origins = _each(origin, form.origins, "/origins")
    if form.targets is not UNSET:
        form.targets = model.phones(form.targets, "/targets")
    if form.rules is not UNSET:
        form.rules = [_rule(rule, f"/rules/{place}") for place, rule in enumerate(form.rules)]
    if form.params is not UNSET:
        form.params = _each(_param, form.params, "/params")
    if form.attributes is not UNSET:
        form.attributes = _each(_attribute, form.attributes, "/attributes")
    if form.selectors is not UNSET:
        form.selectors = [_selector(one, f"/selectors/{place}") for place, one in enumerate(form.selectors)]
    if form.linked_domains is not UNSET:
        form.linked_domains = _each(_domain, form.linked_domains, "/linked_domains")
    if form.touch_rules is not UNSET:
        form.touch_rules = [_touch_rule(one, f"/touch_rules/{place}") for place, one in enumerate(form.touch_rules)]


def _each(normal: Callable[[str, str], str], values: list[str], path: str) -> list[str]:
    """Each once."""
    return list(dict.fromkeys(normal(value, f"{path}/{place}") for place, value in enumerate(values)))


def _param(value: str, path: str) -> str:
    if not _PARAM.fullmatch(value):
        raise InvalidField(path, "a parameter's name: letters, digits, _ . and -, at most 64")
    return value


def _attribute(value: str, path: str) -> str:
    found = value.strip().lower()
    if not _ATTRIBUTE.fullmatch(found):
        raise InvalidField(
            path,
            "an attribute's name: letters, digits and -, such as title or data-phone; links are swapped anyway, "
            f"and style, src, value and on… never; not {value[:80]!r}",
        )
    return found


def _selector(given: Selector, path: str) -> Selector:
    css = model.text(given.selector, f"{path}/selector")
    return Selector(css, e164(given.target, f"{path}/target"))


def _domain(value: str, path: str) -> str:
    found = value.strip().lower()
    if not _DOMAIN.fullmatch(found) or len(found) > 253:
        raise InvalidField(path, f"a host name, such as shop.example.net, not {value[:80]!r}")
    return found


def _rule(rule: Rule, path: str) -> Rule:
    """The rule with its numbers in E.164. Raises InvalidField."""
    use = rule.use
    if (use.pool is not None) + (use.number is not None) + use.original != 1:
        raise InvalidField(f"{path}/use", "exactly one of `pool`, `number` and `original`")
    if use.overflow is not None and use.pool is None:
        raise InvalidField(f"{path}/use/overflow", "only beside `pool`: the number for when the pool has none free")
    _check_when(rule.when, f"{path}/when")
    number = e164(use.number, f"{path}/use/number") if use.number is not None else None
    overflow = e164(use.overflow, f"{path}/use/overflow") if use.overflow is not None else None
    return Rule(rule.when, msgspec.structs.replace(use, number=number, overflow=overflow))


def _touch_rule(rule: TouchRule, path: str) -> TouchRule:
    told = {name: value for name, value in msgspec.structs.asdict(rule.touch).items() if value is not None}
    if not told:
        raise InvalidField(f"{path}/touch", "at least one of source, medium, campaign_name, keyword, content, channel")
    for name, value in told.items():
        model.text(value, f"{path}/touch/{name}", 256)
    _check_when(rule.when, f"{path}/when")
    return rule


def _check_when(when: When, path: str) -> None:
    for name in when.__struct_fields__:
        value = getattr(when, name)
        if isinstance(value, str) and name != "consent":
            model.text(value, f"{path}/{name}", 256)
    given = when.param or {}
    if len(given) > 20:
        raise InvalidField(f"{path}/param", "at most 20 parameters")
    for name, value in given.items():
        if not _PARAM.fullmatch(name):
            raise InvalidField(f"{path}/param", "a parameter's name: letters, digits, _ . and -, at most 64")
        model.text(value, f"{path}/param/{name}", 256)
