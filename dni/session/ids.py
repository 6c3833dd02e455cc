"""Ids of other systems, as the cookies of a page tell them. Pure.

Google Analytics 4 needs two of its own to join an event to a visit, the client's and the session's; its cookies wrap
them. `_ga` is version, depth of the domain (and of the path), client: `GA1.2.123456789.1700000000`. `_ga_STREAM` is the
same before the session's start (s) and counts: `GS1.1.1700000000.5.1.…`, since May 2025 `GS2.1.s1700000000$o5$g1$…`.
"""

import re
from typing import Any

_CLIENT = re.compile(r"GA\d\.\d{1,3}(?:-\d{1,3})?\.(\d{1,20}\.\d{1,20})", re.ASCII)
_SESSION = re.compile(r"GS1\.\d{1,3}(?:-\d{1,3})?\.(\d{1,20})(?:\..*)?", re.ASCII | re.DOTALL)
_SESSION_2 = re.compile(
    r"GS2\.\d{1,3}(?:-\d{1,3})?\.(?:.*(?:\$|%24))?s(\d{1,20})(?:(?:\$|%24).*)?", re.ASCII | re.DOTALL
)


def read(told: dict[str, Any] | None) -> dict[str, Any]:
    """`ga` and `ga_session` in place of Google's cookies; all else, and a cookie that cannot be read, as it is.

    What the page itself calls `ga` or `ga_session` stays. Of several sessions, one a data stream, the latest counts.
    """
    found: dict[str, Any] = {}
    client, sessions = None, []
    for name, value in (told or {}).items():
        if name == "_ga" and (match := _matched(_CLIENT, value)):
            client = match
        elif name.startswith("_ga_") and (match := _matched(_SESSION, value) or _matched(_SESSION_2, value)):
            sessions.append(match)
        else:
            found[name] = value
    if client:
        found.setdefault("ga", client)
    if sessions:
        found.setdefault("ga_session", max(sessions, key=int))
    return found


def _matched(form: re.Pattern[str], value: Any) -> str | None:
    match = form.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else None
