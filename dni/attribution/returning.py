"""Whose telephone it is, from its earlier calls. Pure."""

from collections.abc import Sequence

from dni.attribution.model import Earlier

LOOKED_AT = 5
"""Earlier calls of a telephone."""

_LIKELY = 0.5


def last_call(calls: Sequence[Earlier], number: str) -> Earlier | None:
    """The first of `calls` to this number, else the first of them. They are of one telephone, the newest first.

    None where they were several visitors': the telephone of a house or a firm says nothing.
    """
    likely = {one.visitor or one.session for call in calls for one, p in call.holdings if p > _LIKELY}
    if not calls or len(likely) > 1:
        return None
    return next((call for call in calls if call.number == number), calls[0])
