"""A real PostgreSQL on a free port, made for one run of the tests: fast, not durable."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import process, programs

_UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100")
# What was committed survives the end of the server, not that of the machine.
_SURVIVES = ("fsync=off", "max_connections=100")


@dataclass(frozen=True)
class Postgres:
    """A running server; its superuser is `postgres`."""

    bin: Path
    port: int
    password: str

    @contextmanager
    def database(self, copied: str = "template1") -> Iterator[str]:
        """The URL `postgresql+asyncpg://…` of a new database, dropped after the block; a copy of another's."""
        name, url = self.kept_database(copied)
        try:
            yield url
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def kept_database(self, copied: str = "template1") -> tuple[str, str]:
        """Name and URL of one that lives as long as the server."""
        name = f"t{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {copied}")
        return name, f"postgresql+asyncpg://postgres:{self.password}@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str) -> None:
        """Run one statement as superuser. Raises RuntimeError with the server's message."""
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", "postgres")
        done = subprocess.run(
            [self.bin / "psql", "-X", "-q", *where, "-c", statement],
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        if done.returncode:
            raise RuntimeError(f"{statement}: {done.stderr.strip()}")


@contextmanager
def running(kept: Path | None = None, *, port: int | None = None, survives: bool = False) -> Iterator[Postgres]:
    """A server that lives as long as the block, and its data too, unless they are `kept` in a folder for the next one.

    The server's user must be able to enter that folder. `survives`: `crash` loses nothing that was committed. Raises
    MissingProgram.
    """
    place = programs.postgresql()
    user = _user()
    folder = kept or Path(tempfile.mkdtemp(prefix="dni-postgres-"))
    try:
        data, log, secret = folder / "data", folder / "log", folder / "password"
        if not data.exists():
            folder.mkdir(exist_ok=True)
            secret.write_text(secrets.token_hex(16))
            if user:
                for path in (folder, secret):
                    shutil.chown(path, user)
            _initdb(place, data, secret, user, log)
        server = Postgres(place, port or process.free_port(), secret.read_text())
        where = ("listen_addresses=127.0.0.1", f"port={server.port}", f"unix_socket_directories={folder}")
        settings = [f"--{option}" for option in (*where, *(_SURVIVES if survives else _UNSAFE_BUT_FAST))]
        # SIGQUIT, SIGINT: PostgreSQL's immediate and fast shutdown; SIGKILL would leave its shared memory.
        child = process.start(
            [place / "postgres", "-D", data, *settings],
            log,
            user=user,
            cwd=folder,
            death_signal=signal.SIGQUIT,
        )
        try:
            process.wait_until(lambda: _answers(server), "PostgreSQL", child, log, seconds=30)
            yield server
        finally:
            process.stop(child, signal.SIGINT)
    finally:
        if kept is None:
            shutil.rmtree(folder)


def crash(kept: Path) -> None:
    """Ends the server of a folder at once, in the middle of whatever it does."""
    pid = int((kept / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    process.wait_ended(pid)


def _initdb(place: Path, data: Path, secret: Path, user: str | None, log: Path) -> None:
    how = ("--username=postgres", "--auth=scram-sha-256", f"--pwfile={secret}")
    what = ("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
    child = process.start([place / "initdb", "-D", data, *how, *what], log, user=user, cwd=data.parent)
    if child.wait(60):
        raise RuntimeError(f"initdb failed:\n{process.tail(log)}")


def _answers(server: Postgres) -> bool:
    try:
        server.sql("SELECT 1")
    except RuntimeError:
        return False
    return True


def _user() -> str | None:
    """PostgreSQL refuses to run as root: then it is the user that its package made, or nobody."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
