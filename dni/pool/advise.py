"""`dni size`: checks what was given, measures or assumes the rest, and says how many numbers it takes."""

from math import isfinite, sqrt

import msgspec

from dni.errors import BadArgument, UsageError
from dni.pool import sizing
from dni.pool.measure import DAYS, FEWEST_LEASES, FEWEST_VISITS, Measured
from dni.pool.sizing import AroundMean, AsMeasured, Demand

HOLD_SECONDS = 120.0
"""A new pool's hold."""
BLOCKING = 0.01
CALL_DELAY_SECONDS = 600.0
"""Assumed when nothing is known: as long as a tapped number is kept for a late or second dial."""
FEW_LATE = 0.1
"""The share of calls after reuse for which a second count of numbers is told."""

_YEAR_S = 31_536_000.0


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The options as they were typed; None: not given."""

    arrivals_per_hour: str | None = None
    visit_seconds: str | None = None
    hold_seconds: str | None = None
    blocking: str | None = None
    call_delay_seconds: str | None = None
    from_ledger: bool = False
    pool: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The options, checked. None: not given, to be measured or assumed."""

    arrivals_per_hour: float | None
    visit_seconds: float | None
    hold_seconds: float | None
    blocking: float
    call_delay_seconds: float | None
    from_ledger: bool
    pool: str | None


class Row(msgspec.Struct, frozen=True):
    """What a pool of `numbers` does in the busiest hour."""

    numbers: int
    blocking: float
    rest_seconds: float
    calls_after_reuse: float


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """`sources` tells of each input whether it was given, measured or assumed."""

    numbers: int
    numbers_for_few_late: int | None
    demand: Demand
    blocking: float
    rows: list[Row]
    sources: dict[str, str]
    measured: Measured | None


def read(given: Given) -> Asked:
    """Raises BadArgument, in one line that names the option and what would be right."""
    asked = Asked(
        arrivals_per_hour=_number("--arrivals-per-hour", given.arrivals_per_hour, 0.001, 1e9),
        visit_seconds=_number("--visit-seconds", given.visit_seconds, 0.001, _YEAR_S),
        hold_seconds=_number("--hold-seconds", given.hold_seconds, 0.0, _YEAR_S),
        blocking=_share("--blocking", given.blocking, BLOCKING),
        call_delay_seconds=_number("--call-delay-seconds", given.call_delay_seconds, 0.001, _YEAR_S),
        from_ledger=given.from_ledger,
        pool=given.pool,
    )
    if given.from_ledger:
        return asked
    if given.pool is not None:
        raise BadArgument("--pool goes with --from-ledger: it names the pool to measure")
    needed = {"--arrivals-per-hour": asked.arrivals_per_hour, "--visit-seconds": asked.visit_seconds}
    if missing := [name for name, value in needed.items() if value is None]:
        raise BadArgument(f"say {' and '.join(missing)}, or --from-ledger to measure what is not said")
    return asked


def advise(asked: Asked, measured: Measured | None) -> Advice:
    """What was given beats what was measured, and that what is assumed.

    Raises BadArgument for traffic beyond all measure, UsageError when the ledger tells too little.
    """
    demand, sources = _demand(asked, measured)
    if demand.erlangs > sizing.MOST:
        raise BadArgument(
            f"that is traffic of {demand.erlangs:,.0f} erlangs (numbers in use at once); up to {sizing.MOST:,} is sized"
        )
    numbers = sizing.numbers_for_blocking(demand.erlangs, asked.blocking)
    few_late = sizing.numbers_for_late_share(demand, FEW_LATE)
    counts = {numbers + step * max(1, round(sqrt(numbers) / 2)) for step in (-2, -1, 0, 1, 2)}
    counts |= {round(numbers * times) for times in (1.5, 2, 3)} | ({few_late} if few_late else set())
    return Advice(
        numbers=numbers,
        numbers_for_few_late=few_late,
        demand=demand,
        blocking=asked.blocking,
        rows=[at(demand, count) for count in sorted(counts) if count > 0],
        sources=sources,
        measured=measured,
    )


def at(demand: Demand, numbers: int) -> Row:
    """What so many numbers, at least one, would do."""
    return Row(
        numbers,
        sizing.erlang_b(numbers, demand.erlangs),
        sizing.rest_seconds(demand, numbers),
        sizing.late_share(demand, numbers),
    )


def _number(option: str, text: str | None, low: float, high: float) -> float | None:
    if text is None:
        return None
    value = _float(text)
    if value is None or not low <= value <= high:
        raise BadArgument(f"{option}: a number from {low:g} to {high:,.0f}, not {text!r}")
    return value


def _share(option: str, text: str | None, default: float) -> float:
    if text is None:
        return default
    value = _float(text)
    if value is None or not 0 < value < 1:
        raise BadArgument(f"{option}: a share above 0 and below 1, such as 0.01 for 1 %, not {text!r}")
    return value


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _demand(asked: Asked, measured: Measured | None) -> tuple[Demand, dict[str, str]]:
    """Also where each of its figures comes from. Raises UsageError when one can be had from nowhere."""
    sources: dict[str, str] = {}

    def pick(name: str, given: float | None, found: float | None, assumed: float | None = None) -> float | None:
        for source, value in (("given", given), ("measured", found), ("assumed", assumed)):
            if value is not None:
                sources[name] = source
                return value
        return None

    known = measured or _NOTHING
    arrivals = pick("arrivals_per_hour", asked.arrivals_per_hour, known.arrivals_per_hour)
    visit = pick("visit_seconds", asked.visit_seconds, known.visit_seconds)
    if arrivals is None or visit is None:
        raise UsageError(_too_little(known, arrivals is None, visit is None))
    hold = pick("hold_seconds", asked.hold_seconds, known.hold_seconds, HOLD_SECONDS)
    delay: AroundMean | AsMeasured
    if asked.call_delay_seconds is None and known.delays is not None:
        delay, sources["call_delay_seconds"] = AsMeasured(known.delays), "measured"
    else:
        mean = pick("call_delay_seconds", asked.call_delay_seconds, None, CALL_DELAY_SECONDS)
        delay = AroundMean(mean or CALL_DELAY_SECONDS)
    return Demand(arrivals, visit, hold or 0.0, delay), sources


_NOTHING = Measured(
    pools=0, numbers=0, hold_seconds=None, leases=0, arrivals_per_hour=None, busiest_hour_ms=None, refused=0, visits=0,
    visit_seconds=None, calls=0, delays=None,
)  # fmt: skip


def _too_little(known: Measured, arrivals: bool, visit: bool) -> str:
    missing, options = [], []
    if arrivals:
        missing.append(f"{known.leases} leases where {FEWEST_LEASES} are needed for the arrivals")
        options.append("--arrivals-per-hour")
    if visit:
        missing.append(f"{known.visits} finished visits where {FEWEST_VISITS} are needed for their length")
        options.append("--visit-seconds")
    return f"the ledger of the last {DAYS} days has {' and '.join(missing)}: wait, or say {' and '.join(options)}"
