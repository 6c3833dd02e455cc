"""Who held a number, and whom a call is credited to, as values. Pure."""

import msgspec

from dni.session.model import Touch

METHODS = ("tap", "current", "recent", "returning", "static", "none")


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has, or had, the number. `ended_ms`: it went to another session. `touch`: not known here."""

    session: str
    visitor: str
    tag: str
    started_ms: int
    sign_ms: int
    tapped_ms: int | None = None
    ended_ms: int | None = None
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


class Candidate(msgspec.Struct, frozen=True):
    """`confidence` is None until there is a model that can state it. `why` is for a person to read."""

    session: str
    confidence: float | None
    why: str


class Match(msgspec.Struct, frozen=True):
    """`best` is the holding of the first candidate; None when nobody held the number before the call."""

    method: str
    best: Holding | None
    candidates: tuple[Candidate, ...]


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

    @property
    def confidence(self) -> float | None:
        return self.candidates[0].confidence if self.candidates else None
