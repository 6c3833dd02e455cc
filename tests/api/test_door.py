import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
from sqlalchemy import select

from dni.api.operations import OPERATIONS
from dni.errors import DniError
from dni.ledger import schema
from tests.api.conftest import ADMIN, Api, a_page

SHAPE = {"type", "title", "status", "detail", "code", "errors"}


def is_problem(answer: httpx.Response, status: int, code: str, *paths: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == SHAPE
    assert (body["status"], body["code"], answer.headers["dni-reason"]) == (status, code, code)
    assert [error["path"] for error in body["errors"]] == list(paths)
    assert all(error["message"] for error in body["errors"])


async def test_a_day_of_configuration_as_the_contract_writes_it(api: Api) -> None:
    campaign = await api.made(
        "/campaigns", {"name": "Plumbing", "destination": "+14155550100", "timezone": "America/New_York"}
    )
    assert (campaign["timezone"], campaign["destination"]) == ("America/New_York", "+14155550100")
    publisher = await api.made("/publishers", {"name": "Ads"})
    pool = await api.made("/pools", {"name": "Google", "numbers": ["+14155550101"], "hold_seconds": 60})
    rule = {"when": {"referrer": "*.yelp.com"}, "use": {"pool": pool["id"], "overflow": "+14155550110"}}
    owners = {"campaign": campaign["id"], "publisher": publisher["id"], "pool": pool["id"]}
    tag = await api.made("/tags", {"name": "Landing", **owners, **a_page(), "rules": [rule]})
    assert tag["snippet"] == f'<script async src="http://127.0.0.1:8000/t/{tag["key"]}.js"></script>'
    assert tag["rules"] == [rule]
    assert api.parts.catalog.now.tags_by_key[tag["key"]].id == tag["id"], "this worker serves it at once"

    number = {"number": "+14155550111", "campaign": campaign["id"], "source": "billboard"}
    assert (await api.made("/numbers", number))["kind"] == "static"
    listed = (await api.get("/numbers")).json()["data"]
    assert sorted((one["number"], one["kind"], one["pool"]) for one in listed) == [
        ("+14155550101", "pooled", pool["id"]),
        ("+14155550111", "static", None),
    ]
    change = await api.patch(f"/tags/{tag['id']}", {"origins": ["https://*.Example.com"], "rules": []})
    assert (change.json()["origins"], change.json()["rules"]) == (["https://*.example.com"], [])
    assert (await api.delete(f"/tags/{tag['id']}")).status_code == 204
    is_problem(await api.get(f"/tags/{tag['id']}"), 404, "not_found")
    is_problem(await api.delete(f"/campaigns/{campaign['id']}"), 409, "in_use")


async def test_a_carriers_secret_never_comes_out(api: Api) -> None:
    body = {"kind": "twilio", "name": "Main", "account_sid": "AC" + "0" * 32, "auth_token": "s3cret"}
    answer = await api.post("/carriers", body, headers={"Idempotency-Key": "k"})
    made = answer.json()
    assert made["inbound_url"] == f"http://127.0.0.1:8000/voice/twilio/{made['id']}/inbound"
    assert made["status_url"] == f"http://127.0.0.1:8000/voice/twilio/{made['id']}/status"
    again = await api.patch(f"/carriers/{made['id']}", {"auth_token": "s3cret2", "default_destination": "4155550100"})
    listed = await api.get("/carriers")
    for told in (answer, again, listed, await api.get(f"/carriers/{made['id']}")):
        assert "s3cret" not in told.text
    assert again.json()["default_destination"] == "+14155550100"
    async with api.parts.ledger.read() as connection:
        stored = (await connection.execute(select(schema.idempotency.c.body))).scalar_one()
    assert b"s3cret" not in stored
    refused = await api.post("/carriers", {**body, "kind": "pigeon"})
    is_problem(refused, 422, "invalid_field", "/kind")
    assert "not served yet" in refused.text


async def test_refusals_of_a_carrier_are_listed_newest_first(api: Api) -> None:
    body = {"kind": "twilio", "name": "Main", "account_sid": "AC1", "auth_token": "x"}
    carrier = (await api.made("/carriers", body))["id"]
    rows = [
        {"id": f"ref_{n}", "carrier_id": carrier, "at_ms": n, "code": "bad_signature", "detail": "d", "url": "u"}
        for n in range(3)
    ]
    async with api.parts.ledger.write() as connection:
        await connection.execute(schema.refusal.insert(), rows)
    first = (await api.get(f"/carriers/{carrier}/refusals?limit=2")).json()
    assert [row["id"] for row in first["data"]] == ["ref_2", "ref_1"]
    rest = (await api.get(f"/carriers/{carrier}/refusals?limit=2&cursor={first['next']}")).json()
    assert ([row["id"] for row in rest["data"]], rest["next"]) == (["ref_0"], None)
    is_problem(await api.get("/carriers/car_nobody/refusals"), 404, "not_found")


WRONG_BODIES: list[tuple[str, Any, list[str]]] = [
    ("/campaigns", {"name": "", "destination": "+14155550100"}, ["/name"]),
    ("/campaigns", {"name": "a\x00b", "destination": "+14155550100"}, [""]),
    ("/campaigns", {"name": "a\nb", "destination": "+14155550100"}, ["/name"]),
    ("/campaigns", {"name": 5, "destination": "+14155550100"}, ["/name"]),
    ("/campaigns", {"name": "A", "destination": "911911911911911911"}, ["/destination"]),
    ("/campaigns", {"name": "A", "destination": "+14155550100", "extra": 1}, [""]),
    ("/campaigns", {"name": "A", "destination": "+14155550100", "timezone": "Mars/Base"}, ["/timezone"]),
    ("/campaigns", {}, [""]),
    ("/campaigns", [], [""]),
    ("/pools", {"name": "A", "numbers": ["+14155550101", "x", "+14155550101"]}, ["/numbers/1", "/numbers/2"]),
    ("/pools", {"name": "A", "numbers": "+14155550101"}, ["/numbers"]),
    ("/pools", {"name": "A", "hold_seconds": 3601}, ["/hold_seconds"]),
    ("/pools", {"name": "A", "numbers": ["+14155550101"], "regions": {"us": []}}, ["/regions"]),
    ("/pools", {"name": "A", "numbers": [], "regions": {"US-CA": ["+14155550101"]}}, ["/regions/US-CA/0"]),
    ("/pools", {"name": "A", "regions": {"US-CA": ["x"]}}, ["/regions/US-CA/0"]),
    ("/pools", {"name": "A", "regions": {"US-CA": [4155550101]}}, ["/regions"]),
    (
        "/pools",
        {"name": "A", "numbers": ["+14155550101"], "regions": {"US-CA": ["+14155550101"], "US": ["+14155550101"]}},
        ["/regions/US/0"],
    ),
    ("/pools", {"name": "A", "region_rule": "nearest"}, ["/region_rule"]),
    ("/pools", {"name": "A", "numbers": ["x"] * 100_001}, ["/numbers"]),
    ("/tags", {"name": "T", "campaign": "cmp_x", **a_page()}, ["/campaign"]),
    ("/tags", {"name": "T", "campaign": "cmp_x", **a_page(), "origins": []}, ["/origins"]),
    ("/tags", {"name": "T", "campaign": "cmp_x", **a_page(), "targets": ["+14155550100"] * 51}, ["/targets"]),
    ("/numbers", {"number": "+14155550101", "campaign": "cmp_x"}, ["/campaign"]),
    ("/tokens", {"role": "king"}, ["/role"]),
    ("/tokens", {"role": "advertiser", "campaign": "cmp_x"}, ["/campaign"]),
]


async def test_a_wrong_field_is_told_by_its_path(api: Api) -> None:
    for path, body, places in WRONG_BODIES:
        answer = await api.post(path, body)
        assert answer.status_code == 422, answer.text
        is_problem(answer, 422, answer.json()["code"], *places)


UNREADABLE = [
    (400, "invalid_body", b"not json"),
    (400, "invalid_body", b""),
    (400, "invalid_body", b'{"name": "\xff"}'),
    (400, "invalid_body", b'{"name": "\\ud800", "destination": "+14155550100"}'),
    (413, "body_too_large", b'{"name": "' + b"x" * 1_000_000 + b'"}'),
    (422, "invalid_field", b"[" * 30_000 + b"]" * 30_000),
]


async def test_a_body_that_cannot_be_read_is_refused(api: Api) -> None:
    for status, code, content in UNREADABLE:
        answer = await api.ask("POST", "/campaigns", content=content)
        is_problem(answer, status, code, *(error["path"] for error in answer.json()["errors"]))


async def test_json_is_read_whatever_its_content_type_says(api: Api) -> None:
    content = json.dumps({"name": "Ads"}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = await api.ask("POST", "/publishers", content=content, headers={"Content-Type": kind})
        assert answer.status_code == 201


async def test_who_is_not_known_learns_nothing(api: Api) -> None:
    for headers in ({}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {ADMIN}"}):
        answer = await api.client.get("/api/v1/campaigns", headers=headers)
        is_problem(answer, 401, "not_signed_in")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for token in ("wrong", "x" * 10_000, "dni_" + "a" * 43):
        is_problem(await api.get("/campaigns", token=token), 401, "not_signed_in")


async def test_a_revoked_token_stops_at_once(api: Api) -> None:
    made = await api.made("/tokens", {"role": "admin", "name": "CI"})
    assert (await api.get("/campaigns", token=made["token"])).status_code == 200
    assert (await api.delete(f"/tokens/{made['id']}")).status_code == 204
    is_problem(await api.get("/campaigns", token=made["token"]), 401, "not_signed_in")
    assert made["token"] not in (await api.get("/tokens")).text


async def test_addresses_and_methods_that_are_not_there(api: Api) -> None:
    for path in ("/api", "/api/", "/api/v1", "/api/v2/campaigns", "/api/v1/campaigns/x/y", "/api/v1/campaigns/"):
        if path != "/api":
            is_problem(await api.client.get(path), 404, "not_found")
    answer = await api.ask("PUT", "/campaigns")
    is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert (await api.ask("PATCH", "/calls/x")).headers["allow"] == "GET, HEAD"
    is_problem(await api.client.post("/api/openapi.json"), 405, "method_not_allowed")
    assert (await api.ask("HEAD", "/campaigns")).status_code == 200


NO_IDS = ["%00", "a%00b", "%FF%FE", "..%2f..", "a'b", "%F0%9F%98%80", "x" * 129, "%ed%a0%80"]


async def test_an_id_that_cannot_be_is_not_found(api: Api) -> None:
    for path in ("campaigns", "calls", "sessions", "carriers"):
        for wanted in NO_IDS:
            is_problem(await api.get(f"/{path}/{wanted}"), 404, "not_found")


WRONG_QUERIES = [
    ("limit=0", ["/limit"]),
    ("limit=501", ["/limit"]),
    ("limit=x", ["/limit"]),
    ("cursor=abc", ["/cursor"]),
    ("cursor=%00", ["/cursor"]),
    ("cursor=%C3%A9", ["/cursor"]),
    ("surprise=1", ["/surprise"]),
    ("limit=1&limit=2", ["/limit"]),
    ("source=a%00b", ["/source"]),
    ("source=" + "x" * 1001, ["/source"]),
    ("from=2026-11-22", ["/from"]),
    ("from=1700000000", ["/from"]),
    ("to=yesterday", ["/to"]),
    ("min_confidence=1.5", ["/min_confidence"]),
    ("min_confidence=nan", ["/min_confidence"]),
    ("qualified=perhaps", ["/qualified"]),
    ("status=sleeping", ["/status"]),
    ("&".join(f"a{n}=1" for n in range(60)), [""]),
]


async def test_a_wrong_query_parameter_is_told_by_name(api: Api) -> None:
    for query, places in WRONG_QUERIES:
        answer = await api.get(f"/calls?{query}")
        is_problem(answer, 422, "invalid_field", *places)


async def test_a_plus_that_was_not_encoded_is_still_an_offset(api: Api) -> None:
    assert (await api.get("/calls?from=2026-11-22T18:37:55+02:00")).status_code == 200
    assert (await api.get("/calls?from=2026-11-22T18:37:55Z&to=2026-11-23T00:00:00%2B00:00")).status_code == 200


async def test_a_list_is_read_page_by_page_and_misses_nothing(api: Api) -> None:
    made = [await api.publisher(f"Publisher {n}") for n in range(7)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.get(f"/publishers?limit=3&cursor={cursor}")).json()
        found += [one["id"] for one in page["data"]]
        cursor = page["next"]
    assert found == sorted(made, reverse=True)
    first = (await api.get("/publishers?limit=3")).json()["next"]
    is_problem(await api.get(f"/campaigns?cursor={first}"), 422, "invalid_field", "/cursor")
    changed = first[:-1] + ("A" if first[-1] != "A" else "B")
    is_problem(await api.get(f"/publishers?cursor={changed}"), 422, "invalid_field", "/cursor")


async def test_a_list_as_csv_holds_no_formula(api: Api) -> None:
    await api.campaign('=HYPERLINK("http://evil.example")')
    answer = await api.get("/campaigns", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    header, row, *_ = answer.text.split("\r\n")
    assert header == "id,name,destination,timezone,currency,created_at,advertiser"
    assert '"\'=HYPERLINK(""http://evil.example"")",+14155550100,UTC,USD,' in row
    await api.campaign("Second")
    paged = await api.get("/campaigns?limit=1", headers={"Accept": "text/csv"})
    assert (await api.get(f"/campaigns?cursor={paged.headers['dni-next']}")).json()["data"][0]["name"].startswith("=")


ACCEPTS = [
    ("application/json", 200),
    ("text/html,application/xhtml+xml,*/*;q=0.8", 200),
    ("application/json;q=0, */*", 200),
    ("image/png", 406),
    ("*/*;q=0", 406),
    ("", 200),
]


async def test_the_answers_form_is_agreed_on(api: Api) -> None:
    for accept, status in ACCEPTS:
        assert (await api.get("/campaigns", headers={"Accept": accept})).status_code == status


async def test_one_thing_does_not_come_as_csv(api: Api) -> None:
    made = await api.publisher()
    is_problem(await api.get(f"/publishers/{made}", headers={"Accept": "text/csv"}), 406, "not_acceptable")


async def test_a_retry_with_the_same_key_creates_nothing(api: Api) -> None:
    key = {"Idempotency-Key": "order-7"}
    first = await api.post("/publishers", {"name": "Ads"}, headers=key)
    again = await api.post("/publishers", {"name": "Ads"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert first.headers["location"] == f"/api/v1/publishers/{first.json()['id']}"
    other = await api.post("/publishers", {"name": "Others"}, headers=key)
    is_problem(other, 409, "idempotency_mismatch")
    elsewhere = await api.post("/campaigns", {"name": "Ads", "destination": "+14155550100"}, headers=key)
    is_problem(elsewhere, 409, "idempotency_mismatch")
    assert len((await api.get("/publishers")).json()["data"]) == 1


async def test_the_same_key_of_another_principal_is_another_key(api: Api) -> None:
    token = await api.token("admin")
    first = await api.post("/publishers", {"name": "Ads"}, headers={"Idempotency-Key": "k"})
    other = await api.post("/publishers", {"name": "Ads"}, headers={"Idempotency-Key": "k"}, token=token)
    assert first.json()["id"] != other.json()["id"]


async def test_retries_at_once_create_one(api: Api) -> None:
    key = {"Idempotency-Key": "k"}
    posts = (api.post("/pools", {"name": "P", "numbers": ["+14155550101"]}, headers=key) for _ in range(10))
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 9


async def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    key = {"Idempotency-Key": "k"}
    is_problem(
        await api.post("/tokens", {"role": "publisher", "publisher": "pub_x"}, headers=key),
        422,
        "invalid_field",
        "/publisher",
    )
    made = await api.publisher()
    again = await api.post("/tokens", {"role": "publisher", "publisher": made}, headers=key)
    assert again.status_code == 201
    replayed = await api.post("/tokens", {"role": "publisher", "publisher": made}, headers=key)
    assert (again.json()["token"][:4], replayed.json()["token"]) == ("dni_", None), "a token is told once"
    for wrong in ("", "x" * 256):
        answer = await api.post("/publishers", {"name": "A"}, headers={"Idempotency-Key": wrong})
        is_problem(answer, 422, "invalid_field", "/Idempotency-Key")


async def test_a_pool_of_another_campaign_is_refused_also_in_a_rule(api: Api) -> None:
    one, other = await api.campaign(), await api.campaign("Other")
    pool = await api.pool(["+14155550101"])
    await api.tag(one, pool)
    body = {"name": "T", "campaign": other, **a_page()}
    is_problem(await api.post("/tags", {**body, "pool": pool}), 409, "pool_owned")
    rules: list[dict[str, Any]] = [{"when": {}, "use": {"original": True}}, {"when": {}, "use": {"pool": pool}}]
    is_problem(await api.post("/tags", {**body, "rules": rules}), 409, "pool_owned")
    rules[1]["use"] = {"pool": "pol_x"}
    is_problem(await api.post("/tags", {**body, "rules": rules}), 422, "invalid_field", "/rules/1/use/pool")


async def test_a_number_in_another_pool_is_named_in_the_refusal(api: Api) -> None:
    pool = await api.pool(["+14155550101"], name="Google")
    answer = await api.post("/pools", {"name": "Bing", "numbers": ["+14155550102", "+14155550101"]})
    is_problem(answer, 409, "number_taken", "/numbers/1")
    assert all(part in answer.json()["detail"] for part in ("+14155550101", "Google", pool))


async def test_a_change_that_redis_cannot_take_yet_is_still_made(api: Api) -> None:
    await api.parts.live.close()
    campaign = await api.campaign()
    assert await api.tag(campaign, await api.pool(["+14155550101"]))


def test_every_error_has_its_own_code_and_status() -> None:
    def tree(kind: type[DniError]) -> list[type[DniError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in tree(child))]

    # One that only tells more of the same, such as where a condition is wrong, has none of its own.
    codes = [kind.code for kind in tree(DniError) if "code" in vars(kind)]
    assert len(codes) == len(set(codes))


def test_the_table_names_every_operation_once() -> None:
    by: Callable[[Any], Any]
    for by in (lambda o: (o.method, o.path), lambda o: o.name):
        assert len({by(o) for o in OPERATIONS}) == len(OPERATIONS)
