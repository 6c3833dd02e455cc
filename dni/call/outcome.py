"""What is told of what became of a call, as a value. Pure."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from dni import money
from dni.campaign import model
from dni.errors import InvalidField
from dni.money import Money

LARGEST = 10**12
"""Minor units: ten thousand million of a currency with cents."""

Note = Annotated[str, msgspec.Meta(max_length=2_000)]
Status = Annotated[str, msgspec.Meta(max_length=64, examples=["appointment"])]


class TellOutcome(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it was told before; null takes it back."""

    sale: bool | UnsetType | None = UNSET
    value: Money | UnsetType | None = UNSET
    lead_status: Status | UnsetType | None = UNSET
    note: Note | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if all(getattr(self, name) is UNSET for name in ("sale", "value", "lead_status", "note")):
            raise InvalidField("", "tell at least one of sale, value, lead_status and note")
        if isinstance(self.value, Money):
            if not 0 <= self.value.amount <= LARGEST:
                raise InvalidField("/value/amount", f"minor units, from 0 to {LARGEST:,}")
            self.value = Money(self.value.amount, money.currency(self.value.currency, "/value/currency"))
        if isinstance(self.lead_status, str):
            self.lead_status = model.text(self.lead_status, "/lead_status", 64)
        if isinstance(self.note, str):
            self.note = model.text(self.note, "/note", 2_000)
