"""`dni reconcile` on a terminal: a progress bar, the report's file, and the table at the end."""

from contextlib import ExitStack
from typing import BinaryIO

from rich.console import Console
from rich.progress import Progress

from dni.ledger.engines import Ledger
from dni.payout import reconcile_text
from dni.payout.reconcile import reconcile
from dni.payout.reconcile_options import Asked
from dni.payout.reconcile_text import Finding
from dni.replay.output import whole


async def compare(ledger: Ledger, asked: Asked, out: Console) -> bool:
    """Whether anything differs. Raises BadArgument, Unavailable."""
    first: dict[str, list[str]] = {}
    console = Console(stderr=True)
    with ExitStack() as stack:
        report: BinaryIO | None = stack.enter_context(whole(asked.out)) if asked.out else None
        if report:
            report.write(reconcile_text.report_line(reconcile_text.HEADINGS).encode())
        progress = stack.enter_context(Progress(console=console, transient=True, disable=not console.is_terminal))
        bar = progress.add_task("", total=1.0)

        def told(finding: Finding) -> None:
            if report:
                values = [getattr(finding, name) for name in reconcile_text.HEADINGS]
                report.write(reconcile_text.report_line(values).encode())
            shown = first.setdefault(finding.kind, [])
            if len(shown) < reconcile_text.SHOWN:
                shown.append(reconcile_text.in_words(finding))

        done = await reconcile(
            ledger, asked, told, lambda what, share: progress.update(bar, description=what, completed=share)
        )
    out.print(reconcile_text.table(asked.file.name, asked.timezone, done))
    for kind in reconcile_text.MEANING:
        for words in first.get(kind, ()):
            out.print(words)
    return bool(done.counts)
