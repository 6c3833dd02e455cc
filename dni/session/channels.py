"""Sites we know by name, and the channel a visit belongs to.

The rules are Google Analytics 4's default channel group (support.google.com/analytics/answer/9756891), in its
order; the table of sites is our own.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple


class Site(NamedTuple):
    """A site's name as reports show it, and its category: a key of MEDIUM_OF."""

    name: str
    category: str


MEDIUM_OF = {
    "search": "organic",
    "social": "social",
    "video": "video",
    "shopping": "shopping",
    "mail": "email",
    "ai": "ai-assistant",
}
"""Medium of a visit known by its referrer alone. `ai-assistant` is GA4's own value since May 2026."""

_SITES = {
    "search": """
        google      google.com maps.google.com images.google.com lens.google.com cse.google.com
        google      com.google.android.googlequicksearchbox com.google.android.apps.maps
        google      adwords googleads google_ads google-ads gmb gbp
        bing        *.bing.com bingads bing_ads bing-ads microsoft_ads
        yahoo       yahoo.com *.search.yahoo.com
        duckduckgo  *.duckduckgo.com *.ddg.gg ddg com.duckduckgo.mobile.android
        brave       search.brave.com
        ecosia      *.ecosia.org
        startpage   *.startpage.com
        qwant       *.qwant.com
        kagi        kagi.com
        mojeek      *.mojeek.com
        swisscows   *.swisscows.com
        dogpile     *.dogpile.com
        ask         *.ask.com
        aol         aol.com *.search.aol.com
        msn         *.msn.com
        lycos       *.lycos.com
        yandex      yandex.com ya.ru *.ya.ru yandex.ru
        baidu       *.baidu.com
        sogou       *.sogou.com
        so.com      *.so.com
        naver       *.search.naver.com naver.com
        daum        *.search.daum.net daum.net
        seznam      *.search.seznam.cz seznam.cz
        """,
    "social": """
        facebook    *.facebook.com *.fb.com fb.me *.fb.me fb meta an com.facebook.katana com.facebook.lite
        messenger   *.messenger.com m.me msg com.facebook.orca
        instagram   *.instagram.com ig com.instagram.android
        threads     *.threads.net *.threads.com com.instagram.barcelona
        whatsapp    *.whatsapp.com wa.me l.wl.co com.whatsapp com.whatsapp.w4b
        x           *.x.com *.twitter.com t.co twitter x.com com.twitter.android
        linkedin    *.linkedin.com lnkd.in *.lnkd.in com.linkedin.android
        reddit      *.reddit.com redd.it *.redd.it com.reddit.frontpage
        pinterest   *.pinterest.com pin.it com.pinterest
        tiktok      *.tiktok.com com.zhiliaoapp.musically com.ss.android.ugc.trill
        snapchat    *.snapchat.com snap com.snapchat.android
        nextdoor    *.nextdoor.com com.nextdoor
        yelp        *.yelp.com com.yelp.android
        tripadvisor *.tripadvisor.com
        quora       *.quora.com com.quora.android
        tumblr      *.tumblr.com t.umblr.com
        discord     *.discord.com discord.gg com.discord
        telegram    *.telegram.org t.me telegram.me org.telegram.messenger
        bluesky     *.bsky.app xyz.blueskyweb.app
        mastodon    mastodon.social mastodon.online mstdn.social
        vk          *.vk.com *.vk.ru com.vkontakte.android
        ok          *.ok.ru
        weibo       *.weibo.com *.weibo.cn t.cn
        wechat      *.wechat.com *.weixin.qq.com
        line        *.line.me
        xing        *.xing.com
        meetup      *.meetup.com
        hackernews  news.ycombinator.com
        stackoverflow *.stackoverflow.com
        """,
    "video": """
        youtube     *.youtube.com youtu.be *.youtube-nocookie.com yt com.google.android.youtube
        vimeo       *.vimeo.com
        dailymotion *.dailymotion.com dai.ly
        twitch      *.twitch.tv tv.twitch.android.app
        rumble      *.rumble.com
        wistia      *.wistia.com *.wistia.net
        bilibili    *.bilibili.com
        """,
    "shopping": """
        amazon      *.amazon.com com.amazon.mshop.android.shopping
        ebay        *.ebay.com com.ebay.mobile
        etsy        *.etsy.com
        walmart     *.walmart.com
        target      *.target.com
        bestbuy     *.bestbuy.com
        aliexpress  *.aliexpress.com
        alibaba     *.alibaba.com
        mercadolibre *.mercadolibre.com
        shop.app    *.shop.app
        shopify     *.shopify.com
        shopzilla   *.shopzilla.com
        pricegrabber *.pricegrabber.com
        google-shopping shopping.google.com googleshopping igshopping
        """,
    "mail": """
        gmail       mail.google.com inbox.google.com com.google.android.gm
        yahoo-mail  *.mail.yahoo.com
        outlook     outlook.live.com *.mail.live.com outlook.office.com outlook.office365.com
        outlook     com.microsoft.office.outlook
        aol-mail    *.mail.aol.com
        icloud-mail icloud.com
        proton-mail mail.proton.me mail.protonmail.com ch.protonmail.android
        fastmail    *.fastmail.com
        zoho-mail   mail.zoho.com
        comcast-mail *.mail.comcast.net connect.xfinity.com
        gmx-mail    *.navigator.gmx.net navigator.gmx.com
        web.de-mail *.navigator.web.de
        mail.ru     e.mail.ru
        """,
    "ai": """
        chatgpt.com chatgpt.com *.chatgpt.com chat.openai.com chatgpt openai com.openai.chatgpt
        perplexity.ai *.perplexity.ai perplexity ai.perplexity.app.android
        gemini.google.com gemini.google.com bard.google.com gemini com.google.android.apps.bard
        copilot.microsoft.com copilot.microsoft.com *.copilot.com m365.cloud.microsoft copilot
        copilot.microsoft.com com.microsoft.copilot
        claude.ai   *.claude.ai claude anthropic com.anthropic.claude
        grok.com    *.grok.com grok ai.x.grok
        meta.ai     *.meta.ai
        deepseek.com *.deepseek.com deepseek com.deepseek.chat
        mistral.ai  chat.mistral.ai mistral
        you.com     *.you.com
        poe.com     *.poe.com poe
        phind.com   *.phind.com
        duck.ai     *.duck.ai
        kimi.com    *.kimi.com
        qwen.ai     *.qwen.ai
        """,
}
"""A site takes a line or several: its name, then hosts (`*.`: with subdomains), Android packages and, without
a dot, what marketers write in utm_source for it (`an fb ig msg` are Meta's own {{site_source_name}})."""


