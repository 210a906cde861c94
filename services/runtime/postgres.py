"""The embedded Postgres of one machine: found, started, kept alive, and stopped cleanly."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import asyncpg
import structlog

from services.runtime.binaries import Account, major_version, runnable_binaries, unprivileged_account
from services.runtime.postmaster import alive, end, is_server_of, recorded_pid, says_ready

SUPERUSER = "andon"
DATABASE = "andon"
# Below the range that the kernel hands out to outgoing connections, so that a kept port stays free.
PORTS = range(15_432, 32_000)
READY_S_MAX = 60.0
LOG_BYTES_MAX = 16 * 1024 * 1024
FALLBACK_HOMES = (Path("/var/lib/andon"), Path("/var/tmp/andon"))

DEFAULT_OPTIONS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "restart_after_crash": "on",
}

log = structlog.get_logger(__name__)


class PostgresFailed(RuntimeError):
    """The server did not start; the last lines of its log say why."""


class DataFolderInUse(RuntimeError):
    """Another supervisor looks after this data folder."""


class EmbeddedPostgres:
    """Call `start`, keep `watch` running, call `stop`. Data, port and passwords outlive the process."""

    def __init__(self, data_dir: Path, options: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.restarts = 0
        self._options = {**DEFAULT_OPTIONS, **(options or {})}
        self._account = Account(None, None)
        self._binaries = Path()
        self._home = Path()
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def cluster(self) -> Path:
        return self._home / "cluster"

    def dsn(self, role: str = SUPERUSER, database: str = DATABASE) -> str:
        # The server has no TLS and listens on loopback only; without the word a driver looks for key files first.
        return f"postgresql://{role}:{self.password(role)}@127.0.0.1:{self._port}/{database}?sslmode=disable"

    def role_dsn(self, role: str, database: str = DATABASE) -> str:
        return self.dsn(role, database)

    def password(self, role: str) -> str:
        """The role's password, made at random when first asked for and kept in the data folder."""
        file = self.data_dir / "passwords.json"
        passwords: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        if role not in passwords:
            passwords[role] = secrets.token_urlsafe(24)
            _write_private(file, json.dumps(passwords, indent=1))
        return passwords[role]

    async def start(self) -> str:
        """Returns the superuser's DSN once the server takes connections."""
        self._stopping = False
        await asyncio.to_thread(self._prepare)
        await self._launch()
        await self._ensure_database()
        return self.dsn()

    async def stop(self) -> None:
        self._stopping = True
        if self._process:
            await asyncio.to_thread(end, self._process.pid, self._process)
            self._process = None
        if self._lock:
            self._lock.close()
            self._lock = None

    async def watch(self, interval_s: float = 0.1) -> None:
        """Starts the server again whenever it dies; returns after `stop`."""
        while not self._stopping:
            if self._process and self._process.poll() is not None:
                log.warning("postgres died, restarting", status=self._process.returncode)
                await self._restart()
            await asyncio.sleep(interval_s)

    async def _restart(self) -> None:
        pause_s = 0.1
        while not self._stopping:
            try:
                await self._launch()
            except PostgresFailed as error:
                log.error("postgres did not restart", error=str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 5.0)
            else:
                self.restarts += 1
                return

    def _prepare(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = _exclusive(self.data_dir / "supervisor.lock")
        self._account = unprivileged_account()
        self._home = self._reachable_home()
        self._binaries = runnable_binaries(self._account, self._home)
        self._stop_orphan()
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        self._port = self._kept_port()

    def _reachable_home(self) -> Path:
        """The data folder, or a place of its own where the server's account cannot reach the data folder."""
        if self._account.uid is None:
            return self.data_dir
        self.data_dir.chmod(self.data_dir.stat().st_mode | 0o011)
        if self._account.may_enter(self.data_dir):
            return self.data_dir
        # Opening up the caller's parent folders is not ours to do, so the cluster lives elsewhere and is linked.
        link = self.data_dir / "home"
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(self._home_elsewhere())
        return link.resolve()

    def _home_elsewhere(self) -> Path:
        for parent in FALLBACK_HOMES:
            home = parent / uuid.uuid4().hex
            home.mkdir(parents=True, mode=0o711)
            if self._account.may_enter(home):
                log.info("the database lives outside of the data folder", home=str(home))
                return home
            home.rmdir()
        raise PostgresFailed(f"no folder that the database's account can enter: tried {self.data_dir} and /var")

    def _stop_orphan(self) -> None:
        """A server left by a killed supervisor cannot be waited for, so it is stopped and replaced."""
        pid = recorded_pid(self.cluster)
        if pid is None:
            return
        if is_server_of(pid, self.cluster):
            log.info("stopping a server left by an earlier run", pid=pid)
            end(pid, None)
        elif alive(pid):
            # The pid was given to another program since. Our own pid, the server's parent, is one it ignores,
            # and the rest of the file still lets it find shared memory that is in use.
            lines = (self.cluster / "postmaster.pid").read_text().splitlines(keepends=True)
            (self.cluster / "postmaster.pid").write_text("".join([f"{os.getpid()}\n", *lines[1:]]))

    def _initialise(self) -> None:
        unfinished = self._home / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._account.owns(unfinished)
        with tempfile.NamedTemporaryFile("w", dir=self._home, prefix="initdb-") as secret:
            secret.write(self.password(SUPERUSER))
            secret.flush()
            self._account.owns(Path(secret.name))
            outcome = subprocess.run(
                [
                    str(self._binaries / "bin" / "initdb"),
                    f"--pgdata={unfinished}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={secret.name}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--data-checksums",
                    *_locale_options(major_version(self._binaries)),
                ],
                capture_output=True,
                text=True,
                cwd="/",
                env=_environment(),
                **self._account.popen_arguments(),
            )
        if outcome.returncode != 0:
            raise PostgresFailed(f"initdb failed: {outcome.stderr.strip()}")
        unfinished.rename(self.cluster)

    def _kept_port(self) -> int:
        file = self.data_dir / "port"
        kept = int(file.read_text()) if file.exists() else 0
        port = kept if kept and _free(kept) else _free_port()
        if port != kept:
            file.write_text(str(port))
        return port

    async def _launch(self) -> None:
        log_file = self.data_dir / "postgres.log"
        if log_file.exists() and log_file.stat().st_size > LOG_BYTES_MAX:
            log_file.replace(log_file.with_suffix(".log.1"))
        options = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        # A failing CREATE ROLE is logged with its password, so the log is nobody else's to read.
        with os.fdopen(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - forking takes a millisecond
                [str(self._binaries / "bin" / "postgres"), "-D", str(self.cluster), "-p", str(self._port), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_environment(),
                # A Ctrl-C on the terminal is the supervisor's to answer: services still need the database to drain.
                start_new_session=True,
                **self._account.popen_arguments(),
            )
        await self._ready(self._process, log_file)

    async def _ready(self, process: subprocess.Popen[bytes], log_file: Path) -> None:
        deadline = asyncio.get_running_loop().time() + READY_S_MAX
        while not says_ready(self.cluster, process.pid):
            if process.poll() is not None:
                raise PostgresFailed(f"postgres exited with {process.returncode}: {_last_lines(log_file)}")
            if asyncio.get_running_loop().time() > deadline:
                await asyncio.to_thread(end, process.pid, process)
                raise PostgresFailed(f"postgres was not ready after {READY_S_MAX} s: {_last_lines(log_file)}")
            await asyncio.sleep(0.02)

    async def _ensure_database(self) -> None:
        connection = await asyncpg.connect(self.dsn(database="postgres"))
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute("CREATE DATABASE andon TEMPLATE template0")
                await connection.execute("REVOKE CREATE, TEMPORARY ON DATABASE andon FROM PUBLIC")
        finally:
            await connection.close()


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _locale_options(major: int) -> list[str]:
    return ["--locale-provider=builtin", "--locale=C.UTF-8"] if major >= 17 else ["--locale=C.UTF-8"]


def _write_private(file: Path, text: str) -> None:
    unfinished = file.with_name(f"{file.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)


def _exclusive(file: Path) -> IO[str]:
    stream = file.open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        raise DataFolderInUse(f"{file.parent} is looked after by another process") from error
    return stream


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    for port in random.sample(PORTS, 200):
        if _free(port):
            return port
    raise PostgresFailed("no free port for Postgres")


def _last_lines(file: Path, count: int = 8) -> str:
    return " | ".join(file.read_text(errors="replace").splitlines()[-count:]) if file.exists() else ""
