"""Object-centric logs (OCEL 2.0): a case is an object of one type, and its events name it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from andon_records.files.xes import IDENTITY, RESOURCE
from andon_records.files.xes_mapping import OBJECT_KIND, RETRACTS, SOURCE, SUPERSEDES
from andon_records.mapping.document import AttributeType
from andon_records.mapping.value_texts import attribute_type
from andon_records.writers.case_events import CASE, CaseEvents, Value, cases_of
from andon_records.writers.event_spool import ATTRIBUTE, EventSpool
from andon_records.writers.xes_log import xml_text

# Fields of an event that OCEL has no place for are attributes with the names that XES gives them.
NAMES: Mapping[str, str] = {
    "id": IDENTITY,
    "activity": "activity",
    "time": "time",
    "resource": RESOURCE,
    "source": SOURCE,
    "object_kind": OBJECT_KIND,
    "supersedes": SUPERSEDES,
    "retracts": RETRACTS,
}
_FIELDS = (IDENTITY, "activity", "time")
_OWN = (RESOURCE, SOURCE, OBJECT_KIND, SUPERSEDES, RETRACTS)
_TYPES: Mapping[AttributeType, str] = {
    "text": "string",
    "number": "float",
    "integer": "integer",
    "flag": "boolean",
    "time": "time",
}
_SQL_TYPES: Mapping[str, str] = {
    "string": "TEXT",
    "float": "REAL",
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "time": "TIMESTAMP",
}
# Attributes of objects that never change have had their values since then.
_ALWAYS = "1970-01-01T00:00:00Z"
_QUALIFIER = ""
Declared = Mapping[str, str]


class _Log:
    """What is written of a spool, whatever the format."""

    def __init__(self, spool: EventSpool) -> None:
        self._spool = spool
        self._columns = spool.columns(NAMES)
        kinds = {shown: _TYPES[attribute_type(spool.kind(name))] for name, shown in self._columns.items()}
        own = {name: kinds[name] for name in _OWN if name in kinds}
        self.of_object = {name.removeprefix(CASE): kind for name, kind in kinds.items() if name.startswith(CASE)}
        self.of_event: dict[str, Declared] = {
            activity: {**own, **{name.removeprefix(ATTRIBUTE): kinds[name.removeprefix(ATTRIBUTE)] for name in names}}
            for activity, names in _activities(spool).items()
        }

    def cases(self) -> Iterator[CaseEvents]:
        for partition in range(self._spool.partitions):
            yield from cases_of(self._spool, partition, self._columns)

    def events(self) -> Iterator[tuple[str, Mapping[str, Value], list[Value]]]:
        """Each event with its case, its fields, and its attributes."""
        for case in self.cases():
            for event in case.events:
                yield case.case_id, event, [value for name, value in event.items() if name not in _FIELDS]


def _activities(spool: EventSpool) -> dict[str, list[str]]:
    found = {activity: list(names) for activity, names in spool.attributes.items()}
    for partition in range(spool.partitions):
        for piece in spool.pieces(partition):
            for activity in piece.column("activity").unique().to_pylist():
                found.setdefault(activity, [])
    return dict(sorted(found.items()))


def _plain(value: Value, declared: str) -> Any:
    """As JSON and SQLite have it; a value of a column of several types is a text."""
    if declared == "string":
        return value.text
    match value.type:
        case "number":
            return float(value.text)
        case "integer":
            return int(value.text)
        case "flag":
            return value.text == "true"
        case _:
            return value.text


def write_ocel_json(spool: EventSpool, file: IO[bytes], case_object: str) -> None:
    log = _Log(spool)
    declared = [{"name": case_object, "attributes": _listed(log.of_object)}]
    file.write(b'{"objectTypes": ' + _json(declared))
    kinds = [{"name": name, "attributes": _listed(of)} for name, of in log.of_event.items()]
    file.write(b',\n"eventTypes": ' + _json(kinds) + b',\n"objects": [')
    between = b"\n"
    for case in log.cases():
        given = [
            {
                "name": one.name.removeprefix(CASE),
                "time": _ALWAYS,
                "value": _plain(one, log.of_object[one.name.removeprefix(CASE)]),
            }
            for one in case.shared
        ]
        made = {"id": case.case_id, "type": case_object, "attributes": given, "relationships": []}
        file.write(between + _json(made))
        between = b",\n"
    file.write(b'\n],\n"events": [')
    between = b"\n"
    for case_id, event, values in log.events():
        kinds_of = log.of_event[event["activity"].text]
        made = {
            "id": event[IDENTITY].text,
            "type": event["activity"].text,
            "time": event["time"].text,
            "attributes": [{"name": one.name, "value": _plain(one, kinds_of[one.name])} for one in values],
            "relationships": [{"objectId": case_id, "qualifier": _QUALIFIER}],
        }
        file.write(between + _json(made))
        between = b",\n"
    file.write(b"\n]}\n")


def _listed(declared: Declared) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in declared.items()]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


def write_ocel_xml(spool: EventSpool, file: IO[bytes], case_object: str) -> None:
    log = _Log(spool)

    def write(text: str) -> None:
        file.write(text.encode("utf-8"))

    def types(part: str, declared: Mapping[str, Declared]) -> None:
        write(f"  <{part}-types>\n")
        for name, of in declared.items():
            inner = "".join(f'<attribute name="{xml_text(one)}" type="{kind}"/>' for one, kind in of.items())
            write(f'    <{part}-type name="{xml_text(name)}"><attributes>{inner}</attributes></{part}-type>\n')
        write(f"  </{part}-types>\n")

    write('<?xml version="1.0" encoding="UTF-8"?>\n<log>\n')
    types("object", {case_object: log.of_object})
    types("event", log.of_event)
    write("  <objects>\n")
    kind = xml_text(case_object)
    for case in log.cases():
        inner = "".join(_element(one.name.removeprefix(CASE), one.text, _ALWAYS) for one in case.shared)
        write(f'    <object id="{xml_text(case.case_id)}" type="{kind}"><attributes>{inner}</attributes></object>\n')
    write("  </objects>\n  <events>\n")
    for case_id, event, values in log.events():
        head = f'id="{xml_text(event[IDENTITY].text)}" type="{xml_text(event["activity"].text)}"'
        inner = "".join(_element(one.name, one.text) for one in values)
        write(
            f'    <event {head} time="{event["time"].text}"><attributes>{inner}</attributes><objects>'
            f'<relationship object-id="{xml_text(case_id)}" qualifier="{_QUALIFIER}"/></objects></event>\n'
        )
    write("  </events>\n</log>\n")


def _element(name: str, text: str, time: str | None = None) -> str:
    at = f' time="{time}"' if time else ""
    return f'<attribute name="{xml_text(name)}"{at}>{xml_text(text)}</attribute>'


def write_ocel_sqlite(spool: EventSpool, path: Path, case_object: str) -> None:
    """A new database: what the file held before is gone."""
    path.unlink(missing_ok=True)
    log = _Log(spool)
    with closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
        suffixes = _suffixes([*log.of_event])
        object_table = f"object_{_suffixes([case_object])[case_object]}"
        database.execute("INSERT INTO object_map_type VALUES (?, ?)", (case_object, object_table[7:]))
        _table(database, object_table, log.of_object, ", ocel_changed_field TEXT")
        for activity, declared in log.of_event.items():
            database.execute("INSERT INTO event_map_type VALUES (?, ?)", (activity, suffixes[activity]))
            _table(database, f"event_{suffixes[activity]}", declared)
        for case in log.cases():
            database.execute("INSERT INTO object VALUES (?, ?)", (case.case_id, case_object))
            shared = {one.name.removeprefix(CASE): one for one in case.shared}
            values = [_plain(shared[name], kind) if name in shared else None for name, kind in log.of_object.items()]
            _insert(database, object_table, [case.case_id, _ALWAYS, None, *values])
        for case_id, event, given in log.events():
            activity, id = event["activity"].text, event[IDENTITY].text
            database.execute("INSERT INTO event VALUES (?, ?)", (id, activity))
            database.execute("INSERT INTO event_object VALUES (?, ?, ?)", (id, case_id, _QUALIFIER))
            named = {one.name: one for one in given}
            kinds = log.of_event[activity].items()
            values = [_plain(named[name], kind) if name in named else None for name, kind in kinds]
            _insert(database, f"event_{suffixes[activity]}", [id, event["time"].text, *values])
        database.commit()


_TABLES = """
    CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL);
    CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL);
    CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
    CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);
    CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
    CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
"""


def _suffixes(names: Sequence[str]) -> dict[str, str]:
    """Names of tables: letters and digits, each once, whatever the case."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9]+", "", name) or "type"
        free, number = plain, 2
        while free.lower() in used:
            free, number = f"{plain}{number}", number + 1
        used.add(free.lower())
        found[name] = free
    return found


def _table(database: sqlite3.Connection, name: str, declared: Declared, more: str = "") -> None:
    columns = "".join(f", {_quoted(one)} {_SQL_TYPES[kind]}" for one, kind in declared.items())
    database.execute(f"CREATE TABLE {name} (ocel_id TEXT, ocel_time TIMESTAMP{more}{columns})")


def _insert(database: sqlite3.Connection, table: str, values: Sequence[Any]) -> None:
    marks = ", ".join("?" * len(values))
    database.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
