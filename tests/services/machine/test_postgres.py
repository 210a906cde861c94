"""The embedded Postgres starts, survives being killed, and keeps what was committed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import grpc
import pytest

from services.machine import binaries
from services.machine.postgres import EmbeddedPostgres
from services.runtime.database import healthy, open_pool, tenant_transaction
from services.runtime.private_files import FolderInUse
from services.runtime.statuses import status_of

ROOT = Path(__file__).parents[3]
SMALL = {"shared_buffers": "16MB", "max_connections": "20"}


@pytest.fixture(scope="module")
def seed() -> Iterator[Path]:
    """A data folder with a cluster in it, made once and copied: initdb takes longer than everything else here."""
    with tempfile.TemporaryDirectory(prefix="andon-postgres-") as folder:
        os.chmod(folder, 0o755)
        room = Path(folder) / "seed"

        async def make() -> None:
            server = EmbeddedPostgres(room, SMALL)
            connection = await asyncpg.connect(await server.start())
            await connection.execute("CREATE TABLE kept (i integer)")
            await connection.close()
            await server.stop()

        asyncio.run(make())
        yield room


@pytest.fixture
def room(seed: Path) -> Iterator[Path]:
    copy = Path(tempfile.mkdtemp(dir=seed.parent)) / "data"
    subprocess.run(["cp", "-a", str(seed), str(copy)], check=True)
    copy.parent.chmod(0o755)
    (copy / "port").unlink()
    yield copy
    shutil.rmtree(copy.parent, ignore_errors=True)


@contextlib.asynccontextmanager
async def running(room: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(room, SMALL)
    await server.start()
    watching = asyncio.create_task(server.watch(0.02))
    try:
        yield server
    finally:
        await server.stop()
        await watching


async def patiently_connect(dsn: str) -> asyncpg.Connection:
    async with asyncio.timeout(120):
        while True:
            try:
                return await asyncpg.connect(dsn)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.05)


async def count(dsn: str) -> int:
    connection = await patiently_connect(dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM kept"))
    finally:
        await connection.close()


async def restarted(server: EmbeddedPostgres, times: int) -> None:
    for _ in range(6000):
        if server.restarts == times:
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("postgres did not come back")


async def insert(dsn: str) -> None:
    connection = await patiently_connect(dsn)
    await connection.execute("INSERT INTO kept VALUES (1)")
    await connection.close()


async def test_data_port_and_password_outlive_a_stop(room: Path) -> None:
    async with running(room) as server:
        first = server.dsn()
        await insert(first)
    async with running(room) as server:
        assert server.dsn() == first
        assert await count(server.dsn()) == 1


async def test_it_is_set_up_to_lose_nothing(room: Path) -> None:
    async with running(room) as server:
        connection = await asyncpg.connect(server.dsn())
        shown = [await connection.fetchval("SELECT current_setting($1)", name) for name in DURABLE]
        provider = await connection.fetchval(
            "SELECT datlocprovider::text FROM pg_database WHERE datname = current_database()"
        )
        await connection.close()
    assert shown == ["on", "on", "on", "on"]
    assert provider == "b"


DURABLE = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")


async def test_it_comes_back_after_kill_9_with_everything_that_was_committed(room: Path) -> None:
    async with running(room) as server:
        acknowledged = 0
        for _ in range(3):
            for _ in range(20):
                await insert(server.dsn())
                acknowledged += 1
            assert server.pid
            before = server.restarts
            os.kill(server.pid, signal.SIGKILL)
            await restarted(server, before + 1)
            assert await count(server.dsn()) == acknowledged
        assert server.restarts == 3


async def test_a_pool_outlives_the_servers_death(room: Path) -> None:
    async with running(room) as server:
        pool = await open_pool(server.dsn(), min_size=2, max_size=2)
        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        answers: list[int] = []
        answered: set[grpc.StatusCode] = set()
        for _ in range(6000):
            try:
                async with tenant_transaction(pool, "acme") as connection:
                    answers.append(await connection.fetchval("SELECT 1"))
                break
            except Exception as error:
                answered.add(status_of(error, "en").code)
                await asyncio.sleep(0.02)
        assert answers == [1]
        assert answered <= {grpc.StatusCode.UNAVAILABLE}
        assert await healthy(pool)
        await pool.close()


async def test_a_killed_backend_does_not_take_the_server_down(room: Path) -> None:
    async with running(room) as server:
        connection = await asyncpg.connect(server.dsn())
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        before = server.pid
        os.kill(backend, signal.SIGKILL)
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await connection.fetchval("SELECT 1")
        connection.terminate()
        await insert(server.dsn())
        assert server.pid == before


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from services.machine.postgres import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), {"shared_buffers": "16MB", "max_connections": "20"})
    print(await server.start(), flush=True)
    print(server.pid, flush=True)
    await server.watch()

asyncio.run(main())
"""


