"""The embedded Postgres of one machine: started, restarted when it dies, and stopped cleanly."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import structlog

from services.machine.binaries import PostgresFailed
from services.machine.data_folder import SUPERUSER, DataFolder, open_data_folder, passwords_of
from services.machine.postmaster import ENVIRONMENT, end, says_ready

DATABASE = "andon"
READY_S_MAX = 60.0
LOG_BYTES_MAX = 16 * 1024 * 1024

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


class EmbeddedPostgres:
    """Call `start`, keep `watch` running, call `stop`. Data, port and passwords outlive the process."""

    def __init__(self, data_dir: Path, options: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.restarts = 0
        self._options = {**DEFAULT_OPTIONS, **(options or {})}
        self._passwords = passwords_of(self.data_dir)
        self._opened: DataFolder | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def cluster(self) -> Path:
        return self._folder.cluster

    def dsn(self, role: str = SUPERUSER, database: str = DATABASE) -> str:
        # The server has no TLS and listens on loopback only; without the word a driver looks for key files first.
        return f"postgresql://{role}:{self.password(role)}@127.0.0.1:{self._folder.port}/{database}?sslmode=disable"

    def role_dsn(self, role: str, database: str = DATABASE) -> str:
        return self.dsn(role, database)

    def password(self, role: str) -> str:
        return self._passwords.of(role)

    async def start(self) -> str:
        """Returns the superuser's DSN once the server takes connections. After a failure, call `stop`."""
        self._stopping = False
        opening = asyncio.create_task(asyncio.to_thread(open_data_folder, self.data_dir))
        try:
            self._opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # A thread cannot be interrupted: what it opens is waited for, so that `stop` can give it back.
            self._opened = await opening
            raise
        await self._launch()
        connection = await asyncpg.connect(self.dsn(database="postgres"))
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute("CREATE DATABASE andon TEMPLATE template0")
                await connection.execute("REVOKE CREATE, TEMPORARY ON DATABASE andon FROM PUBLIC")
        finally:
            await connection.close()
        return self.dsn()

    async def stop(self) -> None:
        self._stopping = True
        if self._process:
            await asyncio.to_thread(end, self._process.pid, self._process)
            self._process = None
        if self._opened:
            self._opened.release()

    async def watch(self, interval_s: float = 0.1) -> None:
        """Starts the server again whenever it dies; returns after `stop`."""
        while not self._stopping:
            if self._process and self._process.poll() is not None:
                log.warning("postgres exited, restarting", status=self._process.returncode)
                await self._restart()
            await asyncio.sleep(interval_s)

    async def _restart(self) -> None:
        pause_s = 0.1
        while not self._stopping:
            try:
                await self._launch()
            except (PostgresFailed, OSError) as error:
                log.error("postgres restart failed", error=str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 5.0)
            else:
                self.restarts += 1
                return

    @property
    def _folder(self) -> DataFolder:
        if self._opened is None:
            raise PostgresFailed("the server was not started yet")
        return self._opened

    async def _launch(self) -> None:
        folder = self._folder
        if folder.log_file.exists() and folder.log_file.stat().st_size > LOG_BYTES_MAX:
            folder.log_file.replace(folder.log_file.with_suffix(".log.1"))
        options = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        # A failing CREATE ROLE is logged with its password, so the log is nobody else's to read.
        with os.fdopen(os.open(folder.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - forking takes a millisecond
                [str(folder.binaries / "bin" / "postgres"), "-D", folder.cluster, "-p", str(folder.port), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=ENVIRONMENT,
                # A Ctrl-C on the terminal is the supervisor's to answer: services still need the database to drain.
                start_new_session=True,
                **folder.account.popen_arguments(),
            )
        process, deadline = self._process, asyncio.get_running_loop().time() + READY_S_MAX
        while not says_ready(folder.cluster, process.pid):
            if process.poll() is not None:
                raise PostgresFailed(f"postgres exited with {process.returncode}: {_last_lines(folder.log_file)}")
            if asyncio.get_running_loop().time() > deadline:
                await asyncio.to_thread(end, process.pid, process)
                raise PostgresFailed(f"postgres was not ready after {READY_S_MAX} s: {_last_lines(folder.log_file)}")
            await asyncio.sleep(0.02)


def _last_lines(file: Path, count: int = 8) -> str:
    return " | ".join(file.read_text(errors="replace").splitlines()[-count:]) if file.exists() else ""
