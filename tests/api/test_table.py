import csv
import io

import msgspec

from dni.api.table import csv_of


class Inner(msgspec.Struct):
    x: int | None


class Row(msgspec.Struct):
    text: str | None
    many: list[str]
    more: dict[str, str]
    yes: bool
    inner: Inner
    perhaps: Inner | None = None
    since: int | None = msgspec.field(default=None, name="from")


_NONE = {"perhaps.x": "", "from": ""}


def _read(*rows: Row) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_of(Row, rows))))


def test_a_value_of_every_kind_has_a_cell() -> None:
    assert _read(Row('a,b\n"c"', ["x", "y"], {"k": "v"}, True, Inner(1))) == [
        {"text": 'a,b\n"c"', "many": "x y", "more": '{"k":"v"}', "yes": "true", "inner.x": "1", **_NONE}
    ]
    assert _read(Row(None, [], {}, False, Inner(None))) == [
        {"text": "", "many": "", "more": "", "yes": "false", "inner.x": "", **_NONE}
    ]


def test_what_is_nested_has_its_columns_where_it_is_missing_too() -> None:
    [row] = _read(Row("", [], {}, False, Inner(1), Inner(2), 3))
    assert (row["perhaps.x"], row["from"]) == ("2", "3")


def test_an_empty_list_still_has_its_header() -> None:
    assert csv_of(Row, []) == "text,many,more,yes,inner.x,perhaps.x,from\r\n"


def test_no_cell_is_a_formula() -> None:
    [row] = _read(Row("=1+1", ["", "=1"], {}, False, Inner(-1)))
    assert (row["text"], row["many"], row["inner.x"]) == ("'=1+1", "' =1", "-1")


def test_a_phone_number_stays_as_it_is_but_in_front() -> None:
    [row] = _read(Row("+14155550100", ["+1415555••••"], {}, False, Inner(None)))
    assert (row["text"], row["many"]) == ("'+14155550100", "+1415555••••")


def test_a_file_goes_on_without_a_second_header() -> None:
    row = Row("a", [], {}, False, Inner(1))
    assert csv_of(Row, [row]) + csv_of(Row, [row], header=False) == csv_of(Row, [row, row])
