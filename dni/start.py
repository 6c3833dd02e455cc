"""`dni serve` from the command to the parent's main loop."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dni.host.duties import Duty
from dni.host.serve import serve
from dni.settings import Settings

if TYPE_CHECKING:
    from dni.parent import Parent


async def start(settings: Settings, *, demo: bool, announce: Callable[[Settings, str], None]) -> int:
    """Serves until told to stop; the exit code. `announce` gets the final settings and a one-time sign-in code.

    Raises UsageError when it cannot start.
    """
    parent: Parent

    async def prepare(final: Settings, clean_run_id: str | None) -> Mapping[str, Duty]:
        # Half a second of imports, side by side with those of the workers and Valkey's start.
        from dni.parent import Parent

        nonlocal parent
        parent = Parent(final)
        await parent.prepare(clean_run_id, demo=demo)
        return parent.duties()

    return await serve(settings, prepare=prepare, on_ready=lambda final: announce(final, parent.sign_in_code))
