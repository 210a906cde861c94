"""A mapping: how the columns of a table become events, written in YAML and applied to whole columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from andon_client.documents import MalformedDocument

AttributeType = Literal["text", "number", "integer", "flag", "time"]
TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")
_PLACE = re.compile(r"\{([^{}]+)\}")


class MalformedMapping(MalformedDocument):
    """The mapping does not fit: an unknown key or column, a bad type."""


@dataclass(frozen=True)
class Column:
    """Where a value comes from. `template` names columns in braces, as in "{number}/{revision}"."""

    template: str
    replace: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        return _PLACE.findall(self.template)


@dataclass(frozen=True)
class Attribute:
    name: str
    column: Column
    type: AttributeType = "text"


@dataclass(frozen=True)
class CsvMapping:
    """How one CSV file becomes events of one source. `unknown` values count as absent everywhere."""

    source: str
    id: Column
    case_id: Column
    activity: Column
    time: Column
    resource: Column | None = None
    object_kind: str = "process"
    attributes: Sequence[Attribute] = ()
    unknown: Sequence[str] = ()
    time_formats: Sequence[str] = ("%Y-%m-%dT%H:%M:%S",)
    time_zone: str = "UTC"
    delimiter: str = ","
    encoding: str = "utf8"
    resources_are_not_persons: bool = False
    personal_attributes: Sequence[str] = ()

    def columns(self) -> list[str]:
        """Every column of the file that is read, in order, once."""
        wanted = [self.id, self.case_id, self.activity, self.time, *([self.resource] if self.resource else [])]
        wanted += [attribute.column for attribute in self.attributes]
        return list(dict.fromkeys(name for column in wanted for name in column.columns))


def load_mapping(path: Path) -> CsvMapping:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return parse_mapping(content)
    except (yaml.YAMLError, UnicodeDecodeError, MalformedMapping) as error:
        raise MalformedMapping(f"{path}: {error}") from error


def parse_mapping(content: Any) -> CsvMapping:
    if not isinstance(content, dict):
        raise MalformedMapping("a mapping is expected at the top")
    values = dict(content)
    known = set(CsvMapping.__dataclass_fields__)
    if unknown := sorted(set(values) - known):
        raise MalformedMapping(f"unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    if missing := [key for key in ("source", "id", "case_id", "activity", "time") if key not in values]:
        raise MalformedMapping(f"missing {', '.join(missing)}")
    for key in ("id", "case_id", "activity", "time", "resource"):
        if key in values:
            values[key] = _column(key, values[key])
    values["attributes"] = [_attribute(name, given) for name, given in values.get("attributes", {}).items()]
    return CsvMapping(**values)


def _column(key: str, given: Any) -> Column:
    """`number`, `"{number}/{row}"`, or `{column: state, replace: {"-100": Unknown}}`."""
    if isinstance(given, dict):
        if unknown := sorted(set(given) - {"column", "replace"}):
            raise MalformedMapping(f"{key}: unknown keys {', '.join(unknown)}")
        replace = {str(old): str(new) for old, new in given.get("replace", {}).items()}
        return Column(_template(given.get("column", key)), replace)
    return Column(_template(given))


def _template(text: Any) -> str:
    return str(text) if _PLACE.search(str(text)) else f"{{{text}}}"


def _attribute(name: str, given: Any) -> Attribute:
    """`made_sla: flag` (a type; the column has the same name), or `{column: ..., type: ..., replace: ...}`."""
    if isinstance(given, str):
        given = {"type": given}
    given = dict(given or {})
    kind = given.pop("type", "text")
    if kind not in get_args(AttributeType):
        raise MalformedMapping(f"attributes.{name}: type {kind!r} is none of {', '.join(get_args(AttributeType))}")
    return Attribute(name, _column(name, {"column": name, **given}), kind)


@dataclass(frozen=True)
class Applied:
    """`events` in the column layout of the contract; `unparsed` counts values kept as text, by attribute or field."""

    events: pa.RecordBatch
    unparsed: Mapping[str, int]


def apply_mapping(mapping: CsvMapping, table: pa.RecordBatch) -> Applied:
    """One event per row of `table` (all columns text).

    A value that cannot be read as its type is left out of its place and kept as text under `unparsed.<name>`,
    so that nothing is lost and everyone can see it. Cost: O(rows x columns), vectorised.
    """
    columns: dict[str, pa.Array] = {"source": _constant(mapping.source, table.num_rows)}
    unparsed: dict[str, int] = {}

    def put(place: str, name: str, text: pa.Array, kind: AttributeType) -> None:
        typed = _typed(text, kind, mapping)
        lost = pc.and_(pc.is_valid(text), pc.is_null(typed))
        columns[place] = typed
        if count := pc.sum(lost).as_py():
            unparsed[name] = count
            columns[f"attributes.unparsed.{name}"] = pc.if_else(lost, text, None)

    for name, column in (("id", mapping.id), ("case_id", mapping.case_id), ("activity", mapping.activity)):
        columns[name] = _text(column, table, mapping.unknown)
    put("time", "time", _text(mapping.time, table, mapping.unknown), "time")
    if mapping.resource is not None:
        columns["resource"] = _text(mapping.resource, table, mapping.unknown)
    columns["object_kind"] = _constant(mapping.object_kind, table.num_rows)
    for attribute in mapping.attributes:
        text = _text(attribute.column, table, mapping.unknown)
        put(f"attributes.{attribute.name}", attribute.name, text, attribute.type)
    return Applied(pa.RecordBatch.from_pydict(columns), unparsed)


def _constant(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([text]))


def _text(column: Column, table: pa.RecordBatch, unknown: Sequence[str]) -> pa.Array:
    """The filled-in template; null where a column it names is empty or unknown."""
    parts: list[Any] = []
    for literal, name in _pieces(column.template):
        if literal:
            parts.append(literal)
        if name:
            parts.append(_known(table[name], column.replace, unknown))
    if len(parts) == 1 and not isinstance(parts[0], str):
        return parts[0]
    return pc.binary_join_element_wise(*parts, "", null_handling="emit_null")


def _pieces(template: str) -> list[tuple[str, str]]:
    ends = [(match.start(), match.end(), match.group(1)) for match in _PLACE.finditer(template)]
    starts = [0, *(end for _, end, _ in ends)]
    pieces = [(template[start:begin], name) for start, (begin, _, name) in zip(starts, ends, strict=False)]
    return [*pieces, (template[starts[-1] :], "")]


def _known(values: pa.Array, replace: Mapping[str, str], unknown: Sequence[str]) -> pa.Array:
    """Trimmed, replaced and with unknowns as null: decided once per distinct value."""
    coded = pc.dictionary_encode(values)
    distinct = pc.utf8_trim_whitespace(coded.dictionary)
    mapped = pa.array([_resolved(value, replace, unknown) for value in distinct.to_pylist()], pa.utf8())
    return pc.take(mapped, coded.indices)


def _resolved(value: str, replace: Mapping[str, str], unknown: Sequence[str]) -> str | None:
    value = replace.get(value, value)
    return None if value == "" or value in unknown else value


def _typed(text: pa.Array, kind: AttributeType, mapping: CsvMapping) -> pa.Array:
    if kind == "text":
        return text
    coded = pc.dictionary_encode(text)
    distinct = coded.dictionary
    match kind:
        case "number":
            parsed = _parsed(distinct, float, pa.float64())
        case "integer":
            parsed = _parsed(distinct, int, pa.int64())
        case "flag":
            lower = pc.utf8_lower(distinct)
            falsehood = pc.if_else(pc.is_in(lower, pa.array(FALSE)), False, None)
            parsed = pc.if_else(pc.is_in(lower, pa.array(TRUE)), True, falsehood)
        case "time":
            parsed = _times(distinct, mapping.time_formats, mapping.time_zone)
    return pc.take(parsed, coded.indices)


def _parsed(distinct: pa.Array, kind: type[int] | type[float], to: pa.DataType) -> pa.Array:
    def one(value: str | None) -> int | float | None:
        try:
            return None if value is None else kind(value)
        except ValueError:
            return None

    return pa.array([one(value) for value in distinct.to_pylist()], to)


def _times(distinct: pa.Array, formats: Sequence[str], zone: str) -> pa.Array:
    """The first format that fits; local times of `zone` become UTC (of an hour that comes twice, the first)."""
    none = pa.nulls(len(distinct), pa.timestamp("us", "UTC"))
    return pc.coalesce(*(_times_of(distinct, format, zone) for format in formats), none)


def _times_of(distinct: pa.Array, format: str, zone: str) -> pa.Array:
    parsed = pc.strptime(distinct, format=format, unit="us", error_is_null=True)
    if parsed.type.tz is None:
        parsed = pc.assume_timezone(parsed, zone, ambiguous="earliest", nonexistent="latest")
    return parsed.cast(pa.timestamp("us", "UTC"))
