"""The editor of terms: a draft that travels in its form, policies as lines or as text, versions, overrides."""

from typing import Any

import pytest

from dni.access.authenticate import ADMIN
from dni.access.tokens import NewToken
from dni.parts import Parts
from dni.qualification import terms
from dni.qualification.model import Policy, Terms
from dni.qualification.terms import TermsView
from tests.dashboard import priced
from tests.dashboard.conftest import token
from tests.dashboard.people import Person
from tests.dashboard.test_routing import Editor

PAGE = "/campaigns/cmp_1/terms"


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    await priced.fill(parts)
    return parts


@pytest.fixture
async def editor(admin: Person, parts: Parts) -> Editor:
    return await Editor(admin, PAGE).open()


async def versions(parts: Parts, publisher: str | None = None, campaign: str = "cmp_1") -> list[TermsView]:
    async with parts.ledger.read() as connection:
        found = await terms.versions(connection, ADMIN, campaign)
    return [one for one in found if one.publisher == publisher]


async def latest(parts: Parts, publisher: str | None = None, campaign: str = "cmp_1") -> Terms:
    made = (await versions(parts, publisher, campaign))[0].terms
    assert made is not None
    return made


async def test_both_sides_stand_beside_each_other_with_every_policy(editor: Editor) -> None:
    assert editor.status == 200
    for told in (
        "Payout, to the publisher",
        "Revenue, from the advertiser",
        "1 Big sale bonus 10% of the sale when sale and (value >= 500 or lead = won) and region in (CA, NV)",
        "2 Business hours bonus 18.00 USD when talk >= 120s and during(business)",
        "3 Base 12.50 USD when talk >= 90s",
        "1 Billed base 20.00 USD when talk >= 60s",
        "Else the publisher is paid nothing.",
        "From Aug 22, 10:13:20 applies",
        "Payout 10.00 USD; revenue 20.00 USD.",
    ):
        assert told in editor.says, told
    assert "Not saved" not in editor.says


async def test_a_base_is_made_of_lines_and_saved_as_a_version(admin: Person, parts: Parts) -> None:
    editor = await Editor(admin, "/campaigns/cmp_2/terms").open()
    assert "None yet: no call pays anything." in editor.says
    await editor.press("add:payout:base")
    assert editor.form["row/0/word"] == "talk"
    line = {"row/1/word": "region", "row/1/op": "in", "row/1/value": "CA, NV"}
    await editor.press("keep:payout:base", pays="12.50", **line)
    assert editor.status == 200, editor.says
    assert "12.50 USD when talk >= 90s and region in (CA, NV)" in editor.says
    assert "Not saved: calls still go by the former terms." in editor.says
    assert await versions(parts, campaign="cmp_2") == []
    await editor.press("save")
    assert "Saved: calls that begin from then on go by these terms." in editor.says
    made = await latest(parts, campaign="cmp_2")
    assert made.payout.base == Policy(name="Base", when="talk >= 90s and region in (CA, NV)", amount=1_250)


async def test_an_editor_that_was_only_looked_at_saves_the_same(editor: Editor, parts: Parts) -> None:
    before = await latest(parts)
    for what in ("payout:0", "payout:1", "payout:base", "revenue:base"):
        await editor.press(f"edit:{what}")
        await editor.press(f"keep:{what}")
        assert editor.status == 200, editor.says
    assert "Not saved" not in editor.says
    await editor.press("save")
    assert await latest(parts) == before


async def test_a_condition_is_lines_or_text_with_the_same_meaning(editor: Editor) -> None:
    await editor.press("edit:payout:1")
    assert [editor.form[f"row/{n}/word"] for n in (0, 1)] == ["talk", "during"]
    await editor.press("text:payout:1")
    assert editor.form["when"] == "talk >= 120s and during(business)"
    await editor.press("rows:payout:1")
    assert editor.form["row/1/value"] == "business"
    before = sum(name.endswith("/word") for name in editor.form)
    await editor.press("row:payout:1")
    assert sum(name.endswith("/word") for name in editor.form) == before + 1
    await editor.press("keep:payout:1")
    assert "when talk >= 120s and during(business)" in editor.says
    assert "Not saved" not in editor.says


async def test_what_cannot_be_lines_stays_text(editor: Editor) -> None:
    await editor.press("edit:payout:0")
    assert editor.form["when"] == "sale and (value >= 500 or lead = won) and region in (CA, NV)"
    await editor.press("rows:payout:0")
    assert editor.status == 422
    assert "This cannot be shown as lines, because of its or" in editor.says
    assert editor.form["when"].startswith("sale and (")


