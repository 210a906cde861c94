"""A file of records that is no CSV: its columns and their types, and tables of texts read from it in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from andon_records.files.set_aside import SetAsideRecords
from andon_records.mapping.document import AttributeType, CsvMapping
from andon_records.messages import Message

TABLE_ROWS = 5_000
# Of text in a table, at most about this much is held before the table is given.
TABLE_CHARACTERS = 8 << 20


@dataclass(frozen=True)
class UnreadableRecord:
    """A record that is no event, with why; `cells` are the values it has all the same. omitted: on purpose."""

    why: Message
    omitted: bool = False
    cells: Mapping[str, str] = field(default_factory=dict)


Piece: TypeAlias = pa.RecordBatch | UnreadableRecord


@dataclass(frozen=True)
class TableFile:
    """A file that has been read through once. read: its records in file order, the named columns as texts or typed.

    types: what the values of a column are, where the file says it; columns that are no attributes are not among them.
    """

    path: Path
    names: Sequence[str]
    records: int
    read: Callable[[Sequence[str]], Iterator[Piece]]
    types: Mapping[str, AttributeType] = field(default_factory=dict)
    guesses: Sequence[Message] = ()


class TableRecords:
    """The records of a file as tables of text with their numbers; `read` counts them."""

    def __init__(self, file: TableFile, mapping: CsvMapping) -> None:
        self.read = 0
        self.set_aside = SetAsideRecords(mapping.omit_rows)
        self._file = file
        self._wanted = [name for name in mapping.columns() if name in file.names]

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64]]]:
        for piece in self._file.read(self._wanted):
            if isinstance(piece, UnreadableRecord):
                self.read += 1
                if piece.omitted:
                    self.set_aside.omit([self.read])
                elif self.set_aside.add(self.read, piece.cells):
                    self.set_aside.explain(self.read, piece.why)
                continue
            numbers = np.arange(self.read + 1, self.read + piece.num_rows + 1)
            self.read += piece.num_rows
            yield from self.set_aside.less_omitted(piece, numbers)


class TextTable:
    """Rows of texts in the order of `names`, given as tables; a value that a row lacks is None."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._rows: list[Sequence[str | None]] = []
        self._characters = 0

    def add(self, row: Sequence[str | None], characters: int) -> bool:
        """characters: about how long the row is. True: it is time to take the table."""
        self._rows.append(row)
        self._characters += characters
        return len(self._rows) >= TABLE_ROWS or self._characters >= TABLE_CHARACTERS

    def take(self) -> Iterator[pa.RecordBatch]:
        """The table, if it has a row; it is empty afterwards."""
        if not self._rows:
            return
        rows, self._rows, self._characters = self._rows, [], 0
        if not self._names:
            # A mapping of mere texts reads no column: the number of rows is all that is needed.
            yield pa.RecordBatch.from_pydict({"\x00": pa.nulls(len(rows), pa.utf8())})
            return
        columns = [pa.array(values, pa.utf8()) for values in zip(*rows, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, names=self._names)
