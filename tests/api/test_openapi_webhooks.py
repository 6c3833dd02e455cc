"""What the OpenAPI document says of webhooks is what is sent: schemas, examples, headers."""

from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS31Validator

from dni.api.openapi import document
from dni.api.openapi_webhooks import DATA, WHEN, example_of
from dni.outbound import example, webhook
from dni.outbound.model import TYPES, Type
from dni.outbound.webhook import Settings

ALL: tuple[Type, ...] = (*TYPES, "test")
URL = "https://example.com/calls"


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return document()


def validator(made: dict[str, Any], kind: Type) -> OAS31Validator:
    content = made["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
    return OAS31Validator({"components": made["components"], **content["schema"]})


def test_every_type_is_described(made: dict[str, Any]) -> None:
    assert set(made["webhooks"]) == set(DATA) == set(WHEN) == set(ALL)


@pytest.mark.parametrize("kind", ALL)
def test_the_example_fits_its_schema_and_says_no_more(made: dict[str, Any], kind: Type) -> None:
    told = made["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["example"]
    validator(made, kind).validate(told)
    assert msgspec.to_builtins(msgspec.convert(told["data"], DATA[kind])) == told["data"]


@pytest.mark.parametrize("kind", ALL)
def test_the_example_is_what_a_webhook_posts(kind: Type) -> None:
    assert webhook.told(example.message(kind), Settings(url=URL)) == example_of(kind)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("role", ["publisher", "advertiser"])
def test_what_a_role_is_told_fits_too(made: dict[str, Any], kind: Type, role: webhook.Role) -> None:
    told = webhook.told(example.message(kind), Settings(url=URL, role=role))
    if told is None:
        assert kind in ("statement.closed", "call.corrected")
        assert role == "advertiser"
    else:
        validator(made, kind).validate(told)


def test_the_schema_is_no_schema_of_anything(made: dict[str, Any]) -> None:
    told = example_of("call.qualified")
    for wrong in ({**told, "version": 2}, {**told, "type": "call.started"}, {**told, "data": {}}):
        assert not validator(made, "call.qualified").is_valid(wrong)


def test_the_headers_are_those_that_are_sent(made: dict[str, Any]) -> None:
    named = {one["name"] for one in made["webhooks"]["call.started"]["post"]["parameters"]}
    assert named == {"webhook-id", "webhook-timestamp", "webhook-signature"}
