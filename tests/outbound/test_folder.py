"""Files in folders: whole or not at all, and never outside."""

import stat
from pathlib import Path

import pytest

from dni.outbound.folder import write
from dni.outbound.model import Request


def put(name: str, body: bytes = b"id\r\n") -> Request:
    return Request(url=f"file:{name}", method="PUT", body=body)


async def test_a_file_is_there_and_the_same_name_takes_its_place(tmp_path: Path) -> None:
    assert (await write(tmp_path, put("shop/calls-2026-11-30.csv", b"one"))).status == 201
    answer = await write(tmp_path, put("shop/calls-2026-11-30.csv", b"two and more"))
    assert (answer.status, answer.body) == (201, b"12 bytes")
    [file] = (tmp_path / "shop").iterdir()
    assert (file.name, file.read_bytes()) == ("calls-2026-11-30.csv", b"two and more")
    assert stat.S_IMODE(file.stat().st_mode) & 0o137 == 0


def files(below: Path) -> list[Path]:
    return [file for file in below.rglob("*") if file.is_file()]


@pytest.mark.parametrize("name", ["../out.csv", "/etc/out.csv", "a/../../out.csv", "", ".", "link/out.csv", "a\0b"])
async def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "link").symlink_to(elsewhere)
    answer = await write(root, put(name))
    assert answer.status is None
    assert answer.why
    assert not files(tmp_path)


async def test_without_a_folder_that_the_operator_names_nothing_is_written() -> None:
    answer = await write(None, put("shop/calls.csv"))
    assert "DNI_EXPORT_DIR" in (answer.why or "")


async def test_what_a_disk_refuses_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop" / "calls.csv").mkdir(parents=True)
    answer = await write(tmp_path, put("shop/calls.csv"))
    assert answer.status is None
    assert "cannot be written" in (answer.why or "")
    assert [file.name for file in (tmp_path / "shop").iterdir()] == ["calls.csv"]
