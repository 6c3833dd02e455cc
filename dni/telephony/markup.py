"""Elements of an XML document, as text. Pure."""

import re
from xml.sax.saxutils import escape, quoteattr

from dni.telephony.model import Answer

# What XML 1.0 cannot hold, not even escaped.
_NEVER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(name: str, inner: str = "", **attributes: str | int | None) -> str:
    """`inner` is markup already. An attribute that is None is left out."""
    told = "".join(
        f" {attribute}={quoteattr(_NEVER.sub('', str(value)))}"
        for attribute, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}>{inner}</{name}>" if inner else f"<{name}{told}/>"


def words(text: str) -> str:
    """A text as markup."""
    return escape(_NEVER.sub("", text))


def answer(*elements: str) -> Answer:
    """A document of these, for a carrier to carry out in turn."""
    document = f'<?xml version="1.0" encoding="UTF-8"?><Response>{"".join(elements)}</Response>'
    return Answer(document.encode(), "application/xml")
