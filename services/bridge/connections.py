"""The connections of a bridge: one YAML document, checked whole before anything is opened."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.runtime.documents import BadDocument, Document, SourceName, TenantName, parse_document

FILE_NAME = "connections.yaml"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Seconds = Annotated[float, Field(gt=0.0, le=86_400.0, strict=False)]
SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,250}$")]
"""A file next to the document; a secret is never in the document itself."""


class BadConnections(ValueError):
    """The document is at fault; says where, and shows no value of it."""


class ConnectionDocument(Document):
    """What every kind has: `name` names positions and metrics, and must stay the same."""

    name: Name
    tenant: TenantName
    source: SourceName


class FolderConnection(ConnectionDocument):
    """Files of a folder, loaded as `andon load` does. `mapping`: a file; empty: the format says what columns mean.

    `settle_s`: a file is loaded when it has not changed for so long.
    """

    kind: Literal["folder"]
    path: str
    pattern: str = "*"
    mapping: str = ""
    settle_s: Seconds = 2.0
    every_s: Seconds = 2.0


class PostgresConnection(ConnectionDocument):
    """Rows of a query with one parameter, $1: where to read on. `cursor`: the column that it is compared with.

    `overlap`: how far back to read in any case, in units of the cursor (of a time: seconds).
    """

    kind: Literal["postgres"]
    dsn_file: SecretName
    query: str
    cursor: str
    begin: str
    overlap: Annotated[float, Field(ge=0.0, strict=False)] = 0.0
    every_s: Seconds = 5.0

    @model_validator(mode="after")
    def _has_its_parameter(self) -> Self:
        if "$1" not in self.query or "$2" in self.query:
            raise ValueError("query must have the parameter $1 and no other")
        return self


class PrometheusConnection(ConnectionDocument):
    """Samples of a page in the text format of Prometheus. `metrics`: names to take; empty: all."""

    kind: Literal["prometheus"]
    url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    metrics: list[str] = Field(default_factory=list)
    token_file: SecretName | Literal[""] = ""
    ca_file: SecretName | Literal[""] = ""
    every_s: Seconds = 30.0


class MqttConnection(ConnectionDocument):
    """Messages of topics, at least once. `client`: names the session that the broker keeps while the bridge is away."""

    kind: Literal["mqtt"]
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 8883
    topics: Annotated[list[str], Field(min_length=1)]
    client: str = ""
    user: str = ""
    password_file: SecretName | Literal[""] = ""
    tls: bool = True
    ca_file: SecretName | Literal[""] = ""
    session_s: Annotated[int, Field(ge=1, le=4_294_967_295)] = 7 * 86_400


class KafkaConnection(ConnectionDocument):
    """Messages of topics, as a consumer group whose members are the replicas. `options`: of librdkafka."""

    kind: Literal["kafka"]
    brokers: str
    topics: Annotated[list[str], Field(min_length=1)]
    group: str = "andon"
    options: dict[str, str | int | bool] = Field(default_factory=dict)
    # Of librdkafka, by the name of the file that holds each.
    secret_options: dict[str, SecretName] = Field(default_factory=dict)


Connection = Annotated[
    FolderConnection | PostgresConnection | PrometheusConnection | MqttConnection | KafkaConnection,
    Field(discriminator="kind"),
]


class ConnectionsDocument(Document):
    connections: list[Connection]

    @model_validator(mode="after")
    def _names_are_different(self) -> Self:
        names = [one.name for one in self.connections]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the name {twice[0]} is there twice")
        return self


def parse_connections(text: str) -> list[Connection]:
    """Raises BadConnections with the place at fault."""
    try:
        return parse_document(ConnectionsDocument, text).connections
    except BadDocument as error:
        raise BadConnections(str(error)) from error.__cause__


def read_connections(folder: Path | None) -> list[Connection]:
    """Raises BadConnections. No folder, or no document in it: no connections."""
    if folder is None or not (folder / FILE_NAME).exists():
        return []
    try:
        return parse_connections((folder / FILE_NAME).read_text(encoding="utf-8"))
    except BadConnections as error:
        raise BadConnections(f"{FILE_NAME}: {error}") from error.__cause__


def replica_of(name: str, replica_count: int) -> int:
    """Which replica a connection belongs to: the highest of their hashes, so that another count moves few of them.

    >>> [replica_of(name, 2) for name in ("tickets", "sensors", "orders")]
    [0, 0, 0]
    """
    return max(range(replica_count), key=lambda one: hashlib.sha256(f"{name}/{one}".encode()).digest())