def _read_sites() -> tuple[dict[str, Site], dict[str, Site], dict[str, Site]]:
    names, hosts, domains = {}, {}, {}
    for category, lines in _SITES.items():
        for line in lines.strip().splitlines():
            name, *tokens = line.split()
            names[name] = site = Site(name, category)
            for token in tokens:
                if token.startswith("*."):
                    domains[token[2:]] = site
                elif "." in token:
                    hosts[token] = site
                else:
                    names[token] = site
    return names, domains | hosts, domains


_BY_NAME, _BY_HOST, _BY_DOMAIN = _read_sites()

_COUNTRY = re.compile(
    r"((?:[^.]+\.)*(?:google|yahoo|yandex|amazon|ebay|pinterest|aliexpress|tripadvisor|yelp|nextdoor|mercadolibre))"
    r"\.(?:com?\.)?[a-z]{2}"
)
"""Sites with a host for each country: www.google.co.uk reads as www.google.com, google.evil.com does not."""


def site_of(host: str) -> Site | None:
    """The known site that a lower-case host or Android package belongs to."""
    host = host.removeprefix("www.")
    site = _BY_HOST.get(host)
    if site is not None:
        return site
    country = _COUNTRY.fullmatch(host)
    if country is not None:
        host = country[1] + ".com"
        site = _BY_HOST.get(host)
    while site is None and "." in host:
        host = host.partition(".")[2]
        site = _BY_DOMAIN.get(host)
    return site


