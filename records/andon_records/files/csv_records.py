"""The records of a CSV file as tables of text with their numbers; what is no record, or shall be none, is set aside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from andon_records.files.csv_layout import Layout
from andon_records.files.set_aside import SetAsideRecords
from andon_records.files.utf8_stream import BLOCK_BYTES, BlockStream, refuse
from andon_records.mapping.absence import omit_hint
from andon_records.mapping.document import CsvMapping
from andon_records.messages import message

TEXT_SHOWN = 80


class CsvRecords:
    """The rows of a file as tables of text with their numbers; what is no row, or shall be none, is set aside."""

    def __init__(self, layout: Layout, mapping: CsvMapping) -> None:
        self.read = 0
        self.set_aside = SetAsideRecords(mapping.omit_rows)
        self._layout = layout
        self._wanted = [name for name in mapping.columns() if name in layout.names]
        self._failed: list[int] = []

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64]]]:
        if self._layout.records == 0:
            return
        try:
            for table in self._reader():
                failed = np.array([number for number in self._failed if number > self.read], np.int64)
                numbers = np.arange(self.read + 1, self.read + table.num_rows + len(failed) + 1)
                numbers = np.setdiff1d(numbers, failed, assume_unique=True)[: table.num_rows]
                if len(numbers):
                    self.read = int(numbers[-1])
                    self._failed = [number for number in self._failed if number > self.read]
                    yield from self.set_aside.less_omitted(table, numbers)
        except pa.ArrowInvalid as error:
            raise self._refused(error) from error
        # Rows after the last that could be read.
        self.read = max([self.read, *self._failed[-1:]])

    def _reader(self) -> pyarrow.csv.CSVStreamingReader:
        layout = self._layout
        return pyarrow.csv.open_csv(
            pa.PythonFile(BlockStream(layout.blocks()), "r"),
            # One reading thread: batches must come in file order, and rows that are none with their number.
            read_options=pyarrow.csv.ReadOptions(
                block_size=BLOCK_BYTES, use_threads=False, column_names=list(layout.names)
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char=layout.quote or False,
                newlines_in_values=layout.multiline,
                invalid_row_handler=self._set_aside,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=self._wanted,
                column_types=dict.fromkeys(self._wanted, pa.utf8()),
                strings_can_be_null=False,
            ),
        )

    def _set_aside(self, row: pyarrow.csv.InvalidRow) -> str:
        self._failed.append(row.number)
        values = (value.strip() for value in self._layout.values(row.text))
        named = zip(self._layout.names, values, strict=False)
        cells = {name: value for name, value in named if name in self._wanted}
        if self.set_aside.add(row.number, cells):
            text = row.text if len(row.text) <= TEXT_SHOWN else f"{row.text[:TEXT_SHOWN]}..."
            kind = "row_short" if row.actual_columns < row.expected_columns else "row_long"
            places = {"found": row.actual_columns, "expected": row.expected_columns, "text": text}
            self.set_aside.explain(row.number, message(kind, **places, hint=omit_hint(cells)))
        return "skip"

    def _refused(self, error: pa.ArrowInvalid) -> Exception:
        if "straddling" in str(error):
            what = message("row_too_long", bytes=BLOCK_BYTES)
            return refuse(self._layout.path, message("after_row", row=f"{self.read:,}", what=what))
        return refuse(self._layout.path, message("not_tabular", problem=" ".join(str(error).split())))
