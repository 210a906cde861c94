"""The reader of each format: a file is looked through once, and then its records are read."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import assert_never

from andon_records.files import csv_layout
from andon_records.files.csv_layout import COLUMNS_SHOWN, ColumnMissing, Layout
from andon_records.files.csv_records import CsvRecords
from andon_records.files.formats import Format, format_of
from andon_records.files.json_records import inspect_json, inspect_json_lines
from andon_records.files.ocel.records import inspect_ocel, ocel_mapping
from andon_records.files.parquet_records import inspect_parquet
from andon_records.files.standard_mapping import SourceChoice
from andon_records.files.table_file import TableFile, TableRecords
from andon_records.files.utf8_stream import refuse
from andon_records.files.workbook import inspect_workbook
from andon_records.files.xes import inspect_xes
from andon_records.files.xes_mapping import column_mapping, xes_mapping
from andon_records.mapping.document import COUNTED, CsvMapping
from andon_records.messages import Message, message

RecordFile = Layout | TableFile
Records = CsvRecords | TableRecords


def inspect(path: Path, mapping: CsvMapping) -> RecordFile:
    """A file whose columns the mapping names. Raises UnreadableFile: one line with what is wrong and what to write."""
    return inspect_or_propose(path, mapping, SourceChoice())[0]


def inspect_or_propose(
    path: Path, mapping: CsvMapping | None, choice: SourceChoice
) -> tuple[RecordFile, CsvMapping, list[Message]]:
    """The file, its mapping and what should be said of both. mapping: None where the format says what columns mean.

    Raises UnreadableFile, also for a format whose columns mean nothing without a mapping.
    """
    kind = format_of(path)
    said = [] if kind is Format.CSV else [message("read_as", kind=kind.value)]
    proposed: list[Message] = []
    file: RecordFile
    match kind:
        case Format.CSV:
            file = csv_layout.inspect(path, _given(path, kind, mapping))
            return file, _given(path, kind, mapping), [*file.guesses]
        case Format.XES:
            file, content = inspect_xes(path)
            if mapping is None:
                mapping, proposed = xes_mapping(file, content, choice)
        case Format.JSON | Format.JSON_LINES:
            mapping = _given(path, kind, mapping)
            file = inspect_json(path) if kind is Format.JSON else inspect_json_lines(path)
        case Format.PARQUET:
            file = inspect_parquet(path)
            if mapping is None:
                mapping, proposed = column_mapping(file, choice)
        case Format.WORKBOOK:
            mapping = _given(path, kind, mapping)
            file = inspect_workbook(path, mapping)
        case Format.OCEL_JSON | Format.OCEL_XML | Format.OCEL_SQLITE:
            case_object = mapping.case_object if mapping is not None else choice.case_object
            file = inspect_ocel(path, kind, case_object)
            if mapping is None:
                mapping, proposed = ocel_mapping(file, choice)
        case _:
            assert_never(kind)
    _refuse_missing(file, mapping)
    return file, mapping, [*said, *file.guesses, *proposed]


def _given(path: Path, kind: Format, mapping: CsvMapping | None) -> CsvMapping:
    if mapping is None:
        raise refuse(path, message("mapping_needed", kind=kind.value))
    return mapping


def records_of(file: RecordFile, mapping: CsvMapping) -> Records:
    match file:
        case Layout():
            return CsvRecords(file, mapping)
        case TableFile():
            return TableRecords(file, mapping)
        case _:
            assert_never(file)


def _refuse_missing(file: TableFile, mapping: CsvMapping) -> None:
    """Every column that the mapping reads must be there."""
    if not file.records:
        return
    for key, column in mapping.uses():
        for name in column.columns:
            if name in file.names or name in COUNTED:
                continue
            close = difflib.get_close_matches(name, file.names, n=2)
            hint = message("hint_means", names=", ".join(_shown(one) for one in close)) if close else message("no_hint")
            shown = ", ".join(_shown(one) for one in file.names[:COLUMNS_SHOWN])
            more = ", ..." if len(file.names) > COLUMNS_SHOWN else ""
            what = message("column_of_file_missing", column=name, by=key, hint=hint, columns=shown + more)
            raise ColumnMissing(message("in_file", file=file.path.name, what=what))


def _shown(name: str) -> str:
    """A name on one line, whatever it holds."""
    return '"' + " ".join(name.split()) + '"'
