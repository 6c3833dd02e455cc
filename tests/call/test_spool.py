"""Lines on disk: none is lost or torn by writers and the drainer meeting, or by a kill."""

import multiprocessing
import os
from pathlib import Path

import pytest

from dni.call.spool import Spool

WRITERS, LINES = 4, 150


def write(folder: Path, writer: int) -> None:
    spool = Spool(folder)
    for i in range(LINES):
        spool.append(f"{writer} {i}".encode())


def taken(spool: Spool) -> list[str]:
    path = spool.take()
    if path is None:
        return []
    found = [line.decode() for line in spool.lines(path)]
    spool.done(path)
    return found


def test_lines_come_back_in_order_and_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert spool.take() is None
    for i in range(3):
        spool.append(f"line {i}".encode())
    assert taken(spool) == ["line 0", "line 1", "line 2"]
    assert taken(spool) == []
    spool.append(b"line 3")
    assert taken(spool) == ["line 3"]


def test_only_we_may_read_it(tmp_path: Path) -> None:
    Spool(tmp_path / "spool").append(b"x")
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "spool" / "calls.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_not_finished_is_taken_again_before_newer_ones(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append(b"old")
    first = spool.take()
    spool.append(b"new")
    assert Spool(tmp_path / "spool").take() == first
    assert [taken(spool), taken(spool)] == [["old"], ["new"]]


def test_a_line_torn_by_a_crash_does_not_spoil_the_next(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append(b"one")
    with (tmp_path / "spool" / "calls.jsonl").open("ab") as file:
        file.write(b"\ntor")
    spool.append(b"two")
    assert taken(spool) == ["one", "tor", "two"]


def test_a_disk_that_takes_no_line_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="exists"):
        Spool(tmp_path / "spool").append(b"x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "calls.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError):  # noqa: PT011  the kernel's word
        spool.append(b"x")


def test_processes_that_write_while_one_drains_lose_and_double_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write, args=(folder, n)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    found: list[str] = []
    while any(writer.is_alive() for writer in writers):
        found += taken(Spool(folder))
        os.sched_yield()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    found += taken(Spool(folder)) + taken(Spool(folder))
    assert sorted(found) == sorted(f"{n} {i}" for n in range(WRITERS) for i in range(LINES))
    for n in range(WRITERS):
        mine = [int(line.split()[1]) for line in found if line.startswith(f"{n} ")]
        assert mine == sorted(mine)
