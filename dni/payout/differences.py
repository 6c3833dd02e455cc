"""Where a row of a list says otherwise of a call than we do. Pure."""

import msgspec

from dni import money
from dni.errors import InvalidField
from dni.payout.listed import Listed


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """What we hold of a call. Amounts in minor units of `currency`; None: not judged."""

    number: str
    caller: str | None
    at_ms: int
    duration_s: int | None
    talk_s: int | None
    payout: int | None
    revenue: int | None
    currency: str | None


class Difference(msgspec.Struct, frozen=True):
    """Of one field. Times in ms."""

    field: str
    theirs: str
    ours: str


def differences(row: Listed, call: Ours, tolerance_s: int, window_ms: int) -> list[Difference]:
    """Where a row says otherwise than our call. A duration is right if it is that from the first ring, or what was
    spoken: lists mean either."""
    found = [
        Difference(name, said, held)
        for name, said, held in (("number", row.number, call.number), ("caller", row.caller, call.caller))
        if said and held and said != held
    ]
    if row.at_ms is not None and abs(row.at_ms - call.at_ms) > window_ms:
        found.append(Difference("time", str(row.at_ms), str(call.at_ms)))
    for name, said_s, held_s in (
        ("duration", row.duration_s, (call.duration_s, call.talk_s)),
        ("talk", row.talk_s, (call.talk_s,)),
    ):
        known = [seconds for seconds in held_s if seconds is not None]
        if said_s is not None and known and all(abs(said_s - seconds) > tolerance_s for seconds in known):
            found.append(
                Difference(name, f"{said_s} s", " or ".join(f"{seconds} s" for seconds in dict.fromkeys(known)))
            )
    found += [
        one
        for name in ("payout", "revenue")
        if (one := _amount(name, getattr(row, name), getattr(call, name), call.currency))
    ]
    return found


def _amount(name: str, said: str | None, held: int | None, currency: str | None) -> Difference | None:
    if said is None:
        return None
    code, _, amount = said.rpartition(" ")
    try:
        theirs = money.read(amount, currency or "USD", "").amount if code in ("", currency) else None
    except InvalidField:
        theirs = None
    if theirs == (held or 0):
        return None
    ours = "not judged" if held is None or currency is None else str(money.Money(held, currency))
    return Difference(name, said, ours)