async def test_an_error_in_a_text_is_marked_under_its_character(editor: Editor) -> None:
    await editor.press("edit:payout:0")
    await editor.press("keep:payout:0", when="sale and regoin = CA")
    assert editor.status == 422
    assert "did you mean region?" in editor.says
    assert (
        '<span class="of-line">sale and regoin = CA</span>\n<span class="under">         ^^^^^^</span>' in editor.page
    )


async def test_errors_of_lines_and_of_the_amount_stand_beside_each_other(editor: Editor) -> None:
    await editor.press("edit:payout:base")
    await editor.press("keep:payout:base", **{"name": "", "row/0/value": "long"})
    assert editor.status == 422
    assert "Name : Fill this in." in editor.says
    await editor.press("keep:payout:base", **{"name": "Base", "row/0/value": "long"})
    assert "Line 1 : 'long' does not fit talk" in editor.says
    await editor.press("keep:payout:base", **{"row/0/value": "90s", "pays": "much"})
    assert "Pays : An amount of USD, such as 125.00." in editor.says


async def test_policies_move_and_go(editor: Editor, parts: Parts) -> None:
    await editor.press("up:payout:1")
    await editor.press("remove:revenue:base")
    await editor.press("save")
    made = await latest(parts)
    assert [one.name for one in made.payout.bonuses] == ["Business hours", "Big sale"]
    assert made.revenue.base is None


async def test_hours_that_a_policy_names_cannot_go(editor: Editor, parts: Parts) -> None:
    await editor.press("save", hours="")
    assert editor.status == 422
    assert "A policy is not right yet" in editor.says
    assert "Not right yet: Character 25: no hours are called 'business'" in editor.says
    assert len(await versions(parts)) == 2


async def test_fields_are_saved_and_faults_stand_beside_them(editor: Editor, parts: Parts) -> None:
    typed = {"dedupe/days": "7", "dedupe/scope": "advertiser", "min_confidence": "62.5", "payout/pick": "best"}
    await editor.press("save", **typed, **{"dedupe/shared": "(415) 555-0166\nnobody"})
    assert "Shared telephones : Line 2: not a phone number" in editor.says
    await editor.press("save", **{"dedupe/shared": "(415) 555-0166"})
    made = await latest(parts)
    assert (made.dedupe and made.dedupe.days, made.min_confidence, made.payout.pick) == (7, 0.625, "best")
    assert "Saved" in editor.says


async def test_a_version_can_apply_later_and_calls_until_then_keep_theirs(editor: Editor, parts: Parts) -> None:
    await editor.press("remove:payout:0")
    await editor.press("save", **{"from": "2026-12-01T00:00"})
    newest = (await versions(parts))[0]
    assert newest.from_ == "2026-12-01T05:00:00.000+00:00", "midnight in New York"
    assert "From Dec 1, 00:00:00 to come" in editor.says
    assert "1 Big sale bonus" in editor.says, "the editor shows what applies now"
    await editor.press("save", **{"from": "soon"})
    assert "Applies to calls from : A day and an hour" in editor.says


async def test_terms_are_tried_on_past_calls_before_they_are_saved(editor: Editor, parts: Parts) -> None:
    await editor.press("edit:payout:base")
    await editor.press("keep:payout:base", pays="20")
    await editor.press("try", **{"try/first": "2026-08-01"})
    assert editor.status == 200, editor.says
    assert "What would have been" in editor.says
    assert "Calls from Aug 1, 00:00:00 to Sep 21, 10:13:20: 10." in editor.says
    assert "Payouts would be 30.00 USD more, revenue the same, the margin 30.00 USD less." in editor.says
    assert "Publisher 1 10 the same 7 the same 121.00 was 91.00 140.00 the same 19.00 was 49.00" in editor.says
    assert "Not saved" in editor.says, "nothing is"
    assert len(await versions(parts)) == 2
    await editor.press("try", **{"try/first": "soon"})
    assert "First day : A day, such as 2026-11-15" in editor.says
    await editor.press("try", **{"try/first": "2026-09-20", "try/last": "2026-09-01"})
    assert "First day : A moment before" in editor.says


async def test_it_can_begin_from_an_earlier_version(admin: Person, parts: Parts) -> None:
    editor = await Editor(admin, f"{PAGE}?version=trm_first").open()
    assert "10.00 USD when talk >= 90s" in editor.says
    assert "Not saved" in editor.says
    await Editor.press(editor, "save")
    assert (await latest(parts)).payout.base == Policy(name="Base", when="talk >= 90s", amount=1_000)


