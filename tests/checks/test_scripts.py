"""A Lua file's header and body agree: every key and argument that the body reads is told in the header."""

import re
from pathlib import Path

import pytest

LUA = Path(__file__).parents[2] / "dni" / "pool" / "lua"
SCRIPTS = sorted(path.name for path in LUA.glob("*.lua") if path.name != "record.lua")


def parts(name: str) -> tuple[str, str]:
    lines = (LUA / name).read_text().splitlines()
    count = next(i for i, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(lines[:count]), "\n".join(lines[count:])


def told(header: str, what: str) -> int:
    """How many fixed KEYS or ARGV the header lists: `-- KEYS  1 pool   2 state`, with lines that go on."""
    block = re.search(rf"^-- {what}((?:  .*\n)(?:--  +.*\n)*)", header + "\n", re.MULTILINE)
    assert block, f"the header does not tell {what}"
    return max(int(number) for number in re.findall(r"(?:^|\s{2,})(\d+) ", block[1], re.MULTILINE))


def read(body: str, what: str) -> int:
    direct = [int(n) for n in re.findall(rf"{what}\[(\d+)\]", body)]
    unpacked = [len(names.split(",")) for names in re.findall(rf"local ([\w, ]+) = unpack\({what}\)", body)]
    return max(direct + unpacked)


@pytest.mark.parametrize("name", SCRIPTS)
def test_header_tells_contract(name: str) -> None:
    header, body = parts(name)
    for word in ("KEYS", "ARGV", "Answers", "Effects"):
        assert word in header, f"{name}: the header does not tell {word}"
    assert "O(" in header, f"{name}: the header does not tell what it costs"
    for what in ("KEYS", "ARGV"):
        assert read(body, what) == told(header, what), f"{name}: {what} in header and body differ"
