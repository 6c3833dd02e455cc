"""`dni conversions` on a terminal: a progress bar, the report's file, and the table at the end."""

from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dni.access.model import COMMAND_LINE
from dni.call import bring_csv
from dni.call.bring import bring, in_turns, reading
from dni.call.bring_model import MOST_DAYS, STATES, ConversionsReport
from dni.campaign.model import timezone
from dni.cells import guarded, line
from dni.errors import BadArgument, InvalidField
from dni.ledger.engines import Ledger
from dni.payout import reconcile_options
from dni.replay.output import whole
from dni.sheet import text_of

HEADINGS = ("row", "state", "call", "by", "says")
_SHOWN = 5


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """As typed; None: not given."""

    file: Path
    dry_run: bool = False
    campaign: str | None = None
    within_days: int | None = None
    timezone: str | None = None
    day_first: bool = False
    columns: str | None = None
    out: Path | None = None


async def bring_file(ledger: Ledger, now_ms: int, given: Given, out: Console) -> bool:
    """Whether every row was about a call, and is told. Raises BadArgument, Unavailable."""
    if given.within_days is not None and not 1 <= given.within_days <= MOST_DAYS:
        raise BadArgument(f"--within-days: from 1 to {MOST_DAYS}")
    try:
        text = text_of(given.file.read_bytes())
    except OSError as error:
        raise BadArgument(f"{given.file} cannot be read: {error.strerror}") from None
    columns = reconcile_options.columns(given.columns, tuple(bring_csv.NAMES))
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("reading the table", total=1.0)
        try:
            of = await reading(
                ledger,
                COMMAND_LINE,
                now_ms,
                campaign=given.campaign,
                timezone=timezone(given.timezone or "UTC"),
                day_first=given.day_first,
                within_days=given.within_days,
            )
            rows = await in_turns(bring_csv.read(text, of, columns))
        except InvalidField as error:
            wrong = error.errors[0]
            option = wrong.path.replace("/", "--")
            raise BadArgument(f"{option or given.file}: {wrong.message}") from None
        report = await bring(
            ledger,
            COMMAND_LINE,
            of,
            rows,
            dry_run=given.dry_run,
            tell=lambda what, share: progress.update(bar, description=what, completed=share),
        )
    if given.out:
        with whole(given.out) as file:
            file.write(_table(report).encode())
    _say(report, given.file.name, out)
    return report.matched + report.known == report.rows


def _table(report: ConversionsReport) -> str:
    told = ([getattr(one, name) for name in HEADINGS] for one in report.conversions)
    rows = [HEADINGS, *([guarded("" if cell is None else str(cell)) for cell in cells] for cells in told)]
    return "".join(line(cells) for cells in rows)


def _say(report: ConversionsReport, name: str, out: Console) -> None:
    shown = Table(title=f"{name}, {report.rows:,} rows")
    shown.add_column("")
    shown.add_column("rows", justify="right")
    shown.add_column("")
    for state, meaning in STATES.items():
        shown.add_row(state.replace("_", " "), f"{getattr(report, state):,}", meaning)
    out.print(shown)
    for state in ("not_matched", "ambiguous", "wrong"):
        for one in [one for one in report.conversions if one.state == state][:_SHOWN]:
            out.print(f"{state.replace('_', ' '):12} row {one.row}: {one.says}", markup=False)
    if report.dry_run:
        out.print("a dry run: nothing was told")
