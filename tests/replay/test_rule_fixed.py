"""The trade's rule: twenty minutes from the visit, any free number."""

from pathlib import Path

from dni.replay import generate
from tests.replay.play import call, credited, play, said, visit

END = 20 * 60


def test_a_number_is_reserved_for_twenty_minutes_whatever_the_page_says(tmp_path: Path) -> None:
    log = [
        visit(0, "ann"),
        said(1, "leave", "ann1"),
        visit(END - 0.001, "bob"),
        call(END - 0.001, "bob", "bob1"),
        visit(END, "cid"),
        call(END + 1, "ann", "ann1"),
    ]
    answers, summary, _ = play(tmp_path, log, numbers=1, rule="fixed")
    assert credited(answers) == {"bob": None, "ann": "cid1"}
    assert answers[1]["candidates"] == [{"session": "cid1", "p": None}]
    assert summary == {"visits": 3, "leased": 2, "overflow": 1, "peak_in_use": 1, "calls": 2, "attributed": 1}


def test_a_call_is_credited_to_the_present_or_the_last_holder(tmp_path: Path) -> None:
    log = [call(0, "nobody's", slot=0), visit(0, "ann"), call(5, "now", "ann1"), call(END, "late", "ann1")]
    answers, _, _ = play(tmp_path, log, numbers=1, rule="fixed")
    assert [(one["session"], one["method"]) for one in answers] == [
        (None, "none"),
        ("ann1", "current"),
        ("ann1", "recent"),
    ]


def test_who_comes_back_within_it_reserves_his_number_anew(tmp_path: Path) -> None:
    log = [visit(0, "ann", "a1"), visit(END - 1, "ann", "a2"), visit(END + 1, "bob"), visit(2 * END - 1, "cid")]
    _, summary, _ = play(tmp_path, log, numbers=1, rule="fixed")
    assert (summary["leased"], summary["overflow"]) == (3, 1)


def test_exact_counts(tmp_path: Path) -> None:
    log = [visit(0, f"v{i}") for i in range(100)] + [call(1, f"c{i}", f"v{i}1") for i in range(100)]
    answers, summary, _ = play(tmp_path, log, numbers=40, rule="fixed")
    assert summary == {
        "visits": 100,
        "leased": 40,
        "overflow": 60,
        "peak_in_use": 40,
        "calls": 100,
        "attributed": 40,
    }
    assert len({one["number"] for one in answers if one["number"]}) == 40


def test_a_free_number_is_chosen_at_random_but_always_the_same(tmp_path: Path) -> None:
    log = b"".join(generate.lines(generate.Traffic(days=1), seed=2))
    answers, summary, _ = play(tmp_path, log, numbers=20, rule="fixed")
    assert play(tmp_path, log, numbers=20, rule="fixed")[:2] == (answers, summary)
    first = [f"v{i}" for i in range(5)]
    few, _, _ = play(
        tmp_path, [visit(0, v) for v in first] + [call(1, v, f"{v}1") for v in first], numbers=50, rule="fixed"
    )
    numbers = [one["number"] for one in few]
    assert numbers != sorted(numbers)
