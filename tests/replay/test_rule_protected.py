"""Hand-made logs through the real engine, with answers that a person can work out."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dni.live.connection import Live
from dni.pool.keys import Keys
from dni.replay import generate
from dni.replay.events import Call, Log, Visit
from dni.replay.model import Answer
from dni.replay.replay import replay
from dni.replay.rule import fictional_numbers
from dni.replay.rule_protected import Protected
from dni.replay.server import private_valkey
from tests.replay.play import call, credited, play, said, visit

MINUTE = 60


def test_a_call_during_the_visit(tmp_path: Path) -> None:
    log = [visit(0, "ann", source="google", medium="cpc"), said(30, "beat", "ann1"), call(40, "c", "ann1")]
    answers, summary, _ = play(tmp_path, log, numbers=3)
    assert answers == [
        {
            "call": "c",
            "number": "+12015550100",
            "session": "ann1",
            "confidence": answers[0]["confidence"],
            "method": "current",
            "candidates": [{"session": "ann1", "p": answers[0]["confidence"]}],
        }
    ]
    assert 0.9 < answers[0]["confidence"] < 1
    assert summary == {"visits": 1, "leased": 1, "overflow": 0, "peak_in_use": 1, "calls": 1, "attributed": 1}


def test_one_number_is_kept_for_its_hold_and_then_goes_to_the_next(tmp_path: Path) -> None:
    log = [
        visit(0, "ann"),
        said(10, "leave", "ann1"),
        visit(129, "bob"),
        call(129.5, "bob while ann holds", "bob1"),
        visit(130, "cid"),
        call(140, "ann late", "ann1"),
        call(141, "cid", "cid1"),
    ]
    answers, summary, played = play(tmp_path, log, numbers=1)
    assert credited(answers) == {"bob while ann holds": None, "ann late": "cid1", "cid": "cid1"}
    assert answers[0]["number"] is None
    assert (answers[0]["method"], answers[0]["candidates"]) == ("none", [])
    assert [one["session"] for one in answers[1]["candidates"]] == ["cid1", "ann1"]
    assert summary == {"visits": 3, "leased": 2, "overflow": 1, "peak_in_use": 1, "calls": 3, "attributed": 2}
    assert (played.truth.right, played.truth.wrong, played.truth.without_number) == (1, 1, 1)


def test_the_hold_can_be_chosen(tmp_path: Path) -> None:
    log = [visit(0, "ann"), said(10, "leave", "ann1"), visit(11, "bob")]
    assert play(tmp_path, log, numbers=1, hold="0")[1]["overflow"] == 0
    assert play(tmp_path, log, numbers=1, hold="1.5")[1]["overflow"] == 1


def test_after_protection_ran_out_the_last_holder_is_credited_as_recent(tmp_path: Path) -> None:
    answers, _, _ = play(tmp_path, [visit(0, "ann"), said(9, "leave", "ann1"), call(200, "c", "ann1")], numbers=1)
    assert (answers[0]["method"], answers[0]["session"]) == ("recent", "ann1")


def test_beats_keep_a_number_and_who_got_none_asks_again_at_a_beat(tmp_path: Path) -> None:
    log = [
        visit(0, "ann"),
        *(said(s, "beat", "ann1") for s in range(60, 600, 60)),
        visit(550, "bob"),
        call(560, "bob has none yet", "bob1"),
        said(560, "leave", "ann1"),
        said(650, "beat", "bob1"),
        said(700, "beat", "bob1"),
        call(710, "bob has it now", "bob1"),
    ]
    answers, summary, _ = play(tmp_path, sorted(log, key=lambda line: line["t"]), numbers=1)
    assert credited(answers) == {"bob has none yet": None, "bob has it now": "bob1"}
    assert (summary["leased"], summary["overflow"]) == (1, 1)


def test_a_number_that_went_to_another_is_answered_at_the_beat_and_the_page_gets_a_new_one(tmp_path: Path) -> None:
    log = [
        visit(0, "ann"),
        visit(400, "bob"),  # ann's page was silent for longer than it was protected
        said(410, "beat", "ann1"),
        call(420, "ann", "ann1"),
        call(430, "bob", "bob1"),
    ]
    answers, _, _ = play(tmp_path, [log[0], visit(0, "eve"), *log[1:]], numbers=2)
    assert credited(answers) == {"ann": "ann1", "bob": "bob1"}
    assert answers[0]["number"] != answers[1]["number"]


def test_a_tap_and_a_call_keep_the_number(tmp_path: Path) -> None:
    tapped = [visit(0, "ann"), said(5, "tap", "ann1"), said(6, "leave", "ann1"), visit(600, "bob"), visit(606, "cid")]
    assert play(tmp_path, tapped, numbers=1)[1]["leased"] == 2
    called = [visit(0, "ann"), said(5, "leave", "ann1"), call(6, "c", "ann1"), visit(480, "bob"), visit(486, "cid")]
    assert play(tmp_path, called, numbers=1)[1]["leased"] == 2


def test_a_visitor_who_comes_back_gets_his_last_number(tmp_path: Path) -> None:
    log = [
        visit(0, "ann", "a1"),
        said(5, "leave", "a1"),
        visit(10 * MINUTE, "ann", "a2"),
        call(10 * MINUTE + 5, "again", "a2"),
        said(11 * MINUTE, "beat", "a1"),  # a page of the first visit still lives
        call(12 * MINUTE, "of the first page", "a1"),
    ]
    answers, _, _ = play(tmp_path, log, numbers=5)
    assert {one["number"] for one in answers} == {"+12015550100"}
    assert credited(answers) == {"again": "a2", "of the first page": "a2"}


def test_a_second_page_of_a_session_keeps_its_number(tmp_path: Path) -> None:
    log = [visit(0, "ann"), visit(20, "ann"), call(30, "c", "ann1")]
    answers, summary, _ = play(tmp_path, log, numbers=1)
    assert (credited(answers), summary["leased"]) == ({"c": "ann1"}, 2)


def test_unsolicited_calls_dial_by_slot(tmp_path: Path) -> None:
    log = [call(0, "before", slot=7), visit(1, "ann"), call(2, "ann's", slot=6), call(3, "other", slot=1)]
    answers, summary, played = play(tmp_path, log, numbers=3)
    assert [one["number"] for one in answers] == ["+12015550101", "+12015550100", "+12015550101"]
    assert credited(answers) == {"before": None, "ann's": "ann1", "other": None}
    assert (summary["calls"], summary["attributed"], played.truth.unsolicited_credited) == (3, 1, 1)


def test_who_calls_is_told_by_the_number_alone(tmp_path: Path) -> None:
    """The same call as unsolicited, with the same number: the same answer."""
    before = [visit(0, "ann"), visit(1, "bob")]
    named = play(tmp_path, [*before, call(9, "c", "bob1")], numbers=2)[0]
    assert named == play(tmp_path, [*before, call(9, "c", slot=1)], numbers=2)[0]


def test_sessions_that_never_visited_are_shown_nothing(tmp_path: Path) -> None:
    log = [said(0, "beat", "x"), said(1, "tap", "x"), said(2, "leave", "x"), call(3, "c", "x")]
    answers, summary, played = play(tmp_path, log, numbers=1)
    assert (credited(answers), answers[0]["number"], played.strangers) == ({"c": None}, None, 4)
    assert summary == {"visits": 0, "leased": 0, "overflow": 0, "peak_in_use": 0, "calls": 1, "attributed": 0}


@pytest.mark.parametrize("visitors", [1, 40, 41, 100])
def test_exact_counts(tmp_path: Path, visitors: int) -> None:
    log = [visit(0, f"v{i}") for i in range(visitors)]
    _, summary, _ = play(tmp_path, log, numbers=40)
    leased = min(visitors, 40)
    assert summary == {
        "visits": visitors,
        "leased": leased,
        "overflow": visitors - leased,
        "peak_in_use": leased,
        "calls": 0,
        "attributed": 0,
    }


def test_times_from_zero_on_will_do(tmp_path: Path) -> None:
    log = (
        b'{"t":0,"type":"visit","visitor":"v","session":"s"}\n{"t":0,"type":"tap","session":"s"}\n'
        b'{"t":1,"type":"call","call":"c","caller":null,"session":"s"}'
    )
    assert credited(play(tmp_path, log, numbers=1)[0]) == {"c": "s"}


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async with private_valkey() as live:
        yield live


def tight_log() -> list[bytes]:
    """Two days on so few numbers that leases end early, visits get none, and pages ask again."""
    return list(generate.lines(generate.Traffic(days=2), seed=3))


@pytest.mark.parametrize(("numbers", "hold_ms"), [(8, 120_000), (4, 0)])
async def test_what_goes_out_without_waiting_comes_to_the_same(live: Live, numbers: int, hold_ms: int) -> None:
    """Against a run that waits for every answer, trusts no lease and counts the numbers in use after each line."""
    lines, at_once, one_by_one = tight_log(), list[Answer](), list[Answer]()
    fast = Protected(live, fictional_numbers(numbers), hold_ms)
    await fast.start()
    played = await replay(lines, fast, at_once.append)
    assert played.summary.overflow > 100

    async with private_valkey() as other:
        slow = Protected(other, fictional_numbers(numbers), hold_ms)
        await slow.start()
        log, most, leased = Log(), 0, 0
        for line in lines:
            event = log.read(line)
            if isinstance(event, Visit):
                leased += await slow.visit(event)
            elif isinstance(event, Call):
                number = slow.shown(event.session) if event.session else slow.numbers[(event.slot or 0) % numbers]
                if number:
                    one_by_one.append(await (await slow.ring(event.t, number, event.call, event.caller)))
            else:
                slow._pages[event.session].surely_ms = 0
                await slow.sign(event)
            await slow.finish()
            in_use = await other.node("s0").send(
                "ZCOUNT", Keys().pool("cmp_replay", "pool_replay"), f"({event.t}", "+inf"
            )
            most = max(most, in_use)
    assert [answer for answer in at_once if answer.number] == one_by_one
    assert (played.summary.leased, played.summary.peak_in_use) == (leased, most)


def test_the_same_log_gives_the_same_answers_and_its_beginning_the_same_first_ones(tmp_path: Path) -> None:
    lines = tight_log()
    answers, summary, _ = play(tmp_path, b"".join(lines), numbers=8)
    assert play(tmp_path, b"".join(lines), numbers=8)[:2] == (answers, summary)
    for cut in (len(lines) // 3, len(lines) * 2 // 3):
        first, _, _ = play(tmp_path, b"".join(lines[:cut]), numbers=8)
        assert first == answers[: len(first)]
        assert len(first) > 20
