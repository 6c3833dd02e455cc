"""What an answer's body says."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.outbound.answered import answered, without


class Said(msgspec.Struct):
    code: int
    message: str = ""


def test_what_was_expected_is_read() -> None:
    assert answered(b'{"code":0,"message":"OK","more":[1]}', Said) == Said(0, "OK")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>",
        b'{"code":"0"}',
        b'{"code":0',
        b'{"code":0,"message":"\xff"}',
        b'{"a":' + b"[" * 65_000,
    ],
)
def test_all_else_is_none(body: bytes) -> None:
    assert answered(body, Said) is None


@given(st.binary())
def test_nothing_makes_it_fail(body: bytes) -> None:
    answered(body, Said)


def test_a_secret_that_is_said_again_is_hidden_and_what_is_long_is_cut() -> None:
    assert without("no such token: EAAB; use EAABCD", "EAAB") == "no such token: •••; use •••CD"
    assert len(without("x" * 70_000, "EAAB")) == 500
