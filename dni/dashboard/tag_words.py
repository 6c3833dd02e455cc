"""What a tag's page says of reports: a sentence for the state, and what to do about it. Pure."""

from dni.tag.health import PageHealth, State

# By a report's reason, as docs/doors.md explains them.
_REASONS = {
    "exhausted": "every number of the pool may be on a screen; add numbers to the pool",
    "no_region": "the pool has no number of the visitor's region",
    "recovering": "the pool lost its memory a moment ago and comes back by itself",
    "recorder_behind": "too many events wait to be written; it passes by itself",
    "redis_away": "the service could not reach Redis",
    "rate_limited": "this address asked for many numbers that no page used",
    "bot": "the browser is driven by a program",
    "hidden": "nobody looked at the page yet",
    "consent": "the visitor did not agree",
    "no_consent": "the visitor did not agree",
    "rule": "a rule of the tag says that the original stays",
    "no_pool": "the tag has neither pool nor rule; give it one",
    "unknown_target": "the page holds an old copy of the tag",
    "failed": "the page could not reach this service: a blocker, a proxy or connect-src of its policy",
}

_HINTS = {
    "found_none": "None of the tag's numbers stands on the page. Compare them with what the page shows, "
    "or add a selector.",
    "reverted": "Something on the page wrote its own number back again and again, so the tag gave that place up. "
    "Set after_load, or keep that script from it.",
    "old_snippet": "The page runs another version of the script than this service's. A pinned snippet stays as it is "
    "until you copy a new one; any other is renewed within minutes.",
    "not_swapped": "The tag found the number and had no other to show yet.",
}


def says(page: PageHealth) -> str:
    """What its last report says; goes on after `We have seen your tag, `."""
    if page.latest == "swapped":
        return f"it swapped {_numbers(page.swapped)}"
    if page.latest == "old_snippet":
        return f"it swapped {_numbers(page.swapped)}, by an old snippet"
    if page.latest == "found_none":
        return "it ran and found 0 numbers"
    if page.latest == "reverted":
        return "but the page put its own number back"
    if page.latest == "no_number":
        return f"it kept the original: {_REASONS.get(page.reason or '', page.reason)}"
    return f"it found {_numbers(page.found)} and swapped none yet"


def hint(state: State, reason: str | None) -> str | None:
    """What to do about it, or None."""
    if state == "no_number":
        known = _REASONS.get(reason or "")
        return f"{known[0].upper()}{known[1:]}." if known else None
    return _HINTS.get(state)


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count:,} numbers"
