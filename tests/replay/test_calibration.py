"""Whether stated confidences can be believed: against figures worked out by hand."""

from pathlib import Path

import pytest

from dni.replay import report
from dni.replay.calibration import Bin, Calibration
from dni.replay.model import Played, Summary, Truth
from tests.replay.play import call, play, said, visit


def told(*answers: tuple[float, bool]) -> Calibration:
    calibration = Calibration()
    for confidence, right in answers:
        calibration.add(confidence, right)
    return calibration


def test_brier_score_and_calibration_error_by_hand() -> None:
    calibration = told((0.9, True), (0.9, True), (1.0, False), (0.6, True), (0.3, False))
    assert calibration.brier == pytest.approx((0.01 + 0.01 + 1 + 0.16 + 0.09) / 5)
    # Of the last tenth 2.8 are stated and 2 right, of 0.6 one more than stated, of 0.3 one less.
    assert calibration.error == pytest.approx((0.8 + 0.4 + 0.3) / 5)
    assert [one.answers for one in calibration.bins] == [0, 0, 0, 1, 0, 0, 1, 0, 0, 3]


def test_who_says_what_he_does_is_calibrated() -> None:
    calibration = told(*[(0.7, n < 7) for n in range(10)])
    assert calibration.error == pytest.approx(0)
    assert calibration.brier == pytest.approx(0.21)
    assert told().error == told().brier == told().answers == 0


def test_the_interval_of_a_share() -> None:
    """81 of 263, from Wilson's interval in Newcombe (1998), Statistics in Medicine 17, table I."""
    assert Bin(answers=263, right=81).interval == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert Bin(answers=29, right=1).interval == pytest.approx((0.0061, 0.1718), abs=5e-5)
    low, high = Bin(answers=20, right=0).interval
    assert low == pytest.approx(0, abs=1e-12)
    assert high == pytest.approx(0.1611, abs=5e-5)


def test_the_truth_of_a_log_makes_the_calibration(tmp_path: Path) -> None:
    lines = [
        visit(0, "ann"),
        said(10, "tap", "ann1"),
        call(14, "right", "ann1"),
        call(16, "wrong", slot=0),
    ]
    answers, _, played = play(tmp_path, lines, numbers=1)
    stated = [one["confidence"] for one in answers if one["confidence"] is not None]
    assert played.truth.calibration.answers == len(stated) == 2
    assert played.truth.calibration.bins[9].right == 1
    _, _, trade = play(tmp_path, lines, numbers=1, rule="fixed")
    assert trade.truth.calibration.answers == 0, "the trade's rule states none"


def test_the_report_and_its_plot() -> None:
    calibration = told(*[(0.95, n < 96) for n in range(100)], *[(0.55, n < 5) for n in range(10)], (0.05, False))
    played = Played(Summary(visits=200), Truth(right=101, wrong=10, calibration=calibration), events=400, seconds=1.0)
    text = report.as_text("protected", 20, played, with_plot=True)
    assert text.splitlines()[11:16] == [
        "  confidence       answers    stated     right",
        "  0.0 to 0.1             1     5.00%     0.00%",
        "  0.5 to 0.6            10    55.00%    50.00%",
        "  0.9 to 1.0           100    95.00%    96.00%",
        "  expected calibration error 0.014, Brier score 0.057",
    ]
    assert all(len(line) <= 80 and line.isascii() for line in text.splitlines())
    drawn = report.plot(calibration)
    assert drawn[1][8 + 56] == "|", "the interval"
    assert drawn[2][8 + 56] == "o", "96 % of 0.95"
    assert drawn[11][8 + 32] == "o", "half of 0.55"
    assert drawn[21][8 + 3] == "o"
    assert sum(line.count("o") for line in drawn[1:22]) == 3
    assert "confidence" not in report.as_text("fixed", 20, Played(Summary(), Truth()), with_plot=True)
