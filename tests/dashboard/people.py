"""A person with a browser, who reads pages and sends the forms on them."""

import csv
import re
from html import unescape
from html.parser import HTMLParser
from io import StringIO

import httpx


class Person:
    def __init__(self, browser: httpx.AsyncClient) -> None:
        self.browser = browser

    async def read(self, path: str, **headers: str) -> httpx.Response:
        return await self.browser.get(path, headers=headers)

    async def send(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """As a form of our own page is sent; `Origin` may be replaced."""
        return await self.browser.post(path, data=fields, headers={"Origin": "http://dni.example", **headers})

    async def sign_in(self, token: str, where: str = "/calls") -> httpx.Response:
        page = await self.read(f"/signin?next={where}")
        return await self.send("/signin", {**hidden(page.text), "token": token})

    async def signed_in(self, token: str) -> "Person":
        answer = await self.sign_in(token)
        assert answer.status_code == 303, answer.text
        return self


def hidden(page: str, action: str = "") -> dict[str, str]:
    """The hidden fields of a page's last form, or of its last one to `action`."""
    form = next(form for form in reversed(page.split("<form")) if f'action="{action}' in form)
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}


def csv_rows(answer: httpx.Response) -> list[dict[str, str]]:
    """A file that was downloaded, as a program reads it."""
    return list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline=""), strict=True))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text(page: str) -> str:
    """What a page says, blanks made one."""
    reader = _Text()
    reader.feed(page.partition("<body")[2])
    return " ".join(" ".join(reader.parts).split())
