"""The smallest application and parent that show what `serve` does; events go to a file in the data folder."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from dni.errors import UsageError
from dni.host import logs
from dni.host.counters import count_together
from dni.host.duties import Duty
from dni.host.serve import serve
from dni.settings import Settings, load

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def events(data_dir: Path) -> list[Any]:
    path = data_dir / "events"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def note(settings: Settings, *words: object) -> None:
    with (settings.data_dir / "events").open("a") as file:
        file.write(json.dumps(words) + "\n")


def build(settings: Settings) -> App:
    """Answers its process id; `/wait` answers when somebody pushes to `gate`; `/crash` ends the process."""

    async def app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/crash":
            os._exit(7)
        if scope["path"] == "/wait":
            async with Redis.from_url(settings.redis_url or "", socket_timeout=30) as redis:
                await redis.blpop(["gate"], timeout=20)
        told = {"pid": os.getpid(), "client": scope["client"][0]}
        if scope["path"] == "/count":
            told["counts"] = _count("worker")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    return app


def build_failing(settings: Settings) -> App:
    raise RuntimeError("this application cannot be built")


def _count(who: str) -> dict[str, float]:
    """Counts one for this process; what all processes counted, read as /metrics does."""
    from prometheus_client import CollectorRegistry, Counter
    from prometheus_client.multiprocess import MultiProcessCollector

    Counter("tiny", "Counted by", ["who"], registry=CollectorRegistry()).labels(who).inc()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    return {sample.labels["who"]: sample.value for sample in samples if sample.name == "tiny_total"}


async def _prepare(settings: Settings, clean_run_id: str | None) -> dict[str, Duty]:
    async with Redis.from_url(settings.redis_url or "") as redis:
        run_id = (await redis.info("server"))["run_id"]
    note(settings, "prepare", run_id, clean_run_id)
    return {"example": _fails_once}


async def _fails_once(settings: Settings, stop: asyncio.Event) -> None:
    if ["duty began"] not in events(settings.data_dir):
        note(settings, "duty began")
        raise RuntimeError("the first time fails")
    note(settings, "duty began again", _count("parent"))
    await stop.wait()
    async with Redis.from_url(settings.redis_url or "") as redis:
        note(settings, "duty finished", await redis.ping())


def main() -> int:
    settings = load()
    logs.configure(settings.log_level)
    count_together(settings.data_dir)
    try:
        return asyncio.run(
            serve(
                settings,
                prepare=_prepare,
                on_ready=lambda now: note(now, "ready", now.port, now.redis_url),
                app=f"tests.host.tiny:{sys.argv[1]}",
            )
        )
    except UsageError as error:
        sys.stderr.write(f"refused: {error}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
