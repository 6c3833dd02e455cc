"""`dni privacy` against the running service: its own recorder, Valkey and ledger."""

import json
import subprocess
import sys
from typing import Any

import httpx

from tests.support import browser
from tests.support.service import Service
from tests.support.world import ORIGIN, TARGET


def dni(service: Service, *words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dni", "privacy", *words, "--data-dir", str(service.data_dir)]
    env = {"DNI_ADMIN_TOKEN": service.admin_token}
    return subprocess.run(command, input=answer, capture_output=True, text=True, timeout=60, check=False, env=env)


def visited(service: Service) -> dict[str, Any]:
    """One visitor of a tag that is made for him."""
    with httpx.Client(base_url=service.url, headers=service.headers) as admin:

        def made(room: str, body: dict[str, Any]) -> dict[str, Any]:
            found: dict[str, Any] = admin.post(f"/api/v1/{room}", json=body).raise_for_status().json()
            return found

        campaign = made("campaigns", {"name": "C", "destination": "+14155550199"})["id"]
        pool = made("pools", {"name": "P", "numbers": ["+12025550100", "+12025550101"]})["id"]
        tag = {"name": "T", "campaign": campaign, "pool": pool, "origins": [ORIGIN], "targets": [TARGET]}
        key = made("tags", tag)["key"]
    headers = {"Origin": ORIGIN, "User-Agent": browser.PERSON}
    answer = httpx.post(f"{service.url}/v1/lease", json=browser.lease_body(tag=key), headers=headers)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def test_a_visitor_is_told_asked_about_erased_and_gone(service: Service) -> None:
    visitor = visited(service)["visitor"]
    whom = ("--visitor", visitor)
    dry = dni(service, "erase", *whom, "--dry-run")
    assert dry.stdout == "sessions 1, leases 1, holders 1\na dry run: nothing was erased\n", dry.stderr
    told = json.loads(dni(service, "export", *whom).stdout)
    assert [row["source"] for row in told["sessions"]] == ["google"]
    assert [one["number"][:8] for one in told["holders"]] == ["+1202555"]
    assert dni(service, "erase", *whom, answer="n\n").returncode == 1
    done = dni(service, "erase", *whom, answer="y\n")
    assert "erased: sessions 1, leases 1, holders 1" in done.stdout
    told = json.loads(dni(service, "export", *whom).stdout)
    assert (told["sessions"], told["leases"], told["holders"]) == ([], [], [])
    assert dni(service, "erase", *whom, "--yes").stdout == "erased: nothing is held\n"


def test_what_cannot_be_is_said_in_a_line(service: Service) -> None:
    for words in ((), ("--visitor", "a", "--caller", "+12125550142"), ("--caller", "12")):
        refused = dni(service, "export", *words)
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1), refused
    service.stop()
    assert "is `dni serve` running?" in dni(service, "export", "--visitor", "a").stderr
