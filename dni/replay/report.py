"""What a replay came to, in a few lines for a person. Pure."""

from dni.replay.calibration import BINS, Calibration
from dni.replay.model import Played

_ROWS, _COLUMNS = 20, 60  # of the plot: a row is 5 %


def as_text(rule: str, numbers: int, played: Played, with_plot: bool = False) -> str:
    """Shares are of all visits, of all calls that a visitor made, and of all answers that state a confidence."""
    summary, truth = played.summary, played.truth
    visitors = truth.of_visitors
    rate = played.events / played.seconds if played.seconds else 0.0
    return "\n".join(
        [
            f"rule {rule}, {numbers:,} numbers",
            f"  visits             {summary.visits:9,}",
            f"  without a number   {_share(summary.overflow, summary.visits)}",
            f"  most in use        {summary.peak_in_use:9,}",
            f"  visitors' calls    {visitors:9,}",
            f"  credited right     {_share(truth.right, visitors)}",
            f"  credited wrong     {_share(truth.wrong, visitors)}",
            f"  without a number   {_share(truth.without_number, visitors)}",
            f"  unsolicited calls  {truth.unsolicited:9,}",
            f"  credited           {_share(truth.unsolicited_credited, truth.unsolicited)}",
            *_table(truth.calibration),
            *(["", *plot(truth.calibration)] if with_plot and truth.calibration.answers else []),
            f"{played.events:,} events in {played.seconds:.1f} s, {rate:,.0f} a second",
        ]
    )


def plot(calibration: Calibration) -> list[str]:
    """Share of right answers against stated confidence, of a width of 68 characters: `o` with the interval in which it
    lies with 95 %, and the diagonal on which it would lie if every confidence were exact."""
    grid = [[" "] * _COLUMNS for _ in range(_ROWS + 1)]
    for column in range(_COLUMNS):
        grid[_row(column / (_COLUMNS - 1))][column] = "."
    for one in calibration.bins:
        if one.answers:
            column = round(one.mean * (_COLUMNS - 1))
            low, high = one.interval
            for row in range(_row(high), _row(low) + 1):
                grid[row][column] = "|"
            grid[_row(one.share)][column] = "o"
    labels = {0: "100 %", _ROWS // 2: "50 %", _ROWS: "0 %"}
    lines = [f"{labels.get(row, ''):>6} |{''.join(cells).rstrip()}" for row, cells in enumerate(grid)]
    axis = f"{'0':<{_COLUMNS // 2}}{'0.5':<{_COLUMNS // 2 - 1}}1"
    return ["  right", *lines, "       +" + "-" * _COLUMNS, f"        {axis}", "        confidence"]


def _row(share: float) -> int:
    return round((1 - share) * _ROWS)


def _table(calibration: Calibration) -> list[str]:
    if not calibration.answers:
        return []
    lines = ["", "  confidence       answers    stated     right"]
    for at, one in enumerate(calibration.bins):
        if one.answers:
            lines.append(
                f"  {at / BINS:.1f} to {(at + 1) / BINS:.1f}     {one.answers:9,}   {one.mean:7.2%}   {one.share:7.2%}"
            )
    return [
        *lines,
        f"  expected calibration error {calibration.error:.3f}, Brier score {calibration.brier:.3f}",
    ]


def _share(part: int, whole: int) -> str:
    return f"{part:9,}" + (f"  {part / whole:7.2%}" if whole else "")
