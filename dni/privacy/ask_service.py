"""`dni privacy`: asks the service that runs on this data folder. It alone reaches what is held beside the ledger."""

from typing import Any

import httpx
import msgspec

from dni.access.tokens import admin_token
from dni.errors import UsageError
from dni.privacy.model import Who
from dni.settings import Settings

_WITHIN_S = 120.0  # candidates of millions of calls are looked through


def export(settings: Settings, who: Who) -> dict[str, Any]:
    """Raises UsageError when no service answers here, or it refuses."""
    return _ask(settings, "GET", "/privacy/export", params=_given(who))


def erase(settings: Settings, who: Who, *, dry_run: bool) -> dict[str, int]:
    """How many rows went, or would, by table. Raises as `export` does."""
    answer = _ask(settings, "POST", "/privacy/erase", json={**_given(who), "dry_run": dry_run})
    removed: dict[str, int] = answer["removed"]
    return removed


def _given(who: Who) -> dict[str, str]:
    return {name: value for name, value in msgspec.structs.asdict(who).items() if value}


def _ask(settings: Settings, method: str, path: str, **more: Any) -> dict[str, Any]:
    kept = settings.data_dir / "address"
    if not kept.exists():
        raise UsageError(
            f"nothing has been served from {settings.data_dir} yet: start `dni serve` first, or name --data-dir"
        )
    base = kept.read_text().strip()
    headers = {"Authorization": f"Bearer {admin_token(settings)}"}
    try:
        answer = httpx.request(method, f"{base}/api/v1{path}", headers=headers, timeout=_WITHIN_S, **more)
    except httpx.TransportError as error:
        raise UsageError(f"nothing answers at {base}: is `dni serve` running? ({error})") from None
    told: dict[str, Any] = answer.json()
    if answer.status_code != 200:
        raise UsageError(f"{told['detail']} ({told['code']})")
    return told
