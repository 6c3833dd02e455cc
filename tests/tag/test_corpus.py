"""The corpus: pieces of pages as they are in the world, and what the tag makes of them in a real browser."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page
from playwright.async_api import TimeoutError as Late

from tests.support import service as services
from tests.support.until import until

_FOLDER = Path(__file__).parent / "corpus"
_FILES = sorted(_FOLDER.glob("*.txt"))
_SHELL = (_FOLDER / "page.html").read_text()
_WAIT_MS = 10_000
_OPTIONS = ("attributes", "selectors")


class Case(NamedTuple):
    """HTML before and after the swap; alike where nothing may change."""

    name: str
    before: str
    after: str


class Sheet(NamedTuple):
    """One file: target -> shown number, options of the tags, and the cases of one page."""

    swaps: dict[str, str]
    options: dict[str, Any]
    cases: list[Case]


def read(path: Path) -> Sheet:
    """Raises ValueError with file and line for what corpus/README.md does not describe."""
    sheet = Sheet({}, {}, [])
    pieces: list[tuple[str, list[str]]] = []
    for place, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("## "):
            pieces.append((line[3:], []))
        elif swap := re.fullmatch(r"= (\+\d+) > (\+\d+)", line):
            sheet.swaps[swap[1]] = swap[2]
        elif (option := re.fullmatch(r"= (\w+) (.+)", line)) and option[1] in _OPTIONS:
            sheet.options[option[1]] = json.loads(option[2])
        elif pieces and line[:1] in (" ", "-", "+") and line:
            pieces[-1][1].append(line)
        elif line and not line.startswith("# "):
            raise ValueError(f"{path.name}:{place}: not a line of a corpus: {line!r}")
    for name, lines in pieces:
        before, after = ("\n".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
        changes = {line[0] for line in lines} - {" "}
        if not lines or changes not in (set(), {"-", "+"}) or bool(changes) != (before != after):
            raise ValueError(f"{path.name}: {name!r} is no case: both - and +, and a difference, or neither")
        sheet.cases.append(Case(name, before, after))
    if len({case.name for case in sheet.cases}) < len(sheet.cases):
        raise ValueError(f"{path.name}: two cases have one name")
    return sheet


class Site:
    """The real service with the tags of every file; a web server's `origin`, which has their pages."""

    def __init__(self, url: str, origin: str) -> None:
        self.url, self.origin = url, origin
        self.keys: dict[Path, list[str]] = {path: [] for path in _FILES}

    async def declare(self, headers: dict[str, str]) -> None:
        """Returns when every tag is served."""
        async with httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False) as api:
            new = {"name": "Corpus", "destination": "+14155550199", "timezone": "UTC"}
            campaign = (await api.post("/api/v1/campaigns", json=new)).json()["id"]
            for path in _FILES:
                for tag in _tags(path):
                    body = {"campaign": campaign, "origins": [self.origin], **tag}
                    made = await api.post("/api/v1/tags", json=body)
                    assert made.status_code == 201, f"{path.name}: {made.text}"
                    self.keys[path].append(made.json()["key"])

            async def is_live() -> bool:
                return (await api.get(f"/t/{last}.js")).status_code == 200

            last = [key for keys in self.keys.values() for key in keys][-1]
            await until(is_live, "the service serves the last tag")

    def html(self, path: Path, cases: list[Case]) -> str:
        """The page of one file, with these cases in it."""
        inside = "\n".join(f'<div class="case">{case.before}</div>' for case in cases)
        tags = "\n".join(f'<script async src="{self.url}/t/{key}.js"></script>' for key in self.keys[path])
        asked = "".join(f"<p>{target}</p>" for target in read(path).swaps)
        return _SHELL.replace("<!--cases-->", inside).replace("<!--asked-->", asked).replace("<!--tags-->", tags)


def _tags(path: Path) -> Iterator[dict[str, Any]]:
    """A rule gives one number to all targets of its tag: a tag for each number."""
    sheet = read(path)
    for number in dict.fromkeys(sheet.swaps.values()):
        targets = [target for target, shown in sheet.swaps.items() if shown == number]
        yield {"name": number, "targets": targets, "rules": [{"when": {}, "use": {"number": number}}], **sheet.options}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
