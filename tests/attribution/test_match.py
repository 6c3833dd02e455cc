"""Which session made a call, from the holders of its number."""

import itertools

import pytest

from dni.attribution.match import match
from dni.attribution.model import Holding

T = 1_790_000_000_000
S = 1_000


def holding(session: str, started: int, sign: int, ended: int | None = None, tapped: int | None = None) -> Holding:
    """Times in seconds from the call."""
    return Holding(
        session=session,
        visitor=f"v{session}",
        tag="tag_1",
        started_ms=T + started * S,
        sign_ms=T + sign * S,
        ended_ms=None if ended is None else T + ended * S,
        tapped_ms=None if tapped is None else T + tapped * S,
    )


NOW = holding("a", -60, -12)
BEFORE = holding("b", -7200, -3600, ended=-60)

CASES = [
    ("nobody ever held it", [], 0, "none", []),
    ("held now", [NOW], T + 90 * S, "current", ["held the number, last seen 12 s before the call"]),
    ("protection ran out", [NOW], T - 1, "recent", ["was the last to hold the number, last seen 12 s before the call"]),
    ("protection not known, seen just now", [NOW], 0, "current", ["held the number, last seen 12 s before the call"]),
    (
        "protection not known, seen long ago",
        [holding("a", -600, -400)],
        0,
        "recent",
        ["was the last to hold the number, last seen 6 min before the call"],
    ),
    (
        "held now and before",
        [NOW, BEFORE],
        T + 1,
        "current",
        ["held the number, last seen 12 s before the call", "held the number before, last seen 60 min before the call"],
    ),
    (
        "asked late: another holds it by now",
        [holding("c", 30, 40), holding("a", -60, -12, ended=30)],
        T + 200 * S,
        "current",
        ["held the number, last seen 12 s before the call"],
    ),
    (
        "asked late: its page lived on through the call",
        [holding("c", 900, 910), holding("a", -60, 500, ended=900)],
        T,
        "current",
        ["held the number, last seen during the call"],
    ),
    (
        "began after the call",
        [holding("c", 1, 2)],
        T + 200 * S,
        "none",
        [],
    ),
    (
        "tapped",
        [holding("a", -60, -4, tapped=-4)],
        T + 600 * S,
        "current",
        ["held the number, last seen 4 s before the call, tapped it 4 s before the call"],
    ),
    (
        "one session, two leases",
        [holding("a", -60, -5), holding("a", -5000, -4000, ended=-60)],
        T + 1,
        "current",
        ["held the number, last seen 5 s before the call"],
    ),
    (
        "given back and gone",
        [holding("a", -9 * 86400, -9 * 86400, ended=-86400 * 8)],
        0,
        "recent",
        ["was the last to hold the number, last seen 9 days before the call"],
    ),
]


@pytest.mark.parametrize(("name", "holdings", "protected", "method", "why"), CASES, ids=[c[0] for c in CASES])
def test_a_call(name: str, holdings: list[Holding], protected: int, method: str, why: list[str]) -> None:
    for order in itertools.permutations(holdings):
        found = match(order, T, protected)
        assert (found.method, [c.why for c in found.candidates]) == (method, why)
        assert [c.confidence for c in found.candidates] == [None] * len(why)
        assert (found.best and found.best.session) == (found.candidates[0].session if why else None)
