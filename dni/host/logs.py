"""Log lines of the parent and its workers: plain text on stderr, without personal data or secrets."""

import logging
import sys


def configure(level: str) -> None:
    """Sends lines from `level` ("debug" … "error") upward to stderr, in one format for all processes."""
    logging.basicConfig(
        # Libraries speak of what went wrong only: at lower levels some log the values of SQL, which hold callers.
        level=max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s[%(process)d] %(message)s",
        force=True,
    )
    logging.getLogger("dni").setLevel(level.upper())
