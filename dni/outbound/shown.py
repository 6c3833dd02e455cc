"""Requests and answers as people read them: without secrets, of bounded length, as text. Pure."""

import re
from collections.abc import Sequence
from urllib.parse import quote

from dni.outbound.model import Answer, Request, Sent

ANSWER, BODY, URL = 2_000, 20_000, 4_000
"""Characters that are kept."""
_DOTS = "••••"
# All but line breaks and tabs; the ledger holds no NUL.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def request(made: Request) -> Sent:
    return Sent(
        made.method,
        _without(made.url, made.hidden)[:URL],
        _CONTROL.sub("", _cut(made.body, BODY, made.hidden)),
    )


def answer(came: Answer, hidden: Sequence[str] = ()) -> str | None:
    """The beginning of its body; None: there is none."""
    return _CONTROL.sub("", _cut(came.body, ANSWER, hidden)) or None


def _cut(body: bytes, most: int, hidden: Sequence[str]) -> str:
    # A character takes four bytes at most. A secret that is cut in two would not be found: what is cut off is read
    # as far as one may reach.
    reach = max((3 * len(secret.encode()) for secret in hidden), default=0)
    text = _without(body[: most * 4 + 4 + reach].decode("utf-8", "replace"), hidden)
    return text if len(text) <= most else text[: most - 1] + "…"


def _without(text: str, hidden: Sequence[str]) -> str:
    for secret in hidden:
        if secret:
            text = text.replace(secret, _DOTS).replace(quote(secret, safe=""), _DOTS)
    return text
