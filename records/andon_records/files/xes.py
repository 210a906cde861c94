"""Event logs in XES (IEEE 1849): each event a record, with the attributes of its trace under `case:`.

An attribute within another is the column `outer.inner`; a list is a text of JSON, one object per item. A key that an
event has twice is `key`, then `key.2`. Prefixes that a log declares for a standard extension are read as the standard
ones. Default values of global attributes are for events that are made, not for those that are read, and are not used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa

from andon_records.files.table_file import TableFile, TextTable
from andon_records.files.utf8_stream import refuse
from andon_records.files.xml_stream import XmlStream
from andon_records.mapping.document import AttributeType
from andon_records.mapping.value_texts import common_type
from andon_records.messages import Message, message

# Columns that count: the trace within the log, the event within its trace, both from 1.
TRACE, POSITION = "xes:trace", "xes:position"
CASE = "case:"
CASE_ID, ACTIVITY, TIME, RESOURCE = "case:concept:name", "concept:name", "time:timestamp", "org:resource"
LIFECYCLE, IDENTITY = "lifecycle:transition", "identity:id"

_TYPES: Mapping[str, AttributeType] = {
    **dict.fromkeys(("string", "id", "list", "container"), "text"),
    "date": "time",
    "int": "integer",
    "float": "number",
    "boolean": "flag",
}
_PLAIN = frozenset(_TYPES) - {"list", "container"}
_EXTENSIONS = {
    f"http://www.xes-standard.org/{name}.xesext": prefix
    for name, prefix in (
        *(("concept", "concept"), ("lifecycle", "lifecycle"), ("org", "org"), ("time", "time")),
        *(("identity", "identity"), ("cost", "cost"), ("semantic", "semantic"), ("micro", "micro")),
    )
}
# Different keys in one log: each is a column.
COLUMNS_MAX = 10_000
Row = dict[str, str | None]
_NO_TRACE: Row = {}


@dataclass
class XesContent:
    """What a log holds, as far as a mapping of it needs to know. kinds: the XES types of each column.

    classifiers: the keys of each, by name. without_zone: times of events that have no offset. with_id: events that
    have an id. repeated: traces whose name another one has.
    """

    events: int = 0
    traces: int = 0
    repeated: int = 0
    with_id: int = 0
    without_zone: int = 0
    kinds: dict[str, set[str]] = field(default_factory=dict)
    classifiers: dict[str, Sequence[str]] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    log_attributes: list[str] = field(default_factory=list)


def inspect_xes(path: Path) -> tuple[TableFile, XesContent]:
    """Reads the log through once. Raises UnreadableFile with the line where it is no XES.

    Cost: one pass; memory for the hash of each trace's name.
    """
    content, names = XesContent(), set[int]()
    for reader in _blocks(path, content):
        for trace in reader.traces_ended:
            key = hash(trace)
            content.repeated += key in names
            names.add(key)
        reader.traces_ended.clear()
        reader.rows.clear()
    types = {name: common_type([_TYPES[kind] for kind in kinds]) for name, kinds in content.kinds.items()}
    columns = [*types, TRACE, POSITION]
    return TableFile(path, columns, content.events, partial(_read, path), types, list(_guesses(content))), content


def _guesses(content: XesContent) -> Iterator[Message]:
    if content.repeated:
        yield message("xes_traces_repeated", count=content.repeated)
    if content.unknown:
        names = ", ".join(f"{name} ({count:,})" for name, count in list(content.unknown.items())[:10])
        yield message("xes_unknown", names=names)
    if content.log_attributes:
        yield message("xes_log_attributes", names=", ".join(content.log_attributes[:10]))
    if not content.events:
        yield message("file_no_rows")


def _read(path: Path, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    of_event = [name for name in wanted if not name.startswith(CASE)]
    of_trace = [name for name in wanted if name.startswith(CASE)]
    table = TextTable([*of_event, *of_trace])
    known: Row = {}
    shared: list[str | None] = [None] * len(of_trace)
    characters = 0
    for reader in _blocks(path, XesContent()):
        for event, trace in reader.rows:
            if trace is not known:
                known, shared = trace, [trace.get(name) for name in of_trace]
                characters = sum(len(value) for value in shared if value)
            values = [event.get(name) for name in of_event]
            if event.keys().isdisjoint(of_trace):
                values += shared
            else:
                values += [event.get(name, value) for name, value in zip(of_trace, shared, strict=True)]
            # What an event says itself is bounded by the block of the file that it comes from.
            if table.add(values, characters + 64):
                yield from table.take()
        reader.rows.clear()
    yield from table.take()


def _blocks(path: Path, content: XesContent) -> Iterator[_Reader]:
    """The reader after each block of the file, with the events that ended in it."""
    reader = _Reader(path, content)
    for _ in reader.stream.blocks():
        yield reader
    if not reader.is_log:
        raise refuse(path, message("xes_expected", found="-"))


class _Reader:
    """Handles the elements of a log."""

    def __init__(self, path: Path, content: XesContent) -> None:
        # The attributes of each event, and of its trace.
        self.rows: list[tuple[Row, Row]] = []
        self.traces_ended: list[str] = []
        self.is_log = False
        self.stream = XmlStream(path, self._start, self._end)
        self._path, self._content = path, content
        self._prefixes: dict[str, str] = {}
        self._trace: Row | None = None
        self._event: Row | None = None
        self._position = 0
        # Elements that are open and no attributes: their content means nothing here.
        self._skipping = 0
        # Attributes that are open, outermost first: the name of each. A list collects what is within it.
        self._open: list[str] = []
        self._lists: list[tuple[int, list[Row]]] = []

    def _start(self, tag: str, given: dict[str, str]) -> None:
        event = self._event
        if event is not None and tag in _PLAIN and not (self._open or self._skipping or self._prefixes):
            # Nearly every element is one of these: an attribute of an event, not within another, of a known key.
            key = given.get("key", "")
            if key not in event and tag in self._content.kinds.get(key, ()):
                event[key] = given.get("value")
                self._open.append(key)
                return
        if self._skipping:
            self._skipping += 1
        elif tag in _TYPES:
            self._attribute(tag, given)
        elif tag == "event":
            if self._event is not None or self._open:
                raise self._misplaced(tag)
            self._event = {}
            self._position += 1
        elif tag == "trace":
            if self._trace is not None or self._event is not None or self._open:
                raise self._misplaced(tag)
            self._content.traces += 1
            self._trace, self._position = {}, 0
        elif tag == "log":
            if self.is_log:
                raise self._misplaced(tag)
            self.is_log = True
        elif not self.is_log:
            raise refuse(self._path, message("xes_expected", found=tag[:60]), self.stream.line)
        elif tag == "extension":
            standard = _EXTENSIONS.get(given.get("uri", "").strip())
            if standard is not None and given.get("prefix", standard) != standard:
                self._prefixes[given["prefix"]] = standard
            self._skipping = 1
        elif tag == "classifier":
            self._content.classifiers[given.get("name", "")] = _keys(given.get("keys", ""))
            self._skipping = 1
        elif tag == "values":
            pass
        else:
            if tag != "global":
                self._content.unknown[tag[:60]] = self._content.unknown.get(tag[:60], 0) + 1
            self._skipping = 1

    def _attribute(self, tag: str, given: dict[str, str]) -> None:
        key, value = given.get("key", ""), given.get("value")
        if self._prefixes and ":" in key:
            prefix, _, rest = key.partition(":")
            key = f"{self._prefixes.get(prefix, prefix)}:{rest}"
        # Braces name columns in a mapping.
        if "{" in key or "}" in key:
            key = key.replace("{", "(").replace("}", ")")
        if self._lists:
            depth, items = self._lists[-1]
            if len(self._open) == depth:
                items.append({key: value})
                name = key
            else:
                name = f"{self._open[-1]}.{key}"
                items[-1][name] = value
        else:
            name = f"{self._open[-1]}.{key}" if self._open else key or "unnamed"
            if tag not in ("list", "container") or value is not None:
                name = self._put(name, value, tag)
        self._open.append(name)
        if tag == "list":
            self._lists.append((len(self._open), []))

    def _put(self, name: str, value: str | None, tag: str) -> str:
        """Stores the value under the name it gets: another one where the element has the key already."""
        if self._event is not None:
            row = self._event
            if name in row:
                name = _free(name, row)
        elif self._trace is not None:
            if self._position:
                raise refuse(self._path, message("xes_trace_attribute_late", name=name), self.stream.line)
            row, name = self._trace, f"{CASE}{name}"
            if name in row:
                name = _free(name, row)
        else:
            self._content.log_attributes.append(name)
            return name
        row[name] = value
        kinds = self._content.kinds
        if name not in kinds:
            if len(kinds) >= COLUMNS_MAX:
                raise refuse(self._path, message("columns_many", most=COLUMNS_MAX), self.stream.line)
            kinds[name] = {tag}
        elif tag not in kinds[name]:
            kinds[name].add(tag)
        return name

    def _end(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= 1
        elif tag in _TYPES:
            name = self._open.pop()
            if tag == "list":
                _, items = self._lists.pop()
                text = json.dumps(items, ensure_ascii=False)
                if not self._lists:
                    self._put(name, text, "list")
                else:
                    self._lists[-1][1][-1][name] = text
        elif tag == "event":
            self._end_event()
        elif tag == "trace" and self._trace is not None:
            self.traces_ended.append(self._trace.get(CASE_ID) or f"\x00{self._content.traces}")
            self._trace = None

    def _end_event(self) -> None:
        row, content = self._event, self._content
        assert row is not None
        self._event = None
        content.events += 1
        content.with_id += bool(row.get(IDENTITY))
        at = row.get(TIME)
        if at and at[-1] not in "Zz" and at[-6:-5] not in ("+", "-", "\u2212") and at[-5:-4] not in ("+", "-"):
            content.without_zone += 1
        row[TRACE], row[POSITION] = str(content.traces) if self._trace is not None else None, str(self._position)
        self.rows.append((row, self._trace if self._trace is not None else _NO_TRACE))

    def _misplaced(self, tag: str) -> Exception:
        return refuse(self._path, message("xes_misplaced", tag=tag), self.stream.line)


def _free(name: str, row: Row) -> str:
    number = 2
    while f"{name}.{number}" in row:
        number += 1
    return f"{name}.{number}"


def _keys(written: str) -> Sequence[str]:
    """Keys of a classifier: apart by spaces, in apostrophes where they hold one."""
    parts = written.split("'")
    return [key for place, part in enumerate(parts) for key in ([part] if place % 2 else part.split()) if key]
