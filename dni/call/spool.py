"""Call events that the ledger could not take, in files until it can. Every line is on disk before `append` returns.

`calls.jsonl` is written by all processes of a host. To be drained it is renamed, so writers begin a new one; a lock
that each writer holds for its line tells the drainer when the last line has gone into the old file. Lines are applied
before their file goes, and applying one twice changes nothing: a kill at any point neither loses nor doubles one.
"""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME, _DRAINING, _UNREADABLE = "calls.jsonl", "draining.jsonl", "unreadable.jsonl"


class Spool:
    """Blocking: call it in a thread. Every method raises OSError where the disk does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, *lines: bytes) -> None:
        """Lines without their ends, all in one write. After an error nothing of them is left."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._open(_NAME) as file:
            _add(file, *lines)

    def set_aside(self, line: bytes) -> None:
        """A line that cannot be applied, ever: kept for a person to read."""
        with self._open(_UNREADABLE) as file:
            _add(file, line)

    def waits(self) -> bool:
        """Whether there are lines that the ledger does not have yet."""
        return any((self._folder / name).exists() for name in (_NAME, _DRAINING))

    def forget(self, texts: Collection[str]) -> int:
        """Takes lines with any of these texts out of what was set aside; how many."""
        path = self._folder / _UNREADABLE
        if not path.exists():
            return 0
        wanted = [text.encode() for text in texts]
        with self._open(_UNREADABLE):
            lines = self.lines(path)
            kept = [line for line in lines if not any(text in line for text in wanted)]
            if len(kept) < len(lines):
                draft = path.with_suffix(".draft")
                with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.write(b"".join(line + b"\n" for line in kept))
                    file.flush()
                    os.fsync(file.fileno())
                draft.rename(path)
                _sync_folder(self._folder)
        return len(lines) - len(kept)

    def take(self) -> Path | None:
        """The file to drain, which nobody writes any more. None: nothing waits. One process drains a host."""
        draining = self._folder / _DRAINING
        if draining.exists():
            return draining
        path = self._folder / _NAME
        if not path.exists():
            return None
        with path.open("rb") as file:
            path.rename(draining)
            fcntl.flock(file, fcntl.LOCK_EX)
        return draining

    def lines(self, path: Path) -> list[bytes]:
        """Whole lines; what a crash tore apart is a line of its own."""
        return [line for line in path.read_bytes().split(b"\n") if line.strip()]

    def done(self, path: Path) -> None:
        path.unlink()
        _sync_folder(self._folder)

    @contextmanager
    def _open(self, name: str) -> Iterator[int]:
        path = self._folder / name
        while True:
            is_new = not path.exists()
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not _is_at(file, path):  # renamed between our opening and our lock
                    continue
                yield file
                if is_new:
                    _sync_folder(self._folder)
                return
            finally:
                os.close(file)


def _add(file: int, *lines: bytes) -> None:
    before = os.fstat(file).st_size
    try:
        # A line break on both sides: a line that a crash tore apart does not spoil the next.
        data = b"".join(b"\n" + line + b"\n" for line in lines)
        if os.write(file, data) != len(data):
            raise OSError("the disk took only a part of the lines")
        os.fsync(file)
    except OSError:
        os.ftruncate(file, before)
        raise


def _is_at(file: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(file)
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
