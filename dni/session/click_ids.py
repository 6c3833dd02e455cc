"""Ad platforms' click ids: which query parameter belongs to whom and what it says about the visit."""

from typing import NamedTuple


class ClickId(NamedTuple):
    """Whose click it is. When the referrer is one of `partners`, sites that show this owner's ads as their
    own, it is the source. Not `paid`: the parameter also comes with links that nobody paid for."""

    source: str
    medium: str
    partners: frozenset[str] = frozenset()
    paid: bool = True


_META = frozenset({"instagram", "threads", "messenger", "whatsapp"})
_MICROSOFT = frozenset({"duckduckgo", "yahoo", "ecosia", "aol", "msn", "qwant"})
_ADOBE = frozenset({"google", "bing", "yahoo", "duckduckgo", "baidu", "yandex", "naver"})

CLICK_IDS: dict[str, ClickId] = {
    "gclid": ClickId("google", "cpc"),
    "gbraid": ClickId("google", "cpc"),
    "wbraid": ClickId("google", "cpc"),
    "msclkid": ClickId("bing", "cpc", _MICROSOFT),
    "yclid": ClickId("yandex", "cpc"),
    "vmcid": ClickId("yahoo", "cpc"),
    "dclid": ClickId("dv360", "display"),
    "ttclid": ClickId("tiktok", "paid_social"),
    "twclid": ClickId("x", "paid_social"),
    "li_fat_id": ClickId("linkedin", "paid_social"),
    "rdt_cid": ClickId("reddit", "paid_social"),
    "epik": ClickId("pinterest", "paid_social"),
    "sccid": ClickId("snapchat", "paid_social"),
    "qclid": ClickId("quora", "paid_social"),
    "ndclid": ClickId("nextdoor", "paid_social"),
    "spclid": ClickId("spotify", "audio"),
    "irclickid": ClickId("impact", "affiliate"),
    "ef_id": ClickId("adobe", "cpc", _ADOBE),
    "s_kwcid": ClickId("adobe", "cpc", _ADOBE),
    "fbclid": ClickId("facebook", "social", _META, paid=False),
}
"""By lower-case parameter name; when a URL carries several, the one that stands first here decides.

fbclid is last: Meta adds it to every outgoing link, also to one that already carries another platform's id.
"""

RANK: dict[str, int] = {name: rank for rank, name in enumerate(CLICK_IDS)}
