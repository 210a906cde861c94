"""One embedded Postgres for the whole run, shared by all workers, and a fresh database for each test that asks."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest
import structlog
import typer.testing
from andon_client import terminal

from services.machine.postgres import EmbeddedPostgres

# A change lands on what it is and not on dice or on a busy machine: the same examples each time, however long each
# takes, unless one goes and searches for new ones.
hypothesis.settings.register_profile("repeat", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))

# Processes that tests start read what the first of them compiled, also where the environment is made for containers.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The workers of a parallel run have a terminal of 80 columns and the tests of a single process none: now none has.
os.environ.pop("COLUMNS", None)
terminal.screen.width = terminal.WIDTH_WITHOUT_TERMINAL


@functools.cache
def _tree(app: typer.Typer) -> tuple[Any, list[tuple[Any, str, str]]]:
    """A tree of commands, and every text in it that help in another language replaces."""
    texts: list[tuple[Any, str, str]] = []

    def collect(command: Any) -> None:
        help_option = command.get_help_option(command.make_context(command.name, [], resilient_parsing=True))
        texts.extend(
            (owner, "help", owner.help) for owner in (command, help_option, *command.params) if hasattr(owner, "help")
        )
        texts.append((command, "epilog", command.epilog))
        for child in getattr(command, "commands", {}).values():
            collect(child)

    tree = typer.main.get_command(app)
    collect(tree)
    return tree, texts


def _command(app: typer.Typer) -> Any:
    tree, texts = _tree(app)
    for owner, name, text in texts:
        setattr(owner, name, text)
    return tree


# The runner of tests builds the tree of `andon` from its signatures at every call, which takes longer than most
# commands do. A process builds it once: so do the tests, and begin in English each time.
vars(typer.testing)["_get_command"] = _command

# A test's database need not survive a power cut; tests of durability start a server of their own.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "400",
}
ROOM_PREFIX = "andon-tests-"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names a case of bytes by its argument: they may hold a time (gzip), and workers must collect the same names."""
    return argname if isinstance(val, bytes) else None


def with_database(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _owner_pid() -> int:
    """The process that the whole run belongs to: the controller under xdist, else this one."""
    return os.getppid() if os.environ.get("PYTEST_XDIST_WORKER") else os.getpid()


def _stop(room: Path) -> None:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int((room / "postgres.pid").read_text())
        if b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGQUIT)
            for _ in range(200):
                os.kill(pid, 0)
                time.sleep(0.02)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
    shutil.rmtree(room, ignore_errors=True)


def _sweep() -> None:
    """Runs that were killed leave their server behind; the next run takes it down."""
    for room in Path(tempfile.gettempdir()).glob(f"{ROOM_PREFIX}*"):
        owner = room.name.removeprefix(ROOM_PREFIX)
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            _stop(room)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A service that a test serves in this process sets up logs for good: the next test has them as a process has."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        for module in [module for name, module in sys.modules.items() if name.startswith("services.")]:
            # What a logger of a module remembers of the set-up once it was used.
            getattr(getattr(module, "log", None), "__dict__", {}).pop("bind", None)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """The superuser's DSN on the run's Postgres. It stops when the last worker that used it is done."""
    _sweep()
    room = Path(tempfile.gettempdir()) / f"{ROOM_PREFIX}{_owner_pid()}"
    room.mkdir(exist_ok=True)
    lock, users = room / "lock", room / "users.json"
    with _locked(lock):
        state: dict[str, Any] = json.loads(users.read_text()) if users.exists() else {"dsn": "", "count": 0}
        if not state["dsn"]:
            server = EmbeddedPostgres(room / "data", FAST)
            state["dsn"] = asyncio.run(server.start())
            (room / "postgres.pid").write_text(str(server.pid))
        state["count"] = int(state["count"]) + 1
        users.write_text(json.dumps(state))
    yield str(state["dsn"])
    with _locked(lock):
        state = json.loads(users.read_text())
        state["count"] -= 1
        users.write_text(json.dumps(state))
        if state["count"] == 0:
            _stop(room)


class Databases:
    """Makes databases on the run's Postgres: empty ones, and copies of templates that were prepared once."""

    def __init__(self, postgres_dsn: str) -> None:
        self.postgres_dsn = postgres_dsn
        self._made: list[str] = []

    async def create(self, template: str = "template0") -> str:
        """The DSN of a new database."""
        name = f"test_{uuid.uuid4().hex[:16]}"
        await self._copy(name, template)
        self._made.append(name)
        return with_database(self.postgres_dsn, name)

    async def template(self, name: str, prepare: Callable[[str], Awaitable[object]]) -> str:
        """The name of a database that `prepare` has filled, once for all workers; pass it to `create`."""
        folder = Path(tempfile.gettempdir()) / f"{ROOM_PREFIX}{_owner_pid()}"
        template = f"template_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        with (folder / f"{template}.lock").open("a") as stream:
            await asyncio.to_thread(fcntl.flock, stream, fcntl.LOCK_EX)
            if not await self._exists(template):
                unfinished = f"unfinished_{template}"
                await self._execute(f'DROP DATABASE IF EXISTS "{unfinished}"')
                await self._copy(unfinished, "template0")
                await prepare(with_database(self.postgres_dsn, unfinished))
                await self._execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{template}"')
        return template

    async def drop_all(self) -> None:
        for name in self._made:
            await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _copy(self, name: str, template: str) -> None:
        # Copying waits for nobody: two copies of one template at the same moment refuse each other.
        for attempt in range(100):
            try:
                await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
                return
            except asyncpg.ObjectInUseError:
                await asyncio.sleep(0.02 * (attempt + 1))
        raise TimeoutError(f"{template} stays in use")

    async def _exists(self, name: str) -> bool:
        connection = await asyncpg.connect(self.postgres_dsn)
        try:
            return bool(await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name))
        finally:
            await connection.close()

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.postgres_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture
async def databases(postgres_dsn: str) -> AsyncIterator[Databases]:
    made = Databases(postgres_dsn)
    yield made
    await made.drop_all()


@pytest.fixture
async def database(databases: Databases) -> str:
    """The superuser's DSN on a fresh, empty database."""
    return await databases.create()
