"""The page's URL and its referrer become a touch. Runs for every lease, so one pass and no URL library.

Only allow-listed parameters survive, and the words that somebody searched for. The rest of a query or a fragment, and
userinfo, are gone before anything is stored, sent or logged.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus
from zlib import crc32

from dni.session import params
from dni.session.channels import PAID, channel_of
from dni.session.click_ids import CLICK_IDS, RANK, ClickId
from dni.session.model import Touch
from dni.session.sites import MEDIUM_OF, PASSAGE, Site, named_site, site_of

READ_MAX = 8192
"""Characters of a URL that are looked at. Browsers and servers carry no more in practice."""
URL_MAX, PATH_MAX, VALUE_MAX, PAIRS_MAX = 1024, 512, 256, 200
"""Characters kept of a URL, of its path and of a value; query parameters looked at."""

DIRECT = Touch(source="(direct)", medium="(none)", channel="Direct")
NOT_SET = "(not set)"


_CLICKED = re.compile(
    r"([?&])(gclid|gbraid|wbraid|fbclid|msclkid|ttclid|dclid|twclid|li_fat_id|rdt_cid|irclickid|yclid)="
    r"([0-9A-Za-z_.-]{1,256})(?=[&#]|$)"
)
_STAND_IN = "CLICK-ID"
_PLAIN_MAX = 768
"""Characters of a URL that surely stays whole in the touch. Longer ones are in no cache, so that all stay small."""


def read(
    url: str,
    referrer: str | None,
    extra_params: frozenset[str] = frozenset(),
    own_hosts: tuple[str, ...] = (),
) -> Touch:
    """`read_whole`, fast where visits differ in one plain click id alone, as those of an ad do."""
    is_plain = len(url) <= _PLAIN_MAX and (referrer is None or len(referrer) <= _PLAIN_MAX)
    parts = _CLICKED.split(url, 2) if is_plain else ()
    if len(parts) != 5:  # no such id, or more than one
        return read_whole(url, referrer, extra_params, own_hosts)
    before, mark, name, value, after = parts
    like, head, tail = _of_ad(f"{before}{mark}{name}={_STAND_IN}{after}", referrer, extra_params, own_hosts)
    if tail is None or like.click_ids.get(name) != _STAND_IN:  # the address is mangled, or plays with us
        return read_whole(url, referrer, extra_params, own_hosts)
    clicks = {name: value} if len(like.click_ids) == 1 else {**like.click_ids, name: value}
    return Touch(
        like.source,
        like.medium,
        like.campaign_name,
        like.keyword,
        like.content,
        like.channel,
        f"{head}{value}{tail}",
        like.referrer,
        clicks,
        like.params,
        like.paid,
        _fingerprint(clicks) if like.paid else 0,
    )


@lru_cache(4096)
def _of_ad(
    url: str, referrer: str | None, extra_params: frozenset[str], own_hosts: tuple[str, ...]
) -> tuple[Touch, str, str | None]:
    """The touch of an address with a stand-in for its click id, and what stands before and behind that."""
    touch = read_whole(url, referrer, extra_params, own_hosts)
    head, found, tail = (touch.landing_page or "").partition(_STAND_IN)
    return touch, head, tail if found and _STAND_IN not in tail else None


def read_whole(
    url: str,
    referrer: str | None,
    extra_params: frozenset[str] = frozenset(),
    own_hosts: tuple[str, ...] = (),
) -> Touch:
    """How a visit came, from the page's address and `document.referrer`. Never raises: a URL that is not
    http(s) or has no host says nothing and gives DIRECT.

    extra_params    further query parameters to keep, spelt exactly as in the URL
    own_hosts       lower-case hosts of the same business, `*.` allowed; neither they nor subdomains refer

    Source and medium come from the campaign parameters; what these leave out from a click id, else from the
    referrer. Parameters behind a `#` count where the query has none of that name: links with an anchor are often
    tagged behind it, and pages that route by fragment carry theirs there. Who comes back from paying or signing in
    elsewhere is direct, as from the site itself. Where no parameter names the keyword and the source is the search
    engine that refers, it is what was searched for there, if the referrer says so.
    """
    head, _, query = url.partition("?")
    if len(url) <= READ_MAX and len(head) <= _PLAIN_MAX and query.isprintable() and "#" not in head:
        page = _page(head)
        if "#" in query:
            query = _with_fragment(*query.split("#", 1))
    else:  # the query is not where it belongs, or must be cut or cleaned first
        page = _split(url, _PAGE)
        query = page.query if page is not None else ""
    if page is None:
        return DIRECT
    fields, clicks, others, kept = _read_query(query, extra_params)
    came_from = None
    if referrer:
        came_from = _refer(referrer) if len(referrer) <= _PLAIN_MAX else _refer.__wrapped__(referrer[:READ_MAX])

    source, medium = _first(fields, params.SOURCE), _first(fields, params.MEDIUM)
    campaign = _first(fields, params.CAMPAIGN)
    click = CLICK_IDS[min(clicks, key=RANK.__getitem__)] if clicks else None
    if click is None and others and not params.GOOGLE_AD.isdisjoint(others):
        click = CLICK_IDS["gclid"]
    from_ad = click is not None and (click.paid or not params.AD_PARAMS.isdisjoint(others))
    if source is None or medium is None:
        origin = None
        if came_from is not None and source is None and not from_ad:
            origin = _referred(page.host, came_from, own_hosts)
        if click is not None:
            # An unpaid id also stays in a link that is copied elsewhere: then who refers knows better.
            origin = origin or _clicked(click, from_ad, came_from)
        elif source is not None:
            origin = _tagged_by(source)
        if origin is None:
            untagged = source is None and medium is None and campaign is None
            origin = ("(direct)", "(none)") if untagged else (NOT_SET, NOT_SET)
        source, medium = source or origin[0], medium or origin[1]
    keyword = _first(fields, params.KEYWORD)
    if keyword is None and came_from is not None and came_from.words is not None:
        keyword = came_from.words if named_site(source) == came_from.site else None
    channel = channel_of(source, medium, campaign)
    paid = from_ad or channel in PAID
    return Touch(
        source=source,
        medium=medium,
        campaign_name=campaign,
        keyword=keyword,
        content=_first(fields, params.CONTENT),
        channel=channel,
        landing_page=_landing_page(page.base, kept),
        referrer=came_from.base if came_from is not None else None,
        click_ids=clicks,
        params=others,
        paid=paid,
        click=_fingerprint(clicks or fields or others) if paid else 0,
    )


class _Address(NamedTuple):
    base: str
    host: str
    query: str


class _Referrer(NamedTuple):
    """`words`: what was searched for there. Nothing else of its query is kept."""

    base: str
    host: str
    site: Site | None
    words: str | None


_REST = r"://([^/?#\\]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?"
_PAGE = re.compile("(https?)" + _REST, re.IGNORECASE | re.ASCII | re.DOTALL)
_REFERRER = re.compile("(https?|android-app)" + _REST, re.IGNORECASE | re.ASCII | re.DOTALL)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._\-]{1,253})(:\d{0,5})?")
_AUTHORITY_MAX, _LABEL_MAX = 260, 63
"""Characters of a host with its port, and between the dots of a host."""
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb\ufffe\uffff]"
)
"""Controls, lone surrogates, and marks that reorder or hide text on a screen."""
_QUERY_IN_PATH = re.compile(r"%3f|(?:[&;]|%26|%3b)(?:(?!%26|%3b)[^/&;])*?(?:=|%3d)", re.IGNORECASE)
_LATE_SEPARATOR = re.compile(r"[?;](?=[^&=?;]+=)")
_NESTED = re.compile(r"[?&;#][^=?&;#]*=")


def _split(url: str, form: re.Pattern[str]) -> _Address | None:
    """Scheme, host, port and path of an address, and its query. Reads as browsers do: a backslash is a slash, what
    stands before the last @ is not the host."""
    cut = len(url) > READ_MAX
    match = form.match(_clean(url[:READ_MAX]).strip())
    if match is None:
        return None
    scheme, authority, path, query, fragment = match.groups("")
    authority = authority.rpartition("@")[2]
    located = _HOST.fullmatch(authority.lower() if authority.isascii() else _in_punycode(authority))
    if located is None:
        return None
    host = located[1].strip(".")
    if not host:
        return None
    path = path[:PATH_MAX].replace("\\", "/")
    if "%" in path or "&" in path or ";" in path:
        # Mangled links carry their query in the path, encoded or without a question mark.
        tail = _QUERY_IN_PATH.search(path)
        if tail is not None:
            path = path[: tail.start()]
    base = f"{scheme.lower()}://{host}{located[2] or ''}{path.rstrip() or '/'}"
    if cut:  # the last pair may be half of one
        query, fragment = (query, fragment.rpartition("&")[0]) if fragment else (query.rpartition("&")[0], "")
    return _Address(base, host, _with_fragment(query, fragment))


def _with_fragment(query: str, fragment: str) -> str:
    """Of two parameters of one name the first counts: the query's. A query has no `#`: there it would begin another
    fragment."""
    return f"{query}&{fragment.replace('#', '%23')}" if "=" in fragment else query


def _in_punycode(authority: str) -> str:
    """An internationalised host and its port as browsers send them (RFC 3492), so that both forms are one host."""
    if len(authority) > _AUTHORITY_MAX:
        return ""
    labels = unicodedata.normalize("NFKC", authority).lower().replace("\u3002", ".").split(".")
    if max(map(len, labels)) > _LABEL_MAX:
        return ""
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)


@lru_cache(4096)
def _page(head: str) -> _Address | None:
    """An address without its query. Cached: a site has few pages that visits begin on."""
    return _split(head, _PAGE)


@lru_cache(4096)
def _refer(referrer: str) -> _Referrer | None:
    """Cached: few sites send most visitors."""
    address = _split(referrer, _REFERRER)
    if address is None:
        return None
    site = site_of(address.host)
    words = _words(address.query, site.words) if site is not None and site.words and address.query else None
    return _Referrer(address.base, address.host, site, words)


def _words(query: str, names: tuple[str, ...]) -> str | None:
    found: dict[str, str] = {}
    for pair in query.split("&", PAIRS_MAX)[:PAIRS_MAX]:
        name, _, raw = pair.partition("=")
        if raw and name in names and name not in found:
            value = _tidy(unquote_plus(raw))
            if value and "\ufffd" not in value:  # of another encoding than ours: nobody could read it
                found[name] = value
    return _first(found, names)


class _Query(NamedTuple):
    """The allow-listed parameters by kind, and all of them as encoded `name=value` in the URL's order."""

    fields: dict[str, str]
    clicks: dict[str, str]
    others: dict[str, str]
    kept: list[str]


