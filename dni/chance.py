"""Random bytes from the operating system, fetched by the page: a system call an id would cost more than the id."""

import os

_PAGE = 4096


class _Source:
    """Every byte is given out once. For one thread, as an event loop is; a forked child must not share it."""

    def __init__(self) -> None:
        self._page = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._page):
            self._page, self._at, end = os.urandom(max(_PAGE, count)), 0, count
        taken = self._page[self._at : end]
        self._at = end
        return taken


take = _Source().take
