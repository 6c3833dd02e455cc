"""Pools made and changed by their forms, a list of numbers pasted as people write it, and pools of 100,000."""

from dni.access.authenticate import ADMIN
from dni.parts import Parts
from dni.pool import pools
from dni.pool.pools import PoolView
from tests.dashboard.people import Person, hidden, text
from tests.dashboard.samples import NUMBERS
from tests.support.world import DESTINATION, numbers

NEW = {"name": "West", "hold_seconds": "90", "region_rule": "strict", "shared": "on"}
PASTED = "(415) 555-0101\r\n\r\n +1 415-555-0102 , 4155550103\r\n+14155550104 US-CA\r\n+14155550105 us-or"


async def pool(parts: Parts, wanted: str) -> PoolView:
    async with parts.ledger.read() as connection:
        return await pools.one(connection, ADMIN, wanted)


async def create(person: Person, **fields: str) -> str:
    form = hidden((await person.read("/pools/new")).text)
    answer = await person.send("/pools/new", {**form, **NEW, "numbers": PASTED, **fields})
    assert answer.status_code == 303, text(answer.text)[:2000]
    return answer.headers["location"].partition("?")[0]


async def test_a_pool_is_made_of_a_pasted_list(admin: Person, parts: Parts) -> None:
    path = await create(admin)
    made = await pool(parts, path.rpartition("/")[2])
    assert made.numbers == [f"+1415555010{n}" for n in range(1, 6)]
    assert made.regions == {"US-CA": ["+14155550104"], "US-OR": ["+14155550105"]}
    assert (made.hold_seconds, made.shared, made.region_rule) == (90, True, "strict")
    page = text((await admin.read(path)).text)
    assert "5 numbers , of no campaign yet" in page
    assert "US-CA 1 , US-OR 1 , anywhere 3" in page
    assert "None yet: no page shows these numbers." in page


async def test_wrong_numbers_are_named_by_their_lines_and_the_list_stays(admin: Person, parts: Parts) -> None:
    form = hidden((await admin.read("/pools/new")).text)
    typed = f"{PASTED}\r\nnonsense\r\n415 555 0101\r\n<b>"
    answer = await admin.send("/pools/new", {**form, **NEW, "numbers": typed, "hold_seconds": "9999"})
    assert answer.status_code == 422
    said = text(answer.text)
    assert "Line 6: not a phone number" in said
    assert "Line 7: the same number as line 1: +14155550101." in said
    assert "Line 8: not a phone number" in said
    assert "At most 3600." in said
    assert "nonsense\r\n415 555 0101\r\n&lt;b&gt;</textarea>" in answer.text
    assert 'name="shared" value="on" checked' in answer.text
    assert '<option value="strict" selected>' in answer.text


async def test_a_number_of_another_pool_is_told_with_its_line(admin: Person, parts: Parts) -> None:
    form = hidden((await admin.read("/pools/new")).text)
    answer = await admin.send("/pools/new", {**form, **NEW, "numbers": f"+14155550101\n\n{NUMBERS[0]}"})
    assert (answer.status_code, answer.headers["dni-reason"]) == (409, "number_taken")
    assert f"Line 3: {NUMBERS[0]} is already in pool" in text(answer.text)


async def test_numbers_join_and_are_retired_and_the_others_stay(admin: Person, parts: Parts) -> None:
    path = await create(admin)
    wanted = path.rpartition("/")[2]
    form = hidden((await admin.read(f"{path}/add")).text)
    more = {"numbers": "+14155550106\n+14155550101 US-NV\n+14155550105"}
    answer = await admin.send(f"{path}/add", {**form, **more})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=changed")
    assert (await admin.send(f"{path}/add", {**form, **more})).status_code == 303  # nothing happens twice
    made = await pool(parts, wanted)
    assert sorted(made.numbers) == [f"+1415555010{n}" for n in range(1, 7)]
    assert made.regions == {"US-CA": ["+14155550104"], "US-NV": ["+14155550101"], "US-OR": ["+14155550105"]}

    asked = await admin.read(f"{path}/retire")
    wrong = await admin.send(f"{path}/retire", {**hidden(asked.text), "numbers": "+14155550101\n+14155550190"})
    assert wrong.status_code == 422
    assert "Line 2: +14155550190 is not one of this pool's numbers." in text(wrong.text)
    gone = await admin.send(f"{path}/retire", {**hidden(asked.text), "numbers": "415 555 0101\n+14155550102"})
    assert gone.status_code == 303
    made = await pool(parts, wanted)
    assert sorted(made.numbers) == [f"+1415555010{n}" for n in range(3, 7)]
    assert made.regions == {"US-CA": ["+14155550104"], "US-OR": ["+14155550105"]}
    assert "4 numbers; 2 retired" in text((await admin.read(path)).text)
    empty = await admin.send(f"{path}/add", {**form, "numbers": " \n"})
    assert empty.status_code == 422
    assert "Fill this in." in text(empty.text)