def named_site(source: str) -> Site | None:
    """The known site that a source means: a name (`facebook`, `fb`) or a host (`l.facebook.com`)."""
    source = source.lower()
    site = _BY_NAME.get(source)
    return site if site is not None or "." not in source else site_of(source)


def is_paid_medium(medium: str) -> bool:
    """GA4's ^(.*cp.*|ppc|retargeting|paid.*)$ on a lower-case medium."""
    return "cp" in medium or medium in ("ppc", "retargeting") or medium.startswith("paid")


class _Visit(NamedTuple):
    source: str
    medium: str
    campaign: str
    category: str | None
    paid: bool

    @property
    def shopping(self) -> bool:
        return self.category == "shopping" or (bool(self.campaign) and bool(_SHOP.search(self.campaign)))


_SHOP = re.compile(r"(?:^|[^a-df-z])shop|shopping")  # "eshop", "my-shop", but neither "workshop" nor "bishop"
_DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
_SOCIAL = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
_EMAIL = frozenset({"email", "e-mail", "e_mail", "e mail"})


def _is_push(v: _Visit) -> bool:
    named = v.medium.endswith("push") or "mobile" in v.medium or "notification" in v.medium
    return named or v.source == "firebase"


RULES: tuple[tuple[str, Callable[[_Visit], bool]], ...] = (
    ("Direct", lambda v: v.source in ("", "(direct)") and v.medium in ("", "(none)", "(not set)")),
    ("Cross-network", lambda v: "cross-network" in v.campaign),
    ("Paid Shopping", lambda v: v.paid and v.shopping),
    ("Paid Search", lambda v: v.paid and v.category == "search"),
    ("Paid Social", lambda v: v.paid and v.category == "social"),
    ("Paid Video", lambda v: v.paid and v.category == "video"),
    ("Display", lambda v: v.medium in _DISPLAY),
    ("Paid Other", lambda v: v.paid),
    ("AI Assistant", lambda v: v.medium == "ai-assistant" or v.category == "ai"),
    ("Organic Shopping", lambda v: v.shopping),
    ("Organic Social", lambda v: v.category == "social" or v.medium in _SOCIAL),
    ("Organic Video", lambda v: v.category == "video" or "video" in v.medium),
    ("Organic Search", lambda v: v.category == "search" or v.medium == "organic"),
    ("Email", lambda v: v.medium in _EMAIL or v.source in _EMAIL),
    ("Affiliates", lambda v: v.medium in ("affiliate", "affiliates")),
    ("Referral", lambda v: v.medium in ("referral", "app", "link")),
    ("Audio", lambda v: v.medium == "audio"),
    ("SMS", lambda v: v.medium == "sms" or v.source == "sms"),
    ("Mobile Push Notifications", _is_push),
)
"""The first that applies names the channel. AI Assistant stands before the organic channels, so that an
assistant that tags its links with a source alone is still seen."""

UNASSIGNED = "Unassigned"
"""A tagged visit that no rule takes."""

PAID = frozenset(name for name, _ in RULES if name.startswith("Paid")) | {
    "Cross-network",
    "Display",
    "Affiliates",
}
"""Channels whose visits somebody pays for, by the click or by the call."""


@lru_cache(4096)
def channel_of(source: str | None, medium: str | None, campaign: str | None = None) -> str:
    """The channel's name: of RULES, or UNASSIGNED. Case is ignored; nothing known at all is Direct."""
    source = (source or "").lower()
    medium = (medium or "").lower()
    site = named_site(source)
    visit = _Visit(source, medium, (campaign or "").lower(), site and site.category, is_paid_medium(medium))
    for name, applies in RULES:
        if applies(visit):
            return name
    return UNASSIGNED
