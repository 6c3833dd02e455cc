"""The real `dni serve` as a child process, driven as an operator would: start, stop, kill, start again."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.support import process

_READY_SECONDS = 30
# Inherited by everything that the service starts, so that a test can see what it left behind.
_MARK = "DNI_TEST_SERVICE"


class Service:
    """One service on one port with one data folder, across its restarts."""

    def __init__(self, data_dir: Path, workers: int = 1, env: Mapping[str, str] | None = None) -> None:
        """`env` adds `DNI_…` settings; those of our own environment are not passed on."""
        self.data_dir = data_dir
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        self.port = process.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_token = secrets.token_hex(16)
        self.workers = workers
        self._mark = secrets.token_hex(8)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DNI_")}
        self._env = {**inherited, "DNI_ADMIN_TOKEN": self.admin_token, _MARK: self._mark, **(env or {})}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The parent process. Raises RuntimeError when it was never started."""
        return self._started().pid

    @property
    def headers(self) -> dict[str, str]:
        """What an admin sends."""
        return {"Authorization": f"Bearer {self.admin_token}"}

    def start(self) -> None:
        """Returns when /readyz answers 200. Raises RuntimeError with the end of the log."""
        where = ("--host", "127.0.0.1", "--port", str(self.port))
        how = ("--workers", str(self.workers), "--data-dir", str(self.data_dir))
        self._child = process.start([sys.executable, "-m", "dni", "serve", *where, *how], self.log, env=self._env)
        process.wait_until(self.ready, "dni serve", self._child, self.log, _READY_SECONDS)

    def ready(self) -> bool:
        """Whether /readyz answers 200 now."""
        # Past any proxy of the environment: it is on this machine.
        with suppress(httpx.TransportError), httpx.Client(trust_env=False, timeout=2) as client:
            return client.get(f"{self.url}/readyz").status_code == 200
        return False

    def stop(self) -> int:
        """SIGTERM, as an operator stops it. Returns the exit status; negative if it had to be killed."""
        return process.stop(self._started())

    def kill9(self) -> None:
        """SIGKILL to the parent alone: what it started must notice by itself."""
        process.stop(self._started(), signal.SIGKILL)

    def restart(self) -> None:
        """Stop it, if it still runs, and start it on the same port and data."""
        if self._started().poll() is None:
            self.stop()
        self.start()

    def freeze(self) -> None:
        """Everything of it is there and answers nothing, until `thaw`."""
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)

    def processes(self) -> dict[int, str]:
        """Every living process that this service started, itself too: pid -> program name (Linux)."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            # A process may end while we look, or belong to another user.
            with suppress(OSError):
                if f"{_MARK}={self._mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "comm").read_text().strip()
        return found

    def kill_all(self) -> None:
        """SIGKILL to everything that is left of it."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._child:
            process.kill_group(self._child)
            self._child.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise RuntimeError("the service was never started")
        return self._child


@contextmanager
def running(data_dir: Path, workers: int = 1, env: Mapping[str, str] | None = None) -> Iterator[Service]:
    """A service that is ready now and leaves no process behind."""
    service = Service(data_dir, workers, env)
    try:
        service.start()
        yield service
    finally:
        service.kill_all()
