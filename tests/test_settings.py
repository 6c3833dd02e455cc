"""Settings: defaults that work, and a clear word for each that cannot."""

from pathlib import Path

import pytest

from dni.errors import UsageError
from dni.settings import Settings, load


def test_nothing_configured_works() -> None:
    settings = load({})
    assert (settings.host, settings.port, settings.workers, settings.redis_url) == ("127.0.0.1", 8000, 1, None)
    assert settings.data_dir == Path("var").resolve()
    assert settings.ledger_url == f"sqlite+aiosqlite:///{settings.data_dir}/ledger.sqlite3"


def test_the_command_line_wins_over_the_environment() -> None:
    assert load({"DNI_PORT": "9000"}, port=9001, host=None).port == 9001


def test_a_worker_gets_the_same_settings_by_its_environment(tmp_path: Path) -> None:
    settings = load(
        {
            "DNI_DATA_DIR": str(tmp_path),
            "DNI_REDIS_URL": "unix:///somewhere",
            "DNI_DATABASE_URL": "postgres://u:p@h/d",
            "DNI_PUBLIC_URL": "https://calls.example.com/",
            "DNI_TRUSTED_PROXIES": "",
            "DNI_ADMIN_TOKEN": "t" * 32,
        }
    )
    assert load(settings.to_env()) == settings
    assert settings.trusted_proxies == ""
    assert settings.database_url == "postgresql+asyncpg://u:p@h/d"
    assert settings.public_url == "https://calls.example.com"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DNI_PORT", "http"),
        ("DNI_PORT", "65536"),
        ("DNI_WORKERS", "0"),
        ("DNI_REDIS_URL", "http://x"),
        ("DNI_DATABASE_URL", "mysql://x"),
        ("DNI_PUBLIC_URL", "calls.example.com"),
        ("DNI_PUBLIC_URL", "https://calls.example.com/path"),
        ("DNI_ADMIN_TOKEN", "short"),
        ("DNI_LOG_LEVEL", "loud"),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        load({name: value})


def test_every_setting_travels_to_workers() -> None:
    assert set(Settings(redis_url="unix:///x").to_env()) <= {f"DNI_{n.upper()}" for n in Settings.__struct_fields__}
