"""Every route of the composed application, taken from its own tables: signed out, as every role, and from other sites.

A route that is added to a room or to the API's operations is tried here without a change of this file. One of another
kind fails the first test, which says what to add.
"""

import secrets
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import ASGIApp

from dni.access import signed_in, tokens
from dni.access.model import Principal
from dni.access.tokens import NewToken
from dni.api.operations import OPERATIONS, PREFIX
from dni.app import compose, routes_of
from dni.clock import SettableClock
from dni.dashboard.assets import Assets
from dni.dashboard.cookies import FORM_MS, SIGNED_IN_MS, CookieSealer, Form, SignedIn
from dni.dashboard.door import COOKIE, FORM_COOKIE
from dni.dashboard.page import Access, Address
from dni.dashboard.pages import Pages
from dni.dashboard.routes import addresses
from dni.errors import Forbidden
from dni.parts import Parts
from dni.settings import Settings
from tests.dashboard import tenants
from tests.dashboard.people import hidden
from tests.support.asking import HOST, PAGE, Answer, ask

ADMIN = "t" * 32
OWN_SITE = {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}

# What is neither a page of a room nor an operation of the API: an address that it answers, and the methods it knows.
# None of them needs a sign-in, so none may show what is somebody's.
OPEN: dict[str, tuple[str, str]] = {
    "/": ("/", "GET"),
    "/api/openapi.json": ("/api/openapi.json", "GET"),
    "/demo": ("/demo", "GET"),
    "/demo/": ("/demo/", "GET"),
    "/demo/plumber.css": ("/demo/plumber.css", "GET"),
    "/healthz": ("/healthz", "GET"),
    "/invitation": ("/invitation?code=of-nobody", "GET POST"),
    "/metrics": ("/metrics", "GET"),
    "/readyz": ("/readyz", "GET"),
    "/signin": ("/signin", "GET POST"),
    "/signout": ("/signout", "POST"),
    "/static/dashboard/{name}": ("/static/dashboard/dashboard.css", "GET"),
    "/t/debug.js": ("/t/debug.js", "GET"),
    "/t/tcf.js": ("/t/tcf.js", "GET"),
    "/t/{name}.js": ("/t/keyown.js", "GET"),
    "/v1/lease": ("/v1/lease", "POST OPTIONS"),
    "/v1/signal": ("/v1/signal", "POST OPTIONS"),
    "/voice/{carrier}/{account}/inbound": ("/voice/twilio/car_own/inbound", "POST"),
    "/voice/{carrier}/{account}/status": ("/voice/twilio/car_own/status", "POST"),
    "/voice/{carrier}/{account}/step": ("/voice/twilio/car_own/step", "POST"),
    "/api/{rest:path}": ("/api/nothing", ""),
}


SIGNS_OUT = "/account/end-all"

_OF_BUYERS = ("list_call_decisions",)


class Who(msgspec.Struct, frozen=True):
    """A person as the dashboard knows him."""

    name: str
    principal: Principal
    token: str
    cookie: str
    csrf: str

    @property
    def hidden(self) -> tuple[str, ...]:
        """Whose things do not exist for him."""
        walled = self.principal.campaign or self.principal.publisher
        return tenants.HIDDEN[self.principal.role] if walled else ()

    def may(self, address: Address, *, writes: bool = False) -> bool:
        if address.access == "own":
            return True
        if address.access == "tell":
            return self.principal.may_tell
        if address.access == "dispute":
            return self.principal.may_dispute
        if address.access == "connect":
            return self.principal.may_write
        needed = {address.access, "write"} if writes else {address.access}
        return not (
            ("write" in needed and not self.principal.may_write)
            or ("administer" in needed and not self.principal.may_administer)
        )

    @property
    def headers(self) -> dict[str, str]:
        return {**PAGE, "Cookie": f"{COOKIE}={self.cookie}"}


@pytest.fixture
async def parts(sqlite_parts: Parts) -> Parts:
    await tenants.fill(sqlite_parts)
    return sqlite_parts


@pytest.fixture
def app(parts: Parts) -> ASGIApp:
    return compose(parts)


@pytest.fixture
def rooms(parts: Parts) -> list[Address]:
    return addresses(parts, Pages(Assets()))


