"""Where lines go: a file that is there whole or not at all, or standard output."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dni.errors import BadArgument


@contextmanager
def whole(path: Path | None) -> Iterator[BinaryIO]:
    """A file beside `path` takes its place at the end of the block, if that is reached; else nothing is left of it.

    None, or what is no plain file (a pipe, /dev/null), is written to as it goes. Raises BadArgument when it cannot be
    written.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = path.resolve()
    in_place = path.exists() and not path.is_file()
    draft = path if in_place else path.with_name(f".{path.name}.{os.getpid()}")
    try:
        file = draft.open("wb" if in_place else "xb")
    except OSError as error:
        raise BadArgument(f"--out: {path} cannot be written: {error.strerror}") from None
    try:
        with file:
            yield file
        if not in_place:
            draft.replace(path)
    except BaseException:
        if not in_place:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        raise
