"""Money: minor units and a currency."""

import pytest

from dni.errors import InvalidField
from dni.money import Money, currency


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
