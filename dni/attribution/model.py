"""Who held a number, and whom a call is credited to, as values. Pure."""

from collections.abc import Sequence

import msgspec

from dni.session.model import Touch

METHODS = ("tap", "current", "recent", "returning", "static", "none")


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has, or had, the number.

    sign_ms     its last sign of life; `left`: that said that its last page is gone
    beat_ms     the longest that a page of it goes without a sign
    ended_ms    when the number went to another session
    region      ISO 3166-2, of the visitor; None where it is not known
    phone       whether the page is on a telephone, where a number is tapped rather than dialled; None: not known
    touch       None: not known here
    """

    session: str
    visitor: str
    tag: str
    started_ms: int
    sign_ms: int
    left: bool = False
    beat_ms: int = 20_000
    tapped_ms: int | None = None
    ended_ms: int | None = None
    region: str | None = None
    phone: bool | None = None
    touch: Touch | None = None

    def at(self, moment_ms: int) -> bool:
        """Whether the number was this session's at that moment, shown or not."""
        return self.started_ms <= moment_ms and (self.ended_ms is None or moment_ms < self.ended_ms)


class Found(msgspec.Struct, frozen=True):
    """What Redis knows of a number's holders. `all_known`: it cannot have forgotten one who may be the caller.

    `protected_ms`: until when the present one's protection lasted (0: unknown).
    """

    holdings: tuple[Holding, ...]
    protected_ms: int
    all_known: bool


class Earlier(msgspec.Struct, frozen=True):
    """An earlier call from the same telephone: when, to which number, and whose it may have been, with probabilities.

    A holding of it began and ended with that call: what it knows is who. What is missing to 1 was nobody's.
    """

    at_ms: int
    number: str
    holdings: tuple[tuple[Holding, float], ...]


class Candidate(msgspec.Struct, frozen=True):
    """`confidence`: the probability that this session made the call; None in calls from before there was a model.

    `why` is for a person to read. `gone_ms`: since the last sign of life, as it was known when the call rang.
    """

    session: str
    confidence: float | None
    why: str
    gone_ms: int | None = None


def undecided(candidates: Sequence[Candidate]) -> bool:
    """Whether the second is at least half as likely as the first: then to name one is a guess."""
    stated = [one.confidence or 0.0 for one in candidates[:2]]
    return len(stated) == 2 and 0 < stated[0] <= 2 * stated[1]


class Lesson(msgspec.Struct, frozen=True):
    """What a call teaches of one candidate: its state then, how long ago, and the probability that it was the caller.

    state   `open`, `open_phone` (an open page on a telephone), `after` or `tap`; `older` for all who held the number
            before the oldest candidate
    home    whether the caller's region is the visitor's; None where one of them is not known
    """

    state: str
    delay_ms: int
    p: float
    home: bool | None = None


class Lessons(msgspec.Struct, frozen=True):
    """What a call teaches: of its candidates, and `nobody`, the probability that it was none of them.

    visited_ms  how long the last visit lasted that is over; None where none is known
    on_phone    whether that was on a telephone
    """

    of: tuple[Lesson, ...]
    nobody: float
    caller_region: str | None = None
    visited_ms: int | None = None
    on_phone: bool | None = None


class Match(msgspec.Struct, frozen=True):
    """`best` is the holding of the first candidate; None when it is likelier that the call was nobody's.

    `nobody`: the probability of that. `lessons` None: the call teaches nothing.
    """

    method: str
    best: Holding | None
    candidates: tuple[Candidate, ...]
    nobody: float
    lessons: Lessons | None


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """What a call keeps of its match: a copy, so that it stands when the session is long deleted.

    `method` is None while the touch is still to be found.
    """

    method: str | None
    touch: Touch = Touch()
    session: str | None = None
    visitor: str | None = None
    tag: str | None = None
    publisher: str | None = None
    candidates: tuple[Candidate, ...] = ()
    lessons: Lessons | None = None

    @property
    def confidence(self) -> float | None:
        """None where nobody is credited, however sure that is."""
        return self.candidates[0].confidence if self.session and self.candidates else None
