"""What a replay answers, as it is written out, and what it counts. Pure."""

import msgspec

from dni.replay.calibration import Calibration


class Candidate(msgspec.Struct, frozen=True):
    """A session that may have made the call. `p` is None as long as no model states a probability."""

    session: str
    p: float | None


class Answer(msgspec.Struct, frozen=True):
    """One call. `number` None: its caller had none. `session` None: nobody ever held the number."""

    call: str
    number: str | None
    session: str | None
    confidence: float | None
    method: str
    candidates: tuple[Candidate, ...]


class Summary(msgspec.Struct):
    """`leased` and `overflow` add up to `visits`; `peak_in_use`: most numbers protected at one moment."""

    visits: int = 0
    leased: int = 0
    overflow: int = 0
    peak_in_use: int = 0
    calls: int = 0
    attributed: int = 0


class Truth(msgspec.Struct):
    """The answers against what the log knows: which session really called.

    calibration     of the answers that name a session and state a confidence
    """

    right: int = 0
    wrong: int = 0
    without_number: int = 0
    unsolicited: int = 0
    unsolicited_credited: int = 0
    calibration: Calibration = msgspec.field(default_factory=Calibration)

    @property
    def of_visitors(self) -> int:
        return self.right + self.wrong + self.without_number


class Played(msgspec.Struct):
    """A whole replay. `strangers`: lines that name a session which never visited."""

    summary: Summary
    truth: Truth
    events: int = 0
    strangers: int = 0
    seconds: float = 0.0


def nobody(call: str, number: str | None) -> Answer:
    """The answer when there is nobody to credit."""
    return Answer(call, number, None, None, "none", ())
