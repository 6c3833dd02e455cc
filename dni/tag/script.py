"""The tag's script: the built core with one tag's configuration in front. Pure but for reading the core once."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from dni import __version__
from dni.catalog.model import Tag
from dni.tag.pattern import pattern

_CORE = Path(__file__).parents[2] / "static" / "tag.js"


def script(tag: Tag, endpoint: str, preview: str | None = None) -> bytes:
    """JavaScript for `tag`, which speaks to `endpoint` (scheme and host). `preview`: token of the draft that it is."""
    targets = [[target, *pattern(target)] for target in tag.targets]
    configuration = [tag.key, endpoint, __version__, targets, _options(tag, preview)]
    # As JSON in a script: no </script>, and the two line separators that JSON allows and old JavaScript does not.
    literal = json.dumps(configuration, separators=(",", ":")).replace("<", "\\u003c")
    return f"(()=>{{const DNI_CONFIG={literal};{_core()}}})();\n".encode()


def _options(tag: Tag, preview: str | None) -> dict[str, Any]:
    """By the core's names (snippet/src/config.ts); what is as usual is left out."""
    options = {
        "attributes": tag.attributes,
        "selectors": [[one.selector, one.target] for one in tag.selectors],
        "domains": tag.linked_domains,
        "consent": tag.consent_default if tag.consent_default != "granted" else None,
        "wait": int(tag.consent_unknown == "wait"),
        "cookie": int(tag.first_party),
        "hydrate": int(tag.after_load),
        "preview": preview,
    }
    return {name: value for name, value in options.items() if value}


@lru_cache(1)
def _core() -> str:
    return _CORE.read_text()