async def test_settings_change_and_numbers_stay(admin: Person, parts: Parts) -> None:
    path = await create(admin)
    edit = await admin.read(f"{path}/edit")
    assert "<textarea" not in edit.text
    changed = {**NEW, "name": "East", "hold_seconds": "0"}
    del changed["shared"]
    assert (await admin.send(f"{path}/edit", {**hidden(edit.text), **changed})).status_code == 303
    made = await pool(parts, path.rpartition("/")[2])
    assert (made.name, made.hold_seconds, made.shared, made.number_count) == ("East", 0, False, 5)


async def test_a_pool_in_use_is_not_deleted_another_is(admin: Person, parts: Parts) -> None:
    refused = await admin.send("/pools/pool_1/delete", hidden((await admin.read("/pools/pool_1/delete")).text))
    assert refused.status_code == 409
    assert "in use by tag 'Tag 1'" in text(refused.text)
    path = await create(admin)
    gone = await admin.send(f"{path}/delete", hidden((await admin.read(f"{path}/delete")).text))
    assert gone.headers["location"] == "/pools?done=deleted"
    assert (await admin.read(path)).status_code == 404


async def test_the_list_says_whose_and_by_which_tag(admin: Person) -> None:
    listed = text((await admin.read("/pools")).text)
    assert "Pool 1 8 Campaign 1 Publisher 1 Tag 1 120 s" in listed


async def test_a_publisher_reads_its_pool_and_changes_nothing(publisher: Person) -> None:
    listed = await publisher.read("/pools")
    assert "Pool 1" in listed.text
    assert "Pool 2" not in listed.text
    page = await publisher.read("/pools/pool_1")
    assert page.status_code == 200
    assert "/add" not in page.text + listed.text
    assert (await publisher.read("/pools/pool_2")).status_code == 404
    for path in ("/pools/new", "/pools/pool_1/add", "/pools/pool_1/retire", "/pools/pool_1/edit"):
        assert (await publisher.read(path)).status_code == 403
        assert (await publisher.send(path, {**hidden(page.text), **NEW, "numbers": PASTED})).status_code == 403


async def test_a_pool_of_very_many_numbers_is_pasted_paged_and_added_to(admin: Person, parts: Parts) -> None:
    """A form of more than a megabyte; every page of it stays small."""
    many = [one for one in numbers(60_001, first=300) if one != DESTINATION]
    written = [f"({one[2:5]}) {one[5:8]}-{one[8:]}" for one in many]
    form = hidden((await admin.read("/pools/new")).text)
    wrong = await admin.send("/pools/new", {**form, **NEW, "numbers": "\n".join(written + ["nonsense"] * 100)})
    assert wrong.text.count("not a phone number") == 40  # the first 20, at the top and at the field
    path = await create(admin, numbers="\r\n".join(written))
    page = await admin.read(path)
    assert "60,000 numbers" in text(page.text)
    assert len(page.content) < 100_000
    assert page.text.count("<tr") == 101
    older = page.text.partition('rel="next" href="')[2].partition('"')[0]
    assert "Newest" in text((await admin.read(older)).text)
    for place in ("edit", "add", "retire", "delete"):
        assert len((await admin.read(f"{path}/{place}")).content) < 20_000
    added = await admin.send(
        f"{path}/add", {**hidden((await admin.read(f"{path}/add")).text), "numbers": "+12025550177"}
    )
    assert added.status_code == 303
    assert (await pool(parts, path.rpartition("/")[2])).number_count == 60_001
