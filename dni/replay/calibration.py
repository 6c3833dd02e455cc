"""How far a stated confidence can be believed: of the answers that said 0.8, were eight in ten right? Pure."""

from math import sqrt

import msgspec

BINS = 10
_Z = 1.96  # of a normal distribution 95 % lie within so many standard deviations


class Bin(msgspec.Struct):
    """Answers whose confidence is of one tenth. `stated`: the sum of their confidences."""

    answers: int = 0
    stated: float = 0.0
    right: int = 0

    @property
    def mean(self) -> float:
        return self.stated / self.answers

    @property
    def share(self) -> float:
        return self.right / self.answers

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share of right answers lies with 95 %, for as few as these (E. B. Wilson, "Probable inference",
        1927)."""
        shrink = 1 + _Z * _Z / self.answers
        middle = (self.share + _Z * _Z / (2 * self.answers)) / shrink
        spread = self.share * (1 - self.share) / self.answers + _Z * _Z / (4 * self.answers**2)
        reach = _Z * sqrt(spread) / shrink
        return max(0.0, middle - reach), min(1.0, middle + reach)


class Calibration(msgspec.Struct):
    """Answers that stated a confidence, by tenths of it: the last one has 0.9 and more."""

    bins: list[Bin] = msgspec.field(default_factory=lambda: [Bin() for _ in range(BINS)])
    squares: float = 0.0

    def add(self, confidence: float, right: bool) -> None:
        """`confidence` is in 0..1."""
        one = self.bins[min(BINS - 1, int(confidence * BINS))]
        one.answers += 1
        one.stated += confidence
        one.right += right
        self.squares += (confidence - right) ** 2

    @property
    def answers(self) -> int:
        return sum(one.answers for one in self.bins)

    @property
    def brier(self) -> float:
        """Mean square of confidence less 1 or 0, for right or wrong (G. W. Brier, 1950): 0 is the best. 0 also for
        no answers."""
        return self.squares / self.answers if self.answers else 0.0

    @property
    def error(self) -> float:
        """Expected calibration error: how far confidence and share of right answers differ, over the tenths weighed by
        their answers (M. P. Naeini, G. F. Cooper, M. Hauskrecht, 2015). 0 also for no answers."""
        off = sum(abs(one.stated - one.right) for one in self.bins)
        return off / self.answers if self.answers else 0.0
