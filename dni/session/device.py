"""What kind of device a user agent tells of. Belongs to the recorder: a first look takes some 30 microseconds."""

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ua_parser import Parser

# Names as uap-core gives them, https://github.com/ua-parser/uap-core. Which of them is what, and the words that tell
# more than a name, are those of the package `user-agents` 2.2 (MIT).
_TABLETS = frozenset(
    {"iPad", "BlackBerry Playbook", "Blackberry Playbook", "Kindle", "Kindle Fire", "Kindle Fire HD", "Galaxy Tab"}
    | {"Xoom", "Dell Streak"}
)
_PHONES = frozenset({"iPhone", "iPod", "Generic Smartphone", "Generic Feature Phone", "PlayStation Vita", "iOS-Device"})
_PHONE_BROWSERS = frozenset(
    {"IE Mobile", "Opera Mobile", "Opera Mini", "Chrome Mobile", "Chrome Mobile WebView", "Chrome Mobile iOS"}
)
_PHONE_SYSTEMS = frozenset(
    {"Android", "Firefox OS", "BlackBerry OS", "Windows Phone", "Windows Phone OS", "Symbian OS", "Bada", "Windows CE"}
    | {"Windows Mobile", "Maemo"}
)
_PHONE_WORDS = ("J2ME", "MIDP", "iPhone;", "Googlebot-Mobile")
_DESKTOP_SYSTEMS = frozenset({"Windows 95", "Windows 98", "Solaris"})


class Device(msgspec.Struct, frozen=True):
    """`kind`: desktop, phone, tablet or other. Names without versions: reports group by them."""

    kind: str
    browser: str | None
    os: str | None


class _Names(msgspec.Struct, frozen=True):
    """What uap-core finds; empty where nothing."""

    browser: str
    system: str
    version: str
    device: str


# People's browsers differ in versions and models: a busy day has some 50,000 of them.
@lru_cache(65_536)
def device(user_agent: str) -> Device:
    found = _parser().parse(user_agent)
    browser, system, model = found.user_agent, found.os, found.device
    names = _Names(
        browser.family if browser else "",
        system.family if system else "",
        (system.major if system else None) or "",
        model.family if model else "",
    )
    return Device(_kind(user_agent, names), _known(names.browser), _known(names.system))


def _known(name: str) -> str | None:
    return None if name in ("", "Other") else name


@lru_cache(1)
def _parser() -> "Parser":
    # 0.15 s, mostly of compiling: not while the service starts. Its own cache is ours.
    from ua_parser import Parser
    from ua_parser.loaders import load_builtins
    from ua_parser.regex import Resolver

    return Parser(Resolver(load_builtins()))


def _kind(text: str, names: _Names) -> str:
    if _is_tablet(text, names):
        return "tablet"
    if _is_phone(text, names):
        return "phone"
    return "desktop" if _is_desktop(text, names) else "other"


def _is_tablet(text: str, names: _Names) -> bool:
    if names.device in _TABLETS:
        return True
    match names.system:
        case "Android":
            return "Mobile Safari" not in text and names.browser != "Firefox Mobile"
        case "Windows":
            return names.version.startswith("RT")
        case "Firefox OS":
            return "Mobile" not in names.browser
    return False


def _is_phone(text: str, names: _Names) -> bool:
    return (
        names.device in _PHONES
        or names.browser in _PHONE_BROWSERS
        or names.system in _PHONE_SYSTEMS
        or any(word in text for word in _PHONE_WORDS)
        or (names.device == "Spider" and "Mobile" in names.browser)
        or ("NokiaBrowser" in text and "Mobile" in text)
    )


def _is_desktop(text: str, names: _Names) -> bool:
    if "Windows NT" in text or names.system in _DESKTOP_SYSTEMS or (names.system, names.version) == ("Windows", "ME"):
        return True
    if names.system == "Mac OS X" and "Silk" not in text:
        return True
    return "Maemo" not in text and ("Chrome OS" in names.system or ("Linux" in text and "X11" in text))
