"""Chromium started as a person starts his, not for a test.

A browser that playwright launches keeps every tab visible, keeps no page for going back, and prerenders none.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import process, programs
from tests.support.browser import PERSON

_ARGS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses its sandbox to root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-component-update",
    "--disable-sync",
    "--disable-blink-features=AutomationControlled",
    f"--user-agent={PERSON}",
    # Requests of its own go nowhere, and a public-looking host is this machine.
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


@contextmanager
def running(url: str) -> Iterator[None]:
    """A browser with one tab at `url` and a profile of its own, which nobody watches."""
    with _started(url):
        yield


@contextmanager
def with_devtools() -> Iterator[str]:
    """The address of a browser's door for DevTools."""
    with _started("about:blank", "--remote-debugging-port=0") as (folder, child):
        told = folder / "profile/DevToolsActivePort"
        process.wait_until(lambda: told.exists() and "\n" in told.read_text(), "Chromium", child, folder / "log", 20)
        yield f"http://127.0.0.1:{told.read_text().split()[0]}"


@contextmanager
def _started(url: str, *args: str) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    with tempfile.TemporaryDirectory(prefix="dni-chromium-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        child = process.start(
            [programs.chromium(), *_ARGS, *args, f"--user-data-dir={folder}/profile", url], folder / "log"
        )
        try:
            yield folder, child
        finally:
            process.kill_group(child)
            child.wait()