async def site(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("corpus")
    pages = folder / "pages"
    pages.mkdir()
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=pages)) as server,
        services.running(folder / "service") as service,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        site = Site(service.url, f"http://127.0.0.1:{server.server_port}")
        await site.declare(service.headers)
        for path in _FILES:
            (pages / f"{path.stem}.html").write_text(site.html(path, read(path).cases))
            (pages / f"{path.stem}-empty.html").write_text(site.html(path, []))
        yield site
        server.shutdown()


class Player:
    """One browser page with one file's cases; gathers what is not as it should be."""

    def __init__(self, page: Page, site: Site, path: Path) -> None:
        self.page, self.site, self.path = page, site, path
        self.sheet = read(path)
        self.wrong: dict[str, str] = {}  # case, or what happened to the page -> what is wrong, at the first moment
        page.on("pageerror", lambda error: self.wrong.update({"(an error on the page)": f"    {error}"}))
        page.on("console", lambda message: self.wrong.update({"(the console)": f"    {message.text}"}))

    async def open(self, name: str) -> list[str]:
        """Loads a page; gives its cases as they were before the tag."""
        await self.page.goto(f"{self.site.origin}/{name}.html", wait_until="domcontentloaded")
        original: list[str] = await self.page.evaluate("original")
        return original

    async def settle(self, moment: str) -> None:
        """Until the tag has answered what came last, and so has seen what came before."""
        numbers = list(self.sheet.swaps.values())
        try:
            await self.page.wait_for_function("numbers => answered(numbers)", arg=numbers, timeout=_WAIT_MS)
        except Late:
            self.wrong["(the page)"] = f"    {moment}: nothing was swapped within {_WAIT_MS} ms"

    async def ask(self, moment: str) -> None:
        await self.page.evaluate("targets => ask(targets)", list(self.sheet.swaps))
        await self.settle(moment)

    async def compare(self, moment: str, wanted: list[str]) -> None:
        """`wanted`: each case's HTML, as the browser writes it."""
        got = await self.page.evaluate("shown()")
        assert len(got) == len(wanted), f"{self.path.name}: some case's HTML is not balanced"
        for case, is_shown, should_be in zip(self.sheet.cases, got, wanted, strict=True):
            if is_shown != should_be:
                said = f"    {moment}\n    want {should_be!r}\n    got  {is_shown!r}"
                self.wrong.setdefault(case.name, said)

    async def parsed(self, sources: list[str]) -> list[str]:
        texts: list[str] = await self.page.evaluate("sources => sources.map(parsed)", sources)
        return texts

    def verdict(self) -> None:
        if self.wrong:
            lines = "\n".join(f"## {case}\n{what}" for case, what in self.wrong.items())
            pytest.fail(f"{self.path.name}: {len(self.wrong)} of {len(self.sheet.cases)} cases\n{lines}", pytrace=False)


@pytest.fixture(scope="module")
async def person(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """One visitor for the whole corpus: a browser profile takes longer to make than a page to read."""
    async with await chromium.new_context() as context:
        yield context


@pytest.fixture(params=_FILES, ids=lambda path: path.stem)
async def player(request: pytest.FixtureRequest, site: Site, person: BrowserContext) -> AsyncIterator[Player]:
    async with await person.new_page() as page:
        yield Player(page, site, request.param)


async def test_a_page_that_arrives(player: Player) -> None:
    cases = player.sheet.cases
    original = await player.open(player.path.stem)
    assert original == await player.parsed([case.before for case in cases]), "some case's HTML is not balanced"
    after = await player.parsed([case.after for case in cases])
    await player.settle("first swap")
    await player.compare("first swap", after)
    await player.ask("something came later")
    await player.compare("something came later", after)
    await player.page.evaluate("dni.restore()")
    await player.compare("restored", original)
    player.verdict()


async def test_what_a_script_puts_in_later(player: Player) -> None:
    cases = player.sheet.cases
    await player.open(f"{player.path.stem}-empty")
    after = await player.parsed([case.after for case in cases])
    await player.settle("first swap")
    original = await player.page.evaluate("sources => put(sources)", [case.before for case in cases])
    await player.ask("put in")
    await player.compare("put in", after)
    await player.page.evaluate("dni.restore()")
    await player.compare("restored", original)
    player.verdict()


def test_the_corpus_is_large() -> None:
    assert sum(len(read(path).cases) for path in _FILES) >= 1_000
