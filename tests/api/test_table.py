import csv
import io

import msgspec
import pytest

from dni.api.table import csv_of


class Inner(msgspec.Struct):
    x: int | None


class Row(msgspec.Struct):
    text: str | None
    many: list[str]
    more: dict[str, str]
    yes: bool
    inner: Inner


def _read(*rows: Row) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_of(Row, rows))))


def test_a_value_of_every_kind_has_a_cell() -> None:
    assert _read(Row('a,b\n"c"', ["x", "y"], {"k": "v"}, True, Inner(1))) == [
        {"text": 'a,b\n"c"', "many": "x y", "more": '{"k":"v"}', "yes": "true", "inner.x": "1"}
    ]
    assert _read(Row(None, [], {}, False, Inner(None))) == [
        {"text": "", "many": "", "more": "", "yes": "false", "inner.x": ""}
    ]


def test_an_empty_list_still_has_its_header() -> None:
    assert csv_of(Row, []) == "text,many,more,yes,inner.x\r\n"


@pytest.mark.parametrize("formula", ["=1+1", "+1+1", "-1", "@SUM(A1)", "\tx", "\rx", "+", "+1415x", "=+14155550100"])
def test_no_cell_is_a_formula(formula: str) -> None:
    assert _read(Row(formula, [], {}, False, Inner(None)))[0]["text"] == "'" + formula
    assert _read(Row("", [formula], {}, False, Inner(None)))[0]["many"].startswith("'")


@pytest.mark.parametrize("number", ["+14155550100", "+1415555••••"])
def test_phone_numbers_stay_as_they_are(number: str) -> None:
    assert _read(Row(number, [], {}, False, Inner(None)))[0]["text"] == number
