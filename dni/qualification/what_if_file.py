"""The file of terms that `dni what-if` tries."""

from pathlib import Path

import msgspec

from dni.errors import InvalidField, UsageError
from dni.qualification.model import Terms


def read(file: Path) -> Terms:
    """JSON as the API takes it, or the same in TOML, by the file's name. Raises UsageError."""
    decode = msgspec.toml.decode if file.suffix == ".toml" else msgspec.json.decode
    try:
        return decode(file.read_bytes(), type=Terms)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None
    except (msgspec.DecodeError, InvalidField) as error:
        raise UsageError(f"{file}: {error}") from None
