"""Starting a suite where something is in the way: it says what, in one line, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil
import pytest

ROOT = Path(__file__).parents[3]
PATIENCE_S = 150.0


class Started:
    """`python -m services` in a home, its output in a file next to it."""

    def __init__(self, home: Path, *options: str) -> None:
        self._output = home.with_name(f"{home.name}-{time.monotonic_ns()}.log")
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", "--home", str(home), *options],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def until(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.said:
            assert self.process.poll() is None, f"ended before {words!r}:\n{self.said}"
            assert time.monotonic() < deadline, f"never said {words!r}:\n{self.said}"
            time.sleep(0.02)

    def ended(self) -> int:
        return self.process.wait(PATIENCE_S)

    def tree(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def kill_all(self) -> None:
        for one in self.tree() if self.process.poll() is None else []:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait(PATIENCE_S)


Start = Callable[..., Started]


@pytest.fixture
def home() -> Iterator[Path]:
    """Readable by the user that Postgres runs as, so that its data stays inside."""
    with tempfile.TemporaryDirectory(prefix="andon-start-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        yield Path(folder) / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    started: list[Started] = []

    def make(*options: str) -> Started:
        started.append(Started(home, *options))
        return started[-1]

    yield make
    for one in started:
        one.kill_all()


def refused(started: Started) -> str:
    """The one line with which the suite ends that cannot start."""
    assert started.ended() == 1
    lines = [line for line in started.said.splitlines() if not re.match(r"  (starting|migrating)|[IWE]\d{4} ", line)]
    assert len(lines) == 1, started.said
    assert lines[0].startswith("Andon cannot start: ")
    return lines[0]


def users_of(folder: Path) -> list[str]:
    """Processes that were given the folder and still run."""
    found = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
    return [" ".join(command) for command in found if any(str(folder) in part for part in command)]


def test_a_home_serves_one_suite_and_survives_the_death_of_all_its_processes(home, start):
    first = start()
    first.until("Andon serves")
    assert f"{home} is in use by another process (pid {first.process.pid})" in refused(start())
    first.kill_all()
    again = start()
    again.until("Andon serves")
    again.process.send_signal(signal.SIGINT)
    assert again.ended() == 0
    assert again.said.splitlines()[-1] == "stopping"
    assert users_of(home) == []


@pytest.mark.parametrize("stage", ["starting Postgres", "migrating", "starting scoring"])
def test_a_signal_during_the_start_breaks_it_off_and_leaves_no_process(home, start, stage):
    started = start()
    started.until(stage)
    started.process.send_signal(signal.SIGTERM)
    assert started.ended() == 0
    assert "Traceback" not in started.said
    assert "Andon serves" not in started.said
    assert users_of(home) == []


def test_an_interrupt_while_modules_are_imported_leaves_no_traceback(start):
    started = start()
    while "/grpc/" not in Path(f"/proc/{started.process.pid}/maps").read_text():
        assert started.process.poll() is None
    started.process.send_signal(signal.SIGINT)
    assert started.ended() == -signal.SIGINT
    assert started.said == ""


def test_a_home_that_is_no_folder_is_named(home, start):
    home.write_text("in the way")
    assert str(home) in refused(start())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(home, start):
    home.mkdir(mode=0o555)
    assert "Permission denied" in refused(start())


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root can mount a file system")
def test_a_disk_that_fills_up_and_one_that_is_read_only_are_named(home, start):
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", str(home)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        assert "No space left on device" in refused(start())
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
        assert "Read-only file system" in refused(start())
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)


def test_a_postgres_that_is_away_is_named_without_its_password(start):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        said = refused(start("--dsn", f"postgresql://owner:secret@127.0.0.1:{port}/quality"))
    assert f"the Postgres at 127.0.0.1:{port}/quality cannot be used" in said
    assert "secret" not in said


def test_an_address_that_is_none_is_refused(start):
    assert "cannot be used" in refused(start("--dsn", "quality"))


def as_role(dsn: str, role: str, password: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.netloc.rpartition('@')[2]}"))


async def test_a_wrong_password_is_told_apart_from_a_postgres_that_is_away(database, start):
    said = refused(start("--dsn", as_role(database, "andon", "guess")))
    assert 'password authentication failed for user "andon"' in said


@pytest.fixture
async def role(database):
    """A login role that may do nothing yet."""
    name = f"guest_{os.getpid()}"
    connection = await asyncpg.connect(database)
    await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'guest'")
    yield name
    await connection.execute(f"REVOKE ALL ON DATABASE {urlsplit(database).path[1:]} FROM {name}")
    await connection.execute(f"DROP ROLE {name}")
    await connection.close()


async def test_an_owner_without_rights_is_told_which_ones_are_lacking(database, role, start):
    said = refused(start("--dsn", as_role(database, role, "guest")))
    assert f"does not let {role} create schemas and roles" in said
