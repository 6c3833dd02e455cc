"""A real Kamailio with the configuration of docs/, and sipp as the trunk before and the telephones behind it."""

import csv
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import process, programs

HOST = "127.0.0.1"
SHIPPED = Path(__file__).parents[2] / "docs" / "kamailio"
SCENARIOS = Path(__file__).parents[1] / "sip" / "scenarios"

_LONGEST_S = 30
_PING = """OPTIONS sip:{host}:{port} SIP/2.0
Via: SIP/2.0/UDP {host}:{own};branch=z9hG4bK-ping
From: <sip:ping@{host}>;tag=ping
To: <sip:{host}>
Call-ID: ping@{host}
CSeq: 1 OPTIONS
Max-Forwards: 70
Content-Length: 0

"""


def free_port() -> int:
    """A UDP port that nothing listens on."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Calls:
    """Calls that sipp makes or takes in one scenario; what it counted is there when it has ended."""

    def __init__(self, folder: Path, scenario: str, *arguments: str) -> None:
        self._stem = folder / f"{scenario}-{free_port()}"
        self._name = f"sipp {scenario}"
        self._log = self._stem.with_suffix(".log")
        files = (("stf", ".csv"), ("error_file", ".errors"), ("message_file", ".messages"))
        command: list[str | Path] = [
            *(programs.sipp(), "-sf", SCENARIOS / f"{scenario}.xml", "-i", HOST, "-nostdin"),
            *("-trace_stat", "-fd", "1", "-trace_err", "-trace_msg", "-timeout", str(_LONGEST_S)),
            *(word for name, suffix in files for word in (f"-{name}", self._stem.with_suffix(suffix))),
            *arguments,
        ]
        # sipp writes further files into the folder that it starts in.
        self._child = process.start(command, self._log, cwd=folder)

    def wait(self) -> "Calls":
        """Returns when the last call is over."""
        self._child.wait(_LONGEST_S + 5)
        return self

    def stop(self) -> None:
        """Takes no more calls, and ends when those that are under way have ended."""
        process.stop(self._child, signal.SIGUSR1)

    def kill(self) -> None:
        process.kill_group(self._child)
        self._child.wait()

    def counted(self, name: str) -> int:
        """By sipp's own name, of all calls: `SuccessfulCall`, `FailedCall`, `Retransmissions`."""
        with self._stem.with_suffix(".csv").open() as file:
            *_, last = csv.DictReader(file, delimiter=";")
        return int(last[f"{name}(C)"])

    def trouble(self) -> str:
        """What sipp complains of; empty: nothing."""
        errors = process.tail(self._stem.with_suffix(".errors"))
        return errors if errors or self._child.returncode == 0 else f"{self._name}: {process.tail(self._log)}"


class Kamailio:
    """On a free port, its settings those that are shipped but for the ones that are `given`, by name."""

    def __init__(self, folder: Path, given: Mapping[str, str | int]) -> None:
        self.port = free_port()
        self.log = folder / "kamailio.log"
        self._folder = folder
        shutil.copy(SHIPPED / "kamailio.cfg", folder)
        (folder / "settings.cfg").write_text(settings({"listen": f"udp:{HOST}:{self.port}", **given}))
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        run = self._folder / "run"
        run.mkdir()
        files: Sequence[str | Path] = ("-f", self._folder / "kamailio.cfg", "-P", run / "pid", "-Y", run, "-w", run)
        command: list[str | Path] = [programs.kamailio(), "-DD", "-E", "-m", "64", "-M", "8", *files]
        # It ends its own processes when it is asked to, and leaves them alone when it is killed.
        self._child = process.start(command, self.log, death_signal=signal.SIGTERM)
        process.wait_until(self._answers, "Kamailio", self._child, self.log, seconds=10)

    def stop(self) -> None:
        if self._child:
            process.stop(self._child)
            process.kill_group(self._child)

    def _answers(self) -> bool:
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.bind((HOST, 0))
            client.settimeout(0.05)
            ping = _PING.format(host=HOST, port=self.port, own=client.getsockname()[1])
            try:
                client.sendto(ping.replace("\n", "\r\n").encode(), (HOST, self.port))
                return client.recv(4096).startswith(b"SIP/2.0 200")
            except OSError:
                return False


def settings(given: Mapping[str, str | int]) -> str:
    """The shipped settings with other values. Raises KeyError for a name that is not in them."""
    lines = (SHIPPED / "settings.cfg").read_text().splitlines()
    for name, value in given.items():
        begins = f"{name}=" if name == "listen" else f"#!define {name} "
        shown = f'"{value}"' if isinstance(value, str) and name != "listen" else str(value)
        places = [place for place, line in enumerate(lines) if line.startswith(begins)]
        if not places:
            raise KeyError(name)
        lines[places[0]] = begins + shown
    return "\n".join([*lines, ""])


class Exchange:
    """Kamailio between callers and telephones."""

    def __init__(self, folder: Path, kamailio: Kamailio, telephones: int) -> None:
        self._folder = folder
        self._kamailio = kamailio
        self._telephones = telephones
        self._running: list[Calls] = []

    def ring(
        self, scenario: str, numbers: Sequence[str], caller: str = "+14155550142", lasting_ms: int = 0, rate: int = 5
    ) -> Calls:
        """One call to each of the numbers, so many a second."""
        list_ = self._folder / f"{scenario}-{free_port()}.numbers"
        list_.write_text("SEQUENTIAL\n" + "".join(f"{number};{caller}\n" for number in numbers))
        how = ("-inf", str(list_), "-m", str(len(numbers)), "-r", str(rate), "-d", str(lasting_ms))
        return self._begun(Calls(self._folder, scenario, *self._at(free_port()), *how, f"{HOST}:{self._kamailio.port}"))

    @contextmanager
    def telephones(self) -> Iterator[Calls]:
        """All destinations, until the block ends and with it their last call."""
        calls = self._begun(Calls(self._folder, "destinations", *self._at(self._telephones), "-deadcall_wait", "0"))
        yield calls
        calls.stop()

    def end(self) -> None:
        """Whatever still runs."""
        for calls in self._running:
            calls.kill()
        self._kamailio.stop()

    def _begun(self, calls: Calls) -> Calls:
        self._running.append(calls)
        return calls

    def _at(self, port: int) -> tuple[str, ...]:
        return ("-p", str(port), "-mp", str(free_port()))


@contextmanager
def exchange(folder: Path, given: Mapping[str, str | int]) -> Iterator[Exchange]:
    """Ready for calls; nothing of it is left after the block."""
    telephones = free_port()
    kamailio = Kamailio(folder, {"TRUNK": HOST, "NEXT_HOP": f"{HOST}:{telephones}", **given})
    made = Exchange(folder, kamailio, telephones)
    try:
        kamailio.start()
        yield made
    finally:
        made.end()