@pytest.fixture
async def people(app: ASGIApp, parts: Parts) -> list[Who]:
    """Each role, within walls where it may have some."""
    own = {"campaign": "cmp_own", "publisher": "pub_own"}
    news = {
        "marketer": NewToken(role="marketer"),
        "marketer of a campaign": NewToken(role="marketer", campaign="cmp_own"),
        "advertiser": NewToken(role="advertiser", campaign="cmp_own"),
        "publisher": NewToken(role="publisher", publisher="pub_own"),
        "publisher of a campaign": NewToken(role="publisher", **own),
    }
    return [
        await sign_in(app, parts, "admin", ADMIN),
        *[await sign_in(app, parts, name, await tenants.token(parts, new)) for name, new in news.items()],
    ]


async def sign_in(app: ASGIApp, parts: Parts, name: str, token: str, scheme: str = "http") -> Who:
    """By the form, as a browser does it."""
    page = await ask(app, "GET", "/signin", PAGE, scheme=scheme)
    held = cookies(page)
    fields = {**hidden(page.text), "token": token}
    origin = {"Origin": f"{scheme}://{HOST}"}
    answer = await ask(app, "POST", "/signin", {**PAGE, **origin, "Cookie": jar(held)}, fields, scheme)
    assert answer.status == 303, answer.text
    held |= cookies(answer)
    home = await ask(app, "GET", "/overview", {**PAGE, "Cookie": jar(held)}, scheme=scheme)
    made = next(value for at, value in held.items() if at.endswith(COOKIE))
    async with parts.ledger.read() as connection:
        known = await tokens.owner(connection, token)
    principal = known or Principal("admin", "admin", "admin")
    return Who(name, principal, token, made, hidden(home.text, "/signout")["csrf"])


def cookies(answer: Answer) -> dict[str, str]:
    pairs = (made.partition(";")[0].partition("=") for made in answer.headers.getlist("set-cookie"))
    return {name: value for name, _, value in pairs}


def jar(held: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in held.items())


def reads(rooms: list[Address], side: str = "own") -> Iterator[tuple[Address, str]]:
    return ((one, tenants.address(one.path, side)) for one in rooms if one.get)


def sends(rooms: list[Address], side: str = "own") -> Iterator[tuple[Address, str]]:
    return ((one, tenants.address(one.path, side)) for one in rooms if one.post)


async def test_every_route_is_of_a_kind_that_is_tried_here(parts: Parts, rooms: list[Address]) -> None:
    pages = {one.path for one in rooms}
    operations = {PREFIX + one.path for one in OPERATIONS}
    for path in routes_of(parts):
        assert path in pages | operations | OPEN.keys(), (
            f"{path} is no Address of a room and no Operation of the API, which say who may ask. "
            "If it is open to everybody, add it to OPEN with an address that it answers"
        )
    for path in pages:
        assert tenants.known(path), f"what {path} is about is not in tests/dashboard/tenants.py: give each side one"
    assert OPEN.keys() <= set(routes_of(parts)), "OPEN names a route that is gone"


async def test_who_is_not_signed_in_sees_and_changes_nothing(
    app: ASGIApp, parts: Parts, rooms: list[Address], people: list[Who]
) -> None:
    tried = {"none": None, **await false_cookies(parts, people)}
    before = await tenants.dump(parts)
    for what, cookie in tried.items():
        held = {"Cookie": cookie} if cookie is not None else {}
        for method, each in (("GET", reads(rooms)), ("HEAD", reads(rooms)), ("POST", sends(rooms))):
            for _, path in each:
                where = (what, method, path)
                form = {"csrf": people[0].csrf} if method == "POST" else None
                page = await ask(app, method, path, {**PAGE, **OWN_SITE, **held}, form)
                assert (where, page.status) == (where, 303)
                assert page.headers["location"].startswith("/signin"), where
                assert page.body == b"", where
                script = await ask(app, method, path, {"Accept": "*/*", **held}, form)
                assert (where, script.status) == (where, 401)
                assert script.headers["dni-reason"] == "not_signed_in", where
                assert (where, tells(script, tenants.SIDES, path)) == (where, "")
    assert await tenants.dump(parts) == before


