"""OCEL 2.0 in XML: elements as they come, one object or event in memory at a time."""

from __future__ import annotations

from pathlib import Path

from andon_records.files.ocel.stage import ObjectValue, OcelStage, Relationship
from andon_records.files.utf8_stream import refuse
from andon_records.files.xml_stream import XmlStream
from andon_records.messages import message

_PARTS = ("object-types", "event-types", "objects", "events")
_RELATIONS = ("relationship", "relobj")


def stage_xml(path: Path) -> OcelStage:
    """Raises UnreadableFile with the line where it is no XML, or no OCEL."""
    reader = _Reader(path)
    for _ in reader.stream.blocks():
        pass
    reader.staged.finish()
    return reader.staged


class _Reader:
    """Handles the elements of a log."""

    def __init__(self, path: Path) -> None:
        self.staged = OcelStage()
        self.stream = XmlStream(path, self._start, self._end, self._characters)
        self._path = path
        self._depth = 0
        # The part of the log that is open, and what of it: a type, an object or an event, with its attributes so far.
        self._part = ""
        self._given: dict[str, str] = {}
        self._values: list[tuple[str, str | None, str]] = []
        self._relations: list[Relationship] = []
        self._attribute: dict[str, str] | None = None
        self._text: list[str] = []

    def _start(self, tag: str, given: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and tag != "log":
            raise refuse(self._path, message("xml_unknown", tag=tag[:60]), self.stream.line)
        if self._depth == 2:
            self._part = tag if tag in _PARTS else ""
        elif self._depth == 3:
            self._given, self._values, self._relations = given, [], []
        elif tag == "attribute" and self._part:
            self._attribute, self._text = given, []
        elif tag in _RELATIONS and self._part:
            self._relations.append(Relationship(self._need(given, "object-id"), given.get("qualifier", "")))

    def _characters(self, text: str) -> None:
        if self._attribute is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "attribute" and self._attribute is not None:
            given, self._attribute = self._attribute, None
            name = self._need(given, "name")
            if self._part.endswith("-types"):
                self._values.append((name, None, given.get("type", "string")))
            else:
                self._values.append((name, given.get("time"), "".join(self._text).strip()))
        elif self._depth == 2 and self._part:
            self._store()

    def _store(self) -> None:
        given, values = self._given, self._values
        match self._part:
            case "object-types":
                declared = self.staged.object_types.setdefault(self._need(given, "name"), {})
                declared.update({name: kind for name, _, kind in values})
            case "event-types":
                declared = self.staged.event_types.setdefault(self._need(given, "name"), {})
                declared.update({name: kind for name, _, kind in values})
            case "objects":
                changes = [ObjectValue(name, time, value) for name, time, value in values]
                self.staged.add_object(self._need(given, "id"), self._need(given, "type"), changes, self._relations)
            case "events":
                attributes = {name: value for name, _, value in values}
                id, type = self._need(given, "id"), self._need(given, "type")
                self.staged.add_event(id, type, given.get("time"), attributes, self._relations)

    def _need(self, given: dict[str, str], name: str) -> str:
        if name not in given:
            raise refuse(self._path, message("ocel_attribute_missing", name=name), self.stream.line)
        return given[name]
