"""The forms of a Redis URL, read into one value. Told in `docs/redis.md`."""

from typing import Literal
from urllib.parse import parse_qsl, unquote

import msgspec

from dni.errors import UsageError

Place = tuple[str, int]
"""Host and port; or the path of a unix socket and 0."""

_REDIS_PORT, _SENTINEL_PORT = 6379, 26379
_FORMS: dict[str, tuple[Literal["server", "sentinel", "cluster"], int]] = {
    "redis": ("server", _REDIS_PORT),
    "rediss": ("server", _REDIS_PORT),
    "unix": ("server", 0),
    "redis+sentinel": ("sentinel", _SENTINEL_PORT),
    "redis+cluster": ("cluster", _REDIS_PORT),
}
_TLS_OPTIONS = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"}
_MOST_REPLICAS = 9


class Tls(msgspec.Struct, frozen=True):
    """Paths of PEM files; None: the system's authorities, no certificate of our own."""

    ca_certs: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    check_hostname: bool = True


class Address(msgspec.Struct, frozen=True):
    """`places`: the one server, the sentinels, or the cluster's members that are asked first."""

    kind: Literal["server", "sentinel", "cluster"]
    places: tuple[Place, ...]
    auth: tuple[str, ...] = ()
    """What follows AUTH: `(password,)`, `(user, password)` or nothing."""
    database: int = 0
    tls: Tls | None = None
    service: str = ""
    """The name by which sentinels know the primary."""
    sentinel_auth: tuple[str, ...] = ()
    replicas: int = 0
    """How many replicas must have a write before it is answered."""


def parse(url: str) -> Address:
    """Raises UsageError, which says what would be right and never repeats a password."""
    scheme, _, rest = url.partition("://")
    if scheme not in _FORMS:
        raise _wrong(f"begins with one of {', '.join(f'{name}://' for name in _FORMS)}")
    kind, port = _FORMS[scheme]
    rest, _, query = rest.partition("?")
    user, hosts, path = _split(rest)
    if "@" in query or ("@" in path and scheme != "unix"):
        raise _wrong("a password's @ : / ? # % are written %40 %3A %2F %3F %23 %25")
    options = _options(scheme, query)
    replicas = _whole(options.get("wait", "0"), "wait", _MOST_REPLICAS)
    if scheme == "unix":
        if hosts or path in ("", "/"):
            raise _wrong("unix:// is followed by the socket's absolute path, such as unix:///run/valkey.sock")
        database = _whole(options.get("db", "0"), "db")
        return Address("server", ((path, 0),), user, database, replicas=replicas)
    places = tuple(_place(text, port) for text in hosts.split(","))
    if kind == "server" and len(places) > 1:
        raise _wrong(f"{scheme}:// names one server; several are redis+cluster:// or redis+sentinel://")
    names = [name for name in path.split("/") if name]
    service = ""
    if kind == "sentinel":
        if not names:
            raise _wrong("redis+sentinel://HOST:PORT,HOST:PORT/NAME ends with the name that sentinels have for it")
        service = names.pop(0)
    if kind == "cluster" and (names or "db" in options):
        raise _wrong("redis+cluster:// has no database number")
    if len(names) > 1 or (names and "db" in options):
        raise _wrong("one database number, at the end of the path or as db=")
    return Address(
        kind,
        places,
        user,
        _whole(names[0] if names else options.get("db", "0"), "the database"),
        _tls(scheme, options),
        service,
        _sentinel_auth(options),
        replicas,
    )


def _split(rest: str) -> tuple[tuple[str, ...], str, str]:
    """What follows AUTH, the hosts' text, the path."""
    place, slash, path = rest.partition("/")
    user, at, hosts = place.rpartition("@")
    if not at:
        return (), place, unquote(slash + path)
    name, colon, password = user.partition(":")
    if not colon or not password:
        raise _wrong("before the @ stands :PASSWORD or USER:PASSWORD")
    return (*((unquote(name),) if name else ()), unquote(password)), hosts, unquote(slash + path)


def _place(text: str, port: int) -> Place:
    host, colon, given = text.rpartition(":") if text.rfind(":") > text.rfind("]") else (text, "", "")
    host = unquote(host).removeprefix("[").removesuffix("]")
    try:
        host.encode("idna")
    except UnicodeError:
        raise _wrong(f"{host!r} is no host name") from None
    if not host or any(sign in host for sign in "@/ "):
        raise _wrong("a host is missing")
    if colon and not (given.isdecimal() and 0 < int(given) < 65536):
        raise _wrong(
            f"the port of {host} is a whole number from 1 to 65535; a password's @ : / are written %40 %3A %2F"
        )
    return host, int(given) if colon else port


def _options(scheme: str, query: str) -> dict[str, str]:
    """What follows the `?`, if this form of URL knows it."""
    known = {"wait", "db"}
    if scheme != "unix" and scheme != "redis":
        known |= _TLS_OPTIONS
    if "+" in scheme:
        known.add("ssl")
    if scheme == "redis+sentinel":
        known |= {"sentinel_username", "sentinel_password"}
    pairs = parse_qsl(query, keep_blank_values=True)
    for name, value in pairs:
        if name not in known:
            hint = "; for TLS write rediss://" if name.startswith("ssl") else ""
            raise _wrong(f"{scheme}:// has no option {name}{hint}; there are {', '.join(sorted(known))}")
        if not value:
            raise _wrong(f"{name}= is empty")
    return dict(pairs)


def _tls(scheme: str, options: dict[str, str]) -> Tls | None:
    if scheme != "rediss" and not _yes(options, "ssl", "false"):
        if given := sorted(_TLS_OPTIONS & options.keys()):
            raise _wrong(f"{given[0]} needs ssl=true beside it")
        return None
    if "ssl_keyfile" in options and "ssl_certfile" not in options:
        raise _wrong("ssl_keyfile needs ssl_certfile beside it")
    return Tls(
        options.get("ssl_ca_certs"),
        options.get("ssl_certfile"),
        options.get("ssl_keyfile"),
        _yes(options, "ssl_check_hostname", "true"),
    )


def _sentinel_auth(options: dict[str, str]) -> tuple[str, ...]:
    if "sentinel_password" not in options:
        if "sentinel_username" in options:
            raise _wrong("sentinel_username needs sentinel_password beside it")
        return ()
    return tuple(options[name] for name in ("sentinel_username", "sentinel_password") if name in options)


def _yes(options: dict[str, str], name: str, default: str) -> bool:
    value = options.get(name, default).lower()
    if value not in ("true", "false"):
        raise _wrong(f"{name} is true or false")
    return value == "true"


def _whole(text: str, what: str, most: int = 2**31) -> int:
    if not text.isdecimal() or int(text) > most:
        raise _wrong(f"{what} is a whole number from 0" + (f" to {most}" if most < 2**31 else ""))
    return int(text)


def _wrong(what: str) -> UsageError:
    return UsageError(f"DNI_REDIS_URL: {what}")
