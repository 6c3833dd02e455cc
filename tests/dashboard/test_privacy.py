"""The page of privacy: retention as a form, one person looked at, handed over, erased; for admins only."""

import json
from typing import Any

from sqlalchemy import select

from dni.call.keep_touches import keep_next
from dni.ledger import schema
from dni.parts import Parts
from dni.privacy import retentions
from dni.privacy.model import DEFAULTS
from tests.dashboard.people import Person, hidden, text
from tests.dashboard.samples import CALLER

PATH = "/settings/privacy"
VISITOR = "visitor-of-s-google-1234567890"


async def days(parts: Parts) -> dict[str, int | None]:
    async with parts.ledger.read() as connection:
        found = await retentions.days(connection)
    return {name: getattr(found, name) for name in found.__struct_fields__}


async def rows(parts: Parts, table: Any) -> list[dict[str, Any]]:
    async with parts.ledger.read() as connection:
        return [dict(row) for row in (await connection.execute(select(table))).mappings()]


async def asked(admin: Person, kind: str, who: str) -> str:
    fields = hidden((await admin.read(PATH)).text, f"{PATH}/person")
    answer = await admin.send(f"{PATH}/person", {**fields, "kind": kind, "who": who})
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_retention_is_shown_and_saved(admin: Person, parts: Parts) -> None:
    page = await admin.read(PATH)
    assert "It has not run yet" in text(page.text)
    fields = {name: str(value) for name, value in (await days(parts)).items()}
    sent = {**hidden(page.text, PATH), **fields, "sessions": " 30 ", "callers": ""}
    answer = await admin.send(PATH, sent)
    assert answer.status_code == 303
    assert "Saved." in text((await admin.read(answer.headers["location"])).text)
    assert await days(parts) == {**await days(parts), "sessions": 30, "callers": None}


async def test_a_wrong_number_of_days_saves_nothing_and_stays_in_its_field(admin: Person, parts: Parts) -> None:
    page = await admin.read(PATH)
    for wrong in ("6", "1.5", "٣٠", "-30", "1e3", "9" * 40):
        answer = await admin.send(PATH, {**hidden(page.text, PATH), "sessions": wrong, "details": "30"})
        assert answer.status_code == 422
        assert "A whole number of days from 7 to 36,500" in text(answer.text)
        assert f'value="{wrong[:20]}"' in answer.text
    assert (await days(parts))["details"] == DEFAULTS.details


async def test_a_caller_is_looked_at_handed_over_and_erased(admin: Person, parts: Parts) -> None:
    while await keep_next(parts):
        pass
    page = await asked(admin, "caller", "(312) 555-0142")
    told = text(page)
    assert "+1 312-555-0142" in told
    assert "96% likely" in told
    assert "What stays, and why" in told
    file = await admin.send(f"{PATH}/export", hidden(page, f"{PATH}/export"))
    assert file.headers["content-disposition"].startswith('attachment; filename="caller-2026-09-21.json"')
    assert {one["caller"] for one in json.loads(file.text)["calls"]} == {CALLER}
    unsure = await admin.send(f"{PATH}/erase", hidden(page, f"{PATH}/erase"))
    assert unsure.status_code == 200
    assert any(row["caller"] == CALLER for row in await rows(parts, schema.call)), "not ticked"
    done = await admin.send(f"{PATH}/erase", {**hidden(page, f"{PATH}/erase"), "sure": "1"})
    assert done.status_code == 303
    told = text((await admin.read(done.headers["location"])).text)
    assert "Erased. 7 calls, which stay as nobody's" in told
    assert "one caller, by admin" in told
    assert not any(row["caller"] == CALLER for row in await rows(parts, schema.call))
    assert "Nothing is held" in text(await asked(admin, "caller", CALLER))


async def test_a_visitor_is_found_by_id_and_by_a_visit(admin: Person, parts: Parts) -> None:
    for kind, who in (("visitor", VISITOR), ("session", "s-google-1234567890")):
        told = text(await asked(admin, kind, who))
        assert "google / cpc" in told
        assert "Calls credited to the visitor" in told
        assert "555-0142" not in told, "who called is the caller's own"


async def test_who_is_asked_for_wrongly_is_told_what_is_right(admin: Person, parts: Parts) -> None:
    fields = hidden((await admin.read(PATH)).text, f"{PATH}/person")
    wrong = {"caller": "12<b>", "visitor": "a b", "session": "", "nobody": "x"}
    for kind, who in wrong.items():
        answer = await admin.send(f"{PATH}/person", {**fields, "kind": kind, "who": who})
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert "<b>" not in answer.text


async def test_others_do_not_come_in(publisher: Person, parts: Parts) -> None:
    for path in (PATH, f"{PATH}/person", f"{PATH}/export", f"{PATH}/erase"):
        assert (await publisher.read(path)).status_code in (303, 403)
        fields = hidden((await publisher.read("/calls")).text)
        answer = await publisher.send(path, {**fields, "kind": "caller", "who": CALLER, "sure": "1"})
        assert answer.status_code == 403
    assert (await publisher.read(PATH)).status_code == 403
