"""Carriers, tokens and the service itself: for admins only; secrets are shown once or never."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from dni.access.tokens import NewToken
from dni.call.refusals import Refusal, Refusals
from dni.dashboard.carriers import HINTS
from dni.dashboard.settings import geo_state
from dni.parts import Parts
from dni.session.geo import Geo
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, hidden, text
from tests.support.geo import write_city

CARRIER = {
    "name": "Main line",
    "kind": "twilio",
    "account_sid": "AC0123",
    "auth_token": "a-secret-of-the-carrier",
    "default_destination": "",
}


async def new_carrier(person: Person, **fields: str) -> str:
    form = hidden((await person.read("/settings/carriers/new")).text)
    answer = await person.send("/settings/carriers/new", {**form, **CARRIER, **fields})
    assert answer.status_code == 303, text(answer.text)
    return answer.headers["location"].partition("?")[0]


async def test_a_carrier_is_made_and_its_page_has_the_addresses_to_paste(admin: Person, parts: Parts) -> None:
    path = await new_carrier(admin)
    made = path.rpartition("/")[2]
    page = await admin.read(path)
    assert f"http://dni.example/voice/twilio/{made}/inbound" in page.text
    assert f"http://dni.example/voice/twilio/{made}/status" in page.text
    assert CARRIER["auth_token"] not in page.text
    assert parts.catalog.now.carriers[made].auth_token == CARRIER["auth_token"]


async def test_a_carriers_secret_is_never_shown_again_and_stays_when_left_empty(admin: Person, parts: Parts) -> None:
    path = await new_carrier(admin)
    made = path.rpartition("/")[2]
    form = hidden((await admin.read("/settings/carriers/new")).text)
    refused = await admin.send("/settings/carriers/new", {**form, **CARRIER, "name": "", "account_sid": "A C"})
    assert refused.status_code == 422
    assert CARRIER["auth_token"] not in refused.text
    edit = await admin.read(f"{path}/edit")
    assert CARRIER["auth_token"] not in edit.text
    sent = {**hidden(edit.text), **CARRIER, "auth_token": "", "default_destination": "415 555 0191"}
    assert (await admin.send(f"{path}/edit", sent)).status_code == 303
    known = parts.catalog.now.carriers[made]
    assert (known.auth_token, known.default_destination) == (CARRIER["auth_token"], "+14155550191")
    sent = {**sent, "auth_token": "another", "default_destination": ""}
    assert (await admin.send(f"{path}/edit", sent)).status_code == 303
    known = parts.catalog.now.carriers[made]
    assert (known.auth_token, known.default_destination) == ("another", None)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"account_sid": "A C"}, "Letters, digits, dots, hyphens and underscores only"),
        ({"auth_token": "two words"}, "Printable ASCII without blanks"),
        ({"kind": "smoke"}, "One of twilio"),
        ({"default_destination": "+12025550100"}, "is a tracking number itself"),
    ],
)
async def test_a_wrong_carrier_is_told_in_words(admin: Person, fields: dict[str, str], says: str) -> None:
    form = hidden((await admin.read("/settings/carriers/new")).text)
    answer = await admin.send("/settings/carriers/new", {**form, **CARRIER, **fields})
    assert answer.status_code == 422
    assert says in text(answer.text)


OTHERS = {
    "signalwire": ("Project ID", "Signing key", "00000000-0000-4000-8000-000000000001", "PSK_made_up"),
    "telnyx": ("Account ID", "Public key", "user-1", "A" * 43 + "="),
    "plivo": ("Auth ID", "Auth token", "MA" + "A" * 18, "made-up"),
    "generic": ("Name of the server", "Bearer token", "", "sixteen-letters!"),
}


@pytest.mark.parametrize("kind", OTHERS)
async def test_each_carrier_is_asked_for_and_shown_in_its_own_words(admin: Person, parts: Parts, kind: str) -> None:
    account, proof, sid, token = OTHERS[kind]
    page = await admin.read(f"/settings/carriers/new?kind={kind}")
    assert f">{account}" in page.text
    assert f">{proof}" in page.text
    sent = {**hidden(page.text), "name": "Mine", "account_sid": sid, "auth_token": token}
    answer = await admin.send("/settings/carriers/new", sent)
    assert answer.status_code == 303, text(answer.text)
    path = answer.headers["location"].partition("?")[0]
    made = parts.catalog.now.carriers[path.rpartition("/")[2]]
    assert (made.kind, made.account_sid, made.auth_token) == (kind, sid or "sip", token)
    page = await admin.read(path)
    assert f"/voice/{kind}/{made.id}/inbound" in page.text
    assert f"<dt>{account}</dt>" in page.text
    assert f"<dt>{proof}</dt><dd>kept, never shown</dd>" in page.text
    assert f">New {proof[:1].lower()}{proof[1:]}" in (await admin.read(f"{path}/edit")).text


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("twilio", {"account_sid": "SK01"}, "The account SID: it begins with AC"),
        ("signalwire", {"account_sid": "AC0123"}, "The project ID: 32 hexadecimal digits in five groups"),
        ("telnyx", {"auth_token": "KEY0123"}, "The account's public key: 44 characters that end with ="),
        ("plivo", {"account_sid": "AC0123"}, "The auth ID: MA or SA and 18 letters and digits"),
        ("plivo", {"account_sid": ""}, "Fill this in."),
        ("generic", {"auth_token": "short"}, "At least 16 characters"),
    ],
)
async def test_what_is_none_of_a_carriers_is_told_in_its_words(
    admin: Person, kind: str, fields: dict[str, str], says: str
) -> None:
    form = hidden((await admin.read(f"/settings/carriers/new?kind={kind}")).text)
    _, _, sid, token = OTHERS.get(kind, ("", "", "AC0123", "t"))
    good = {"name": "Mine", "account_sid": sid, "auth_token": token}
    answer = await admin.send("/settings/carriers/new", {**form, **good, **fields})
    assert answer.status_code == 422
    assert says in text(answer.text)
    assert f'name="kind" value="{kind}"' in answer.text


async def test_a_changed_account_is_still_one_of_its_carrier(admin: Person) -> None:
    path = await new_carrier(admin)
    sent = {**hidden((await admin.read(f"{path}/edit")).text), **CARRIER, "account_sid": "SK01", "auth_token": ""}
    answer = await admin.send(f"{path}/edit", sent)
    assert answer.status_code == 422
    assert "The account SID: it begins with AC" in text(answer.text)


async def test_what_was_turned_away_says_what_to_do(admin: Person, parts: Parts) -> None:
    at_ms = parts.clock.now_ms() - 60_000
    for code in (*HINTS, "news_to_us"):
        await Refusals(parts.ledger).keep(Refusal("car_1", at_ms, code, "<b>detail", "http://x.example/<i>"))
    page = await admin.read("/settings/carriers/car_1")
    said = text(page.text)
    for hint in HINTS.values():
        assert hint in said
    assert "1 min ago" in said
    assert "<b>detail" in said
    assert "<b>" not in page.text.partition("<main")[2].replace("<bdi>", "")
    assert set(HINTS) == {"missing_signature", "bad_signature", "stale_signature", "wrong_account"}


async def test_a_carrier_is_deleted_after_a_question(admin: Person, parts: Parts) -> None:
    asked = await admin.read("/settings/carriers/car_1/delete")
    assert "callers hear that the call failed" in text(asked.text)
    gone = await admin.send("/settings/carriers/car_1/delete", hidden(asked.text))
    assert gone.headers["location"] == "/settings/carriers?done=deleted"
    assert "car_1" not in parts.catalog.now.carriers


async def test_a_token_is_shown_once_works_and_is_revoked(admin: Person, new_person: Callable[[], Person]) -> None:
    form = {**hidden((await admin.read("/settings/tokens/new")).text), "name": "Mary", "role": "marketer"}
    first = await admin.send("/settings/tokens/new", form)
    assert first.status_code == 200
    secret = first.text.partition("data-copy>")[2].partition("<")[0]
    assert secret.startswith("dni_")
    assert first.headers["cache-control"] == "no-store"
    mary = await new_person().signed_in(secret)
    assert "Signed in as marketer Mary" in text((await mary.read("/calls")).text)

    again = await admin.send("/settings/tokens/new", form)
    assert "This form was sent twice" in text(again.text)
    assert secret not in again.text
    listed = await admin.read("/settings/tokens")
    assert text(listed.text).count("Mary marketer everything") == 1
    assert secret not in listed.text

    revoke = listed.text.partition('href="/settings/tokens/tok')[2].partition('"')[0]
    asked = await admin.read(f"/settings/tokens/tok{revoke}")
    assert "Revoke Mary?" in text(asked.text)
    gone = await admin.send(f"/settings/tokens/tok{revoke}", hidden(asked.text))
    assert gone.headers["location"] == "/settings/tokens?done=revoked"
    assert (await mary.read("/calls")).status_code == 303


@pytest.mark.parametrize(
    ("fields", "says", "name"),
    [
        ({"role": "advertiser"}, "An advertiser's token names its campaign.", "campaign"),
        ({"role": "publisher"}, "A publisher's token names its publisher.", "publisher"),
        ({"role": "admin", "campaign": "cmp_1"}, "An admin has no walls", "role"),
        ({"role": "king"}, "Choose one.", "role"),
        ({"role": "publisher", "publisher": "pub_x"}, "There is no publisher 'pub_x'.", "publisher"),
    ],
)
async def test_a_token_needs_what_its_role_needs(admin: Person, fields: dict[str, str], says: str, name: str) -> None:
    form = hidden((await admin.read("/settings/tokens/new")).text)
    answer = await admin.send("/settings/tokens/new", {**form, "name": "N", **fields})
    assert answer.status_code == 422
    assert f'id="f-{name}-wrong"' in answer.text
    assert says in text(answer.text)


async def test_a_token_within_walls_reads_only_what_is_within_them(
    admin: Person, new_person: Callable[[], Person]
) -> None:
    form = hidden((await admin.read("/settings/tokens/new")).text)
    sent = {**form, "name": "", "role": "advertiser", "campaign": "cmp_1", "publisher": ""}
    made = await admin.send("/settings/tokens/new", sent)
    secret = made.text.partition("data-copy>")[2].partition("<")[0]
    reader = await new_person().signed_in(secret)
    listed = await reader.read("/campaigns")
    assert "Signed in as advertiser advertiser token" in text(listed.text)
    assert "Campaign 2" not in listed.text


async def test_settings_are_for_admins_and_the_bar_shows_them_to_nobody_else(
    admin: Person, publisher: Person, new_person: Callable[[], Person], parts: Parts
) -> None:
    marketer = await new_person().signed_in(await token(parts, NewToken(role="marketer")))
    assert 'href="/settings"' in (await admin.read("/calls")).text
    for person in (marketer, publisher):
        page = await person.read("/calls")
        assert 'href="/settings"' not in page.text
        csrf = {"csrf": hidden(page.text.partition("<main")[0])["csrf"]}
        for path in ("/settings", "/settings/carriers", "/settings/carriers/car_1", "/settings/tokens"):
            assert (await person.read(path)).status_code == 403
        for path in (
            "carriers/new",
            "carriers/car_1/edit",
            "carriers/car_1/delete",
            "tokens/new",
            "tokens/tok_1/revoke",
        ):
            assert (await person.read(f"/settings/{path}")).status_code == 403
            assert (await person.send(f"/settings/{path}", {**csrf, **CARRIER})).status_code == 403
    assert len(parts.catalog.now.carriers) == 2


async def test_the_service_says_where_it_is_and_what_it_stands_on(admin: Person, parts: Parts) -> None:
    page = text((await admin.read("/settings")).text)
    assert "http://dni.example as your browser reaches it; DNI_PUBLIC_URL is not set" in page
    assert "This address is not https." in page
    assert "Ledger SQLite" in page
    assert "Places of visitors none" in page
    parts.settings = msgspec.structs.replace(parts.settings, public_url="https://calls.example.com")
    page = text((await admin.read("/settings")).text)
    assert "https://calls.example.com set by DNI_PUBLIC_URL" in page
    assert "not https" not in page


def test_the_geo_file_is_absent_broken_in_use_or_old(tmp_path: Path) -> None:
    file = tmp_path / "city.mmdb"
    geo = Geo(file)
    geo.refresh()
    assert geo_state(Geo(None), "", 0).badge.label == "none"
    assert geo_state(geo, str(file), 0).badge.label == "cannot be read"
    write_city(file, {"1.2.3.0/24": ("US", "CA", "San Francisco")})
    geo.refresh()
    built = geo.built_ms
    assert built
    state = geo_state(geo, str(file), built)
    assert (state.badge.label, state.file) == ("in use", str(file))
    assert state.built
    assert geo_state(geo, str(file), built + 61 * 86_400_000).says == "61 days old: places change, get a newer one."
