"""A record of a CRM: which field of it is made of which macros, and what marks it. Pure.

The record is written anew by each message of its call, found by a value that only it has: so it is made once, however
often it is told. A field whose macros are empty is left as it is.
"""

import re
from collections.abc import Mapping
from typing import Any

from dni.errors import InvalidField
from dni.outbound import templates
from dni.outbound.macros import facts_of
from dni.outbound.model import Message

MOST = 200


def checked(fields: Mapping[str, str], name: re.Pattern[str], such_as: str) -> None:
    """Raises InvalidField below /settings/fields. `such_as`: a good name."""
    if not 0 < len(fields) <= MOST:
        raise InvalidField("/settings/fields", f"from one to {MOST} fields")
    for field, template in fields.items():
        path = f"/settings/fields/{field[:100]}"
        if not name.fullmatch(field):
            raise InvalidField(path, f"a field's name in the CRM's API, such as {such_as}")
        _not_secret(template, path)


def checked_id(template: str, path: str) -> None:
    """Raises InvalidField."""
    if not _not_secret(template, path).uses:
        raise InvalidField(path, "the same for every call as it stands: put a macro in it, such as {call_id}")


def missing(fields: Mapping[str, str], mark: str, message: Message) -> str | None:
    """Why it cannot be told; `mark`: the template of the value that the record is found by."""
    facts = facts_of(message)
    read = templates.text(mark)
    why = templates.missing(read.uses, facts)
    if why is None and not templates.filled_text(read, facts):
        why = f"what the record is found by, {mark}, is empty"
    return why or next((why for each in fields.values() if (why := templates.missing(_uses(each), facts))), None)


def mark(template: str, message: Message) -> str:
    return templates.filled_text(templates.text(template), facts_of(message))


def texts(fields: Mapping[str, str], message: Message) -> dict[str, str]:
    facts = facts_of(message)
    made = {field: templates.filled_text(templates.text(template), facts) for field, template in fields.items()}
    return {field: text for field, text in made.items() if text}


def values(fields: Mapping[str, str], message: Message) -> dict[str, Any]:
    """As `texts`, but a macro that stands alone is a number, true or false where it is one."""
    facts = facts_of(message)
    made = {field: templates.alone(templates.text(template), facts) for field, template in fields.items()}
    return {field: value for field, value in made.items() if value not in (None, "")}


def _uses(template: str) -> list[templates.Use]:
    return templates.text(template).uses


def _not_secret(template: str, path: str) -> templates.Template:
    read = templates.text(template, path)
    if any(use.name == "secret" for use in read.uses):
        raise InvalidField(path, "{secret} is for postbacks")
    return read
