"""docs/webhooks.md says what the code does: its example, its tables, and the receiver that it shows."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from dni.api.openapi_webhooks import WHEN, example_of
from dni.clock import SystemClock
from dni.outbound import signing
from dni.outbound.endpoints import NewWebhook
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
