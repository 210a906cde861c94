"""Documents that people write as YAML, read as the messages of the contract."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, date, tzinfo
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from andon_records.messages import MalformedDocument, MalformedYaml, message
from andon_records.yaml_text import compose_yaml, read_yaml
from google.protobuf import json_format
from google.protobuf.message import Message

from andon_client.document_check import Misfit, Place, check_document, enum_name
from andon_client.moments import MalformedLength, UnclearTime, entered_time, length, timestamp
from andon_client.presentation.phrases import LocalisedError

M = TypeVar("M", bound=Message)


class DocumentMisfit(LocalisedError, MalformedDocument):
    """The document does not fit its contract, in the language of the person who wrote it."""


def load_document(path: Path, kind: type[M], zone: tzinfo = UTC) -> M:
    """As `parse_document`, from a file."""
    content = read_yaml(path, literal=False)
    lines: dict[Place, int] = {}
    try:
        _note_lines(compose_yaml(path), (), lines)
        return parse_document(content, kind, str(path), lines, zone)
    except RecursionError as error:
        raise MalformedYaml(message("in_file", file=path, what=message("yaml_deep"))) from error


def _note_lines(node: yaml.Node | None, path: Place, lines: dict[Place, int]) -> None:
    """The line, from 1, of each key and item."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*path, str(key.value))] = key.start_mark.line + 1
            _note_lines(value, (*path, str(key.value)), lines)
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            lines[(*path, place)] = item.start_mark.line + 1
            _note_lines(item, (*path, place), lines)


def parse_document(
    content: object,
    kind: type[M],
    origin: str = "document",
    lines: Mapping[Place, int] | None = None,
    zone: tzinfo = UTC,
) -> M:
    """`content` as a message: proto-JSON with enum values in short form (`lower_is_better`, `week`).

    lines: where each key and item is written. zone: of times without an offset, unless the document has a `time_zone`
    of its own. Raises MalformedDocument: one line with the place and what to write.
    """
    message = kind()
    content = _renamed(content, message.DESCRIPTOR)
    try:
        check_document(content, message.DESCRIPTOR)
        expanded = _expanded(content, message.DESCRIPTOR, _own_zone(content) or zone)
    except Misfit as error:
        line = (lines or {}).get(error.path)
        at = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in error.path).lstrip(".")
        place = ": ".join([origin if line is None else f"{origin}:{line}", *([at] if at else [])])
        found = error.places.get("found")
        shown = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, default=str)
        raise DocumentMisfit(error.phrase, **{**error.places, "place": place, "found": shown[:60]}) from error
    try:
        json_format.ParseDict(expanded, message)
    except json_format.ParseError as error:
        raise DocumentMisfit("misfit_other", place=origin, found=" ".join(str(error).split())) from error
    return message


FORMER_NAMES = {("andon.scoring.v1.Measure.AttributeValue", "quantum"): "resolution"}
"""What documents of the time before 0.1 call a field: they are people's files, and go on being read."""


def _renamed(content: Any, descriptor: Any) -> Any:
    """The same with the names of today."""
    if not isinstance(content, dict):
        return content
    fields = {field.name: field.message_type for field in descriptor.fields if field.message_type is not None}

    def below(key: str, value: Any) -> Any:
        if key not in fields or fields[key].GetOptions().map_entry:
            return value
        if isinstance(value, list):
            return [_renamed(one, fields[key]) for one in value]
        return _renamed(value, fields[key])

    return {FORMER_NAMES.get((descriptor.full_name, key), key): below(key, value) for key, value in content.items()}


def _own_zone(content: Any) -> tzinfo | None:
    """None: it names no zone that this machine knows, which is for its reader to judge."""
    name = content.get("time_zone", content.get("timeZone"))
    try:
        return ZoneInfo(name) if name and isinstance(name, str) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _expanded(content: Any, descriptor: Any, zone: tzinfo, path: Place = ()) -> Any:
    if not isinstance(content, dict):
        return content
    fields = {
        **{field.name: field for field in descriptor.fields},
        **{field.json_name: field for field in descriptor.fields},
    }
    return {
        key: _expanded_field(value, fields[key], zone, (*path, key)) if key in fields else value
        for key, value in content.items()
    }


def _expanded_field(value: Any, field: Any, zone: tzinfo, path: Place) -> Any:
    if isinstance(value, list):
        return [_expanded_field(item, field, zone, (*path, place)) for place, item in enumerate(value)]
    if field.enum_type is not None and isinstance(value, str):
        return enum_name(value, field.enum_type) or value
    if field.message_type is None:
        return value
    if field.message_type.full_name.startswith("google.protobuf."):
        return _well_known(value, field.message_type.full_name, zone, path)
    if field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        if not isinstance(value, dict):
            return value
        return {key: _expanded_field(item, inner, zone, (*path, str(key))) for key, item in value.items()}
    return _expanded(value, field.message_type, zone, path)


def _well_known(value: Any, kind: str, zone: tzinfo, path: Place) -> Any:
    """YAML knows dates, and people write lengths such as 14d; what is neither is left for the parser to judge."""
    if kind == "google.protobuf.Timestamp" and value is not None:
        try:
            return timestamp(value if isinstance(value, date) else entered_time(value), zone).ToJsonString()
        except UnclearTime as error:
            raise Misfit(path, f"misfit_{error.phrase}", **error.places) from error
    if kind == "google.protobuf.Duration" and isinstance(value, str):
        with contextlib.suppress(MalformedLength):
            return length(value).ToJsonString()
    return value