async def false_cookies(parts: Parts, people: list[Who]) -> dict[str, str]:
    """What looks like a sign-in and is none."""
    now_ms = parts.clock.now_ms()
    until_ms = now_ms + SIGNED_IN_MS
    real = people[0].cookie
    payload, _, mac = real.partition(".")
    other = CookieSealer(secrets.token_bytes(32))
    ours = await sealer(parts)
    held = ours.open(SignedIn, real, now_ms)
    assert held
    async with parts.ledger.write() as connection:
        known = [await tokens.owner(connection, await _text(connection, now_ms)) for _ in range(2)]
        begun = [await signed_in.begin(connection, now_ms, one.id, "", until_ms) for one in known if one]
        assert known[0]
        await tokens.revoke(connection, now_ms, known[0].id)
        assert known[1]
        await signed_in.end(connection, now_ms, known[1].id, begun[1])
        over = await signed_in.begin(connection, now_ms, people[1].principal.id, "", now_ms)
        nobodys = await signed_in.begin(connection, now_ms, "tok_nobody", "", until_ms)
    admin = SignedIn(held.sign_in, "csrf", until_ms)
    made = {
        "forged": f"{other.seal(admin).partition('.')[0]}.{mac}",
        "another installation's": other.seal(admin),
        "no MAC": f"{payload}.",
        "of a form": ours.seal(Form("csrf", now_ms + FORM_MS)),
        "over": ours.seal(SignedIn(held.sign_in, "csrf", now_ms, held.credential)),
        "over in the ledger": ours.seal(SignedIn(over, "csrf", until_ms)),
        "of a revoked token": ours.seal(SignedIn(begun[0], "csrf", until_ms)),
        "ended": ours.seal(SignedIn(begun[1], "csrf", until_ms)),
        "of no token": ours.seal(SignedIn(nobodys, "csrf", until_ms)),
        "of no sign-in": ours.seal(SignedIn("sgn_guess", "csrf", until_ms, held.credential)),
        "of another admin token": ours.seal(SignedIn(held.sign_in, "csrf", until_ms, ours.mark("another token"))),
        "of an admin by no token": ours.seal(admin),
    }
    return {name: f"{COOKIE}={value}" for name, value in made.items()} | {"of the form": f"{FORM_COOKIE}={real}"}


async def _text(connection: AsyncConnection, now_ms: int) -> str:
    return (await tokens.create(connection, now_ms, NewToken(role="marketer"))).token or ""


async def sealer(parts: Parts) -> CookieSealer:
    from dni.access.secrets import shared_secret

    return CookieSealer(await shared_secret(parts.ledger, "dashboard"))


async def test_each_role_reads_its_own_and_nothing_else(app: ASGIApp, rooms: list[Address], people: list[Who]) -> None:
    for who in people:
        for address, path in reads(rooms):
            where = (who.name, path)
            answer = await ask(app, "GET", path, who.headers)
            if not who.may(address):
                assert (where, answer.status) == (where, 403)
            elif tenants.is_nobodys(address.path, who.principal):
                assert (where, answer.status) == (where, 404)
            else:
                # 422: it wants more than its bare address, a page says so in words; 406: it is a stream of events.
                assert (where, answer.status in (200, 303, 406, 422)) == (where, True), answer.text
            assert (where, tells_him(answer, who.principal, path)) == (where, "")
            for side in who.hidden:
                await has_no_other(app, who, address, side)


async def has_no_other(app: ASGIApp, who: Who, address: Address, side: str) -> None:
    """Another's id in the path is nothing there; in a filter it finds nothing."""
    path = tenants.address(address.path, side)
    filters = {"campaign": f"cmp_{side}", "publisher": f"pub_{side}", "tag": f"tag_{side}", "source": f"src_{side}"}
    each = [f"{path}?{urlencode({name: value})}" for name, value in filters.items() if "{" not in address.path]
    for asked in (path, f"{path}?{urlencode(filters)}", *each):
        where = (who.name, asked)
        answer = await ask(app, "GET", asked, who.headers)
        if not who.may(address):
            assert (where, answer.status) == (where, 403)
        elif tenants.is_of_one(address.path, side):
            if answer.status == 303:  # a form's address that is opened by hand leads to its page
                answer = await ask(app, "GET", answer.headers["location"], who.headers)
            assert (where, answer.status) == (where, 404)
        else:
            assert (where, answer.status in (200, 303, 404, 406, 422)) == (where, True), answer.text
        assert (where, tells_him(answer, who.principal, *path.split("/"), *filters.values())) == (where, "")


def tells_him(answer: Answer, principal: Principal, *said: str) -> str:
    """Of what is not his to know, see tenants.tells."""
    return tenants.tells(principal, everything_in(answer), *said)


def everything_in(answer: Answer) -> str:
    """But for the request's id: of so many random digits some look like an amount."""
    return answer.text + " ".join(value for name, value in answer.headers.items() if name != "x-request-id")


