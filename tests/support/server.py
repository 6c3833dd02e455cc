"""One real Valkey as a process that a test may kill, freeze and start again at the same address."""

import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hiredis

from tests.support import process, valkey


class Server:
    """On 127.0.0.1, without persistence: what is killed comes back empty."""

    def __init__(self, folder: Path, options: Mapping[str, str] | None = None, *, sentinel: str | None = None) -> None:
        """`sentinel`: the configuration of a sentinel, which it then is; `options` are a data server's."""
        self.port = process.free_port()
        self.log = folder / f"{self.port}.log"
        if sentinel is None:
            given = {"port": str(self.port), "dir": str(folder), "save": "", "appendonly": "no", **(options or {})}
            self._arguments = [word for name, value in given.items() for word in (f"--{name}", *value.split(" "))]
        else:
            file = folder / f"{self.port}.conf"
            file.write_text(f"port {self.port}\ndir {folder}\n{sentinel}")
            self._arguments = [str(file), "--sentinel"]
        self.password = (options or {}).get("requirepass")
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        self._child = process.start([valkey.binary(), *self._arguments], self.log)
        process.wait_until(self._answers, "Valkey", self._child, self.log, seconds=10)

    def kill(self) -> None:
        """SIGKILL, as when its host loses power. Returns when it is gone."""
        if self._child:
            process.kill_group(self._child)
            self._child.wait(10)

    def freeze(self) -> None:
        """It stays connected and answers nothing."""
        assert self._child
        self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._child
        self._child.send_signal(signal.SIGCONT)

    def ask(self, *command: Any) -> Any:
        """One command on a connection of its own. Raises OSError, or hiredis.ReplyError with the server's refusal."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            if self.password:
                self._answer(client, "AUTH", self.password)
            return self._answer(client, *command)

    def info(self, section: str) -> dict[str, str]:
        lines = self.ask("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING") == b"PONG")
        except OSError:
            return False

    @staticmethod
    def _answer(client: socket.socket, *command: Any) -> Any:
        client.sendall(hiredis.pack_command(command))
        reader = hiredis.Reader()
        while (answer := reader.gets()) is False:
            if not (data := client.recv(65536)):
                raise ConnectionError("closed without an answer")
            reader.feed(data)
        if isinstance(answer, hiredis.ReplyError):
            raise answer
        return answer
