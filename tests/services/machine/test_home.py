"""The folder of a suite: ports and secrets stay what they were."""

from __future__ import annotations

import socket
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.machine.external import ExternalPostgres
from services.machine.home import Home
from services.machine.passwords import Passwords


def test_a_child_keeps_its_port_while_it_is_free(tmp_path: Path) -> None:
    home = Home(tmp_path)
    port = home.port("ingest")
    assert home.port("ingest") == port
    assert home.port("scoring") != port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert home.port("ingest") != port


def test_the_tenants_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = Home(tmp_path).key_file()
    secret = first.read_text()
    assert Home(tmp_path).key_file().read_text() == secret
    assert len(secret) >= 32
    assert stat.S_IMODE(first.stat().st_mode) == 0o600


def test_a_services_own_role_gets_a_password_that_stays(tmp_path: Path) -> None:
    database = ExternalPostgres(
        "postgresql://owner:secret@db.example:5433/quality", Passwords(tmp_path / "passwords.json")
    )
    address = database.role_dsn("andon_ingest")
    assert address == database.role_dsn("andon_ingest")
    assert address.startswith("postgresql://andon_ingest_quality:")
    assert address.endswith("@db.example:5433/quality")
    assert "secret" not in address


def test_suites_in_two_databases_of_one_server_have_roles_of_their_own(tmp_path: Path) -> None:
    passwords = Passwords(tmp_path / "passwords.json")
    long = "a" * 60
    owner = "postgresql://owner:secret@db.example"
    addresses = [
        ExternalPostgres(f"{owner}/{database}", passwords).role_dsn("andon_ingest")
        for database in ("north", "south", "q%20m", long)
    ]
    roles = [unquote(str(urlsplit(address).username)) for address in addresses]
    assert roles[:3] == ["andon_ingest_north", "andon_ingest_south", "andon_ingest_q m"]
    assert roles[3] == f"andon_ingest_{long}"[:63]