def _read_query(query: str, extra: frozenset[str]) -> _Query:
    fields: dict[str, str] = {}
    clicks: dict[str, str] = {}
    others: dict[str, str] = {}
    kept: list[str] = []
    if "?" in query or ";" in query:
        query = _LATE_SEPARATOR.sub("&", query)
    is_plain = "%" not in query and "+" not in query
    for pair in query.split("&", PAIRS_MAX)[:PAIRS_MAX]:
        label, _, raw = pair.partition("=")
        if not raw:
            continue
        name = label if is_plain else unquote(label)
        kind = params.KIND.get(name)
        if kind is None:
            lower = name.lower()
            kind = params.KIND.get(lower)
            if kind is not None:
                name = lower
            elif name in extra:
                kind = params.OTHER
            else:
                continue
        into = fields if kind == params.FIELD else clicks if kind == params.CLICK else others
        if name in into:
            continue
        value = raw if is_plain else unquote_plus(raw)
        tidy = _tidy(value)
        if not tidy:
            continue
        into[name] = tidy
        if tidy != value:
            raw = quote(tidy, safe="")
        kept.append(f"{label if name in extra else name}={raw}")
    return _Query(fields, clicks, others, kept)


def _tidy(value: str) -> str:
    """The value without unsafe characters, outer blanks and nested parameters, at most VALUE_MAX long."""
    if not value.isprintable():
        value = _UNSAFE.sub("", value)
    if "=" in value:
        nested = _NESTED.search(value)
        if nested is not None:
            value = value[: nested.start()]
    value = value.strip()
    return value if len(value) <= VALUE_MAX else value[:VALUE_MAX].rstrip()


