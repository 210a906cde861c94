"""The events of a case notion: one record per event and object of the chosen type, with what the log says of both.

Columns are named as in XES: `concept:name` the type of the event, `case:concept:name` the object, `case:X` its
attribute X at that time, `X` the event's attribute X; `object:T` and `qualifier:T` the objects of type T that the event
names, `related:T` those that the case's object has a relation with, apart by ", ".
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

from andon_records.files.formats import Format
from andon_records.files.ocel.json_log import stage_json
from andon_records.files.ocel.sqlite_log import stage_sqlite
from andon_records.files.ocel.stage import TYPES, OcelStage
from andon_records.files.ocel.xml_log import stage_xml
from andon_records.files.standard_mapping import SourceChoice, attributes_of, column
from andon_records.files.table_file import Piece, TableFile, TextTable, UnreadableRecord
from andon_records.files.utf8_stream import refuse
from andon_records.files.xes import ACTIVITY, CASE, CASE_ID, IDENTITY, TIME
from andon_records.files.xes_mapping import STANDARD, log_mapping
from andon_records.mapping.document import AttributeType, CsvMapping
from andon_records.mapping.value_texts import common_type
from andon_records.messages import Message, message

EVENT = "ocel:event"
OBJECTS, QUALIFIERS, RELATED = "object:", "qualifier:", "related:"
_BETWEEN = ", "
# Objects whose attributes are at hand.
_OBJECTS_HELD = 4_096
_STAGES = {Format.OCEL_JSON: stage_json, Format.OCEL_XML: stage_xml, Format.OCEL_SQLITE: stage_sqlite}


def inspect_ocel(path: Path, kind: Format, case_object: str | None) -> TableFile:
    """Stages the log. case_object: the type whose objects are cases; None: that of most events, which is said."""
    stage = _STAGES[kind](path)
    said: list[Message] = []
    known = list(stage.object_types)
    if case_object is not None and case_object not in known:
        names = ", ".join(f'"{one}"' for one in known) or "-"
        raise refuse(path, message("case_object_unknown", name=case_object, names=names))
    if case_object is None and known:
        covered = dict(
            stage.database.execute(
                "SELECT type, count(DISTINCT event) FROM event_object JOIN object ON object.id = object GROUP BY type"
            )
        )
        case_object = max(known, key=lambda one: covered.get(one, 0))
        if len(known) > 1:
            names = ", ".join(f'"{one}"' for one in known)
            said.append(message("case_object_guessed", name=case_object, names=names))
    records = _Records(stage, case_object or "")
    if alone := records.without_case():
        said.append(message("case_object_none", count=alone, name=case_object or "-"))
    if lost := next(
        stage.database.execute("SELECT count(*) FROM event_object WHERE object NOT IN (SELECT id FROM object)")
    )[0]:
        said.append(message("ocel_objects_missing", count=lost))
    if stage.objects_twice:
        said.append(message("ocel_objects_twice", count=stage.objects_twice))
    if not stage.events:
        said.append(message("file_no_rows"))
    types = records.types()
    count = records.pairs() + alone
    return TableFile(path, [*types, IDENTITY, EVENT], count, partial(_read, records), types, said)


def ocel_mapping(file: TableFile, choice: SourceChoice) -> tuple[CsvMapping, list[Message]]:
    """The mapping, and what it takes for granted."""

    attributes, changed = attributes_of(file.types, STANDARD)
    mapping = log_mapping(file, choice, column(IDENTITY), column(CASE_ID), column(ACTIVITY), attributes)
    return mapping, list(changed)


def _read(records: _Records, wanted: Sequence[str]) -> Iterator[Piece]:
    table = TextTable(wanted)
    for row in records.rows():
        if row is None:
            yield from table.take()
            yield UnreadableRecord(message("case_object_none", count=1, name="-"), omitted=True)
            continue
        values = [row.get(name) for name in wanted]
        if table.add(values, sum(len(value) for value in values if value)):
            yield from table.take()
    yield from table.take()


class _Records:
    """A staged log as the events of one type of objects."""

    def __init__(self, stage: OcelStage, case_object: str) -> None:
        self._stage, self._case_object = stage, case_object
        self._values = lru_cache(_OBJECTS_HELD)(self._values_of)
        self._related = lru_cache(_OBJECTS_HELD)(self._related_to)

    def pairs(self) -> int:
        """Events times the objects of the case's type that each names."""
        return self._count(
            """
            SELECT count(*) FROM (
                SELECT DISTINCT event, object FROM event_object JOIN object ON object.id = object WHERE type = ?
            )
            """
        )

    def without_case(self) -> int:
        return self._stage.events - self._count(
            "SELECT count(DISTINCT event) FROM event_object JOIN object ON object.id = object WHERE type = ?"
        )

    def _count(self, statement: str) -> int:
        return int(next(self._stage.database.execute(statement, (self._case_object,)))[0])

    def types(self) -> dict[str, AttributeType]:
        """Columns with their types; an attribute that several types of events declare otherwise is a text."""
        found: dict[str, set[str]] = {ACTIVITY: {"string"}, CASE_ID: {"string"}, TIME: {"time"}}
        for declared in self._stage.event_types.values():
            for name, kind in declared.items():
                found.setdefault(name, set()).add(kind)
        for (name,) in self._stage.database.execute(
            "SELECT DISTINCT each.key FROM event, json_each(event.attributes) AS each ORDER BY 1"
        ):
            found.setdefault(name, {"string"})
        own = self._stage.object_types.get(self._case_object, {})
        for name, kind in own.items():
            found.setdefault(f"{CASE}{name}", {kind})
        for (name,) in self._stage.database.execute(
            "SELECT DISTINCT name FROM value JOIN object ON object.id = object WHERE type = ?", (self._case_object,)
        ):
            found.setdefault(f"{CASE}{name}", {"string"})
        columns = {
            name: common_type([TYPES.get(kind.lower(), "text") for kind in kinds]) for name, kinds in found.items()
        }
        for other in self._stage.object_types:
            columns[f"{OBJECTS}{other}"] = "text"
            columns[f"{QUALIFIERS}{other}"] = "text"
            columns[f"{RELATED}{other}"] = "text"
        used = self._used()
        return {name: kind for name, kind in columns.items() if name.split(":")[0] not in _PREFIXES or name in used}

    def _used(self) -> set[str]:
        """Of the columns of objects those that hold anything beyond the case itself."""
        found = set()
        for other, qualified, several in self._stage.database.execute(
            """
            SELECT type, max(qualifier <> ''), max(object.id NOT IN (
                SELECT id FROM object WHERE type = ?
            ))
            FROM event_object JOIN object ON object.id = event_object.object
            GROUP BY type
            """,
            (self._case_object,),
        ):
            if several:
                found.add(f"{OBJECTS}{other}")
            if qualified:
                found.add(f"{QUALIFIERS}{other}")
        for (other,) in self._stage.database.execute(
            """
            SELECT DISTINCT other.type
            FROM relation
            JOIN object AS own ON own.id IN (source, target) AND own.type = ?
            JOIN object AS other ON other.id IN (source, target) AND other.id <> own.id
            """,
            (self._case_object,),
        ):
            found.add(f"{RELATED}{other}")
        return found

    def rows(self) -> Iterator[Mapping[str, str | None] | None]:
        """Each record by column; None for an event that names no object of the case's type."""
        stage = self._stage
        for number, id, type, time, time_us, attributes in stage.database.execute(
            "SELECT * FROM event ORDER BY number"
        ):
            objects = stage.database.execute(
                """
                SELECT object.type, object.id, qualifier
                FROM event_object JOIN object ON object.id = event_object.object
                WHERE event = ? ORDER BY event_object.rowid
                """,
                (number,),
            ).fetchall()
            cases = list(dict.fromkeys(one for kind, one, _ in objects if kind == self._case_object))
            if not cases:
                yield None
                continue
            own = {**json.loads(attributes), **_of_objects(objects, self._case_object)}
            own.update({ACTIVITY: type, TIME: time, EVENT: id})
            for case in cases:
                identity = id if len(cases) == 1 else f"{id}/{case}"
                yield {**self._at(case, time_us), **self._related(case), **own, IDENTITY: identity, CASE_ID: case}

    def _at(self, object: str, time_us: int | None) -> dict[str, str]:
        """The attributes of an object at a time: of each the latest value until then."""
        found = {}
        for name, since_us, value in self._values(object):
            if since_us is None or time_us is None or since_us <= time_us:
                found[f"{CASE}{name}"] = value
        return found

    def _values_of(self, object: str) -> list[tuple[str, int | None, str]]:
        return self._stage.database.execute(
            "SELECT name, time_us, value FROM value WHERE object = ? ORDER BY time_us, rowid", (object,)
        ).fetchall()

    def _related_to(self, object: str) -> dict[str, str]:
        found = defaultdict[str, dict[str, None]](dict)
        for kind, other in self._stage.database.execute(
            """
            SELECT type, id FROM object WHERE id IN (
                SELECT target FROM relation WHERE source = ?1 UNION SELECT source FROM relation WHERE target = ?1
            )
            ORDER BY id
            """,
            (object,),
        ):
            found[f"{RELATED}{kind}"][other] = None
        return {name: _BETWEEN.join(others) for name, others in found.items()}


_PREFIXES = (OBJECTS.rstrip(":"), QUALIFIERS.rstrip(":"), RELATED.rstrip(":"))


def _of_objects(objects: Sequence[tuple[str, str, str]], case_object: str) -> dict[str, str]:
    """Ids and qualifiers of the objects that an event names, by type; the case itself is not among the ids."""
    found = defaultdict[str, dict[str, None]](dict)
    for kind, id, qualifier in objects:
        if kind != case_object:
            found[f"{OBJECTS}{kind}"][id] = None
        if qualifier:
            found[f"{QUALIFIERS}{kind}"][qualifier] = None
    return {name: _BETWEEN.join(values) for name, values in found.items()}
