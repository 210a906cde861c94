"""An XES log (IEEE 1849): a trace per case, its events in the order of their times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import IO

from andon_records.files.xes import ACTIVITY, IDENTITY, RESOURCE, TIME
from andon_records.files.xes_mapping import OBJECT_KIND, RETRACTS, SOURCE, SUPERSEDES
from andon_records.mapping.document import AttributeType
from andon_records.writers.case_events import CASE, Value, cases_of
from andon_records.writers.event_spool import EventSpool

# Fields of an event by the key that they have in XES.
KEYS: Mapping[str, str] = {
    "activity": ACTIVITY,
    "time": TIME,
    "resource": RESOURCE,
    "id": IDENTITY,
    "source": SOURCE,
    "object_kind": OBJECT_KIND,
    "supersedes": SUPERSEDES,
    "retracts": RETRACTS,
}
_TAGS: Mapping[AttributeType, str] = {
    "text": "string",
    "number": "float",
    "integer": "int",
    "flag": "boolean",
    "time": "date",
}
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
  <extension name="Identity" prefix="identity" uri="http://www.xes-standard.org/identity.xesext"/>
  <classifier name="Activity" keys="concept:name"/>
"""
# What XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)


def write_xes(spool: EventSpool, file: IO[bytes]) -> None:
    columns = spool.columns(KEYS)
    known: dict[Value, str] = {}
    file.write(_HEAD.encode())
    for partition in range(spool.partitions):
        known.clear()
        for case in cases_of(spool, partition, columns):
            parts = ["  <trace>\n    ", _attribute("text", ACTIVITY, case.case_id)]
            parts += [_attribute(one.type, one.name.removeprefix(CASE), one.text) for one in case.shared]
            for event in case.events:
                parts.append("\n    <event>")
                for value in event.values():
                    text = known.get(value)
                    if text is None:
                        text = known[value] = _attribute(value.type, value.name, value.text)
                    parts.append(text)
                parts.append("</event>")
            parts.append("\n  </trace>\n")
            file.write("".join(parts).encode())
    file.write(b"</log>\n")


def _attribute(kind: AttributeType, key: str, text: str) -> str:
    tag = "id" if key == IDENTITY else _TAGS[kind]
    return f'<{tag} key="{xml_text(key)}" value="{xml_text(text)}"/>'


def xml_text(text: str) -> str:
    """Escaped; a control character that XML cannot hold is written as \\xNN."""
    if _NO_XML.search(text):
        text = _NO_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return text.translate(_ESCAPES)