def _clean(text: str) -> str:
    return text if text.isprintable() else _UNSAFE.sub("", text)


def _first(fields: dict[str, str], names: tuple[str, ...]) -> str | None:
    for name in names:
        if name in fields:
            return fields[name]
    return None


def _clicked(click: ClickId, from_ad: bool, came_from: _Referrer | None) -> tuple[str, str]:
    """Source and medium of a visit by its click id."""
    site = came_from.site if came_from is not None else None
    source = site.name if site is not None and site.name in click.partners else click.source
    return source, "paid_social" if from_ad and not click.paid else click.medium


def _tagged_by(source: str) -> tuple[str, str] | None:
    """Source and medium of a link tagged with a source alone, as AI assistants tag the links they show."""
    site = named_site(source)
    return (source, MEDIUM_OF["ai"]) if site is not None and site.category == "ai" else None


def _referred(page_host: str, came_from: _Referrer, own_hosts: tuple[str, ...]) -> tuple[str, str] | None:
    """Source and medium of a visit by its referrer alone; None when it came from nowhere else."""
    host, site = came_from.host, came_from.site
    if _same_site(page_host, host) or _is_own(host, own_hosts):
        return None
    if site is None:
        return host.removeprefix("www."), "referral"
    return None if site.category == PASSAGE else (site.name, MEDIUM_OF[site.category])


def _same_site(one: str, other: str) -> bool:
    """Equal but for `www.` or `m.`, or one under the other. Siblings are strangers: they may share a host."""
    if one == other:
        return True
    one, other = _bare(one), _bare(other)
    return one == other or one.endswith("." + other) or other.endswith("." + one)


def _bare(host: str) -> str:
    first, _, rest = host.partition(".")
    return rest if first in ("www", "m") and "." in rest else host


def _is_own(host: str, own_hosts: tuple[str, ...]) -> bool:
    for own in own_hosts:
        site = _bare(own.removeprefix("*."))
        if host == site or host.endswith("." + site):
            return True
    return False


def _landing_page(base: str, kept: list[str]) -> str:
    if not kept:
        return base
    url = f"{base}?{'&'.join(kept)}"
    if len(url) <= URL_MAX:
        return url
    url, separator = base, "?"
    for pair in kept:
        if len(url) + len(pair) < URL_MAX:
            url, separator = f"{url}{separator}{pair}", "&"
    return url


def _fingerprint(values: dict[str, str]) -> int:
    # A checksum is enough: a collision only keeps a session going.
    pairs = [f"{name}={value}" for name, value in values.items()]
    if len(pairs) > 1:
        pairs.sort()
    return crc32("\n".join(pairs).encode()) or 1
