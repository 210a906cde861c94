"""Named SQL from a service's queries.sql."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

NAME = re.compile(r"^--\s*name:\s*(?P<name>\S+)\s*$", re.MULTILINE)
IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]*$")


class BadQueryFile(ValueError):
    """A queries.sql breaks its rules; the message names the statement."""


class Queries:
    """Statements by name: `queries.append_segment` is its SQL, `queries.purpose["append_segment"]` its header."""

    def __init__(self, statements: Mapping[str, str], purpose: Mapping[str, str]) -> None:
        self.statements = dict(statements)
        self.purpose = dict(purpose)

    def __getattr__(self, name: str) -> str:
        try:
            return self.__dict__["statements"][name]  # type: ignore[no-any-return]
        except KeyError as error:
            raise AttributeError(f"no statement named {name}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.statements)

    def __len__(self) -> int:
        return len(self.statements)


def load_queries(source: Path | str) -> Queries:
    """Reads blocks of `-- name: append_segment`, a one-line comment that says what for, and one statement."""
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    heads = list(NAME.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)][: len(heads)]
    statements: dict[str, str] = {}
    purpose: dict[str, str] = {}
    for head, end in zip(heads, ends, strict=True):
        name = head["name"]
        if not IDENTIFIER.match(name):
            raise BadQueryFile(f"{name}: a statement's name is lower case with underscores")
        if name in statements:
            raise BadQueryFile(f"{name}: named twice")
        header, _, body = text[head.end() : end].strip().partition("\n")
        if not header.startswith("--"):
            raise BadQueryFile(f"{name}: the line after its name says what it is for")
        purpose[name] = header.removeprefix("--").strip()
        statements[name] = body.strip().removesuffix(";").rstrip()
        if not statements[name]:
            raise BadQueryFile(f"{name}: no statement")
    return Queries(statements, purpose)
