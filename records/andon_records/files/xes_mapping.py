"""The mapping of an XES log that needs none: the standard extensions say what case, activity and time are."""

from __future__ import annotations

from dataclasses import replace

from andon_records.files.standard_mapping import SourceChoice, attributes_of, column, source_name
from andon_records.files.table_file import TableFile
from andon_records.files.utf8_stream import refuse
from andon_records.files.xes import (
    ACTIVITY,
    CASE_ID,
    IDENTITY,
    LIFECYCLE,
    POSITION,
    RESOURCE,
    TIME,
    TRACE,
    XesContent,
)
from andon_records.mapping.document import Attribute, Column, CsvMapping
from andon_records.messages import Message, message

# Columns of an export as a table: the fields of an event, and its attributes under this prefix.
ATTRIBUTE = "attributes."
# What an export of Andon says about an event beyond the standard extensions.
SOURCE, OBJECT_KIND, SUPERSEDES, RETRACTS = "andon:source", "andon:object_kind", "andon:supersedes", "andon:retracts"
# Columns that are fields of an event.
STANDARD = frozenset({TIME, ACTIVITY, CASE_ID, RESOURCE, LIFECYCLE, SUPERSEDES, RETRACTS, OBJECT_KIND, SOURCE})


def xes_mapping(file: TableFile, content: XesContent, choice: SourceChoice) -> tuple[CsvMapping, list[Message]]:
    """The mapping, and what it takes for granted."""
    said: list[Message] = []
    types = file.types
    case_id = column(CASE_ID)
    if CASE_ID not in types:
        case_id = column(TRACE)
        said.append(message("default_case_number"))
    activity = column(ACTIVITY)
    if ACTIVITY not in types:
        keys = next((keys for keys in content.classifiers.values() if keys and set(keys) <= set(types)), None)
        if keys is not None:
            activity = Column("+".join(f"{{{key}}}" for key in keys))
            said.append(message("default_activity", keys=", ".join(keys)))
    if content.without_zone:
        said.append(message("default_zone", count=content.without_zone, zone=choice.time_zone))
    id = column(IDENTITY)
    if content.with_id < content.events:
        name = TRACE if content.repeated or CASE_ID not in types else CASE_ID
        id = Column(f"{{{name}}}/{{{POSITION}}}")

    taken = STANDARD | ({IDENTITY} if id == column(IDENTITY) else set())
    attributes, changed = attributes_of(types, taken)
    mapping = log_mapping(file, choice, id, case_id, activity, attributes)
    return mapping, [*said, *changed]


def log_mapping(
    file: TableFile, choice: SourceChoice, id: Column, case_id: Column, activity: Column, attributes: list[Attribute]
) -> CsvMapping:
    """Of a log whose columns have the names of the standard extensions, as far as it has them."""

    def where_known(name: str) -> Column | None:
        return column(name) if name in file.types else None

    return CsvMapping(
        source=choice.source or source_name(file.path.name),
        id=id,
        case_id=case_id,
        activity=activity,
        time=column(TIME),
        attributes=attributes,
        time_zone=choice.time_zone,
        resource=where_known(RESOURCE),
        lifecycle=where_known(LIFECYCLE),
        supersedes=where_known(SUPERSEDES),
        retracts=where_known(RETRACTS),
        object_kind_of=where_known(OBJECT_KIND),
        source_of=where_known(SOURCE) if choice.source is None else None,
    )


def column_mapping(file: TableFile, choice: SourceChoice) -> tuple[CsvMapping, list[Message]]:
    """The mapping of a table whose columns are named as an event's fields are here, or as in XES.

    Raises UnreadableFile where they are named otherwise.
    """
    if {CASE_ID, ACTIVITY, TIME} <= set(file.names):
        has_id = IDENTITY in file.types
        content = XesContent(events=file.records, with_id=file.records if has_id else 0)
        mapping, said = xes_mapping(file, content, choice)
        return (mapping, said) if has_id else (replace(mapping, id=Column(f"{{{CASE_ID}}}/{{row}}")), said)
    if not {"id", "case_id", "activity", "time"} <= set(file.names):
        raise refuse(file.path, message("mapping_needed", kind="a table with names of its own"))

    def where_known(name: str) -> Column | None:
        return column(name) if name in file.types else None

    own = {name.removeprefix(ATTRIBUTE): kind for name, kind in file.types.items() if name.startswith(ATTRIBUTE)}
    attributes, changed = attributes_of(own, ())
    mapping = CsvMapping(
        source=choice.source or source_name(file.path.name),
        id=column("id"),
        case_id=column("case_id"),
        activity=column("activity"),
        time=column("time"),
        resource=where_known("resource"),
        supersedes=where_known("supersedes"),
        retracts=where_known("retracts"),
        object_kind_of=where_known("object_kind"),
        source_of=where_known("source") if choice.source is None else None,
        attributes=[
            replace(one, column=column(f"{ATTRIBUTE}{name}")) for one, name in zip(attributes, own, strict=False)
        ],
        time_zone=choice.time_zone,
    )
    return mapping, list(changed)
