"""The page of words: what figures and nouns mean, each said once."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from dni.dashboard.door import Reader
from dni.dashboard.figures import MEANING, WORDS
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.parts import Parts


class Glossary:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (Address("/glossary", self.page),)

    async def page(self, request: Request, reader: Reader) -> Response:
        return self._pages.render("glossary.html", reader=reader, figures=MEANING, words=WORDS)
