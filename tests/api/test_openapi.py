import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from dni.api.openapi import document
from dni.api.operations import OPERATIONS, PREFIX
from tests.api.conftest import Api

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(msgspec.json.encode(document()))
    return found


def test_the_document_is_valid_openapi() -> None:
    validate(_document())


def test_every_operation_says_what_it_takes_and_how_it_refuses() -> None:
    paths = _document()["paths"]
    for operation in OPERATIONS:
        described = paths[PREFIX + operation.path][operation.method.lower()]
        assert {"401", "403", "422", "503", str(operation.status)} <= set(described["responses"])
        assert ("requestBody" in described) == (operation.body is not None)
        for status, answer in described["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
        for parameter in described["parameters"]:
            assert parameter["schema"].get("type") or parameter["schema"].get("enum"), parameter


def test_a_request_says_what_must_be_given() -> None:
    schemas = _document()["components"]["schemas"]
    assert schemas["NewTag"]["required"] == ["name", "campaign", "origins", "targets"]
    assert schemas["CarrierView"]["required"]
    assert "auth_token" not in schemas["CarrierView"]["properties"]


async def test_the_document_is_served_to_everybody(api: Api) -> None:
    answer = await api.client.get("/api/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == _document()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
def test_the_docs_name_every_operation(operation: Any) -> None:
    assert f"| `{operation.method} {operation.path}` |" in DOCS.read_text()
