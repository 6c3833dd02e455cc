"""Money is an integer of minor units and a currency; never a float."""

from decimal import Decimal, InvalidOperation

import msgspec

from dni.errors import InvalidField

# Currencies whose minor unit is not a hundredth (ISO 4217); every other one has two digits.
_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3, "JOD": 3, "OMR": 3}


class Money(msgspec.Struct, frozen=True):
    """`{"amount":1250,"currency":"USD"}` is 12.50 US dollars."""

    amount: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        digits = _DIGITS.get(self.currency, 2)
        return f"{self.major:,.{digits}f} {self.currency}"

    @property
    def major(self) -> Decimal:
        """As people count it: 12.50."""
        return Decimal(self.amount).scaleb(-_DIGITS.get(self.currency, 2))


def read(text: str, unit: str, path: str) -> Money:
    """`12.50` of a currency as people write it, commas between thousands or not. Raises InvalidField."""
    try:
        amount = Decimal(text.replace(",", "").strip()).scaleb(_DIGITS.get(unit, 2))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount != amount.to_integral_value() or abs(amount) >= 10**15:
        raise InvalidField(path, f"an amount of {unit}, such as {Money(12_500, unit)}".removesuffix(f" {unit}"))
    return Money(int(amount), unit)


def currency(text: str, path: str = "/currency") -> str:
    """An ISO 4217 code in capitals. Raises InvalidField."""
    if len(text) == 3 and text.isascii() and text.isalpha():
        return text.upper()
    raise InvalidField(path, f"not a currency: give the three letters of ISO 4217, such as USD, not {text[:20]!r}")
