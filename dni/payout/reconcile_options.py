"""The options of `dni reconcile`, checked."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from dni.campaign.model import timezone
from dni.errors import BadArgument, InvalidField
from dni.payout.listed import NAMES
from dni.payout.model import bound_ms

_SPAN = re.compile(r"([0-9]{1,6})(s|m|h)?")
_UNITS = {None: 1, "s": 1, "m": 60, "h": 3600}
_LONGEST_S = 86_400


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """As typed; None: not given."""

    file: Path
    campaign: str | None = None
    publisher: str | None = None
    carrier: str | None = None
    from_: str | None = None
    to: str | None = None
    window: str | None = None
    tolerance: str | None = None
    timezone: str | None = None
    columns: str | None = None
    day_first: bool = False
    out: Path | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`campaign`, `publisher`, `carrier`: whose calls the list should have; None: all. `from_ms` None: from the list's
    first time on; `to_ms`, not within, None: until its last. `columns`: headings by what they are."""

    file: Path
    campaign: str | None
    publisher: str | None
    carrier: str | None
    from_ms: int | None
    to_ms: int | None
    window_ms: int
    tolerance_s: int
    timezone: str
    columns: dict[str, str]
    day_first: bool
    out: Path | None


def read(given: Given) -> Asked:
    """Raises BadArgument, in one line that names the option and what would be right."""
    zone = _right("--timezone", lambda: timezone(given.timezone or "UTC"))
    from_ms, to_ms = (
        None if text is None else _right(name, lambda text=text: bound_ms(text, zone, ""))  # type: ignore[misc]
        for name, text in (("--from", given.from_), ("--to", given.to))
    )
    if from_ms is not None and to_ms is not None and to_ms <= from_ms:
        raise BadArgument("--to: later than --from")
    return Asked(
        file=given.file,
        campaign=given.campaign,
        publisher=given.publisher,
        carrier=given.carrier,
        from_ms=from_ms,
        to_ms=to_ms,
        window_ms=_seconds("--window", given.window, 120) * 1000,
        tolerance_s=_seconds("--tolerance", given.tolerance, 2),
        timezone=zone,
        columns=columns(given.columns, tuple(NAMES)),
        day_first=given.day_first,
        out=given.out,
    )


def _right(name: str, read_it: Callable[[], Any]) -> Any:
    try:
        return read_it()
    except InvalidField as error:
        raise BadArgument(f"{name}: {error.errors[0].message}") from None


def _seconds(name: str, text: str | None, usual: int) -> int:
    if text is None:
        return usual
    found = _SPAN.fullmatch(text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else -1
    if not 0 <= seconds <= _LONGEST_S:
        raise BadArgument(f"{name}: seconds, or such as 2m, at most a day, not {text!r}")
    return seconds


def columns(text: str | None, names: tuple[str, ...]) -> dict[str, str]:
    """Headings by what they are, of `names`. Raises BadArgument."""
    found: dict[str, str] = {}
    for pair in (text or "").split(","):
        what, is_there, heading = pair.partition("=")
        if not text:
            break
        if not is_there or what.strip() not in names or not heading.strip():
            raise BadArgument(f"--columns: pairs such as time=Started, of {', '.join(names)}, not {pair!r}")
        found[what.strip()] = heading.strip()
    return found
