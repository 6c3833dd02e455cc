"""A tag's rules as sentences: when each holds, and what the page's number becomes. Pure."""

from collections.abc import Mapping

from dni.catalog.model import Rule, Use, When
from dni.dashboard import words

# In the order in which a form asks for them: field, its name in a sentence, what a field of a form says.
CONDITIONS = (
    ("source", "source", "google"),
    ("medium", "medium", "cpc"),
    ("channel", "channel", "Paid Search"),
    ("campaign_name", "campaign name", "spring"),
    ("keyword", "keyword", "emergency plumber"),
    ("content", "content", "banner-2"),
    ("referrer", "site that the visitor came from", "*.yelp.com"),
    ("path", "path of the page", "/contact*"),
)
CONSENTS = {
    "granted": "the visitor agreed",
    "denied": "the visitor did not agree",
    "unknown": "the visitor has not said whether he agrees",
}


def conditions(when: When) -> list[str]:
    """Each as part of a sentence that goes on after `When `; empty: the rule always holds."""
    told = [f"the {label} is {_quoted(value)}" for name, label, _ in CONDITIONS if (value := getattr(when, name))]
    told += [f"the address has {name}={_quoted(value)}" for name, value in (when.param or {}).items()]
    return [*told, CONSENTS[when.consent]] if when.consent else told


def use(given: Use, pools: Mapping[str, str]) -> str:
    """What the visitor sees; `pools` are names by id."""
    if given.pool:
        own = f"a number of his own from pool {_quoted(pools.get(given.pool, given.pool))}"
        return f"{own}, or {words.number(given.overflow)} while none is free" if given.overflow else own
    if given.number:
        return f"always {words.number(given.number)}"
    return "the page's own number"


def sentence(rule: Rule, pools: Mapping[str, str]) -> str:
    """`When the source is “google” and the medium is “cpc”: always (415) 555-0140`."""
    told = conditions(rule.when)
    return f"{'When ' + ' and '.join(told) if told else 'Always'}: {use(rule.use, pools)}"


def _quoted(text: str) -> str:
    return f"“{text[:80]}{'…' if len(text) > 80 else ''}”"
