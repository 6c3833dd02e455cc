"""`make run` as a newcomer types it: starts it, reads what it prints, and stops it with SIGTERM."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support import process

_ROOT = Path(__file__).parents[2]
# Downloads included: the promise of the README.
_WITHIN_SECONDS = 90


class MakeRun:
    """What the terminal says when it serves."""

    def __init__(self, data_dir: Path, text: str) -> None:
        self.data_dir = data_dir
        self.url = printed(text, "dni serves on")
        self.demo_page = printed(text, "Demo page")
        self.sign_in = printed(text, "Sign in")

    def client(self) -> httpx.Client:
        """Speaks to the admin API with the token from the file that the terminal named."""
        token = (self.data_dir / "admin-token").read_text().strip()
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)


@contextmanager
def running(data_dir: Path) -> Iterator[MakeRun]:
    """`make run` on a free port with the given data folder."""
    log = data_dir.with_name("make-run.log")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DNI_", "MAKE"))}
    command: list[str | Path] = ["make", "-C", _ROOT, "run", f"PORT={process.free_port()}", f"DATA={data_dir}"]
    child = process.start(command, log, env=env)
    try:
        process.wait_until(lambda: "Ring" in _read(log), "make run", child, log, _WITHIN_SECONDS)
        yield MakeRun(data_dir, _read(log))
    finally:
        process.stop(child)
        process.kill_group(child)


def _read(log: Path) -> str:
    return log.read_text() if log.exists() else ""


def printed(text: str, label: str) -> str:
    """The word behind `label` in what the terminal says."""
    found = re.search(rf"{label}\s+(\S+)", text)
    assert found, f"{label!r} is not in what was printed:\n{text}"
    return found[1]
