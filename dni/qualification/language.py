"""The language in which conditions of terms are written: `talk >= 90s and region in (CA, NV) and not repeat(30d)`."""

import re
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def parse(text: str, path: str = "", hours: frozenset[str] = frozenset()) -> Any:
    """The condition that `text` says. `hours`: names that `during` may take. Raises InvalidField with the position."""
    raise NotImplementedError
