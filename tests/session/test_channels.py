import csv
from pathlib import Path

import pytest

from dni.session.channels import PAID, RULES, UNASSIGNED, channel_of

CASES = list(csv.DictReader(Path(__file__).with_name("channels.csv").read_text("utf-8").splitlines()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['source']}/{case['medium']}/{case['campaign']}")
def test_channel_follows_the_published_grouping(case: dict[str, str]) -> None:
    assert channel_of(case["source"] or None, case["medium"] or None, case["campaign"]) == case["channel"]


def test_every_channel_has_a_case() -> None:
    assert {case["channel"] for case in CASES} == {name for name, _ in RULES} | {UNASSIGNED}


def test_paid_channels_are_known_channels() -> None:
    assert {name for name, _ in RULES} > PAID
