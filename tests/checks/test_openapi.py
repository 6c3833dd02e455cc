"""The OpenAPI document is valid 3.1 and knows every route of the admin API."""

from openapi_spec_validator import OpenAPIV31SpecValidator

from dni.api.openapi import document
from dni.api.operations import OPERATIONS, PREFIX


def test_the_document_is_valid() -> None:
    made = document()
    assert made["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(made).validate()


def test_every_operation_is_described() -> None:
    paths = document()["paths"]
    for operation in OPERATIONS:
        assert operation.method.lower() in paths[PREFIX + operation.path]
