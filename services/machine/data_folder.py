"""The data folder of an embedded Postgres: cluster, port and passwords, which outlive every server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

from services.machine.binaries import (
    Account,
    PostgresFailed,
    major_version,
    runnable_binaries,
    unprivileged_account,
)
from services.machine.passwords import Passwords
from services.machine.ports import free_port
from services.machine.postmaster import ENVIRONMENT, alive, end, is_server_of, recorded_pid
from services.runtime.private_files import hold, write_private

SUPERUSER = "andon"
FALLBACK_HOMES = (Path("/var/lib/andon"), Path("/var/tmp/andon"))

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class DataFolder:
    """A folder that is ready for a server: held by this process, with a cluster that no server uses."""

    path: Path
    account: Account
    # Where the cluster is: the data folder itself, or elsewhere where the account cannot reach that.
    home: Path
    binaries: Path
    port: int
    held: IO[str]

    @property
    def cluster(self) -> Path:
        return _cluster(self.home)

    @property
    def log_file(self) -> Path:
        return self.path / "postgres.log"

    def release(self) -> None:
        self.held.close()


def passwords_of(path: Path) -> Passwords:
    return Passwords(path / "passwords.json")


def open_data_folder(path: Path) -> DataFolder:
    """Made where it is not there yet; a server left by an earlier run is stopped."""
    path.mkdir(parents=True, exist_ok=True)
    held = hold(path / "supervisor.lock")
    try:
        account = unprivileged_account()
        home = _reachable_home(path, account)
        binaries = runnable_binaries(account, home)
        _stop_orphan(_cluster(home))
        if not (_cluster(home) / "PG_VERSION").exists():
            _initialise(home, binaries, account, passwords_of(path).of(SUPERUSER))
        file = path / "port"
        before = int(file.read_text()) if file.exists() else None
        port = free_port(before)
        if port != before:
            write_private(file, str(port))
        return DataFolder(path, account, home, binaries, port, held)
    except BaseException:
        held.close()
        raise


def _cluster(home: Path) -> Path:
    return home / "cluster"


def _reachable_home(path: Path, account: Account) -> Path:
    if account.uid is None:
        return path
    path.chmod(path.stat().st_mode | 0o011)
    if account.may_enter(path):
        return path
    # Opening up the caller's parent folders is not ours to do, so the cluster lives elsewhere and is linked.
    link = path / "home"
    if link.exists():
        return link.resolve()
    for parent in FALLBACK_HOMES:
        home = parent / uuid.uuid4().hex
        home.mkdir(parents=True, mode=0o711)
        if account.may_enter(home):
            log.info("database outside of the data folder", home=str(home))
            link.unlink(missing_ok=True)
            link.symlink_to(home)
            return link.resolve()
        home.rmdir()
    raise PostgresFailed(f"no folder that the database's account can enter: tried {path} and /var")


def _stop_orphan(cluster: Path) -> None:
    """A server left by a killed supervisor cannot be waited for, so it is stopped and replaced."""
    pid = recorded_pid(cluster)
    if pid is None:
        return
    if is_server_of(pid, cluster):
        log.info("stopping orphaned postgres", pid=pid)
        end(pid, None)
    elif alive(pid):
        # The pid was given to another program since. Our own pid, the server's parent, is one it ignores,
        # and the rest of the file still lets it find shared memory that is in use.
        lines = (cluster / "postmaster.pid").read_text().splitlines(keepends=True)
        (cluster / "postmaster.pid").write_text("".join([f"{os.getpid()}\n", *lines[1:]]))


def _initialise(home: Path, binaries: Path, account: Account, password: str) -> None:
    unfinished = home / "cluster.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    account.owns(unfinished)
    with tempfile.NamedTemporaryFile("w", dir=home, prefix="initdb-") as secret:
        secret.write(password)
        secret.flush()
        account.owns(Path(secret.name))
        outcome = subprocess.run(
            [
                str(binaries / "bin" / "initdb"),
                f"--pgdata={unfinished}",
                f"--username={SUPERUSER}",
                f"--pwfile={secret.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--data-checksums",
                *(["--locale-provider=builtin"] if major_version(binaries) >= 17 else []),
                "--locale=C.UTF-8",
            ],
            capture_output=True,
            text=True,
            cwd="/",
            env=ENVIRONMENT,
            **account.popen_arguments(),
        )
    if outcome.returncode != 0:
        raise PostgresFailed(f"initdb failed: {' | '.join(outcome.stderr.strip().splitlines())}")
    unfinished.rename(_cluster(home))