async def test_a_server_whose_supervisor_was_killed_is_taken_over(room: Path) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISOR), str(room)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert supervisor.stdout
    dsn = (await asyncio.to_thread(supervisor.stdout.readline)).strip()
    orphan = int(await asyncio.to_thread(supervisor.stdout.readline))
    with pytest.raises(FolderInUse, match=f"pid {supervisor.pid}"):
        await EmbeddedPostgres(room, SMALL).start()
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    await insert(dsn)
    async with running(room) as server:
        assert server.pid != orphan
        assert server.dsn() == dsn
        assert await count(server.dsn()) == 1


async def test_a_pid_file_that_names_another_program_is_no_obstacle(room: Path) -> None:
    async with running(room) as server:
        await insert(server.dsn())
        cluster = server.cluster
        lines = (cluster / "postmaster.pid").read_text().splitlines(keepends=True)
    stranger = subprocess.Popen(["sleep", "60"], **binaries.unprivileged_account().popen_arguments())
    (cluster / "postmaster.pid").write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
    shutil.chown(cluster / "postmaster.pid", cluster.stat().st_uid, cluster.stat().st_gid)
    try:
        async with running(room) as server:
            assert await count(server.dsn()) == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_another_port_is_taken_when_the_kept_one_is_busy(room: Path) -> None:
    async with running(room) as server:
        first = server.dsn()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", int((room / "port").read_text())))
        squatter.listen()
        async with running(room) as server:
            assert server.dsn() != first
            assert await count(server.dsn()) == 0


async def test_passwords_are_kept_private_and_are_needed(room: Path) -> None:
    async with running(room) as server:
        assert stat.S_IMODE((room / "passwords.json").stat().st_mode) == 0o600
        assert server.password("andon_ingest") == server.password("andon_ingest")
        assert server.password("andon_ingest") != server.password("andon_scoring")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.dsn().replace(server.password("andon"), "guess"))


async def test_an_interrupted_initdb_is_done_again(room: Path) -> None:
    shutil.rmtree(room / "cluster")
    (room / "cluster.unfinished").mkdir()
    (room / "cluster.unfinished" / "PG_VERSION").write_text("18")
    async with running(room) as server:
        connection = await asyncpg.connect(server.dsn())
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another account")
async def test_as_root_the_server_runs_as_somebody_else(room: Path) -> None:
    async with running(room) as server:
        assert os.stat(f"/proc/{server.pid}").st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another account")
async def test_as_root_a_data_folder_behind_a_closed_door_still_works(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    async with running(closed / "data") as server:
        home = server.cluster.parent
        connection = await asyncpg.connect(server.dsn())
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert closed not in home.parents
    shutil.rmtree(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a normal user here")
def test_as_a_normal_user_it_works_as_well(seed: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home = Path(tempfile.mkdtemp(dir=seed.parent))
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    # The interpreter itself may be out of that user's reach, so the program steps down once it is loaded.
    step_down = f"import os; os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})"
    program = SUPERVISOR.replace("await server.watch()", "await server.stop()")
    program = program.replace(
        "asyncio.run(main())", f"import concurrent.futures.thread, encodings.idna; {step_down}; asyncio.run(main())"
    )
    command = [sys.executable, "-c", textwrap.dedent(program), str(home / "data")]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "HOME": str(home)})
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("postgresql://andon:")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another account")
def test_binaries_that_the_account_cannot_read_are_copied_with_their_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden, open_to_all = tmp_path / "hidden", Path(tempfile.mkdtemp(prefix="andon-binaries-"))
    hidden.mkdir(mode=0o700)
    try:
        open_to_all.chmod(0o755)
        shutil.copytree(binaries.find_binaries(), hidden / "pginstall", symlinks=True)
        monkeypatch.setattr(binaries, "find_binaries", lambda: hidden / "pginstall")
        account = binaries.unprivileged_account()
        assert not account.may_run(hidden / "pginstall" / "bin" / "postgres")
        copy = binaries.runnable_binaries(account, open_to_all)
        assert account.may_run(copy / "bin" / "postgres")
        assert (copy / "share").is_dir()
    finally:
        shutil.rmtree(open_to_all)
