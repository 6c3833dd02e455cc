"""docs/webhooks.md says what the code does: its example, its tables, and the receiver that it shows."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from dni.api.openapi_webhooks import WHEN, example_of
from dni.clock import SystemClock
from dni.outbound import backoff, circuit, claims, lanes, signing, transport, webhook
from dni.outbound.entered import NewWebhook
from dni.outbound.model import Only
from dni.outbound.payload import CallData
from dni.outbound.webhook import Role

DOCS = Path(__file__).parents[2] / "docs" / "webhooks.md"
TOLD = DOCS.read_text()


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", TOLD, re.DOTALL)
    return str(found)


def test_the_example_is_what_the_code_makes() -> None:
    assert json.loads(block("json")) == example_of("call.qualified")


def test_every_type_is_told_with_its_moment() -> None:
    for kind, when in WHEN.items():
        assert f"| `{kind}` | {when} |" in TOLD


def test_every_field_and_role_is_told() -> None:
    names = [*NewWebhook.__struct_fields__, *Only.__struct_fields__, *CallData.__struct_fields__, *get_args(Role)]
    for name in names:
        assert f"`{name}`" in TOLD, name


def test_the_figures_are_those_of_the_code() -> None:
    hours = 3_600_000
    for said, holds in (
        ("2xx within 15 s", transport.LIMIT_S == 15),
        ("for three days", 72 * hours == backoff.GIVEN_UP_MS),
        ("5 s, 15 s, 45 s", (backoff.FIRST_MS, backoff.FACTOR) == (5_000, 3)),
        ("at most six hours", 6 * hours == backoff.LONGEST_MS),
        ("for ten minutes", claims.IN_ORDER_MS == 600_000),
        ("eight requests at a time", lanes.EACH == 8),
        ("five failures in a row", circuit.OPENS_AT == 5),
        (
            "for five seconds at first and for five minutes at most",
            (circuit.FIRST_MS, circuit.LONGEST_MS) == (5_000, 300_000),
        ),
        ("For 24 hours", 24 * hours == webhook.FORMER_MS),
        ("up to three former secrets", webhook.MOST_FORMER == 3),
    ):
        assert " ".join(said.split()) in " ".join(TOLD.split()), said
        assert holds, said


def test_the_receiver_in_python_takes_what_is_signed_and_nothing_else() -> None:
    shown: dict[str, Any] = {}
    exec(block("python"), shown)  # noqa: S102
    secret, body = signing.secret_of(b"s" * 32), b'{"a": 1}'
    headers = signing.headers([secret], "msg_1", SystemClock().now_ms() // 1000, body)
    assert shown["received"](secret, body, headers) == {"a": 1}
    assert shown["received"](secret, body + b" ", headers) is None


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_the_headers_of_the_example_are_those_of_its_message(name: str) -> None:
    told = example_of("call.qualified")
    signed = signing.headers([], "msg_01k5pp3w0x1y2z3a4b5c6d7e", 1_790_000_000, json.dumps(told).encode())
    assert f"{name}: {signed[name]}" in TOLD