def tells(answer: Answer, sides: tuple[str, ...], *said: str) -> str:
    """The first place where an answer tells of one of `sides`, but for what was `said` in the question itself."""
    text = everything_in(answer)
    for words in said:
        text = text.replace(words, "") if any(side in words for side in sides) else text
    found = [at for side in sides if (at := text.find(side)) >= 0]
    return text[max(0, min(found) - 60) : min(found) + 40] if found else ""


async def test_each_role_reads_its_own_of_the_api_too(app: ASGIApp, people: list[Who]) -> None:
    for who in people:
        for operation in (one for one in OPERATIONS if one.method == "GET"):
            for side in ("own", *who.hidden):
                path = tenants.address(PREFIX + operation.path, side)
                for form in ("application/json", "text/csv") if operation.is_list else ("application/json",):
                    headers = {"Authorization": f"Bearer {who.token}", "Accept": form}
                    answer = await ask(app, "GET", path, headers)
                    where = (who.name, path, answer.status)
                    if side != "own" and tenants.is_of_one(operation.path, side):
                        # Who may not ask this at all is told so, whatever he asks it of.
                        never = operation.access != "read" or (who.principal.publisher and operation.name in _OF_BUYERS)
                        assert where == (who.name, path, 403 if never else 404)
                    # 422: an export wants to know whose.
                    assert answer.status in (200, 403, 404, 422), where
                    assert (where, tells_him(answer, who.principal, *path.split("/"))) == (where, "")


def test_who_may_read_and_send_what() -> None:
    """Also where no room has such an address yet."""
    people = [Principal("x", "x", role) for role in ("admin", "marketer")]
    people += [Principal("x", "x", "marketer", "cmp_own"), Principal("x", "x", "advertiser", "cmp_own")]
    people += [Principal("x", "x", "publisher", None, "pub_own")]
    may: dict[tuple[Access, bool], list[bool]] = {
        ("own", False): [True, True, True, True, True],
        ("own", True): [True, True, True, True, True],
        ("read", False): [True, True, True, True, True],
        ("read", True): [True, True, False, False, False],
        ("tell", False): [True, True, True, True, False],
        ("tell", True): [True, True, True, True, False],
        ("dispute", False): [True, True, False, True, True],
        ("dispute", True): [True, True, False, True, True],
        ("connect", False): [True, True, False, False, False],
        ("connect", True): [True, True, False, False, False],
        ("write", False): [True, True, False, False, False],
        ("write", True): [True, True, False, False, False],
        ("administer", False): [True, False, False, False, False],
        ("administer", True): [True, False, False, False, False],
    }
    for (access, writes), expected in may.items():
        found = []
        for principal in people:
            try:
                Address("/", access=access).check(principal, writes=writes)
                found.append(True)
            except Forbidden:
                found.append(False)
        assert (access, writes, found) == (access, writes, expected)


async def test_nothing_is_sent_by_who_may_not(
    app: ASGIApp, parts: Parts, rooms: list[Address], people: list[Who]
) -> None:
    before = await tenants.dump(parts)
    for who in people:
        for address, path in sends(rooms):
            if not who.may(address, writes=True):
                answer = await ask(app, "POST", path, {**who.headers, **OWN_SITE}, {"csrf": who.csrf})
                assert (who.name, path, answer.status) == (who.name, path, 403)
                assert answer.headers["dni-reason"] == "forbidden"
    assert await tenants.dump(parts) == before


async def test_nothing_is_sent_by_another_site_or_a_guess(
    app: ASGIApp, parts: Parts, rooms: list[Address], people: list[Who]
) -> None:
    """Every form, also that of signing out, by who may send it."""
    admin, other = people[0], people[1]
    again = await sign_in(app, parts, "admin", ADMIN)
    right = {"csrf": admin.csrf}
    tries: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
        "no token": (OWN_SITE, {}, "stale_form"),
        "an empty token": (OWN_SITE, {"csrf": ""}, "stale_form"),
        "another person's token": (OWN_SITE, {"csrf": other.csrf}, "stale_form"),
        "the token of another sign-in": (OWN_SITE, {"csrf": again.csrf}, "stale_form"),
        "another site": ({"Origin": "https://evil.example"}, right, "cross_site"),
        "a site that hides itself": ({"Origin": "null"}, right, "cross_site"),
        "another port": ({"Origin": f"http://{HOST}:8080"}, right, "cross_site"),
        "a neighbour's host": ({"Origin": f"http://evil.{HOST}"}, right, "cross_site"),
        "another site by the browser's word": ({"Sec-Fetch-Site": "cross-site"}, right, "cross_site"),
        "the same domain by the browser's word": ({**OWN_SITE, "Sec-Fetch-Site": "same-site"}, right, "cross_site"),
    }
    before = await tenants.dump(parts)
    for path in ["/signout", *(path for _, path in sends(rooms))]:
        for what, (headers, fields, reason) in tries.items():
            answer = await ask(app, "POST", path, {**admin.headers, **headers}, fields)
            assert (path, what, answer.status) == (path, what, 403)
            assert (path, what, answer.headers["dni-reason"]) == (path, what, reason)
    assert await tenants.dump(parts) == before
    assert (await ask(app, "GET", "/calls", admin.headers)).status == 200, "and nobody signed him out"


