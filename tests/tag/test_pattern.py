"""The expression of a target, country by country; JavaScript is tested with the same table (snippet/tests)."""

import json
import re
from pathlib import Path

import phonenumbers
import pytest

from dni.tag.pattern import pattern

_FOLDER = Path(__file__).parents[2] / "snippet/tests"
_WRITTEN: dict[str, dict[str, list[str]]] = json.loads((_FOLDER / "written.json").read_text())
_PATTERNS = _FOLDER / "patterns.json"


@pytest.mark.parametrize(
    ("e164", "country"),
    [
        ("+14155550100", "1"),
        ("+442079460123", "44"),
        ("+493023125123", "49"),
        ("+33199001234", "33"),
        ("+61255501234", "61"),
        ("+77012345678", "7"),
        ("+201234567890", "20"),
        ("+27123456789", "27"),
        ("+35312345678", "353"),
        ("+85223456789", "852"),
        ("+2901234", "290"),
    ],
)
def test_the_country_is_split_off(e164: str, country: str) -> None:
    code, source = pattern(e164)
    assert code == country
    assert _whole(source, e164, e164)
    assert _whole(source, e164, f"00{e164[1:]}")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "+",
        "4155550100",
        "+04155550100",
        "+1",
        "tel:+1",
    ],
)
def test_what_is_no_e164_number_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"E\.164"):
        pattern(wrong)


@pytest.mark.parametrize("e164", _WRITTEN)
def test_ways_to_write_a_target(e164: str) -> None:
    _, source = pattern(e164)
    table = _WRITTEN[e164]
    assert [written for written in table["found"] if not _whole(source, e164, written)] == []
    # Of what only ends or begins like one, the tag's own checks tell: snippet/tests has the same table.
    assert [written for written in table["stays"] if _whole(source, e164, written)] == []


@pytest.mark.parametrize("e164", _WRITTEN)
def test_the_tag_can_use_it(e164: str) -> None:
    """It makes a group of each target, and Safari before 16.4 fails to read a look-behind."""
    _, source = pattern(e164)
    assert re.compile(source).groups == 0
    assert "(?<" not in source


def test_javascript_is_tested_with_these_expressions() -> None:
    assert json.loads(_PATTERNS.read_text()) == {e164: list(pattern(e164)) for e164 in _WRITTEN}, (
        f"{_PATTERNS} is of an older pattern(): write what it gives now for each number of written.json"
    )


def test_a_long_run_of_separators_costs_little() -> None:
    """No backtracking that grows with the page."""
    for e164 in _WRITTEN:
        country, source = pattern(e164)
        digits = e164[1 + len(country) :]
        for text in (
            f"{digits[:3]}{' ' * 100_000}x{digits[3:]}",
            f"{digits[:-1]} " * 5_000,
            "(" * 50_000,
            "+" * 50_000,
        ):
            assert not any(_is(e164, found[0]) for found in re.finditer(source, text))


def _whole(source: str, e164: str, written: str) -> bool:
    return re.fullmatch(source, written) is not None and _is(e164, written)


def _is(e164: str, found: str) -> bool:
    """Letters are the expression's own affair."""
    number = phonenumbers.parse(e164)
    digits = re.sub(r"\D", "", found)
    return found.upper() != found.lower() or digits.endswith(phonenumbers.national_significant_number(number))
