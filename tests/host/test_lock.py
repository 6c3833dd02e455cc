"""One serve for a data folder, one listener for a port: the second is told why."""

import os
import socket
from pathlib import Path

import pytest

from dni.errors import UsageError
from dni.host.listen import listen
from dni.host.lock import only_server_of


async def test_a_second_serve_is_refused_and_told_the_process(tmp_path: Path) -> None:
    async with only_server_of(tmp_path):
        with pytest.raises(UsageError, match=rf"process {os.getpid()}\).*--data-dir"):
            async with only_server_of(tmp_path, wait_s=0):
                pass
    async with only_server_of(tmp_path, wait_s=0):
        pass


async def test_a_port_in_use_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^127\.0\.0\.1:{port} is in use .*--port$"):
            await listen("127.0.0.1", port, wait_s=0)


async def test_an_address_that_is_not_ours_is_told_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"^cannot listen on 192\.0\.2\.1:0: .+$"):
        await listen("192.0.2.1", 0)


async def test_a_host_that_does_not_exist_is_told_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"^cannot listen on no\.such\.invalid:0: .+$"):
        await listen("no.such.invalid", 0)


_FAMILIES = {socket.AF_INET, *([socket.AF_INET6] if Path("/proc/net/if_inet6").exists() else [])}


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
async def test_it_listens_on_either_family(host: str, family: int) -> None:
    if family not in _FAMILIES:
        pytest.skip("this machine has no IPv6")
    with await listen(host, 0) as listener:
        assert listener.family == family
        socket.create_connection((host, listener.getsockname()[1])).close()
