"""Money: minor units and a currency."""

import pytest

from dni.errors import InvalidField
from dni.money import Money, currency, read


def test_it_is_written_with_the_digits_of_its_currency() -> None:
    assert str(Money(123_450, "USD")) == "1,234.50 USD"
    assert str(Money(-5, "EUR")) == "-0.05 EUR"
    assert str(Money(1250, "JPY")) == "1,250 JPY"
    assert str(Money(1250, "KWD")) == "1.250 KWD"


def test_sums_stay_in_one_currency() -> None:
    assert Money(100, "USD") + -Money(30, "USD") == Money(70, "USD")
    with pytest.raises(ValueError, match="EUR"):
        Money(1, "USD") + Money(1, "EUR")


@pytest.mark.parametrize("written", ["", "US", "dollars", "U$D", "ÜSD"])
def test_what_is_no_currency_is_refused(written: str) -> None:
    with pytest.raises(InvalidField, match="ISO 4217"):
        currency(written)


def test_a_currency_is_stored_in_capitals() -> None:
    assert currency("usd") == "USD"


@pytest.mark.parametrize(
    ("written", "unit", "amount"),
    [
        ("12.5", "USD", 1250),
        ("1,250", "USD", 125_000),
        ("1250", "JPY", 1250),
        (" 0.001 ", "KWD", 1),
        ("-3", "EUR", -300),
    ],
)
def test_it_is_read_as_people_write_it(written: str, unit: str, amount: int) -> None:
    assert read(written, unit, "/value") == Money(amount, unit)


@pytest.mark.parametrize("written", ["", "much", "1.234", "1e400", "NaN", "Infinity", "9" * 40, "1 2"])
def test_what_is_no_amount_is_refused(written: str) -> None:
    with pytest.raises(InvalidField, match=r"such as 125\.00"):
        read(written, "USD", "/value")
