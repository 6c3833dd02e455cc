"""A tag's versions as its page tells them: since when each was live, and what it changed. Pure."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.clock import from_rfc3339
from dni.dashboard import words
from dni.dashboard.tag_changes import Change, changes
from dni.tag.versions import VersionView


class Version(msgspec.Struct, frozen=True):
    """`changes` None: the version before it is not known. `is_live`: pages are served from it now."""

    version: int
    since: str
    is_live: bool
    changes: list[Change] | None


def history(
    found: Sequence[VersionView], created_at: str, pools: Mapping[str, str], zone: ZoneInfo, now_ms: int
) -> list[Version]:
    """`found`: newest first, as the ledger has them."""
    told = []
    for one, before in zip(found, [*found[1:], None], strict=True):
        since = before.replaced_at if before else created_at if one.version == 1 else None
        told.append(
            Version(
                one.version,
                words.moment(from_rfc3339(since), zone, now_ms) if since else "a long time ago",
                one.replaced_at is None,
                changes(msgspec.to_builtins(before.settings), msgspec.to_builtins(one.settings), pools)
                if before
                else None,
            )
        )
    return told
