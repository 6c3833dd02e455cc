"""Static numbers by their forms, and every number found by digits, kind and owner."""

import pytest

from dni.access.tokens import NewToken
from dni.parts import Parts
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, hidden, text
from tests.dashboard.samples import NUMBERS

NEW = {
    "number": "(415) 555-0160",
    "campaign": "cmp_1",
    "publisher": "",
    "source": "billboard",
    "medium": "outdoor",
    "campaign_name": "spring",
    "keyword": "",
}


async def create(person: Person, **fields: str) -> str:
    form = hidden((await person.read("/numbers/new")).text)
    answer = await person.send("/numbers/new", {**form, **NEW, **fields})
    assert answer.status_code == 303, text(answer.text)
    return answer.headers["location"].partition("?")[0]


async def test_a_static_number_is_made_changed_and_retired(admin: Person, parts: Parts) -> None:
    path = await create(admin)
    known = parts.catalog.now.numbers["+14155550160"]
    assert (known.source, known.medium, known.campaign_name, known.keyword) == ("billboard", "outdoor", "spring", None)
    page = text((await admin.read(f"{path}?done=created")).text)
    assert "Number created. (415) 555-0160 Always stands for one source." in page
    edit = await admin.read(f"{path}/edit")
    assert 'name="number"' not in edit.text
    sent = {**hidden(edit.text), **NEW, "source": "radio", "medium": "", "publisher": "pub_1"}
    assert (await admin.send(f"{path}/edit", sent)).status_code == 303
    known = parts.catalog.now.numbers["+14155550160"]
    assert (known.source, known.medium, known.publisher) == ("radio", None, "pub_1")
    asked = await admin.read(f"{path}/retire")
    assert "Retire (415) 555-0160?" in text(asked.text)
    gone = await admin.send(f"{path}/retire", hidden(asked.text))
    assert gone.headers["location"] == "/numbers?done=retired"
    assert "Number retired." in text((await admin.read("/numbers?done=retired")).text)
    assert not parts.catalog.now.numbers["+14155550160"].live


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"number": "12"}, 422, "Not a phone number"),
        ({"number": NUMBERS[0]}, 409, "is already in pool"),
        ({"number": "+14155550199"}, 422, "is where the calls of campaign"),
        ({"campaign": "cmp_of_nobody"}, 422, "There is no campaign 'cmp_of_nobody'."),
        ({"publisher": "'; drop"}, 422, "There is no publisher"),
        ({"source": "a\nb"}, 422, "No control characters"),
        ({"keyword": "k" * 201}, 422, "At most 200 characters."),
        ({"campaign": ""}, 422, "Choose one."),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field(
    admin: Person, fields: dict[str, str], status: int, says: str
) -> None:
    form = hidden((await admin.read("/numbers/new")).text)
    answer = await admin.send("/numbers/new", {**form, **NEW, **fields})
    assert answer.status_code == status
    assert says in text(answer.text)
    assert answer.text.count('aria-invalid="true"') == 1
    assert 'value="billboard"' in answer.text or "source" in fields


async def test_numbers_are_found_by_digits_kind_and_owner(admin: Person) -> None:
    await create(admin)

    async def found(query: str) -> list[str]:
        page = (await admin.read(f"/numbers?{query}")).text
        return [line.partition(">")[2].partition("<")[0] for line in page.split('class="open nowrap" href')[1:]]

    assert len(await found("")) == 11
    assert await found("kind=static") == ["(415) 555-0160"]
    assert await found("q=555-01 60") == ["(415) 555-0160"]
    assert await found("q=%28415%29+555-0160&campaign=cmp_1") == ["(415) 555-0160"]
    assert len(await found("kind=pooled&pool=pool_2")) == 2
    assert len(await found("publisher=pub_2")) == 2
    assert await found("q=999999") == []
    for strange in ("pool=%00", "campaign=%27;--", "kind=other&q=%F0%9F%98%80"):
        assert (await admin.read(f"/numbers?{strange}")).status_code == 200
    assert (await admin.read("/numbers?cursor=nonsense")).status_code == 422


async def test_a_pooled_number_says_so_and_has_nothing_to_edit(admin: Person) -> None:
    page = await admin.read("/numbers/num_1_000000")
    assert "Shown to visitors in turn, from pool Pool 1" in text(page.text)
    assert "/edit" not in page.text
    refused = await admin.read("/numbers/num_1_000000/edit")
    assert (refused.status_code, refused.headers["dni-reason"]) == (409, "number_pooled")
    form = hidden((await admin.read("/numbers/num_1_000000/retire")).text)
    assert (await admin.send("/numbers/num_1_000000/retire", form)).status_code == 303
    assert (await admin.read("/numbers/num_1_000000")).status_code == 404


async def test_who_only_reads_sees_his_own_numbers(publisher: Person, admin: Person, parts: Parts) -> None:
    foreign = await create(admin, number="+14155550161", campaign="cmp_2")
    own = await create(admin, number="+14155550162", publisher="pub_1")
    listed = await publisher.read("/numbers")
    assert "(415) 555-0162" in listed.text
    assert "(415) 555-0161" not in listed.text
    assert "/numbers/new" not in listed.text
    assert (await publisher.read(own)).status_code == 200
    assert (await publisher.read(foreign)).status_code == 404
    for path in ("/numbers/new", f"{own}/edit", f"{own}/retire"):
        assert (await publisher.read(path)).status_code == 403
    await token(parts, NewToken(role="marketer"))
