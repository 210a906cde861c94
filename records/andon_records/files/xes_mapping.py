"""The mapping of an XES log that needs none: the standard extensions say what case, activity and time are."""

from __future__ import annotations

from andon_records.files.standard_mapping import SourceChoice, attributes_of, column, source_name
from andon_records.files.table_file import TableFile
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
from andon_records.mapping.document import Column, CsvMapping
from andon_records.messages import Message, message

# What an export of Andon says about an event beyond the standard extensions.
SOURCE, OBJECT_KIND, SUPERSEDES, RETRACTS = "andon:source", "andon:object_kind", "andon:supersedes", "andon:retracts"


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

    def where_known(key: str) -> Column | None:
        return column(key) if key in types else None

    taken = {TIME, ACTIVITY, CASE_ID, RESOURCE, LIFECYCLE, SUPERSEDES, RETRACTS, OBJECT_KIND, SOURCE}
    attributes, changed = attributes_of(types, taken | ({IDENTITY} if id == column(IDENTITY) else set()))
    mapping = CsvMapping(
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
    return mapping, [*said, *changed]
