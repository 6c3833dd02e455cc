"""Draws shares against a count, as text for a terminal: 80 columns, ASCII, no colour. Pure."""

from collections.abc import Callable, Mapping
from math import log10

# Equal steps on a logarithmic scale, near enough: each is a row.
_SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_COLUMNS = 68
_MARGIN = 8


def plot(curves: Mapping[str, Callable[[int], float]], low: int, high: int, answer: int) -> list[str]:
    """Lines of at most 80 characters. `curves`: mark (one character) -> share for a count, `low` to `high`.

    Where two curves meet there is a `*`; a share below 0.1 % is not drawn. A line of `|` stands at `answer`, which
    lies between `low` < `high`.
    """
    width = high - low
    counts = [low + round(column * width / (_COLUMNS - 1)) for column in range(_COLUMNS)]
    at = _column(answer, low, width)
    # Several columns may stand for one count, and the answer's own must be exact.
    counts[at] = answer
    grid = [["|" if column == at else " " for column in range(_COLUMNS)] for _ in _SHARES]
    for mark, share in curves.items():
        known = {count: _row(share(count)) for count in set(counts)}
        for column, count in enumerate(counts):
            row = known[count]
            if row is not None:
                grid[row][column] = mark if grid[row][column] in " |" else "*"
    lines = [f"{f'{share:.1%}' if share < 0.01 else f'{share:.0%}':>{_MARGIN - 2}} |" + "".join(cells).rstrip()
             for share, cells in zip(_SHARES, grid, strict=True)]  # fmt: skip
    return [*lines, " " * (_MARGIN - 1) + "+" + "-" * _COLUMNS, _axis(low, high, answer)]


def _row(share: float) -> int | None:
    if share < _SHARES[-1] / 1.2:
        return None
    step = log10(_SHARES[0] / _SHARES[-1]) / (len(_SHARES) - 1)
    return min(len(_SHARES) - 1, max(0, round(log10(_SHARES[0] / share) / step)))


def _column(count: int, low: int, width: int) -> int:
    return round((count - low) * (_COLUMNS - 1) / width)


def _axis(low: int, high: int, answer: int) -> str:
    """The ends and the answer, each below its place; an end that would touch the answer is left out."""
    cells = [" "] * (_MARGIN + _COLUMNS)
    for count in (answer, low, high):
        label = str(count)
        middle = _MARGIN + _column(count, low, high - low)
        begin = min(max(_MARGIN - 1, middle - len(label) // 2), len(cells) - len(label))
        if all(cell == " " for cell in cells[max(0, begin - 1) : begin + len(label) + 1]):
            cells[begin : begin + len(label)] = label
    return "".join(cells).rstrip()
