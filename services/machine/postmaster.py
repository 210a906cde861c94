"""A Postgres server process as the operating system sees it: is it ours, is it ready, does it end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

STOP_S_MAX = 30.0
# The caller's own variables must not change how the server reads times, texts and addresses.
ENVIRONMENT: Mapping[str, str] = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def recorded_pid(cluster: Path) -> int | None:
    try:
        return int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def says_ready(cluster: Path, pid: int) -> bool:
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_server_of(pid: int, cluster: Path) -> bool:
    kernel = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        command = kernel.read_bytes().replace(b"\0", b" ").decode(errors="replace") if kernel.exists() else ""
    else:
        shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)
        command = shown.stdout
    return "postgres" in command and str(cluster) in command


def end(pid: int, process: subprocess.Popen[bytes] | None) -> None:
    """Fast shutdown first; what does not heed it is stopped harder, and recovers at the next start."""
    for number, timeout_s in ((signal.SIGINT, STOP_S_MAX), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if gone(pid, process, timeout_s):
            return


def gone(pid: int, process: subprocess.Popen[bytes] | None, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None if process else not alive(pid):
            return True
        time.sleep(0.02)
    return False
