"""A service that cannot begin ends with exit code 1 and one line that says why, without any secret."""

from __future__ import annotations

import json
import socket

import pytest
from pydantic_settings import SettingsConfigDict

from services.runtime.command import run_command
from services.runtime.contract import Contract
from services.runtime.migrations import MissingMigration
from services.runtime.schema import open_schema, prepare_schema
from services.runtime.server import serve
from services.runtime.settings import RuntimeSettings


class DeskSettings(RuntimeSettings):
    model_config = SettingsConfigDict(env_prefix="ANDON_DESK_")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_pre_create_note.sql").write_text("CREATE TABLE note (i integer);")
    return tmp_path


@pytest.fixture
def environment(monkeypatch, authority):
    certificate, key = authority.certificate("server")
    files = {"TLS_CA_FILE": authority.ca_file, "TLS_CERT_FILE": certificate, "TLS_KEY_FILE": key}
    listening = {"LISTEN": "127.0.0.1:0", "HEALTH_LISTEN": "127.0.0.1:0", "JWKS_FILE": authority.jwks_file}

    def set_to(**values):
        for name, value in {**files, **listening, **values}.items():
            monkeypatch.setenv(f"ANDON_DESK_{name}", str(value))

    return set_to


@pytest.fixture
def ended(monkeypatch, capfd, folder):
    """Runs the command to its end: what it exits with, and its lines on stderr."""

    async def serving(settings):
        if settings.dsn:
            await open_schema(settings, "desk", folder)
        await serve(
            settings=settings, contracts=[Contract("andon.test.v1.Empty", None, lambda servicer, server: None, {})]
        )

    async def migrating(settings):
        await prepare_schema(settings, "desk", folder)

    def run(command):
        monkeypatch.setattr("sys.argv", ["desk", command])
        with pytest.raises(SystemExit) as left:
            run_command("desk", "About the desk.", DeskSettings, serving, migrating)
        return left.value.code, [line for line in capfd.readouterr().err.splitlines() if line.startswith("{")]

    return run


def test_each_setting_at_fault_is_named_and_no_value_is_shown(environment, ended, monkeypatch):
    environment(GRACE_S="-1", DSN="postgresql://desk:secret@db/quality")
    monkeypatch.delenv("ANDON_DESK_JWKS_FILE")
    code, _ = ended("serve")
    assert code == (
        "python -m services.desk: ANDON_DESK_GRACE_S: Input should be greater than or equal to 0;"
        " ANDON_DESK_JWKS_FILE: Field required"
    )


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_database_that_is_away_is_one_line(environment, ended, command):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        environment(DSN=f"postgresql://desk:secret@127.0.0.1:{nobody.getsockname()[1]}/quality")
        code, lines = ended(command)
    assert code == 1
    (line,) = map(json.loads, lines)
    assert (line["event"], line["level"]) == (f"cannot {command}", "critical")
    assert "Connect call failed" in line["reason"]
    assert "secret" not in line["reason"]


def test_a_schema_that_was_not_migrated_is_one_line(environment, ended, database):
    environment(DSN=database)
    code, (line,) = ended("serve")
    assert code == 1
    assert json.loads(line)["reason"] == "schema desk lacks 0001_pre_create_note: run migrate first"


async def test_the_pool_of_a_service_is_on_its_own_schema(environment, database, folder):
    environment(DSN=database, SERVICE_NAME="desk")
    settings = DeskSettings.from_environment()
    with pytest.raises(MissingMigration):
        await open_schema(settings, "desk", folder)
    owner = settings.model_copy(update={"dsn": "", "migration_dsn": database})
    await prepare_schema(owner, "desk", folder)
    pool = await open_schema(settings, "desk", folder)
    assert await pool.fetchval("SELECT current_schema()") == "desk"
    assert await pool.fetchval("SELECT current_setting('application_name')") == "desk"
    await pool.close()


@pytest.mark.parametrize("name", ["LISTEN", "HEALTH_LISTEN"])
def test_a_port_that_is_taken_is_named(environment, ended, name):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        environment(**{name: address})
        code, lines = ended("serve")
    assert code == 1
    assert json.loads(lines[-1])["reason"].startswith(f"cannot listen on {address}: it is taken")
