"""How to call `dni` in another terminal on this machine, so that the line can be copied."""

import sys
from pathlib import Path

from dni import settings as environment
from dni.settings import Settings


def dni() -> str:
    """The command of this installation, as it is reached from the folder where the service was started."""
    script = Path(sys.executable).with_name("dni")
    if not script.exists():
        return "python -m dni"
    try:
        return str(script.relative_to(Path.cwd()))
    except ValueError:
        return script.name


def ring(settings: Settings, to: str | None = None) -> str:
    """What rings the service of this data folder; `to` (E.164), else the number leased last."""
    where = "" if settings.data_dir == environment.load({}).data_dir else f" --data-dir {settings.data_dir}"
    return f"{dni()} demo call{f' --to {to}' if to else ''}{where}"
