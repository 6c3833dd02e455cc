"""docs/sip.md is held to the JSON door and to the Kamailio configuration that it tells of."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dni.telephony.generic import EVENTS, Generic
from dni.telephony.model import (
    AT,
    CallEvent,
    Connect,
    HangUp,
    Instruction,
    Menu,
    Prompt,
    RawRequest,
    Reject,
    Voicemail,
)
from tests.support.programs import PACKAGES

DOCS = Path(__file__).parents[2] / "docs"
TOLD = (DOCS / "sip.md").read_text()
NOW_MS = 1_790_000_000_000
_STEP = "https://dni.example/voice/generic/car_1/step?at=x"
ANSWERS = (
    Instruction(Connect(destinations=("+14155550199",), timeout_s=25, status_url="")),
    Instruction(
        Connect(
            destinations=("+14155550198", "+14155550197"),
            timeout_s=20,
            status_url="",
            step_url=_STEP,
            whisper=Prompt(text="A call for sales"),
            record=True,
        ),
        say=(Prompt(text="This call is recorded."),),
    ),
    Instruction(Menu(prompt=Prompt(text="For sales press 1."), keys=("1", "2"), timeout_s=5, step_url=_STEP)),
    Instruction(
        Voicemail(prompt=Prompt(audio="https://shop.example/closed.mp3"), longest_s=120, step_url=_STEP),
    ),
    Instruction(Reject()),
    Instruction(Reject(reason="busy")),
    Instruction(HangUp()),
)


class Read(dict[str, str]):
    """Fields that remember which of them were looked at."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(fields)
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)


def examples(kind: str) -> list[str]:
    [block] = re.findall(rf"```json {kind}\n(.*?)```", TOLD, re.DOTALL)
    return list(block.splitlines())


def section(heading: str) -> str:
    _, _, rest = TOLD.partition(f"### {heading}\n")
    return rest.partition("\n### ")[0]


def fields(heading: str) -> set[str]:
    """Names in the first column of a section's first table."""
    table = section(heading).partition("| --- | --- |\n")[2].partition("\n\n")[0]
    return {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def opened(body: str) -> dict[str, str]:
    headers = {"authorization": "Bearer token"}
    return Generic().open(RawRequest("https://x/", headers, body.encode()), "token").values


DOORS: list[tuple[str, str, Callable[[dict[str, str], int], CallEvent]]] = [
    ("inbound", "A call rings", Generic().inbound),
    ("status", "Something happened", Generic().progress),
    ("step", "What next?", Generic().step),
]


@pytest.mark.parametrize(("kind", "heading", "read"), DOORS)
def test_every_field_that_is_read_is_told_and_no_other(
    kind: str, heading: str, read: Callable[[dict[str, str], int], CallEvent]
) -> None:
    names: set[str] = set()
    for example in examples(kind):
        values = Read(opened(example))
        assert read(values, NOW_MS).provider_id == "7d2f@203.0.113.9"
        names |= values.names
        assert set(json.loads(example)) <= names, example
    told = fields(heading) | (fields("Something happened") if kind == "step" else set())
    assert names - {AT} == told


def test_examples_come_to_what_they_say() -> None:
    states = [Generic().progress(opened(example), NOW_MS) for example in examples("status")]
    assert [event.destination_state for event in states] == ["ringing", "busy", "in_progress", "completed", None]
    assert [event.state for event in states] == ["ringing", None, "in_progress", "completed", None]
    kinds = [Generic().step(opened(example), NOW_MS).kind for example in examples("step")]
    assert kinds == ["dialled", "keys", "keys", "recorded"]


def test_answers_are_those_that_are_given() -> None:
    given = [json.loads(Generic().answer(answer).body) for answer in ANSWERS]
    assert [json.loads(example) for example in examples("answer")] == given
    assert {name for answer in given for name in answer} - {"action"} | {"caller_id"} == fields("Answers")


def test_every_event_is_told() -> None:
    for event in EVENTS:
        assert f"`{event}`" in section("Something happened")


def test_codes_come_to_the_states_that_are_told() -> None:
    rows = re.findall(r"^\| ([0-9, ]+) \| `(\w+)`(.*)\|$", section("Something happened"), re.MULTILINE)
    assert len(rows) == 4
    for codes, state, more in rows:
        alone = re.search(r"ithout a `destination`: `(\w+)`", more)
        for code in codes.split(","):
            told = {"call_id": "c", "event": "failed", "sip_code": code.strip()}
            of_one = Generic().progress({**told, "destination": "+14155550199"}, NOW_MS)
            assert (of_one.destination_state, of_one.state) == (state, state)
            assert Generic().progress(told, NOW_MS).state == (alone[1] if alone else state)


def test_every_setting_of_kamailio_is_told() -> None:
    settings = (DOCS / "kamailio" / "settings.cfg").read_text()
    names = {"listen", *re.findall(r"^#!define (\w+)", settings, re.MULTILINE)}
    rows = re.findall(r"^   \| (`.*?) \|", TOLD, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == names


def test_what_is_to_be_installed_is_what_the_tests_run() -> None:
    assert PACKAGES["kamailio"] in TOLD
