"""A query of another Postgres, polled by its cursor column; `low_mark` says why no row is missed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from services.bridge.adapters.low_mark import LowMark
from services.bridge.connections import BadConnections, PostgresConnection
from services.bridge.positions import Position
from services.bridge.record_sink import RecordSink
from services.runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).parents[1] / "sql" / "queries.sql")
PAGE_ROWS = 2_000
CONNECT_S_MAX = 10.0


class PolledTable:
    def __init__(self, connection: PostgresConnection, dsn: str, sink: RecordSink, position: Position) -> None:
        self._connection = connection
        self._dsn = dsn
        self._sink = sink
        self._position = position
        # Of rows that are read again: those that are durable already.
        self._known: dict[bytes, Any] = {}

    async def run(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=CONNECT_S_MAX)
        try:
            kind = await self._kind(connection)
            mark = LowMark(_value(kind, self._position.read() or self._connection.begin))
            while True:
                mark = await self._read(connection, mark)
                self._known = {digest: cursor for digest, cursor in self._known.items() if cursor >= self._from(mark)}
                text = mark.low.isoformat() if isinstance(mark.low, date) else str(mark.low)
                await asyncio.to_thread(self._position.write, text)
                await asyncio.sleep(self._connection.every_s)
        finally:
            await connection.close(timeout=CONNECT_S_MAX)

    async def _kind(self, connection: asyncpg.Connection) -> str:
        """The type of the parameter, which is that of the cursor."""
        statement = await connection.prepare(self._connection.query)
        (kind,) = (one.name for one in statement.get_parameters())
        if kind not in VALUES:
            raise BadConnections(f"{self._connection.name}: $1 is {kind}, and a cursor is a time, a number or a text")
        columns = [one.name for one in statement.get_attributes()]
        if self._connection.cursor not in columns:
            raise BadConnections(f"{self._connection.name}: the query has no column {self._connection.cursor}")
        return str(kind)

    async def _read(self, connection: asyncpg.Connection, mark: LowMark) -> LowMark:
        mark = mark.before_reading(await _running(connection))
        largest, page = None, list[bytes]()
        pending: dict[bytes, Any] = {}
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            async for row in connection.cursor(self._connection.query, self._from(mark), prefetch=PAGE_ROWS):
                cursor = row[self._connection.cursor]
                if cursor is None:
                    continue
                largest = cursor if largest is None else max(largest, cursor)
                record = row_record(row)
                digest = hashlib.sha256(record).digest()
                if digest in self._known or digest in pending:
                    continue
                pending[digest] = cursor
                page.append(record)
                if len(page) == PAGE_ROWS:
                    await self._write(page, pending)
        await self._write(page, pending)
        return mark.after_reading(largest, await _running(connection))

    async def _write(self, page: list[bytes], pending: dict[bytes, Any]) -> None:
        await self._sink.write(page)
        self._known |= pending
        page.clear()
        pending.clear()

    def _from(self, mark: LowMark) -> Any:
        back = self._connection.overlap
        if isinstance(mark.low, datetime):
            return mark.low - timedelta(seconds=back)
        if isinstance(mark.low, date):
            return mark.low - timedelta(days=math.ceil(back / 86_400))
        return mark.low if isinstance(mark.low, str) else mark.low - type(mark.low)(back)


async def _running(connection: asyncpg.Connection) -> frozenset[str]:
    return frozenset(row[0] for row in await connection.fetch(QUERIES.running_transactions))


def row_record(row: Mapping[str, Any]) -> bytes:
    """A row as a JSON object: times in ISO 8601, numbers that are exact as they are written, bytes as base64."""
    plain = {name: _plain(value) for name, value in row.items()}
    return json.dumps(plain, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case float() if not math.isfinite(value):
            return str(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case list() | tuple():
            return [_plain(one) for one in value]
    return value


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


VALUES: Mapping[str, Callable[[str], Any]] = {
    "timestamptz": _time,
    "timestamp": datetime.fromisoformat,
    "date": date.fromisoformat,
    "int2": int,
    "int4": int,
    "int8": int,
    "numeric": Decimal,
    "text": str,
    "varchar": str,
}


def _value(kind: str, text: str) -> Any:
    try:
        return VALUES[kind](text)
    except (ValueError, ArithmeticError) as error:
        raise BadConnections(f"begin is no {kind}") from error
