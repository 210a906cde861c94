"""The options of every command that writes: a dry run, and the key that makes a retry safe."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

RequestId = Annotated[
    str, typer.Option(help="Idempotency key (UUID): a retry with the same key has no second effect. Default: random.")
]
ValidateOnly = Annotated[bool, typer.Option("--validate-only", help="Dry run: validate and show the result only.")]


def request_key(given: str, validate_only: bool) -> str:
    """The key of one request: as given, else a new one. Nobody remembers a dry run, so it needs none."""
    return given or ("" if validate_only else str(uuid.uuid4()))
