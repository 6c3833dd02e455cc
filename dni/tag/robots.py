"""Whether a user agent is a robot: what it says of itself, and whether it is built as browsers build theirs.

Signs and their figures: docs/robots.md. Cached: browsers repeat themselves, and every page view asks.
"""

import re
from functools import lru_cache

from dni.tag.robot_names import NAMES

_LONGEST = 512

# A phone's maker may call it what he likes (Cubot, C Bot Tab, Seoul): the model is no sign of anything.
_MODEL = re.compile(r"android [\d.]+; (?:\w\w[-_]\w\w; ?)?[^;)]*")

_SAYS_SO = re.compile(
    # Where to complain: a robot's address, site or mailbox. No browser gives one.
    r"https?:|www\.|[\w-]\.(?:com|io|net|org)(?![\w.])|[\w.-]@[a-z][\w-]*\.[a-z]"
    # What it is, at a word's end: "Googlebot/2.1", but not "Botech", "AgentWeb" or a Cubot phone.
    r"|(?<!cu)bots?(?![a-z])|(?<!user-)agent(?![a-z])|-user/|-google(?![a-z])|(?<![a-z])google-"
    # What it does.
    r"|archiver|crawl|fetch|headless|inspector|lighthouse|monitor|preview|scrap[eiy]|screenshot|slurp"
    r"|snippet|spider|synthetic|thumbnail|transcod|uptime|favicon|observatory|diagnostic|(?:flipboard|image)proxy"
    # What it does to what: "SiteAudit", "LinkChecker". Alone these are words of apps that people use.
    r"|(?:content|domain|link|page|security|seo|site|url|web)[ _-]?(?:analy|audit|captur|check|scan|test|valid|verif)"
    # Tools and libraries, where they call themselves Mozilla.
    r"|curl/|httpclient|perl(?![a-z])|powershell|python|selenium|webdriver|wget"
)

# "(compatible; Name/1.0)" and "(KHTML, like Gecko; Name)": browsers that wrote anything there are known, and few.
_SLIPS_IN = re.compile(
    r"compatible;(?! ?(?:msie [\db]|konqueror|u;|ibrowse|netfront|netpositive|offbyone|polaris))"
    r"|like gecko[;,](?! ?safari)"
)
_ENGINE = re.compile(r"webkit|gecko/|khtml|trident|presto|msie|netfront|opera|goanna|servo")
# Old phones, televisions and applications name themselves first, and then what they run on. Libraries name nothing.
_DEVICE = re.compile(
    r"adr |amiga|android|bada|blackberry|brew|cfnetwork|cldc|dalvik|docomo|fbav|\bios\b|ipad|iph|ipod|kddi|mac os|maui"
    r"|midp|netcast|nintendo|nokia|palm|playstation|roku|samsung|series60|sonyericsson|symbian|tizen|tv"
    r"|ucbrowser|ucweb|up\.browser|viera|vizio|wap|watch ?os|web[o0]s|windows"
)
_WORD = re.compile(r"[a-z][a-z0-9]+")


def is_robot(user_agent: str) -> bool:
    """Never raises; looks at the first 512 characters. None, sent as an empty string, is a robot's."""
    return _look(user_agent[:_LONGEST])


@lru_cache(20_000)
def _look(user_agent: str) -> bool:
    told = _MODEL.sub("android", user_agent.lower())
    return (
        _SAYS_SO.search(told) is not None
        or not NAMES.isdisjoint(_WORD.findall(told))
        or _SLIPS_IN.search(told) is not None
        or not _is_built_as_a_browser(told)
    )


def _is_built_as_a_browser(told: str) -> bool:
    if _DEVICE.search(told):
        return True
    return told.startswith(("mozilla/", "opera/", "applewebkit/")) and _ENGINE.search(told) is not None
