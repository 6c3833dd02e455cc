"""Files in folders of the service's own machine, under the one that the operator allows (DNI_EXPORT_DIR)."""

import asyncio
import os
import secrets
from pathlib import Path

from dni.outbound.model import Answer, Request

_FILE, _FOLDER = 0o640, 0o750


async def write(root: Path | None, request: Request) -> Answer:
    """A request whose address is `file:` and a path under `root`: the file is there whole or not at all, and takes the
    place of one of the same name. Never raises for what may be wrong with a disk: the answer says it."""
    if root is None:
        return Answer(why="no folder may be written to: the operator sets DNI_EXPORT_DIR")
    return await asyncio.to_thread(_write, root, request.url.removeprefix("file:"), request.body)


def _write(root: Path, name: str, body: bytes) -> Answer:
    try:
        place = (root / name).resolve()
        # Also where a link leads out of it.
        if not place.is_relative_to(root.resolve()) or place == root.resolve():
            return Answer(why="the file would be outside of DNI_EXPORT_DIR")
        place.parent.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE), "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Answer(why=f"the file cannot be written: {why}")
    return Answer(status=201, body=f"{len(body):,} bytes".encode())
