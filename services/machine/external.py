"""A Postgres that is run elsewhere, in the shape of the embedded one."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from services.machine.binaries import PostgresFailed
from services.machine.passwords import Passwords
from services.runtime.database import STORE_ERRORS

CONNECT_S_MAX = 10.0
NAME_MAX = 63
"""Postgres cuts longer names of roles, and would not find them again."""


class ExternalPostgres:
    """`owner_dsn` belongs to a role that may create schemas and roles; the services' own roles get random passwords.

    A server has one set of roles for all its databases, so theirs are named after the database too: otherwise the
    suite that started last on a server would lock out the others.
    """

    def __init__(self, owner_dsn: str, passwords: Passwords) -> None:
        self._owner_dsn = owner_dsn
        self._passwords = passwords

    def dsn(self) -> str:
        return self._owner_dsn

    def role_dsn(self, role: str) -> str:
        parts = urlsplit(self._owner_dsn)
        host, database = parts.netloc.rpartition("@")[2], unquote(parts.path).strip("/")
        own = quote(f"{role}_{database}"[:NAME_MAX], safe="")
        return urlunsplit(parts._replace(netloc=f"{own}:{quote(self._passwords.of(role), safe='')}@{host}"))

    async def start(self) -> str:
        try:
            connection = await asyncpg.connect(self._owner_dsn, timeout=CONNECT_S_MAX)
        except TimeoutError as error:
            raise PostgresFailed(f"{self._place} does not answer within {CONNECT_S_MAX:g} s") from error
        except (ValueError, *STORE_ERRORS) as error:
            raise PostgresFailed(f"{self._place} cannot be used: {error}") from error
        try:
            row = await connection.fetchrow(
                "SELECT current_user AS me, rolsuper OR rolcreaterole AS may_create_roles,"
                " has_database_privilege(current_database(), 'CREATE') AS may_create_schemas"
                " FROM pg_roles WHERE rolname = current_user"
            )
        finally:
            await connection.close()
        lacking = [what for what in ("schemas", "roles") if not row[f"may_create_{what}"]]
        if lacking:
            raise PostgresFailed(f"{self._place} does not let {row['me']} create {' and '.join(lacking)}")
        return self._owner_dsn

    async def stop(self) -> None:
        """Not ours to stop."""

    async def watch(self) -> None:
        """Not ours to restart."""

    @property
    def _place(self) -> str:
        """Where it is, without the password."""
        parts = urlsplit(self._owner_dsn)
        return f"the Postgres at {parts.netloc.rpartition('@')[2] or 'an address without a host'}{parts.path}"
