"""A real program as our child: dies with us, is waited for with a limit, shows its log when it fails."""

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_POLL_SECONDS = 0.02
_PR_SET_PDEATHSIG = 1


def start(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start `command` in a process group of its own, output appended to `log`.

    When the tests are killed, Linux sends it `death_signal`. With `user` (needs root) it runs as that user.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=None if env is None else dict(env),
            cwd=cwd,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            # It calls nothing but prctl, so it is safe between fork and exec.
            preexec_fn=_die_with_parent(death_signal),  # noqa: PLW1509
        )


def wait_until(ready: Callable[[], bool], what: str, child: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Return once `ready()`. RuntimeError with the log's end if `child` ends or `seconds` pass first."""
    deadline = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None:
            raise RuntimeError(f"{what} ended with status {child.returncode}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} was not ready within {seconds:g} s:\n{tail(log)}")
        time.sleep(_POLL_SECONDS)


def stop(child: subprocess.Popen[bytes], sign: signal.Signals = signal.SIGTERM, seconds: float = 15) -> int:
    """Send `sign`, wait for the end, kill after `seconds`. Returns the exit status (negative: the signal)."""
    if child.poll() is None:
        child.send_signal(sign)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            kill_group(child)
    return child.wait(seconds)


def wait_ended(pid: int, seconds: float = 15) -> None:
    """Return once that process runs no more (Linux), though nobody may have asked for its status yet."""
    deadline = time.monotonic() + seconds
    status = Path(f"/proc/{pid}/stat")
    while time.monotonic() < deadline:
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"process {pid} did not end within {seconds:g} s")


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the child and to whatever it started in its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


# Who asks for several starts its servers later: until then the kernel may offer a port again.
_given: set[int] = set()


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listened on a moment ago; each time another one."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def tail(log: Path, size: int = 4000) -> str:
    """The end of a log file; empty if there is none."""
    return log.read_text(errors="replace")[-size:] if log.exists() else ""


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # Loaded before the fork: the child may only make the call.
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)

    return ask
