"""Which columns the list of calls shows: those of its address, else those that this browser chose last. Pure."""

from collections.abc import Sequence

from dni.access.model import Principal

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
    "qualified": "Qualified",
    "payout": "Payout",
    "revenue": "Revenue",
}
USUAL = ("caller", "dialled", "source", "campaign_name", "keyword", "landing_page", "result", "attributed")


# Who reads for one side alone reads for its money.
_OF_PUBLISHER = ("caller", "source", "campaign_name", "keyword", "result", "qualified", "payout")
_OF_ADVERTISER = ("caller", "source", "campaign_name", "keyword", "publisher", "result", "qualified", "revenue")


def offered(principal: Principal) -> dict[str, str]:
    """What the reader may choose from: of money only what he may know."""
    hidden = {side for side in ("payout", "revenue") if not getattr(principal, f"sees_{side}")}
    return {name: label for name, label in COLUMNS.items() if name not in hidden}


def usual(principal: Principal) -> tuple[str, ...]:
    return {"publisher": _OF_PUBLISHER, "advertiser": _OF_ADVERTISER}.get(principal.role, USUAL)


def read(asked: Sequence[str], kept: str | None, principal: Principal) -> tuple[str, ...]:
    """In the order of COLUMNS. `asked`: of the address, each may be several with commas; empty: nothing is asked.
    `kept`: the cookie. What is not offered is left out; nothing left is the usual."""
    known = offered(principal)
    for text in (",".join(asked), (kept or "").replace(".", ",")):
        wanted = set(text.split(","))
        if found := tuple(name for name in known if name in wanted):
            return found
    return tuple(name for name in usual(principal) if name in known)


def kept(columns: Sequence[str]) -> str:
    return ".".join(columns)
