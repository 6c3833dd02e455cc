"""What a replay came to, in a few lines for a person. Pure."""

from dni.replay.model import Played


def as_text(rule: str, numbers: int, played: Played) -> str:
    """Shares are of all visits, and of all calls that a visitor made."""
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
            f"{played.events:,} events in {played.seconds:.1f} s, {rate:,.0f} a second",
        ]
    )


def _share(part: int, whole: int) -> str:
    return f"{part:9,}" + (f"  {part / whole:7.2%}" if whole else "")
