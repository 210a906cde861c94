"""Where a suite is and who calls it: one JSON file, written by the suite or by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from andon_client.channel import open_channel
from andon_client.presentation.phrases import LocalisedError, say
from andon_client.whole_files import write_whole

FILE_NAME = "connection.json"


class NoConnection(LocalisedError):
    """There is no usable connection file."""


@dataclass(frozen=True)
class Connection:
    """Targets by service name (`ingest`, `scoring`, `improvement`) and the caller's credentials."""

    targets: Mapping[str, str]
    ca_file: Path
    cert_file: Path
    key_file: Path
    token_file: Path
    locale: str = "en"

    def token(self) -> str:
        return self.token_file.read_text(encoding="utf-8").strip()

    def open(self, service: str) -> grpc.aio.Channel:
        if service not in self.targets:
            raise NoConnection("unknown_service", service=service, targets=", ".join(self.targets) or "-")
        return open_channel(
            self.targets[service],
            ca_file=self.ca_file,
            cert_file=self.cert_file,
            key_file=self.key_file,
            token=self.token,
            locale=self.locale,
        )


def connection_file(home: Path | None = None) -> Path:
    """The file named by `home`, else by ANDON_HOME, else `.andon` in this folder or the nearest one above it."""
    if home is not None:
        return home / FILE_NAME
    if "ANDON_HOME" in os.environ:
        return Path(os.environ["ANDON_HOME"]) / FILE_NAME
    here = Path.cwd()
    found = (folder / ".andon" / FILE_NAME for folder in (here, *here.parents))
    return next((path for path in found if path.exists()), here / ".andon" / FILE_NAME)


def load_connection(home: Path | None = None, locale: str = "en") -> Connection:
    path = connection_file(home)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NoConnection("no_connection", path=path, start=say("start_suite", locale)) from error
    except ValueError as error:
        raise NoConnection("bad_connection", path=path, error=error) from error
    try:
        return _connection(document, path.parent, locale)
    except (KeyError, TypeError) as error:
        raise NoConnection("lacking_connection", path=path, key=error) from error


def _connection(document: Mapping[str, Any], home: Path, locale: str) -> Connection:

    def file(key: str) -> Path:
        return home / str(document[key])

    return Connection(
        targets=document["targets"],
        ca_file=file("ca_file"),
        cert_file=file("cert_file"),
        key_file=file("key_file"),
        token_file=file("token_file"),
        locale=locale,
    )


def save_connection(home: Path, connection: Connection) -> None:
    """Paths inside `home` are kept relative to it, so that the folder can be moved."""

    def relative(path: Path) -> str:
        return str(path.relative_to(home)) if path.is_relative_to(home) else str(path)

    document = {
        "targets": dict(connection.targets),
        "ca_file": relative(connection.ca_file),
        "cert_file": relative(connection.cert_file),
        "key_file": relative(connection.key_file),
        "token_file": relative(connection.token_file),
    }
    write_whole(home / FILE_NAME, json.dumps(document, indent=2) + "\n")