async def test_a_form_with_nothing_in_it_never_fails_unexpectedly(
    app: ASGIApp, parts: Parts, rooms: list[Address]
) -> None:
    for fields in (
        {},
        {"id": "\0", "name": "x" * 20_000, "version": "1e9", "numbers": "\u202e=1", "page": "javascript:"},
    ):
        admin = await sign_in(app, parts, "admin", ADMIN)
        for _, path in sorted(sends(rooms), key=lambda each: each[1] == SIGNS_OUT):
            headers = {**admin.headers, **OWN_SITE}
            answer = await ask(app, "POST", path, headers, {"csrf": admin.csrf, **fields})
            assert (path, answer.status < 500) == (path, True), answer.text
            signed_out = answer.headers.get("location", "").startswith("/signin")
            assert (path, signed_out) == (path, path == SIGNS_OUT)


async def test_reading_changes_nothing(app: ASGIApp, parts: Parts, rooms: list[Address], people: list[Who]) -> None:
    before = await tenants.dump(parts)
    for who in people:
        for _, path in reads(rooms):
            await ask(app, "GET", path, who.headers)
    admin = {"Authorization": f"Bearer {ADMIN}"}
    for operation in OPERATIONS:
        if operation.method == "GET":
            await ask(app, "GET", tenants.address(PREFIX + operation.path, "own"), admin)
    for path, methods in OPEN.values():
        if "GET" in methods:
            await ask(app, "GET", path, people[0].headers)
    assert await tenants.dump(parts) == before


async def test_head_is_get_without_a_body(app: ASGIApp, rooms: list[Address], people: list[Who]) -> None:
    for _, path in reads(rooms):
        whole = await ask(app, "GET", path, people[0].headers)
        head = await ask(app, "HEAD", path, people[0].headers)
        assert (path, head.status, head.body) == (path, whole.status, b"")
        assert {k: v for k, v in head.headers.items() if k != "x-request-id"} == {
            k: v for k, v in whole.headers.items() if k != "x-request-id"
        }, path


async def test_another_method_is_refused_and_told_which_are_known(
    app: ASGIApp, rooms: list[Address], people: list[Who]
) -> None:
    every = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
    known = {
        tenants.address(one.path, "own"): {*(("GET", "HEAD") if one.get else ()), *(("POST",) if one.post else ())}
        for one in rooms
    }
    for operation in OPERATIONS:
        methods = {operation.method, *(("HEAD",) if operation.method == "GET" else ())}
        known.setdefault(tenants.address(PREFIX + operation.path, "own"), set()).update(methods)
    for path, named in OPEN.values():
        if named:
            known[path] = {*named.split(), *(("HEAD",) if "GET" in named else ())}
    headers = {**people[0].headers, "Authorization": f"Bearer {ADMIN}", "Accept": "*/*"}
    for path, methods in known.items():
        for method in every:
            if method not in methods:
                answer = await ask(app, method, path, headers)
                assert (method, path, answer.status) == (method, path, 405)
                allowed = {name.strip() for name in answer.headers["allow"].split(",")}
                assert (path, allowed) == (path, methods)


async def test_what_is_shown_runs_nothing_foreign_and_is_kept_nowhere(
    app: ASGIApp, rooms: list[Address], people: list[Who]
) -> None:
    asked = [*(path for _, path in reads(rooms)), "/signin", "/calls/nothing", "/nowhere", "/tags/tag_own/nowhere"]
    for who in people:
        for path in asked:
            answer = await ask(app, "GET", path, who.headers)
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin", path
            if path != "/signin":
                assert "no-store" in answer.headers.get("cache-control", ""), path
            if answer.headers.get("content-type", "").startswith("text/html"):
                is_a_safe_page(answer, path)


