"""`dni replay` and `dni demo log` as they are typed: exit status, what is written, what is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from dni.replay import generate
from tests.replay.play import call, play, said, visit, written

GOOD = [visit(0, "ann"), said(20, "beat", "ann1"), call(30, "c", "ann1")]


def dni(*args: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dni", *map(str, args)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_answers_go_to_standard_output_and_the_report_beside_it(tmp_path: Path) -> None:
    done = dni("replay", written(tmp_path, GOOD), "--numbers", 2)
    assert done.returncode == 0
    assert [line[:10] for line in done.stdout.splitlines()] == ['{"call":"c', '{"summary"']
    assert "credited right             1  100.00%" in done.stderr
    assert "3 events in" in done.stderr


def test_nothing_is_told_when_all_is_well(tmp_path: Path) -> None:
    done = dni("replay", written(tmp_path, GOOD), "--numbers", 2, "--out", tmp_path / "out.jsonl", "--no-report")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2


def test_a_bad_line_stops_it_and_leaves_no_half_answers(tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text("of the last run")
    log = written(tmp_path, [*GOOD, visit(29, "bob")])
    for out in ("new.jsonl", "old.jsonl"):
        done = dni("replay", log, "--numbers", 2, "--out", tmp_path / out)
        assert done.returncode == 2
        [told] = done.stderr.splitlines()
        assert told.startswith(f"dni: {log}, line 4: its time ")
        assert "expected time order" in told
    assert (tmp_path / "old.jsonl").read_text() == "of the last run"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["events.jsonl", "old.jsonl"]
    done = dni("replay", log, "--numbers", 2)
    assert (done.returncode, len(done.stdout.splitlines())) == (2, 1)


def test_what_is_no_plain_file_is_written_to_and_stays(tmp_path: Path) -> None:
    done = dni("replay", written(tmp_path, GOOD), "--numbers", 2, "--out", "/dev/null")
    assert done.returncode == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "say --numbers N"),
        (("--numbers", "0"), "--numbers: a whole number from 1 to"),
        (("--numbers", "many"), "--numbers: a whole number"),
        (("--numbers", "1.5"), "--numbers: a whole number"),
        (("--numbers", "999999999999"), "--numbers: a whole number"),
        (("--numbers", "5", "--hold-seconds", "-1"), "--hold-seconds: a number from 0"),
        (("--numbers", "5", "--hold-seconds", "nan"), "--hold-seconds: a number from 0"),
        (("--numbers", "5", "--rule", "best"), "--rule: protected or fixed"),
        (("--numbers", "5", "--rule", "fixed", "--hold-seconds", "9"), "--hold-seconds goes with"),
        (("--numbers", "5", "--out", "events.jsonl"), "is the log itself"),
        (("--numbers", "5", "--out", "no/such/folder/x"), "cannot be written"),
    ],
)
def test_bad_arguments_get_one_line(tmp_path: Path, args: tuple[str, ...], told: str) -> None:
    written(tmp_path, GOOD)
    done = dni("replay", "events.jsonl", *args, folder=tmp_path)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert told in line


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.jsonl", tmp_path):
        done = dni("replay", path, "--numbers", 2)
        assert done.returncode == 2
        [line] = done.stderr.splitlines()
        assert "cannot be read" in line


def test_strangers_are_told(tmp_path: Path) -> None:
    done = dni("replay", written(tmp_path, [said(0, "beat", "x"), said(1, "beat", "x")]), "--numbers", 2)
    assert done.returncode == 0
    assert "2 lines name a session that never visited" in done.stderr


def test_a_made_up_log_is_played(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    assert dni("demo", "log", "--out", log, "--days", "0.2", "--seed", 4).returncode == 0
    assert dni("demo", "log", "--out", tmp_path / "no" / "log.jsonl").returncode == 2
    again = dni("demo", "log", "--days", "0.2", "--seed", 4)
    assert again.stdout == log.read_text()
    assert dni("replay", log, "--numbers", 20).returncode == 0


def test_the_week_that_the_docs_tell_of(tmp_path: Path) -> None:
    """docs/replay.md: 60 visits an hour for a week on 20 numbers."""
    week = b"".join(generate.lines(generate.Traffic(), seed=1))
    _, summary, ours = play(tmp_path, week, numbers=20)
    assert summary["visits"] > 10_000
    assert summary["overflow"] / summary["visits"] < 0.002
    assert ours.truth.right / ours.truth.of_visitors >= 0.82
    _, summary, trade = play(tmp_path, week, numbers=20, rule="fixed")
    assert summary["overflow"] / summary["visits"] > 0.1
    assert trade.truth.right < ours.truth.right