async def test_a_publisher_has_terms_of_its_own_until_they_end(admin: Person, parts: Parts) -> None:
    editor = await Editor(admin, f"{PAGE}?publisher=pub_1").open()
    assert "Publisher 1 has no terms of its own: the campaign's apply." in editor.says
    await editor.press("edit:payout:base")
    await editor.press("keep:payout:base", pays="15")
    await editor.press("save")
    assert "Saved" in editor.says
    base = (await latest(parts, "pub_1")).payout.base
    assert base is not None
    assert base.amount == 1_500
    assert (await latest(parts)).payout.base != base
    assert "Publisher 1 own terms" in editor.says
    await editor.press("end")
    assert "Ended: calls that begin from then on go by the campaign's terms." in editor.says
    assert (await versions(parts, "pub_1"))[0].terms is None
    assert "Publisher 1 has no terms of its own" in editor.says
    assert (await admin.read(f"{PAGE}?publisher=pub_2")).status_code == 404


async def test_who_was_faster_is_not_overwritten(admin: Person, parts: Parts) -> None:
    mine, theirs = await Editor(admin, PAGE).open(), await Editor(admin, PAGE).open()
    await theirs.press("remove:revenue:base")
    await theirs.press("save")
    await mine.press("remove:payout:0")
    await mine.press("save")
    assert mine.status == 409
    assert "Somebody saved other terms meanwhile" in mine.says
    assert "2 Base" in mine.says, "what was changed is kept"


async def test_a_second_click_saves_once(admin: Person, parts: Parts) -> None:
    editor = await Editor(admin, PAGE).open()
    await editor.press("remove:payout:0")
    form = {**editor.form, "act": "save"}
    assert (await admin.send(PAGE, form)).status_code == 303
    assert (await admin.send(PAGE, form)).status_code == 303
    assert len(await versions(parts)) == 3


async def test_each_side_reads_its_own_and_changes_nothing(publisher: Person, new_person: Any, parts: Parts) -> None:
    page = await Editor(publisher, PAGE).open()
    assert "12.50 USD" in page.says
    assert "20.00" not in page.page
    assert "Billed" not in page.says
    assert "A call must have been answered." in page.says
    assert "Save" not in page.says
    advertiser = await new_person().signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_1")))
    page = await Editor(advertiser, PAGE).open()
    assert "20.00 USD" in page.says
    assert "12.50" not in page.page
    for person in (publisher, advertiser):
        form = (await Editor(person, PAGE).open()).form
        assert (await person.send(PAGE, {**form, "act": "save"})).status_code == 403
    assert len(await versions(parts)) == 2


async def test_a_publisher_reads_its_own_terms_and_no_other_s(publisher: Person, parts: Parts) -> None:
    own = {**priced.TERMS, "payout": {"base": {"name": "Mine", "amount": 777}}}
    await priced.version(parts, "mine", own, ago_ms=0, publisher="pub_1")
    await priced.version(parts, "theirs", own, ago_ms=0, publisher="pub_2")
    page = await Editor(publisher, PAGE).open()
    assert "7.77 USD" in page.says
    assert (await Editor(publisher, f"{PAGE}?publisher=pub_2").open()).says == page.says


@pytest.mark.parametrize(
    "fields",
    [
        {"act": "up:payout:0"},
        {"act": "keep:payout:99"},
        {"act": "edit:payout:7"},
        {"act": "add:nothing:base"},
        {"act": "keep:payout:base", "mode": "text", "when": "\0"},
        {"act": "keep:revenue:0", "pays": "1", "unit": "EUR", "name": "x"},
        {"act": "nothing"},
        {"act": "end"},
    ],
)
async def test_what_no_button_sends_changes_nothing(admin: Person, parts: Parts, fields: dict[str, str]) -> None:
    form = (await Editor(admin, PAGE).open()).form
    answer = await admin.send(PAGE, {**form, **fields})
    assert answer.status_code in (200, 422)
    assert len(await versions(parts)) == 2


async def test_what_is_no_draft_is_refused(admin: Person, parts: Parts) -> None:
    form = (await Editor(admin, PAGE).open()).form
    for payout in ("", "[]", '{"base": 1}'):
        assert (await admin.send(PAGE, {**form, "payout": payout, "act": "save"})).status_code == 400
