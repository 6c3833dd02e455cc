"""The tag's script: the built core with one tag's configuration in front. Pure but for reading the core once."""

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from dni import __version__
from dni.catalog.model import Tag

_CORE = Path(__file__).parents[2] / "static" / "tag.js"


def script(tag: Tag, endpoint: str) -> bytes:
    """JavaScript for `tag`, which speaks to `endpoint` (scheme and host)."""
    configuration = {
        "key": tag.key,
        "endpoint": endpoint,
        "version": __version__,
        "targets": list(tag.targets),
        "consent": "granted",
    }
    # As JSON in a script: no </script>, and the two line separators that JSON allows and old JavaScript does not.
    literal = json.dumps(configuration, ensure_ascii=True).replace("<", "\\u003c")
    return f"(()=>{{const DNI_CONFIG={literal};{_core()}}})();\n".encode()


def version(body: bytes) -> str:
    """The version of a script, as in `/t/KEY.VERSION.js`: changes when a byte does."""
    return sha256(body).hexdigest()[:16]


@lru_cache(1)
def _core() -> str:
    return _CORE.read_text()
