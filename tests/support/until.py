"""Waiting for a condition of other processes, with a limit."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path


async def until(holds: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 20) -> None:
    """Returns when `holds()` is true. Raises AssertionError naming `what` after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = holds()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s: {what}") from None


def runs(pid: int) -> bool:
    """Whether a process lives (Linux); one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
