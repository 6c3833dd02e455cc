"""How the advice of `dni size` reads: as text of 80 columns without colour, or as JSON."""

from datetime import UTC, datetime
from textwrap import wrap
from typing import Any

import msgspec

from dni.pool import sizing
from dni.pool.advise import FEW_LATE, Advice
from dni.pool.measure import FEWEST_CALLS, Measured
from dni.pool.plot import plot
from dni.pool.sizing import AroundMean, AsMeasured, Demand

_WIDTH = 79


def as_text(advice: Advice) -> str:
    """The advice as text of at most 80 columns."""
    few = advice.numbers_for_few_late
    own = next(row for row in advice.rows if row.numbers == advice.numbers)
    summary = (
        f"You need {_numbers(advice.numbers)}: {percent(own.blocking)} of visits then find none free in the busiest "
        f"hour ({percent(advice.blocking)} allowed). A number rests {duration(own.rest_seconds)} on average before "
        f"the next visit gets it; {percent(own.calls_after_reuse)} of calls come after reuse, on a number that is "
        "somebody else's by then."
    )
    if few is None:
        summary += f" To bring those to {percent(FEW_LATE)} you would need more than {sizing.MOST:,}."
    elif few > advice.numbers:
        summary += f" To bring those to {percent(FEW_LATE)} you need {_numbers(few)}."
    # A count and its unit stay on one line.
    lines = [line.replace("~", " ") for line in wrap(summary.replace(" %", "~%"), _WIDTH)]
    lines += ["", *_inputs(advice), "", *_table(advice), "", *_chart(advice)]
    return "\n".join(lines)


def as_json(advice: Advice) -> str:
    """One JSON object: counts, inputs with where they came from, and the table; shares are 0..1, times seconds."""
    measured = advice.measured
    plain: dict[str, Any] = {
        "numbers": advice.numbers,
        "numbers_for_10_percent_late": advice.numbers_for_few_late,
        "erlangs": advice.demand.erlangs,
        "inputs": {
            "arrivals_per_hour": advice.demand.arrivals_per_hour,
            "visit_seconds": advice.demand.visit_seconds,
            "hold_seconds": advice.demand.hold_seconds,
            "blocking": advice.blocking,
            "call_delay_seconds": _mean_delay(advice.demand),
        },
        "sources": advice.sources,
        "rows": advice.rows,
        "measured": None if measured is None else _without_delays(measured),
    }
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()


def _inputs(advice: Advice) -> list[str]:
    demand, measured, sources = advice.demand, advice.measured, advice.sources
    arrivals, delay = sources["arrivals_per_hour"], sources["call_delay_seconds"]
    if measured and measured.busiest_hour_ms is not None and arrivals == "measured":
        began = datetime.fromtimestamp(measured.busiest_hour_ms / 1000, UTC)
        arrivals = f"{began:%a %Y-%m-%d} from {began:%H:%M} UTC"
        if measured.refused:
            arrivals += f" ({measured.refused:,} refused)"
    if delay == "measured":
        after = sum(1 for each in _delays(demand) if each > 0) / len(_delays(demand))
        delay = f"{measured.calls if measured else 0:,} calls; {1 - after:.0%} during the visit"
    elif measured and measured.delays is None and delay == "assumed":
        delay = f"assumed: {measured.calls} of {FEWEST_CALLS} calls that it takes to measure"
    elif delay == "assumed":
        delay = "assumed; --call-delay-seconds says yours"
    facts = [
        ("arrivals", f"{_plain(demand.arrivals_per_hour)} an hour", arrivals),
        ("visit", duration(demand.visit_seconds), sources["visit_seconds"]),
        ("hold", duration(demand.hold_seconds), sources["hold_seconds"]),
        ("call delay", duration(_mean_delay(demand)), delay),
        ("traffic", f"{_plain(demand.erlangs)} erlangs", "numbers in use at once"),
    ]
    if measured and measured.pools:
        where = "in this pool" if measured.pools == 1 else f"in {measured.pools} pools, taken as one"
        facts.append(("today", _numbers(measured.numbers), where))
    wide = max(len(value) for _, value, _ in facts)
    return [f"  {name:<10}  {value:<{wide}}  {source}" for name, value, source in facts]


def _table(advice: Advice) -> list[str]:
    lines = ["   numbers   visits without one   rest before reuse   calls after reuse"]
    for row in advice.rows:
        mark = "  <" if row.numbers == advice.numbers else ""
        lines.append(
            f"{row.numbers:>10,}   {percent(row.blocking):>18}   {duration(row.rest_seconds):>17}"
            f"   {percent(row.calls_after_reuse):>17}{mark}"
        )
    return lines


def _chart(advice: Advice) -> list[str]:
    demand, numbers = advice.demand, advice.numbers
    low = max(1, numbers // 2)
    wide = max(round(1.5 * numbers), numbers + 8)
    high = max(wide, min(8 * numbers, round(1.1 * (advice.numbers_for_few_late or 0))))
    curves = {
        "o": lambda count: sizing.erlang_b(count, demand.erlangs),
        "+": lambda count: sizing.late_share(demand, count),
    }
    return [
        f"  o visits without a number   + calls after reuse   * both   | {_numbers(numbers)}",
        "",
        *plot(curves, low, high, numbers),
    ]


def _without_delays(measured: Measured) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(measured)
    del plain["delays"]
    return plain


def _delays(demand: Demand) -> tuple[float, ...]:
    return demand.delay.seconds if isinstance(demand.delay, AsMeasured) else ()


def _mean_delay(demand: Demand) -> float:
    if isinstance(demand.delay, AroundMean):
        return demand.delay.mean_seconds
    return sum(demand.delay.seconds) / len(demand.delay.seconds)


def _numbers(count: int) -> str:
    return f"{count:,} number{'' if count == 1 else 's'}"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """`12 %`, `0.71 %`, `< 0.01 %`."""
    if share >= 0.0995:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2g} %" if share >= 0.0001 else "< 0.01 %"


def duration(seconds: float) -> str:
    """`45 s`, `2 min 24 s`, `3 h 5 min`, `12 d 4 h`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        return _two(seconds, 60, "min", "s")
    return _two(seconds / 60, 60, "h", "min") if seconds < 86_400 else _two(seconds / 3600, 24, "d", "h")


def _two(count: float, size: int, unit: str, part: str) -> str:
    whole, rest = divmod(round(count), size)
    return f"{whole:,} {unit}" + (f" {rest} {part}" if rest else "")
