"""What several forms ask in the same words: of the reader's own campaigns and publishers. Pure."""

from collections.abc import Mapping

from dni.dashboard.forms import Choice, Field


def named(names: Mapping[str, str], present: str | None = None) -> tuple[Choice, ...]:
    """Of things by id, by name; `present` is offered whether it is among them or not."""
    known = names if present is None or present in names else {**names, present: present}
    return tuple(Choice(wanted, name) for wanted, name in sorted(known.items(), key=lambda each: each[1].casefold()))


def walls(
    campaigns: Mapping[str, str],
    publishers: Mapping[str, str],
    campaign: str | None = None,
    publisher: str | None = None,
) -> tuple[Field, Field]:
    """Of who signs in, and of a token: by id, by name, and the present ones."""
    return (
        Field(
            name="campaign",
            label="Only this campaign",
            kind="select",
            empty="null",
            choices=named(campaigns, campaign),
            help="An advertiser needs one. A marketer with one reads that campaign and changes nothing.",
            placeholder="All campaigns",
        ),
        Field(
            name="publisher",
            label="Only this publisher",
            kind="select",
            empty="null",
            choices=named(publishers, publisher),
            help="A publisher needs one.",
            placeholder="All publishers",
        ),
    )
