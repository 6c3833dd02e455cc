"""`dni replay`: from a log's file to its answers, with the rule that was asked for."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import BinaryIO

import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from dni.errors import BadArgument
from dni.replay import output
from dni.replay.events import LONGEST_LINE, BadLog
from dni.replay.model import Answer, Played
from dni.replay.options import Asked
from dni.replay.replay import replay
from dni.replay.rule import Rule, fictional_numbers
from dni.replay.rule_fixed import Fixed
from dni.replay.rule_protected import Protected
from dni.replay.server import private_valkey

_SHOW_EVERY = 1_000  # lines

_encode = msgspec.json.Encoder().encode


def run(asked: Asked) -> Played:
    """Answers and summary are written when this returns. A progress bar goes to stderr when that is a terminal.

    Raises BadLog, BadArgument for files that cannot be used, UsageError when there is no Valkey.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(asked))


async def _run(asked: Asked) -> Played:
    try:
        file = asked.events.open("rb")
    except OSError as error:
        raise BadArgument(f"{asked.events} cannot be read: {error.strerror}") from None
    with file:
        if asked.out and asked.out.exists() and asked.out.samefile(asked.events) and asked.events.is_file():
            raise BadArgument(f"--out: {asked.out} is the log itself")
        with output.whole(asked.out) as out, _progress(asked, file) as lines:

            def tell(answer: Answer) -> None:
                out.write(_encode(answer) + b"\n")

            async with _rule(asked) as rule:
                try:
                    played = await replay(lines, rule, tell)
                except BadLog as error:
                    raise BadLog(f"{asked.events}, {error.detail}") from None
            out.write(_encode({"summary": played.summary}) + b"\n")
            return played


@asynccontextmanager
async def _rule(asked: Asked) -> AsyncIterator[Rule]:
    numbers = fictional_numbers(asked.numbers)
    if asked.rule == "fixed":
        yield Fixed(numbers)
        return
    async with private_valkey() as live:
        rule = Protected(live, numbers, asked.hold_ms)
        await rule.start()
        try:
            yield rule
        finally:
            await rule.drop()


@contextmanager
def _progress(asked: Asked, file: BinaryIO) -> Iterator[Iterator[bytes]]:
    """The lines of the file, and a bar that follows them through it."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(asked.events.name, total=os.fstat(file.fileno()).st_size or None)

        def lines() -> Iterator[bytes]:
            done = 0
            while line := file.readline(LONGEST_LINE + 1):
                yield line
                done += 1
                if done % _SHOW_EVERY == 0 and not progress.disable:
                    progress.update(bar, completed=file.tell())

        yield lines()
