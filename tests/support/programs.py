"""Where this machine keeps the real programs that tests run against.

`python -m tests.support.programs NAME…` prints the Debian packages of those that are missing.
"""

import os
import shutil
import sys
from pathlib import Path

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CHROMIUM_APPS = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
PACKAGES = {
    "chromium": "chromium fonts-liberation",
    "postgresql": "postgresql",
    "wrk": "wrk",
    "redisbenchmark": "redis-tools",
    "kamailio": "kamailio kamailio-utils-modules kamailio-extra-modules",
    "sipp": "sip-tester",
}


class MissingProgram(RuntimeError):
    """A test needs a program that is not installed; says which and how to get it."""

    def __init__(self, name: str) -> None:
        packages = PACKAGES[name]
        super().__init__(f"{name} was not found. Install it (Debian: apt-get install {packages}).")


def chromium() -> Path:
    """The browser's executable. Raises MissingProgram."""
    found = [Path(path) for name in _CHROMIUM if (path := shutil.which(name))]
    found += [path for path in _CHROMIUM_APPS if path.exists()]
    if not found:
        raise MissingProgram("chromium")
    return found[0]


def postgresql() -> Path:
    """The folder of `initdb`, `postgres` and `psql`: on PATH, else the newest. Raises MissingProgram."""
    places = [Path(place) for place in os.get_exec_path()]
    # Debian keeps the server's programs off PATH, a folder for each version.
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for place in places:
        if all(os.access(place / name, os.X_OK) for name in ("initdb", "postgres", "psql")):
            return place
    raise MissingProgram("postgresql")


def wrk() -> Path:
    """The load generator of the benchmarks. Raises MissingProgram."""
    if found := shutil.which("wrk"):
        return Path(found)
    raise MissingProgram("wrk")


def redis_benchmark() -> Path:
    """The load generator of Redis' own project. Raises MissingProgram."""
    if found := shutil.which("redis-benchmark") or shutil.which("valkey-benchmark"):
        return Path(found)
    raise MissingProgram("redisbenchmark")


def kamailio() -> Path:
    """The SIP server, with the modules that our configuration loads. Raises MissingProgram."""
    found = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin:/usr/local/sbin")
    modules = [*Path("/usr/lib").glob("*/kamailio/modules"), Path("/usr/local/lib64/kamailio/modules")]
    wanted = ("http_client.so", "jansson.so")  # the others come with Kamailio itself
    if found and any(all((folder / name).exists() for name in wanted) for folder in modules):
        return Path(found)
    raise MissingProgram("kamailio")


def sipp() -> Path:
    """SIP callers and telephones by script. Raises MissingProgram."""
    if found := shutil.which("sipp"):
        return Path(found)
    raise MissingProgram("sipp")


_FINDERS = {
    "chromium": chromium,
    "postgresql": postgresql,
    "wrk": wrk,
    "redisbenchmark": redis_benchmark,
    "kamailio": kamailio,
    "sipp": sipp,
}


def _version(place: Path) -> int:
    return int(place.parent.name) if place.parent.name.isdecimal() else 0


def missing(names: list[str]) -> list[str]:
    """Debian packages of those programs that are not here."""
    packages = []
    for name in names:
        try:
            _FINDERS[name]()
        except MissingProgram:
            packages.append(PACKAGES[name])
    return packages


if __name__ == "__main__":
    sys.stdout.write(" ".join(missing(sys.argv[1:])))
