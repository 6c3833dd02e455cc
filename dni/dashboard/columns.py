"""Which columns the list of calls shows: those of its address, else those that this browser chose last. Pure."""

from collections.abc import Sequence

COOKIE = "dni_columns"
COOKIE_S = 365 * 86_400

# When a call rang names the row and always stands first.
COLUMNS = {
    "caller": "Caller",
    "dialled": "Dialled",
    "source": "Source / medium",
    "campaign_name": "Campaign name",
    "keyword": "Keyword",
    "landing_page": "Landing page",
    "content": "Content",
    "channel": "Channel",
    "sub1": "Sub-id 1",
    "sub2": "Sub-id 2",
    "sub3": "Sub-id 3",
    "sub4": "Sub-id 4",
    "sub5": "Sub-id 5",
    "referrer": "Referrer",
    "campaign": "Campaign",
    "publisher": "Publisher",
    "tag": "Tag",
    "destination": "Connected to",
    "result": "Result",
    "attributed": "Attributed",
}
USUAL = ("caller", "dialled", "source", "campaign_name", "keyword", "landing_page", "result", "attributed")


def read(asked: Sequence[str], kept: str | None) -> tuple[str, ...]:
    """In the order of COLUMNS. `asked`: of the address, each may be several with commas; empty: nothing is asked.
    `kept`: the cookie. What does not exist is left out; nothing left is the usual."""
    for text in (",".join(asked), (kept or "").replace(".", ",")):
        wanted = set(text.split(","))
        if found := tuple(name for name in COLUMNS if name in wanted):
            return found
    return USUAL


def kept(columns: Sequence[str]) -> str:
    return ".".join(columns)
