"""Receives what is sent out and answers at once, at as little cost as can be: it shares two cores with who sends.

Arguments: a port where it answers, a port where it accepts and never answers. `GET /count` tells how many POSTs came.
"""

import asyncio
import sys
from typing import cast

import httptools
import uvloop

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_counted = 0


class _Answers(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        global _counted  # noqa: PLW0603
        if self._parser.get_method() == b"POST":
            _counted += 1
            self._transport.write(_OK)
            return
        text = str(_counted).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))


async def main() -> None:
    answers, hangs = (int(port) for port in sys.argv[1:])
    loop = asyncio.get_running_loop()
    await loop.create_server(asyncio.Protocol, "127.0.0.1", hangs)
    server = await loop.create_server(_Answers, "127.0.0.1", answers)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
