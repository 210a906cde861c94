"""A Postgres that is run elsewhere, in the shape of the embedded one."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg


class ExternalPostgres:
    """`owner_dsn` belongs to a role that may create schemas and roles; the services' own roles get random passwords."""

    def __init__(self, owner_dsn: str, passwords_file: Path) -> None:
        self._owner_dsn = owner_dsn
        self._passwords_file = passwords_file

    def dsn(self) -> str:
        return self._owner_dsn

    def role_dsn(self, role: str) -> str:
        parts = urlsplit(self._owner_dsn)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{role}:{quote(self._password(role), safe='')}@{host}"))

    async def start(self) -> str:
        connection = await asyncpg.connect(self._owner_dsn)
        await connection.close()
        return self._owner_dsn

    async def stop(self) -> None:
        """Not ours to stop."""

    async def watch(self) -> None:
        """Not ours to restart."""

    def _password(self, role: str) -> str:
        file = self._passwords_file
        passwords: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if role not in passwords:
            passwords[role] = secrets.token_urlsafe(24)
            file.touch(mode=0o600)
            file.write_text(json.dumps(passwords), encoding="utf-8")
        return passwords[role]
