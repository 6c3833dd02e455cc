"""What endpoints there can be. Pure."""

from dni.outbound import files
from dni.outbound.model import Kind

_ALL: tuple[Kind, ...] = (files.KIND,)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
