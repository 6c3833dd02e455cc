"""Plays hand-made logs: a line is a dict; times are given in seconds from START_MS."""

from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from dni.replay import options
from dni.replay.model import Played
from dni.replay.rule import MOST_NUMBERS, fictional_numbers
from dni.replay.run import run

START_MS = 1_790_000_000_000
_TELEPHONES = fictional_numbers(MOST_NUMBERS)
Line = dict[str, Any]


def visit(s: float, who: str, session: str | None = None, **more: Any) -> Line:
    return {"t": at(s), "type": "visit", "visitor": who, "session": session or f"{who}1", **more}


def said(s: float, kind: str, session: str) -> Line:
    return {"t": at(s), "type": kind, "session": session}


def call(s: float, name: str, session: str | None = None, slot: int | None = None) -> Line:
    """Each session has its own telephone; so has each unsolicited call."""
    whose = {"slot": slot} if session is None else {"session": session}
    telephone = crc32((session or name).encode()) % len(_TELEPHONES)
    return {"t": at(s), "type": "call", "call": name, "caller": _TELEPHONES[telephone], **whose}


def at(s: float) -> int:
    return START_MS + round(s * 1000)


def written(folder: Path, lines: list[Line] | bytes) -> Path:
    log = folder / "events.jsonl"
    log.write_bytes(lines if isinstance(lines, bytes) else b"".join(msgspec.json.encode(x) + b"\n" for x in lines))
    return log


def play(
    folder: Path, lines: list[Line] | bytes, numbers: int, rule: str | None = None, hold: str | None = None
) -> tuple[list[Any], dict[str, int], Played]:
    """Answers, summary as written, and what the report is made of."""
    out = folder / "answers.jsonl"
    given = options.Given(events=written(folder, lines), numbers=str(numbers), rule=rule, hold_seconds=hold, out=out)
    played = run(options.read(given))
    *answers, last = (msgspec.json.decode(line) for line in out.read_bytes().splitlines())
    return answers, last["summary"], played


def credited(answers: list[Any]) -> dict[str, str | None]:
    return {one["call"]: one["session"] for one in answers}
