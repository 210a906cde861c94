"""OCEL 2.0 in SQLite, read with nothing of its schema trusted: plain tables only, no view, trigger or function runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from andon_records.files.ocel.stage import ObjectValue, OcelStage, Relationship
from andon_records.files.utf8_stream import refuse
from andon_records.messages import message

VALUE_BYTES_MAX = 64 << 20
_NEEDED = {
    "event": ("ocel_id", "ocel_type"),
    "object": ("ocel_id", "ocel_type"),
    "event_object": ("ocel_event_id", "ocel_object_id"),
    "event_map_type": ("ocel_type", "ocel_type_map"),
    "object_map_type": ("ocel_type", "ocel_type_map"),
}
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


def stage_sqlite(path: Path) -> OcelStage:
    """Raises UnreadableFile where the database is damaged or has no tables of OCEL 2.0."""
    try:
        # Immutable: not even a lock or a journal is looked for beside the file.
        uri = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            return _staged(path, _Tables(path, database))
    except (sqlite3.Error, OverflowError, UnicodeError) as error:
        raise refuse(path, message("sqlite_broken", problem=" ".join(str(error).split())[:200])) from error


class _Tables:
    """The plain tables of a database."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self._path, self._database = path, database
        database.text_factory = lambda given: given.decode("utf-8", "backslashreplace")
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "cache_size = -16384", "mmap_size = 0"):
            database.execute(f"PRAGMA {setting}")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        plain = {name for name, sql in found if not str(sql).lstrip().upper().startswith("CREATE VIRTUAL")}
        self._columns = {name: self._plain_columns(name) for name in plain}
        database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)

    def _plain_columns(self, table: str) -> dict[str, str]:
        """Declared types by column; a generated column would run what the file says, and is left alone."""
        rows = self._database.execute(f"PRAGMA table_xinfo({_quoted(table)})")
        return {name: str(kind).lower() for _, name, kind, _, _, _, hidden in rows if not hidden}

    def types(self, table: str) -> dict[str, str]:
        return {name: kind for name, kind in self._columns[table].items() if not name.startswith("ocel_")}

    def need(self, table: str, *columns: str) -> None:
        if table not in self._columns:
            raise refuse(self._path, message("sqlite_table_missing", table=table[:80]))
        for column in columns:
            if column not in self._columns[table]:
                raise refuse(self._path, message("sqlite_column_missing", table=table[:80], column=column))

    def has(self, table: str) -> bool:
        return table in self._columns

    def rows(self, table: str, *columns: str) -> Iterator[tuple[Any, ...]]:
        """These columns of a table; of one that it has not, nulls."""
        known = self._columns[table]
        chosen = ", ".join(_quoted(column) if column in known else "NULL" for column in columns)
        yield from self._database.execute(f"SELECT {chosen} FROM {_quoted(table)}")  # noqa: S608


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _staged(path: Path, tables: _Tables) -> OcelStage:
    for table, columns in _NEEDED.items():
        tables.need(table, *columns)
    stage = OcelStage()
    for id, type in tables.rows("object", "ocel_id", "ocel_type"):
        stage.add_object(_text(id), _text(type))
    for type, suffix in tables.rows("object_map_type", "ocel_type", "ocel_type_map"):
        _add_values(tables, stage, _text(type), f"object_{_text(suffix)}")
    if tables.has("object_object"):
        for source, target in tables.rows("object_object", "ocel_source_id", "ocel_target_id"):
            stage.add_relation(_text(source), _text(target))
    _add_events(tables, stage)
    stage.finish()
    return stage


def _add_values(tables: _Tables, stage: OcelStage, type: str, table: str) -> None:
    tables.need(table, "ocel_id", "ocel_time")
    declared = tables.types(table)
    stage.object_types.setdefault(type, {}).update(declared)
    for id, time, changed, *values in tables.rows(table, "ocel_id", "ocel_time", "ocel_changed_field", *declared):
        for name, value in zip(declared, values, strict=True):
            if value is not None and changed in (None, "", name):
                stage.add_value(_text(id), ObjectValue(name, None if time is None else _text(time), _text(value)))


def _add_events(tables: _Tables, stage: OcelStage) -> None:
    """Events in the order of their table; their times and attributes are in a table per type."""
    database = stage.database
    database.executescript(
        """
        CREATE TEMP TABLE listed (number INTEGER PRIMARY KEY, id TEXT, type TEXT);
        CREATE TEMP TABLE detail (id TEXT, type TEXT, time TEXT, attributes TEXT);
        CREATE TEMP TABLE link (id TEXT, object TEXT, qualifier TEXT);
        """
    )
    listed = ((_text(id), _text(type)) for id, type in tables.rows("event", "ocel_id", "ocel_type"))
    database.executemany("INSERT INTO listed (id, type) VALUES (?, ?)", listed)
    for type, suffix in tables.rows("event_map_type", "ocel_type", "ocel_type_map"):
        table = f"event_{_text(suffix)}"
        tables.need(table, "ocel_id", "ocel_time")
        declared = tables.types(table)
        stage.event_types.setdefault(_text(type), {}).update(declared)
        database.executemany("INSERT INTO detail VALUES (?, ?, ?, ?)", _details(tables, _text(type), table, declared))
    links = tables.rows("event_object", "ocel_event_id", "ocel_object_id", "ocel_qualifier")
    database.executemany(
        "INSERT INTO link VALUES (?, ?, ?)",
        ((_text(event), _text(object), _text(qualifier or "")) for event, object, qualifier in links),
    )
    database.executescript("CREATE INDEX temp.detail_of ON detail (id, type); CREATE INDEX temp.link_of ON link (id);")
    rows = database.execute(
        """
        SELECT number, listed.id, listed.type, (
            SELECT json_array(time, attributes) FROM detail WHERE detail.id = listed.id AND detail.type = listed.type
        )
        FROM listed
        ORDER BY number
        """
    )
    for number, id, type, detail in rows:
        time, attributes = json.loads(detail) if detail is not None else (None, "{}")
        stage.add_event(id, type, time or None, json.loads(attributes))
        found = database.execute("SELECT object, qualifier FROM link WHERE id = ? ORDER BY rowid", (id,))
        for object, qualifier in found.fetchall():
            stage.relate(number, Relationship(object, qualifier))
    database.executescript("DROP TABLE listed; DROP TABLE detail; DROP TABLE link;")


def _details(tables: _Tables, type: str, table: str, declared: dict[str, str]) -> Iterator[tuple[str, ...]]:
    for id, time, *values in tables.rows(table, "ocel_id", "ocel_time", *declared):
        given = {name: _text(value) for name, value in zip(declared, values, strict=True) if value is not None}
        yield _text(id), type, _text(time) if time is not None else "", json.dumps(given, ensure_ascii=False)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
