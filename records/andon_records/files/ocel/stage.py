"""An object-centric log on disk, in the same tables for all three formats, so that memory does not grow with it."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from andon_records.mapping.document import AttributeType

TYPES: Mapping[str, AttributeType] = {
    **dict.fromkeys(("string", "text", "varchar"), "text"),
    **dict.fromkeys(("time", "date", "timestamp", "datetime"), "time"),
    **dict.fromkeys(("integer", "int", "bigint"), "integer"),
    **dict.fromkeys(("float", "real", "double", "numeric"), "number"),
    **dict.fromkeys(("boolean", "bool"), "flag"),
}
_TABLES = """
    CREATE TABLE object (id TEXT PRIMARY KEY, type TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE value (object TEXT NOT NULL, name TEXT NOT NULL, time_us INTEGER, value TEXT NOT NULL);
    CREATE TABLE relation (source TEXT NOT NULL, target TEXT NOT NULL);
    CREATE TABLE event (number INTEGER PRIMARY KEY, id TEXT, type TEXT, time TEXT, time_us INTEGER, attributes TEXT);
    CREATE TABLE event_object (event INTEGER NOT NULL, object TEXT NOT NULL, qualifier TEXT NOT NULL);
"""
_INDEXES = """
    CREATE INDEX value_of ON value (object, time_us);
    CREATE INDEX relation_from ON relation (source);
    CREATE INDEX relation_to ON relation (target);
    CREATE INDEX object_of ON event_object (event);
"""
_ROWS_AT_ONCE = 5_000
Texts = Mapping[str, str]


@dataclass(frozen=True)
class ObjectValue:
    """A value of an object's attribute, from `time` on."""

    name: str
    time: str | None
    value: str


@dataclass(frozen=True)
class Relationship:
    object: str
    qualifier: str = ""


class OcelStage:
    """Written once by a parser, then read. The files go when nothing refers to it any more."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="andon-ocel-")
        # Batches are read in threads, one after the other.
        self.database = sqlite3.connect(Path(self._folder.name) / "stage.db", check_same_thread=False)
        self.database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; PRAGMA temp_store = FILE;"
        )
        self.database.executescript(_TABLES)
        self.events = 0
        self.objects_twice = 0
        # Types of attributes as the log declares them, by name; of objects, then of events.
        self.object_types: dict[str, dict[str, str]] = {}
        self.event_types: dict[str, dict[str, str]] = {}
        self._waiting: dict[str, list[Sequence[object]]] = {}

    def add_object(
        self, id: str, type: str, values: Iterable[ObjectValue] = (), relations: Iterable[Relationship] = ()
    ) -> None:
        self.object_types.setdefault(type, {})
        self._insert("INSERT OR IGNORE INTO object VALUES (?, ?)", (id, type))
        for one in values:
            self.add_value(id, one)
        for relation in relations:
            self.add_relation(id, relation.object)

    def add_value(self, object: str, one: ObjectValue) -> None:
        row = (object, one.name, micros(one.time), one.value)
        self._insert("INSERT INTO value VALUES (?, ?, ?, ?)", row)

    def add_relation(self, source: str, target: str) -> None:
        self._insert("INSERT INTO relation VALUES (?, ?)", (source, target))

    def add_event(
        self, id: str, type: str, time: str | None, attributes: Texts, relations: Iterable[Relationship] = ()
    ) -> None:
        self.events += 1
        row = (self.events, id, type, time, micros(time), json.dumps(attributes, ensure_ascii=False))
        self._insert("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", row)
        for one in relations:
            self.relate(self.events, one)

    def relate(self, event: int, one: Relationship) -> None:
        self._insert("INSERT INTO event_object VALUES (?, ?, ?)", (event, one.object, one.qualifier))

    def finish(self) -> None:
        for statement in list(self._waiting):
            self._flush(statement)
        self.database.executescript(_INDEXES)
        self.database.commit()

    def _insert(self, statement: str, row: Sequence[object]) -> None:
        waiting = self._waiting.setdefault(statement, [])
        waiting.append(row)
        if len(waiting) >= _ROWS_AT_ONCE:
            self._flush(statement)

    def _flush(self, statement: str) -> None:
        rows = self._waiting.pop(statement, [])
        done = self.database.executemany(statement, rows)
        if "OR IGNORE" in statement:
            self.objects_twice += len(rows) - done.rowcount


def micros(time: str | None) -> int | None:
    """Microseconds since 1970, to compare times with each other; a time without a zone counts as UTC."""
    if time is None:
        return None
    with suppress(ValueError, OverflowError):
        read = datetime.fromisoformat(time.strip())
        span = (read if read.tzinfo else read.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
        return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
    return None
