"""The form of a tag: its fields, the settings that come of them, and back. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from dni.dashboard.forms import Choice, Field
from dni.errors import InvalidField
from dni.pool.pools import PoolBrief

# Between a selector and the number that it shows: never part of a selector.
_ARROW = "=>"

_SHOWN = (
    Field(
        name="origins",
        some=True,
        label="Pages that may use it",
        kind="lines",
        rows=3,
        help="Scheme and host, one a line. A star stands for every subdomain: https://*.example.com.",
        placeholder="https://www.example.com\nhttps://example.com",
    ),
    Field(
        name="targets",
        some=True,
        label="Numbers that it replaces",
        kind="lines",
        rows=3,
        help="Those printed on the pages, one a line. However a page writes them, they are found.",
        placeholder="(415) 555-0100",
    ),
)
_MORE = (
    Field(
        name="params",
        label="Query parameters to keep",
        kind="lines",
        more=True,
        rows=3,
        help="Beside campaign parameters and click ids, which are always kept: one name a line.",
        placeholder="plan",
    ),
    Field(
        name="attributes",
        label="Attributes to swap in, too",
        kind="lines",
        more=True,
        rows=3,
        help="Beside text and links: one name a line, such as title or data-phone.",
        placeholder="data-phone",
    ),
    Field(
        name="selectors",
        label="Places that always show the number",
        kind="lines",
        more=True,
        rows=3,
        help=f"Whatever stands there now: CSS selector {_ARROW} number, one a line.",
        placeholder=f"#phone {_ARROW} (415) 555-0100",
    ),
    Field(
        name="linked_domains",
        label="Your other sites",
        kind="lines",
        more=True,
        rows=3,
        help="Who follows a link to one of these hosts stays the same visitor: one a line.",
        placeholder="shop.example.net",
    ),
    Field(
        name="consent_default",
        label="Before the visitor says anything, consent is",
        kind="select",
        more=True,
        default="granted",
        choices=(Choice("granted", "given"), Choice("unknown", "unknown"), Choice("denied", "refused")),
    ),
    Field(
        name="consent_unknown",
        label="While consent is unknown, the tag",
        kind="select",
        more=True,
        default="no_storage",
        choices=(
            Choice("no_storage", "goes on, and keeps nothing in the browser"),
            Choice("wait", "waits: no number, nothing kept"),
        ),
    ),
    Field(
        name="first_party",
        label="This service is on a host of the site itself",
        kind="checkbox",
        more=True,
        help="Such as calls.example.com for www.example.com. Its cookie then knows the visitor for 400 days.",
    ),
    Field(
        name="after_load",
        label="Swap only after the page has loaded",
        kind="checkbox",
        more=True,
        help="For pages that a framework takes over in the browser. Next.js and Nuxt are noticed without this.",
    ),
)


def new(campaigns: Sequence[Choice], publishers: Sequence[Choice], pools: Sequence[Choice]) -> tuple[Field, ...]:
    return (
        _name(),
        Field(
            name="campaign",
            label="Campaign",
            kind="select",
            choices=tuple(campaigns),
            help="Where its calls go. It cannot change later.",
        ),
        Field(
            name="publisher",
            label="Publisher",
            kind="select",
            choices=tuple(publishers),
            empty="null",
            help="Who brings the visitors, if somebody else does. It cannot change later.",
        ),
        _pool(pools),
        *_SHOWN,
        *_MORE,
    )


def edit(pools: Sequence[Choice]) -> tuple[Field, ...]:
    return (_name(), _pool(pools), *_SHOWN, *_MORE)


def pool_choices(known: Sequence[PoolBrief], campaigns: Mapping[str, str]) -> tuple[Choice, ...]:
    """By whose they are; a pool is nobody's until its first tag."""
    return tuple(
        Choice(
            pool.id,
            f"{pool.name} ({pool.number_count:,} {'number' if pool.number_count == 1 else 'numbers'})",
            campaigns.get(pool.campaign, pool.campaign) if pool.campaign else "Not used yet",
        )
        for pool in sorted(known, key=lambda pool: (pool.campaign is not None, pool.name.casefold()))
    )


def may_use(pool: PoolBrief, campaign: str, publisher: str | None) -> bool:
    """Whether a tag of these owners gets the pool, or shares it."""
    return pool.campaign is None or (pool.campaign == campaign and (pool.shared or pool.publisher == publisher))


def written(settings: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the fields for these settings, in JSON values."""
    lists = ("origins", "targets", "params", "attributes", "linked_domains")
    return {
        "name": settings["name"],
        "pool": settings["pool"] or "",
        **{name: "\n".join(settings[name]) for name in lists},
        "selectors": "\n".join(f"{one['selector']} {_ARROW} {one['target']}" for one in settings["selectors"]),
        **{name: settings[name] for name in ("consent_default", "consent_unknown")},
        **{name: "on" if settings[name] else "" for name in ("first_party", "after_load")},
    }


def settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request's fields: a line of `selectors` becomes what it says. Raises InvalidField."""
    targets = body["targets"]
    return {**body, "selectors": [_selector(line, place, targets) for place, line in enumerate(body["selectors"])]}


def _name() -> Field:
    return Field(
        name="name", label="Name", help="What your lists call it, such as the site.", placeholder="Landing page"
    )


def _pool(choices: Sequence[Choice]) -> Field:
    return Field(
        name="pool",
        label="Pool",
        kind="select",
        choices=tuple(choices),
        empty="null",
        placeholder="None: only its rules give numbers",
        help="Each visitor is shown a number of it.",
    )


def _selector(line: str, place: int, targets: list[str]) -> dict[str, str]:
    """Without a number it is the tag's only one."""
    css, arrow, target = line.rpartition(_ARROW)
    if arrow:
        return {"selector": css.strip(), "target": target.strip()}
    if len(targets) == 1:
        return {"selector": line, "target": targets[0]}
    raise InvalidField(f"/selectors/{place}", f"say which number it shows: {line[:60]} {_ARROW} +1 415 555 0100")
