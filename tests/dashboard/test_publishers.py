"""Publishers made, changed and deleted by the forms of their pages."""

from dni.parts import Parts
from tests.dashboard.people import Person, hidden, text


async def test_a_publisher_is_made_changed_and_deleted(admin: Person, parts: Parts) -> None:
    form = hidden((await admin.read("/publishers/new")).text)
    first, second = [await admin.send("/publishers/new", {**form, "name": "Ads & <Co>"}) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    path = first.headers["location"].partition("?")[0]
    page = await admin.read(first.headers["location"])
    assert "Publisher created. Ads & <Co>" in text(page.text)
    assert "<Co>" not in page.text
    edit = await admin.read(f"{path}/edit")
    assert 'value="Ads &amp; &lt;Co&gt;"' in edit.text
    changed = await admin.send(f"{path}/edit", {**hidden(edit.text), "name": "Bigger ads"})
    assert changed.headers["location"] == f"{path}?done=changed"
    assert "Bigger ads" in text((await admin.read("/publishers")).text)
    gone = await admin.send(f"{path}/delete", hidden((await admin.read(f"{path}/delete")).text))
    assert gone.headers["location"] == "/publishers?done=deleted"
    assert "Bigger ads" not in text((await admin.read("/publishers")).text)


async def test_one_in_use_is_not_deleted(admin: Person, parts: Parts) -> None:
    answer = await admin.send("/publishers/pub_1/delete", hidden((await admin.read("/publishers/pub_1/delete")).text))
    assert answer.status_code == 409
    assert "in use by tag 'Tag 1'" in text(answer.text)


async def test_its_page_names_all_that_it_brings(admin: Person) -> None:
    page = await admin.read("/publishers/pub_1")
    for link in ("/campaigns/cmp_1", "/tags/tag_1", "/pools/pool_1", "/calls?publisher=pub_1"):
        assert f'href="{link}"' in page.text, link
    listed = text((await admin.read("/publishers")).text)
    assert "Publisher 1 Campaign 1 Tag 1 Its calls" in listed


async def test_a_publisher_sees_itself_and_no_other(publisher: Person) -> None:
    listed = await publisher.read("/publishers")
    assert "Publisher 1" in listed.text
    assert "Publisher 2" not in listed.text
    assert (await publisher.read("/publishers/pub_2")).status_code == 404
    page = await publisher.read("/publishers/pub_1")
    assert page.status_code == 200
    assert "/edit" not in page.text
    for path in ("/publishers/new", "/publishers/pub_1/edit", "/publishers/pub_1/delete"):
        assert (await publisher.read(path)).status_code == 403
        assert (await publisher.send(path, {**hidden(page.text), "name": "mine"})).status_code == 403
