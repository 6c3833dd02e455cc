"""The only reader of the environment. One value object; every default works on a laptop with nothing configured."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from dni.errors import UsageError

_REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")
_LEVELS = ("debug", "info", "warning", "error")


class Settings(msgspec.Struct, frozen=True):
    """Names and meaning as in `docs/settings.md`. Paths are absolute."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    data_dir: Path = Path("var")
    public_url: str | None = None
    """Scheme and host that browsers and carriers use, when a proxy stands in front. None: the request's own."""
    redis_url: str | None = None
    """None: `dni serve` runs an embedded Valkey in the data folder."""
    database_url: str | None = None
    """None: SQLite in the data folder."""
    admin_token: str | None = None
    geoip_city: Path | None = None
    export_dir: Path | None = None
    """Where endpoints may write files, each in a folder of its own below. None: nowhere."""
    trusted_proxies: str = "127.0.0.1"
    """Comma-separated addresses or networks whose X-Forwarded-For and -Proto are believed; empty: none."""
    outbound_allow: str = ""
    """Comma-separated hosts, addresses or networks that are none of the public internet and may be sent to."""
    log_level: str = "info"

    @property
    def ledger_url(self) -> str:
        """SQLAlchemy's async address of the ledger."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'ledger.sqlite3'}"

    def to_env(self) -> dict[str, str]:
        """The same settings as environment variables, for a worker process."""
        pairs = {f"DNI_{name.upper()}": getattr(self, name) for name in self.__struct_fields__}
        return {name: str(value) for name, value in pairs.items() if value is not None}


def load(env: Mapping[str, str] = os.environ, **override: object) -> Settings:
    """Settings from the environment; a keyword that is not None wins (the command line). Raises UsageError by name."""
    given = {name: env.get(f"DNI_{name.upper()}") or None for name in Settings.__struct_fields__}
    if "DNI_TRUSTED_PROXIES" in env and not env["DNI_TRUSTED_PROXIES"].strip():
        given["trusted_proxies"] = ""
    raw = {**given, **{k: str(v) for k, v in override.items() if v is not None}}
    values: dict[str, object] = {name: value for name, value in raw.items() if value is not None}
    for name, low, high in (("port", 0, 65535), ("workers", 1, 64)):
        if name in values:
            values[name] = _integer(name, str(values[name]), low, high)
    values["data_dir"] = Path(str(values.get("data_dir", "var"))).expanduser().resolve()
    for name in ("geoip_city", "export_dir"):
        if name in values:
            values[name] = Path(str(values[name])).expanduser().resolve()
    if "public_url" in values:
        values["public_url"] = _public_url(str(values["public_url"]))
    if "redis_url" in values:
        _scheme("DNI_REDIS_URL", str(values["redis_url"]), _REDIS_SCHEMES)
    if "database_url" in values:
        values["database_url"] = _database_url(str(values["database_url"]))
    if "admin_token" in values and len(str(values["admin_token"])) < 16:
        raise UsageError("DNI_ADMIN_TOKEN: at least 16 characters, so that it cannot be guessed")
    level = str(values.get("log_level", "info")).lower()
    if level not in _LEVELS:
        raise UsageError(f"DNI_LOG_LEVEL: one of {', '.join(_LEVELS)}, not {level!r}")
    values["log_level"] = level
    return Settings(**values)  # type: ignore[arg-type]


def _integer(name: str, text: str, low: int, high: int) -> int:
    if text.strip().isdecimal() and low <= int(text) <= high:
        return int(text)
    raise UsageError(f"DNI_{name.upper()}: a whole number from {low} to {high}, not {text!r}")


def _scheme(name: str, url: str, allowed: tuple[str, ...]) -> str:
    scheme = urlsplit(url).scheme
    if scheme not in allowed:
        raise UsageError(f"{name}: begins with one of {', '.join(s + '://' for s in allowed)}, not {scheme!r}")
    return scheme


def _public_url(url: str) -> str:
    parts = urlsplit(url.strip().rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise UsageError("DNI_PUBLIC_URL: scheme and host only, such as https://calls.example.com")
    return parts.geturl()


def _database_url(url: str) -> str:
    scheme = _scheme(
        "DNI_DATABASE_URL", url, ("sqlite", "sqlite+aiosqlite", "postgresql", "postgres", "postgresql+asyncpg")
    )
    driver = "sqlite+aiosqlite" if scheme.startswith("sqlite") else "postgresql+asyncpg"
    return driver + url[len(scheme) :]
