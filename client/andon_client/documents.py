"""Documents that people write as YAML, read as the messages of the contract."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from google.protobuf import json_format
from google.protobuf.message import Message

from andon_client.moments import MalformedLength, length, timestamp

M = TypeVar("M", bound=Message)


class MalformedDocument(ValueError):
    """The document does not fit its contract; says where."""


class _Strict(yaml.SafeLoader):
    """Refuses a key that is written twice: of the two one would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _refuse_twins(node)
        return super().construct_mapping(node, deep)


class _Literal(yaml.BaseLoader):
    """The same, with every scalar as the text that was written: no is "no", 007 is "007"."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _refuse_twins(node)
        return super().construct_mapping(node, deep)


def _refuse_twins(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f'"{key.value}" is written twice', problem_mark=key.start_mark)
            seen.add(key.value)


def read_yaml(path: Path, literal: bool = True) -> Any:
    """What a YAML file says; `literal`: scalars as the texts that were written, for a reader with types of its own.

    Raises MalformedDocument: one line with the file and the line in it.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return yaml.load(text, _Literal if literal else _Strict)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise MalformedDocument(f"{path}{place}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise MalformedDocument(f"{path}: {' '.join(str(error).split())}") from error
    except UnicodeDecodeError as error:
        raise MalformedDocument(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def load_document(path: Path, kind: type[M]) -> M:
    return parse_document(read_yaml(path, literal=False), kind, origin=str(path))


def parse_document(content: object, kind: type[M], origin: str = "document") -> M:
    """`content` as a message: proto-JSON with enum values in short form (`lower_is_better`, `week`)."""
    if not isinstance(content, dict):
        raise MalformedDocument(f"{origin}: a mapping is expected at the top")
    message = kind()
    try:
        json_format.ParseDict(_expanded(content, message.DESCRIPTOR), message)
    except json_format.ParseError as error:
        raise MalformedDocument(f"{origin}: {error}") from error
    return message


FORMER_NAMES = {("andon.scoring.v1.Measure.AttributeValue", "quantum"): "resolution"}
"""What documents of the time before 0.1 call a field: they are people's files, and go on being read."""


def _expanded(content: Any, descriptor: Any) -> Any:
    if not isinstance(content, dict):
        return content
    content = {FORMER_NAMES.get((descriptor.full_name, key), key): value for key, value in content.items()}
    fields = {
        **{field.name: field for field in descriptor.fields},
        **{field.json_name: field for field in descriptor.fields},
    }
    return {key: _expanded_field(value, fields[key]) if key in fields else value for key, value in content.items()}


def _expanded_field(value: Any, field: Any) -> Any:
    if isinstance(value, list):
        return [_expanded_field(item, field) for item in value]
    if field.enum_type is not None and isinstance(value, str):
        return _enum_name(value, field.enum_type)
    if field.message_type is None:
        return value
    if field.message_type.full_name.startswith("google.protobuf."):
        return _well_known(value, field.message_type.full_name)
    if field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {key: _expanded_field(item, inner) for key, item in value.items()} if isinstance(value, dict) else value
    return _expanded(value, field.message_type)


def _well_known(value: Any, kind: str) -> Any:
    """YAML knows dates, and people write lengths such as 14d; what is neither is left for the parser to judge."""
    if kind == "google.protobuf.Timestamp" and isinstance(value, date):
        return timestamp(value).ToJsonString()
    if kind == "google.protobuf.Duration" and isinstance(value, str):
        with contextlib.suppress(MalformedLength):
            return length(value).ToJsonString()
    return value


def _enum_name(short: str, enum: Any) -> str:
    """`week` -> WINDOW_WEEK: the one value whose name ends so; others are left for the parser to refuse."""
    wanted = short.upper().replace("-", "_")
    names = [value.name for value in enum.values]
    prefix = names[0].removesuffix("UNSPECIFIED")
    return next((name for name in (wanted, prefix + wanted) if name in names), short)
