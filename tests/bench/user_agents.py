"""50,000 user agents of people: browsers, their versions, and what they run on. Pure."""

from collections.abc import Iterator
from itertools import islice, product

_ANDROID_MODELS = (
    *("SM-G991B", "SM-S918U", "SM-A546E", "SM-A155F", "Pixel 6a", "Pixel 7", "Pixel 8 Pro", "moto g power (2022)"),
    *("Redmi Note 12", "M2101K6G", "CPH2451", "V2254", "RMX3771", "LM-Q730", "Nokia G22", "TECNO KJ5", "XQ-DC54", "K"),
)
_TABLET_MODELS = ("SM-X205", "SM-T870", "SM-X910", "Lenovo TB-X606F", "KFTRWI", "Pixel Tablet")
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
# What a Chromium says of its build, where it says it.
_BUILDS = tuple(f"{build}.{patch}" for build in range(5060, 7500, 120) for patch in (0, 53, 102, 174))
_CHROMES = tuple(range(103, 154))


def made_up(count: int) -> list[str]:
    """That many, all different; the same ones each time. Raises ValueError when there are not so many."""
    found = list(islice(dict.fromkeys(_mixed()), count))
    if len(found) < count:
        raise ValueError(f"there are only {len(found)}")
    return found


def _mixed() -> Iterator[str]:
    """Of every kind in turn, as a day's visitors come."""
    kinds = [_iphones(), _android(), _desktops(), _android(in_apps=True), _android(tablets=True), _ipads(), _firefox()]
    while kinds:
        for kind in list(kinds):
            if (one := next(kind, None)) is None:
                kinds.remove(kind)
            else:
                yield one


def _android(*, in_apps: bool = False, tablets: bool = False) -> Iterator[str]:
    models = _TABLET_MODELS if tablets else _ANDROID_MODELS
    for build, chrome, system, model in product(_BUILDS, _CHROMES, range(10, 17), models):
        browser = f"Chrome/{chrome}.0.{build}" + ("" if tablets else " Mobile") + " Safari/537.36"
        if in_apps:
            app = f"[FB_IAB/FB4A;FBAV/{400 + chrome}.0.0.{build[:2]}.109;]"
            yield f"Mozilla/5.0 (Linux; Android {system}; {model}; wv) {_WEBKIT} Version/4.0 {browser} {app}"
        else:
            yield f"Mozilla/5.0 (Linux; Android {system}; {model}) {_WEBKIT} {browser}"


def _iphones() -> Iterator[str]:
    for major, minor, patch, build in product(range(14, 27), range(8), range(4), range(100, 999, 7)):
        system = f"{major}_{minor}" + (f"_{patch}" if patch else "")
        yield (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) {_SAFARI} "
            f"Version/{major}.{minor} Mobile/15E{build} Safari/604.1"
        )


def _ipads() -> Iterator[str]:
    for major, minor, chrome in product(range(13, 19), range(7), _CHROMES):
        yield (
            f"Mozilla/5.0 (iPad; CPU OS {major}_{minor} like Mac OS X) {_SAFARI} "
            f"CriOS/{chrome}.0.{5000 + chrome}.{minor} Mobile/15E148 Safari/604.1"
        )


def _desktops() -> Iterator[str]:
    systems = (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        "X11; CrOS x86_64",
    )
    for build, chrome, system, other in product(_BUILDS, _CHROMES, systems, ("", " Edg", " OPR")):
        name = f"{other}/{chrome}.0.{build}" if other else ""
        yield f"Mozilla/5.0 ({system}) {_WEBKIT} Chrome/{chrome}.0.{build} Safari/537.36{name}"


def _firefox() -> Iterator[str]:
    systems = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10.15", "X11; Ubuntu; Linux x86_64")
    for version, system in product(range(78, 146), systems):
        yield f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    for version, android in product(range(78, 146), range(8, 16)):
        yield f"Mozilla/5.0 (Android {android}; Mobile; rv:{version}.0) Gecko/{version}.0 Firefox/{version}.0"
