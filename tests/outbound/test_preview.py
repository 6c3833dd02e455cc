"""Previews of each kind: nothing that stands for a secret is refused, and none of it is shown."""

from typing import Any

import pytest

from dni.outbound import preview
from dni.outbound.declare import INTEGRATIONS
from dni.outbound.kinds import KINDS, read
from dni.outbound.preview import Preview
from dni.parts import Parts
from tests.support.world import START_MS

SETTINGS: dict[str, dict[str, Any]] = {
    "postback": {"url": "https://example.com/p?a={call_id}&key={secret}"},
    "ga4": {"measurement_id": "G-ABC1234567"},
    "csv": {"to": "folder", "folder": "calls"},
}


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_what_stands_for_a_secret_fits_each_kind(name: str) -> None:
    secrets = KINDS[name].secrets
    read(secrets, dict.fromkeys(secrets.__struct_fields__, preview.STAND_IN), "/secrets")


@pytest.mark.parametrize("name", SETTINGS)
async def test_a_made_up_call_shows_the_request(sqlite_parts: Parts, name: str) -> None:
    told = Preview(kind=name, settings=SETTINGS[name])
    made = await preview.preview(sqlite_parts.ledger, START_MS, told)
    assert made.call is None
    assert made.request or made.why
    assert preview.STAND_IN not in repr(made)
