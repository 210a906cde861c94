"""The connection file is found where the suite left it, and says what is missing."""

from __future__ import annotations

import json

import pytest
from andon_client.connection import (
    FILE_NAME,
    Connection,
    NoConnection,
    connection_file,
    load_connection,
    save_connection,
)


@pytest.fixture(autouse=True)
def no_home(monkeypatch):
    monkeypatch.delenv("ANDON_HOME", raising=False)


def connection(home):
    (home / "token.jwt").write_text("secret\n", encoding="utf-8")
    return Connection(
        targets={"ingest": "127.0.0.1:1"},
        ca_file=home / "authority" / "ca.pem",
        cert_file=home / "user.pem",
        key_file=home / "user.key",
        token_file=home / "token.jwt",
    )


def test_the_nearest_folder_above_is_found(tmp_path, monkeypatch):
    (tmp_path / ".andon").mkdir()
    (tmp_path / ".andon" / FILE_NAME).write_text("{}", encoding="utf-8")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert connection_file() == tmp_path / ".andon" / FILE_NAME


def test_a_nearer_folder_comes_first(tmp_path, monkeypatch):
    for folder in (tmp_path, tmp_path / "a"):
        (folder / ".andon").mkdir(parents=True)
        (folder / ".andon" / FILE_NAME).write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "a")
    assert connection_file() == tmp_path / "a" / ".andon" / FILE_NAME


def test_the_environment_comes_before_the_folders_and_the_caller_before_both(tmp_path, monkeypatch):
    monkeypatch.setenv("ANDON_HOME", str(tmp_path / "env"))
    assert connection_file() == tmp_path / "env" / FILE_NAME
    assert connection_file(tmp_path / "given") == tmp_path / "given" / FILE_NAME


def test_without_a_suite_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoConnection, match="make run"):
        load_connection(tmp_path)


def test_what_was_saved_is_loaded_again_and_stays_right_when_the_folder_moves(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    save_connection(home, connection(home))
    assert load_connection(home) == connection(home)
    moved = home.rename(tmp_path / "moved")
    loaded = load_connection(moved)
    assert loaded.ca_file == moved / "authority" / "ca.pem"
    assert loaded.token() == "secret"


def test_the_file_holds_no_token(tmp_path):
    save_connection(tmp_path, connection(tmp_path))
    document = json.loads((tmp_path / FILE_NAME).read_text(encoding="utf-8"))
    assert "secret" not in json.dumps(document)
    assert document["token_file"] == "token.jwt"


def test_a_token_that_was_renewed_is_picked_up(tmp_path):
    made = connection(tmp_path)
    assert made.token() == "secret"
    made.token_file.write_text("renewed", encoding="utf-8")
    assert made.token() == "renewed"


def test_a_service_that_the_connection_does_not_name_is_refused_by_name(tmp_path):
    with pytest.raises(NoConnection, match="no target for scoring; it has ingest"):
        connection(tmp_path).open("scoring")


@pytest.mark.parametrize(
    ("text", "fault"),
    [("{", "Expecting property name"), ("[]", "list indices"), ('{"targets": {}}', "'ca_file' is missing")],
)
def test_a_file_that_is_no_connection_file_is_named_with_its_fault(tmp_path, text, fault):
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(NoConnection, match=rf"{FILE_NAME} is not a connection file: .*{fault}"):
        load_connection(tmp_path)
