"""A mapping proposed for a file: what its columns are by their values and names, and why each was taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from andon_records.files import csv_layout
from andon_records.files.csv_layout import COLUMNS_SHOWN
from andon_records.files.formats import Format, format_of
from andon_records.files.readers import RecordFile, inspect, inspect_or_propose, records_of
from andon_records.files.standard_mapping import SourceChoice, attributes_of, source_name
from andon_records.mapping.conversion import flags
from andon_records.mapping.document import AttributeType, Column, CsvMapping
from andon_records.mapping.numbers import DecimalMark, integers, numbers
from andon_records.mapping.time_formats import ISO, day_and_month_swapped, time_format
from andon_records.mapping.times import COUNTS, formats_that_fit
from andon_records.messages import Message, NothingReadable, UnreadableFile, message

SAMPLE_ROWS = 2_000
# Distinct values that decide what a column holds.
VALUES_SEEN = 200
# Words that systems write for "not known".
PLACEHOLDERS = frozenset({"?", "-", "--", "n/a", "na", "nan", "null", "none", "unknown", "missing", "无", "未知"})
LIFECYCLE_WORDS = frozenset(
    {"schedule", "assign", "start", "suspend", "resume", "complete", "withdraw", "ate_abort", "pi_abort", "manualskip"}
)

_NAMES: Mapping[str, str] = {
    "case_id": r"case|ticket|incident|number|order|application|patient|visit|admission|request|issue|call|session"
    r"|thread|\bfall|vorgang|auftrag|antrag|工单|案例|编号|单号|流水",
    "activity": r"activit|concept:name|event|action|step|task|status|state|stage|operation"
    r"|aktivit|schritt|ereignis|活动|环节|步骤|状态|事件|操作",
    "time": r"time|date|stamp|_at$|\bat\b|when|month|day|zeit|datum|fecha|时间|日期",
    "start_time": r"start|begin|anfang|开始",
    "end_time": r"end|finish|complet|stop|close|结束|完成",
    "updated_time": r"timestamp|updat|complet|chang|event|结束|完成",
    "resource": r"resource|agent|assigned_to|assignee|handler|operator|employee|worker|user|staff"
    r"|bearbeiter|mitarbeiter|处理人|客服|坐席|操作员",
    "id": r"event_?id|^id$|uuid|guid|_id$|事件编号",
}
_NAMED = {role: re.compile(words, re.IGNORECASE) for role, words in _NAMES.items()}


@dataclass(frozen=True)
class ProposedMapping:
    """mapping: as it would be loaded; document: the same as YAML holds it; said: one line per guess, and its reason."""

    mapping: CsvMapping
    document: Mapping[str, Any]
    said: Sequence[Message]


@dataclass(frozen=True)
class _Sampled:
    """A column of the sample: its values that are not a placeholder, and what they can be read as.

    formats: the time formats that read all of them, likeliest first. single: every row has a value, each once.
    """

    name: str
    values: Sequence[str | None]
    kind: AttributeType
    formats: Sequence[str] = ()
    distinct: int = 0
    filled: int = 0
    letters: int = 0

    @property
    def whole(self) -> bool:
        return self.filled == len(self.values)

    @property
    def single(self) -> bool:
        return self.whole and self.distinct == self.filled

    @property
    def numbered(self) -> bool:
        return all(any(map(str.isdigit, one)) for one in self.values if one)

    def named(self, role: str) -> bool:
        return _NAMED[role].search(self.name) is not None


@dataclass
class _Roles:
    taken: dict[str, _Sampled] = field(default_factory=dict)
    said: list[Message] = field(default_factory=list)

    def take(self, role: str, column: _Sampled, why: str, **places: object) -> None:
        self.taken[role] = column
        reason = message(why, distinct=f"{column.distinct:,}", rows=f"{column.filled:,}", **places)
        self.said.append(message("proposed", role=role, column=column.name, why=reason))

    def left(self, columns: Collection[_Sampled]) -> list[_Sampled]:
        names = {one.name for one in self.taken.values()}
        return [one for one in columns if one.name not in names]


def propose(path: Path, choice: SourceChoice) -> ProposedMapping:
    """Raises UnreadableFile, or NothingReadable where no column holds times. Reads the file through once or twice.

    A format that says itself what its columns are is taken at its word, as a load takes it.
    """
    kind = format_of(path)
    if kind in (Format.XES, Format.OCEL_JSON, Format.OCEL_XML, Format.OCEL_SQLITE):
        return _standard(path, choice)
    if kind is Format.PARQUET:
        try:
            return _standard(path, choice)
        except UnreadableFile:
            pass
    text = Column("x")
    bare = CsvMapping(source="x", id=text, case_id=text, activity=text, time=text)
    said: list[Message] = []
    if kind is Format.CSV:
        bare, names, said = _laid_out(path, bare)
        file = inspect(path, replace(bare, id=_joined(names)))
    else:
        file = inspect(path, bare)
        names = list(file.names)
    table = _sample(file, replace(bare, id=_joined(names)))
    if not table.num_rows:
        raise UnreadableFile(message("in_file", file=path.name, what=message("file_no_rows")))
    unknown, decimal, columns = _columns(table, choice.time_zone)
    roles = _assigned(path, columns)
    mapping = _mapping(path, choice, bare, roles, columns, unknown, decimal)
    said += [*file.guesses, *roles.said, *_doubts(mapping, roles, columns)]
    return ProposedMapping(mapping, document_of(mapping), said)


def _standard(path: Path, choice: SourceChoice) -> ProposedMapping:
    _, mapping, said = inspect_or_propose(path, None, choice)
    return ProposedMapping(mapping, document_of(mapping), [*said, message("proposed_standard")])


def _laid_out(path: Path, bare: CsvMapping) -> tuple[CsvMapping, list[str], list[Message]]:
    """With the layout of a CSV file, and the names that its header has once."""
    encoding, lines = csv_layout.beginning(path)
    delimiter, line, names = csv_layout.likely_header(lines)
    said = [message("proposed_layout", delimiter=delimiter.replace("\t", "tab"), line=line, count=len(names))]
    # What a load guesses by itself is not written.
    plain = None if delimiter == "," else delimiter, None if line == 1 else line
    once = [name for name in dict.fromkeys(names) if name and names.count(name) == 1]
    return replace(bare, delimiter=plain[0], header_row=plain[1], encoding=encoding), once, said


def _joined(names: Sequence[str]) -> Column:
    return Column("".join(f"{{{name}}}" for name in names))


def _sample(file: RecordFile, mapping: CsvMapping) -> pa.Table:
    """The first rows, every column as text."""
    pieces: list[pa.RecordBatch] = []
    count = 0
    for table, _ in records_of(file, mapping):
        pieces.append(table.slice(0, SAMPLE_ROWS - count))
        count += pieces[-1].num_rows
        if count >= SAMPLE_ROWS:
            break
    names = mapping.columns()
    made = {
        name: pa.concat_arrays(
            [pa.array(piece.column(name).cast(pa.utf8()).to_pylist(), pa.utf8()) for piece in pieces]
        )
        for name in names
        if pieces
    }
    return pa.table(made)


def _columns(table: pa.Table, zone: str) -> tuple[list[str], DecimalMark | None, list[_Sampled]]:
    texts = {name: pc.utf8_trim_whitespace(table[name].combine_chunks()).to_pylist() for name in table.column_names}
    found = {value for values in texts.values() for value in values if value and value.lower() in PLACEHOLDERS}
    known = {
        name: [None if value in (None, "") or value in found else value for value in values]
        for name, values in texts.items()
    }
    distinct = {name: list(dict.fromkeys(one for one in values if one is not None)) for name, values in known.items()}
    decimal = _decimal(distinct.values())
    columns = []
    for name, values in known.items():
        seen = distinct[name]
        kind, formats = _kind(name, seen[:VALUES_SEEN], decimal, zone)
        filled = sum(value is not None for value in values)
        columns.append(
            _Sampled(name, values, kind, formats, len(seen), filled, sum(map(len, seen)) // max(1, len(seen)))
        )
    return sorted(found), decimal, columns


def _decimal(columns: Collection[Sequence[str]]) -> DecimalMark | None:
    """The comma, where a column has numbers that only a comma makes whole, and no column has a point so."""
    comma = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})*,\d+|[+-]?\d+,\d+")
    point = re.compile(r"[+-]?\d+\.\d+")
    filled = [values for values in columns if values]
    by_comma = any(
        all(comma.fullmatch(one) or one.lstrip("+-").isdigit() for one in values)
        and any(comma.fullmatch(one) and not re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", one) for one in values)
        for values in filled
    )
    by_point = any(any(point.fullmatch(one) for one in values) for values in filled)
    return "," if by_comma and not by_point else None


def _kind(
    name: str, values: Sequence[str], decimal: DecimalMark | None, zone: str
) -> tuple[AttributeType, Sequence[str]]:
    if not values:
        return "text", ()
    column = pa.array(values, pa.utf8())
    counted = all(re.fullmatch(r"[+-]?\d+([.,]\d+)?", one) for one in values)
    if not counted or _NAMED["time"].search(name):
        formats = [one for one in formats_that_fit(values, zone) if counted == (one in COUNTS)]
        if formats:
            return "time", formats
    readers: tuple[tuple[AttributeType, Callable[[pa.Array], pa.Array]], ...] = (
        ("integer", lambda texts: integers(texts, decimal)),
        ("number", lambda texts: numbers(texts, decimal)),
        ("flag", flags),
    )
    # A number with zeros before it is a name made of digits.
    coded = any(re.match(r"[+-]?0\d", one) for one in values)
    for kind, read in readers:
        if kind != "flag" and coded:
            continue
        if not read(column).null_count:
            return kind, ()
    return "text", ()


def _assigned(path: Path, columns: Sequence[_Sampled]) -> _Roles:
    roles = _Roles()
    times = [one for one in columns if one.kind == "time"]
    if not times:
        kinds = ", ".join(f'"{one.name}" ({one.kind})' for one in columns[:COLUMNS_SHOWN])
        raise NothingReadable(message("in_file", file=path.name, what=message("proposed_no_time", columns=kinds)))
    _take_times(roles, times)
    _take_case(roles, columns)
    lifecycle = next(
        (
            one
            for one in roles.left(columns)
            if one.distinct and {str(v).lower() for v in one.values if v} <= LIFECYCLE_WORDS
        ),
        None,
    )
    if lifecycle is not None and "start_time" not in roles.taken:
        roles.take("lifecycle", lifecycle, "proposed_lifecycle")
    _take_activity(roles, columns)
    free = [one for one in roles.left(columns) if one.kind in ("text", "integer") and not one.single]
    resource = max((one for one in free if one.named("resource")), key=lambda one: one.filled, default=None)
    if resource is not None:
        roles.take("resource", resource, "proposed_name")
    return roles


def _take_times(roles: _Roles, times: Sequence[_Sampled]) -> None:
    """The time of an event differs most from row to row; a start with an end makes pairs."""
    starts = [one for one in times if one.named("start_time") and not one.named("end_time")]
    ends = [one for one in times if one.named("end_time") and not one.named("start_time")]
    if len(times) >= 2 and len(starts) == 1 and len(ends) == 1 and starts[0].whole:
        roles.take("start_time", starts[0], "proposed_start")
        roles.take("time", ends[0], "proposed_end")
        return
    best = max(times, key=lambda one: (one.filled, one.distinct, one.named("updated_time"), one.named("time")))
    rivals = [one for one in times if one.filled == best.filled and one.named("updated_time")]
    if rivals and best not in rivals:
        best = max(rivals, key=lambda one: one.distinct)
    roles.take("time", best, "proposed_time", formats=best.formats[0])


def _take_case(roles: _Roles, columns: Sequence[_Sampled]) -> None:
    """A case has several rows: its column is filled, repeats, and has the most values of those that do."""
    free = [one for one in roles.left(columns) if one.whole and one.kind not in ("time", "flag", "number")]
    repeating = [one for one in free if 1 < one.distinct < one.filled and one.distinct * 50 >= one.filled]
    named = [
        one
        for one in repeating
        if (one.named("case_id") and not one.name.endswith(":name")) or one.name == "case:concept:name"
    ]
    single = [one for one in free if one.single and (one.named("case_id") or one.named("id"))]
    if named:
        # The first that is named so: keys come before what they describe.
        roles.take("case_id", named[0], "proposed_case")
    elif single:
        roles.take("case_id", single[0], "proposed_single")
    elif repeating:
        # What numbers things is a key sooner than what names them.
        best = max(repeating, key=lambda one: (one.numbered, one.distinct))
        roles.take("case_id", best, "proposed_case")


def _take_activity(roles: _Roles, columns: Sequence[_Sampled]) -> None:
    free = [one for one in roles.left(columns) if one.whole and one.kind in ("text", "integer")]
    few = [one for one in free if 1 < one.distinct <= max(20, one.filled // 5) and one.letters <= 60]
    named = [one for one in few if one.named("activity")]
    if named:
        roles.take("activity", named[0], "proposed_activity")


def _mapping(
    path: Path,
    choice: SourceChoice,
    bare: CsvMapping,
    roles: _Roles,
    columns: Sequence[_Sampled],
    unknown: Sequence[str],
    decimal: DecimalMark | None,
) -> CsvMapping:
    taken = {role: Column(f"{{{one.name}}}") for role, one in roles.taken.items()}
    source = choice.source or source_name(path.name)
    left = roles.left(columns)
    formats = list(dict.fromkeys(one.formats[0] for one in (*roles.taken.values(), *left) if one.formats))
    attributes, changed = attributes_of({one.name: one.kind for one in left}, ())
    roles.said += changed
    case_id = taken.get("case_id")
    if case_id is None:
        roles.said.append(message("proposed_no_case"))
    if "activity" not in taken:
        roles.said.append(message("proposed_no_activity", text=source))
    id, said = _id(roles, columns)
    roles.said.append(said)
    return replace(
        bare,
        source=source,
        id=id,
        case_id=case_id or id,
        activity=taken.get("activity", Column(source)),
        time=taken["time"],
        start_time=taken.get("start_time"),
        lifecycle=taken.get("lifecycle"),
        resource=taken.get("resource"),
        attributes=attributes,
        unknown=unknown,
        time_formats=[time_format(one) for one in formats],
        time_zone=choice.time_zone,
        decimal=decimal,
    )


def _id(roles: _Roles, columns: Sequence[_Sampled]) -> tuple[Column, Message]:
    """What the row says, so that the same row is the same event wherever it lies: one column, else the fewest."""
    own = next((one for one in columns if one.single and one.named("id") and one.kind != "time"), None)
    if own is not None:
        return Column(f"{{{own.name}}}"), message("proposed_id", columns=own.name)
    keys = [roles.taken[role] for role in ("case_id", "time", "activity", "lifecycle") if role in roles.taken]
    others = [one for one in roles.left(columns) if one.whole and one.distinct > 1]
    # The sample is the beginning only: what an event is goes into its id as a whole, also where less would do there.
    best = next((more for more in (keys, *([*keys, one] for one in others)) if not _repeats(more)), keys)
    template = "/".join(f"{{{one.name}}}" for one in best)
    repeated = _repeats(best)
    names = ", ".join(one.name for one in best)
    if repeated:
        return Column(template), message("proposed_id_repeats", columns=names, count=f"{repeated:,}")
    return Column(template), message("proposed_id", columns=names)


def _repeats(columns: Sequence[_Sampled]) -> int:
    rows = list(zip(*(one.values for one in columns), strict=True))
    return len(rows) - len(set(rows))


def _doubts(mapping: CsvMapping, roles: _Roles, columns: Sequence[_Sampled]) -> Iterator[Message]:
    for one in columns:
        if not one.formats:
            continue
        swapped = day_and_month_swapped(time_format(one.formats[0]))
        if swapped is not None and swapped.written in one.formats:
            yield message("proposed_order", column=one.name, taken=one.formats[0], other=swapped.written)
    if mapping.unknown:
        yield message("proposed_unknown", words=", ".join(f'"{word}"' for word in mapping.unknown))


def document_of(mapping: CsvMapping) -> dict[str, Any]:
    """The mapping as YAML holds it: what is as if it were not written is left out."""
    document: dict[str, Any] = {"source": mapping.source}
    for key in ("id", "case_id", "activity", "time", "start_time", "lifecycle", "resource", "supersedes", "retracts"):
        column = getattr(mapping, key)
        if column is not None:
            document[key] = _written(column)
    if [one.written for one in mapping.time_formats] != [ISO]:
        document["time_formats"] = [one.written for one in mapping.time_formats]
    plain = CsvMapping(mapping.source, mapping.id, mapping.case_id, mapping.activity, mapping.time)
    for key in ("time_zone", "decimal", "delimiter", "encoding", "header_row", "sheet", "case_object"):
        if getattr(mapping, key) != getattr(plain, key):
            document[key] = getattr(mapping, key).replace("\t", "tab") if key == "delimiter" else getattr(mapping, key)
    if mapping.unknown:
        document["unknown"] = list(mapping.unknown)
    if mapping.attributes:
        document["attributes"] = {
            one.name: one.type
            if one.column.template == f"{{{one.name}}}"
            else {"column": _written(one.column), "type": one.type}
            for one in mapping.attributes
        }
    return document


def _written(column: Column) -> str | dict[str, Any]:
    if not column.columns:
        return {"text": column.template}
    whole = column.columns == [column.template[1:-1]]
    written = column.template[1:-1] if whole else column.template
    return {"column": written, "replace": dict(column.replace)} if column.replace else written
