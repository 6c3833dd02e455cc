"""A day's file from the hour that is set to the folder or the bucket, by the service's own hands, on each engine."""

import csv
import hashlib
import io
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from dni.clock import SettableClock
from dni.ledger import schema
from dni.outbound.deliver import Deliverer
from dni.outbound.make import make
from dni.outbound.nightly import ask_due
from dni.outbound.sigv4 import Keys
from dni.parts import Parts
from tests.dashboard.samples import HOUR, call, insert_rows
from tests.outbound.telling import deliveries
from tests.outbound.test_sigv4 import by_botocore
from tests.support.receiver import Got, Receiver, Reply, receiving
from tests.support.world import START_MS, add

KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "eu-central-1")
SECRETS = {"access_key": KEYS.access_key, "secret_key": KEYS.secret_key}
# 2026-09-21T14:13:20Z is the tests' now: the file of the day is made from three o'clock of the next on.
NEXT_DAY_MS = START_MS + 13 * HOUR
NAME = "calls-2026-09-21.csv"


async def put(parts: Parts, settings: dict[str, Any], secrets: dict[str, str]) -> None:
    row = {"id": "end_1", "kind": "csv", "name": "N", "types": [], "only": {}, "secrets": secrets, "paused": False}
    async with parts.ledger.write() as connection:
        await connection.execute(insert(schema.endpoint), {**row, "settings": settings, "created_at_ms": START_MS})


async def at_night(parts: Parts, settings: dict[str, Any]) -> None:
    assert isinstance(parts.clock, SettableClock)
    parts.settings = msgspec.structs.replace(parts.settings, **settings)
    parts.clock.set(NEXT_DAY_MS)
    await ask_due(parts.ledger, NEXT_DAY_MS)
    while await make(parts):
        pass
    deliverer = Deliverer(parts, lambda: 1.0)
    try:
        await deliverer.once()
    finally:
        await deliverer.close()


def ids(body: bytes) -> list[str]:
    return [row["id"] for row in csv.DictReader(io.StringIO(body.decode(), newline=""))]


async def test_a_file_in_a_folder(parts: Parts, tmp_path: Path) -> None:
    await add(parts)
    await insert_rows(parts, schema.call, call("today", HOUR), call("yesterday", 20 * HOUR))
    await put(parts, {"folder": "warehouse"}, {})
    await at_night(parts, {"export_dir": tmp_path / "exports"})
    [row] = await deliveries(parts.ledger)
    assert (row.state, row.attempts, row.why) == ("delivered", 1, None)
    [file] = (tmp_path / "exports").rglob("*.csv")
    assert file.relative_to(tmp_path) == Path("exports", "warehouse", NAME)
    assert ids(file.read_bytes()) == ["today"]


async def test_without_the_operators_folder_it_is_said_and_waits(parts: Parts) -> None:
    await add(parts)
    await put(parts, {"folder": "warehouse"}, {})
    await at_night(parts, {})
    [row] = await deliveries(parts.ledger)
    assert (row.state, row.attempts) == ("waiting", 1)
    assert "DNI_EXPORT_DIR" in row.why


def bucket(receiver: Receiver) -> Any:
    """Takes what its owner would have signed with botocore, as S3 does."""
    objects: dict[str, bytes] = {}

    def behave(got: Got) -> Reply:
        signed = got.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        own = {"host", "x-amz-date", "x-amz-content-sha256"}
        at = datetime.strptime(got.headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
        url = f"http://{got.headers['host']}{got.path}"
        headers = {name: got.headers[name] for name in signed if name not in own}
        theirs = by_botocore(got.method, url, headers, got.body, KEYS, round(at.timestamp() * 1000))
        if (
            got.headers["authorization"].replace(" ", "") != theirs.replace(" ", "")
            or got.headers["x-amz-content-sha256"] != hashlib.sha256(got.body).hexdigest()
        ):
            return Reply(403, b"<Error><Code>SignatureDoesNotMatch</Code><Message>Look at your key.</Message></Error>")
        objects[got.path] = got.body
        return Reply(200, b"")

    receiver.behave = behave
    return objects


def to(receiver: Receiver) -> dict[str, Any]:
    service = {"base_url": f"http://127.0.0.1:{receiver.port}", "region": KEYS.region, "path_style": True}
    return {"to": "s3", "bucket": "acme", "prefix": "dni/", **service}


async def test_a_file_in_a_bucket(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.call, call("today", HOUR, keyword="=1+1;ü"))
    async with receiving() as receiver:
        objects = bucket(receiver)
        await put(parts, to(receiver), SECRETS)
        await at_night(parts, {"outbound_allow": "127.0.0.0/8"})
    [row] = await deliveries(parts.ledger)
    assert (row.state, row.why) == ("delivered", None)
    assert list(objects) == [f"/acme/dni/{NAME}"]
    assert ids(objects[f"/acme/dni/{NAME}"]) == ["today"]
    assert KEYS.secret_key not in msgspec.json.encode(row.request).decode()


async def test_a_wrong_key_is_said_as_the_service_says_it(parts: Parts) -> None:
    await add(parts)
    async with receiving() as receiver:
        objects = bucket(receiver)
        await put(parts, to(receiver), {**SECRETS, "secret_key": "another"})
        await at_night(parts, {"outbound_allow": "127.0.0.0/8"})
        [row] = await deliveries(parts.ledger)
        assert (row.state, objects) == ("waiting", {})
        assert "SignatureDoesNotMatch. Look at your key." in row.why


async def test_a_bucket_on_a_private_network_needs_the_operators_word(parts: Parts) -> None:
    await add(parts)
    async with receiving() as receiver:
        await put(parts, to(receiver), SECRETS)
        await at_night(parts, {})
        assert receiver.got == []
    [row] = await deliveries(parts.ledger)
    assert row.state == "waiting"
    assert "DNI_OUTBOUND_ALLOW" in row.why


async def test_what_changed_meanwhile_is_in_the_file_that_is_sent_again(parts: Parts, tmp_path: Path) -> None:
    await add(parts)
    await insert_rows(parts, schema.call, call("today", HOUR))
    await put(parts, {"folder": "x", "columns": ["id", "outcome.lead_status"]}, {})
    await at_night(parts, {"export_dir": tmp_path})
    async with parts.ledger.write() as connection:
        told = {"sale": None, "value": None, "lead_status": "won", "note": None}
        await connection.execute(update(schema.call).values(outcome=told))
        await connection.execute(update(schema.delivery).values(state="waiting", due_ms=0, done_ms=None))
    await at_night(parts, {})
    assert (tmp_path / "x" / NAME).read_bytes() == b"id,outcome.lead_status\r\ntoday,won\r\n"
    async with parts.ledger.read() as connection:
        assert len((await connection.execute(select(schema.outbox))).all()) == 1