def is_a_safe_page(answer: Answer, path: str) -> None:
    policy = {
        name: sources.split()
        for name, _, sources in (
            part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";")
        )
    }
    assert policy["default-src"] == ["'none'"], path
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"], path
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == ["'self'"], path
    assert "unsafe" not in answer.headers["content-security-policy"], path
    assert answer.headers["x-frame-options"] == "DENY", path


async def test_cookies_are_for_this_host_and_out_of_reach_of_scripts(app: ASGIApp, parts: Parts) -> None:
    for scheme, prefix in (("http", ""), ("https", "__Host-")):
        form = await ask(app, "GET", "/signin", PAGE, scheme=scheme)
        fields = {**hidden(form.text), "token": ADMIN}
        headers = {**PAGE, "Origin": f"{scheme}://{HOST}", "Cookie": jar(cookies(form))}
        inside = await ask(app, "POST", "/signin", headers, fields, scheme)
        made = {name.partition("=")[0]: name.split("; ") for name in set_cookies(form, inside)}
        assert made.keys() == {prefix + COOKIE, prefix + FORM_COOKIE}
        for flags in made.values():
            assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(flags)
            assert ("Secure" in flags) == (scheme == "https")
            assert not any(flag.lower().startswith("domain") for flag in flags)


def set_cookies(*answers: Answer) -> list[str]:
    return [made for answer in answers for made in answer.headers.getlist("set-cookie")]


async def test_a_cookie_planted_by_another_host_of_the_domain_is_none(app: ASGIApp, parts: Parts) -> None:
    """It can have any name but one that begins with __Host-."""
    who = await sign_in(app, parts, "admin", ADMIN, "https")
    held = {**PAGE, "Cookie": f"__Host-{COOKIE}={who.cookie}"}
    assert (await ask(app, "GET", "/calls", held, scheme="https")).status == 200
    planted = {**PAGE, "Cookie": f"{COOKIE}={who.cookie}"}
    assert (await ask(app, "GET", "/calls", planted, scheme="https")).status == 303


async def test_signing_in_begins_anew_whatever_the_browser_held(app: ASGIApp, people: list[Who], parts: Parts) -> None:
    mary = people[1]
    page = await ask(app, "GET", "/signin?code=x", {**PAGE, "Cookie": f"{COOKIE}={mary.cookie}"})
    held = {**cookies(page), COOKIE: mary.cookie}
    fields = {"csrf": hidden(page.text)["csrf"], "token": ADMIN}
    answer = await ask(app, "POST", "/signin", {**PAGE, **OWN_SITE, "Cookie": jar(held)}, fields)
    assert answer.status == 303
    ours = await sealer(parts)
    now_ms = parts.clock.now_ms()
    then = ours.open(SignedIn, mary.cookie, now_ms)
    now = ours.open(SignedIn, cookies(answer)[COOKIE], now_ms)
    assert then
    assert now
    assert now.sign_in != then.sign_in
    assert now.csrf != then.csrf


async def test_another_admin_token_ends_what_the_former_began(app: ASGIApp, people: list[Who], parts: Parts) -> None:
    settings = Settings(
        data_dir=parts.settings.data_dir,
        redis_url=parts.settings.redis_url,
        database_url=parts.settings.database_url,
        admin_token="u" * 32,
    )
    renewed = Parts(settings, SettableClock(parts.clock.now_ms()), parts.keys.prefix)
    await renewed.open()
    try:
        other = compose(renewed)
        assert (await ask(other, "GET", "/calls", people[0].headers)).status == 303
        assert (await ask(other, "GET", "/calls", people[1].headers)).status == 200, "a token of the ledger stays"
    finally:
        await renewed.close()


async def test_the_api_knows_no_cookie(app: ASGIApp, parts: Parts, people: list[Who]) -> None:
    """So no page of another site can use it in a reader's name."""
    before = await tenants.dump(parts)
    for operation in OPERATIONS:
        path = tenants.address(PREFIX + operation.path, "own")
        answer = await ask(app, operation.method, path, people[0].headers)
        assert (operation.name, answer.status) == (operation.name, 401)
        assert "no-store" in answer.headers["cache-control"]
    assert await tenants.dump(parts) == before


async def test_open_addresses_tell_nothing_of_anybody(app: ASGIApp, people: list[Who]) -> None:
    for path, methods in OPEN.values():
        if "GET" in methods and not path.startswith("/t/"):
            for headers in (PAGE, people[0].headers):
                answer = await ask(app, "GET", path, headers)
                assert (path, answer.status < 500) == (path, True)
                assert tells(answer, tenants.SIDES[1:], path) == "", path
