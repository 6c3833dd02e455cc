"""Which form of an answer the header Accept asks for. Pure."""

from dni.api.model import Operation
from dni.errors import NotAcceptable

JSON, CSV = "application/json", "text/csv"


def form_of(accept: str | None, operation: Operation) -> str:
    """`application/json`, or `text/csv` for a list when it is preferred. Raises NotAcceptable when neither will do."""
    offered = (JSON, CSV) if operation.is_list else (JSON,)
    if accept is None or not accept.strip():
        return JSON
    ranges = [_range(part) for part in accept.split(",")]
    best = max(offered, key=lambda form: _weight(form, ranges))
    if _weight(best, ranges) <= 0 and operation.answer is not None:
        raise NotAcceptable(f"this answer comes as {' or '.join(offered)}")
    return best


def _range(part: str) -> tuple[str, float]:
    name, *parameters = part.split(";")
    weight = 1.0
    for parameter in parameters:
        key, _, value = parameter.strip().partition("=")
        if key.strip().lower() == "q":
            try:
                weight = min(1.0, max(0.0, float(value)))
            except ValueError:
                weight = 0.0
    return name.strip().lower(), weight


def _weight(form: str, ranges: list[tuple[str, float]]) -> float:
    """Of the most exact range that covers the form, as RFC 9110 says."""
    for pattern in (form, f"{form.partition('/')[0]}/*", "*/*"):
        found = [weight for name, weight in ranges if name == pattern]
        if found:
            return max(found)
    return 0.0
