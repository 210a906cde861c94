"""Records as JSON objects become rows of text: arrays unfold, and paths name what is inside.

Each row knows its record. What cannot become rows is refused with the reason, and nothing else of its batch is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from andon_records.mapping.document import ITEM, NAME, CsvMapping
from andon_records.mapping.paths import Budget, Path, PathFailed, compiled
from andon_records.messages import Message, message

# RecordRows of one record.
ITEMS_MAX = 1_000
# Of a list or an object that becomes a text.
TEXT_CHARS_MAX = 100_000
RECORD_BYTES_MAX = 4 * 1024 * 1024

Record = Mapping[str, Any]


class NoRecord(Exception):
    """What came is no JSON object; `what` says why, without a value of it."""

    def __init__(self, what: Message) -> None:
        super().__init__(str(what))
        self.what = what


@dataclass(frozen=True)
class RecordRows:
    """`table`: the columns that the mapping names, all text. records: the record of each row, in order.

    refused: by record, why it became no row. A record that is in neither unfolded into nothing.
    """

    table: pa.RecordBatch
    records: NDArray[np.int64]
    refused: Mapping[int, Message]


def parse_record(raw: bytes) -> Record:
    """One JSON object. Raises NoRecord; NaN and infinities are read as the texts that they are written as."""
    if len(raw) > RECORD_BYTES_MAX:
        raise NoRecord(message("record_too_long", most=RECORD_BYTES_MAX))
    try:
        record = json.loads(raw, parse_constant=str)
        # Half of a surrogate pair is no text, and only an escape can write it.
        if b"\\u" in raw:
            json.dumps(record, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise NoRecord(message("record_not_text")) from error
    except (ValueError, RecursionError) as error:
        place = f" ({error.msg}, {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        raise NoRecord(message("record_not_json", place=place)) from error
    if not isinstance(record, dict):
        raise NoRecord(message("record_no_object"))
    return record


def rows_of(mapping: CsvMapping, records: Sequence[Record | NoRecord]) -> RecordRows:
    """Cost: O(rows x columns), a step of Python per cell; a path that is more than names with dots costs its steps."""
    names = mapping.columns()
    columns: dict[str, list[str]] = {name: [] for name in names}
    owners: list[int] = []
    refused: dict[int, Message] = {}
    cells = [(columns[name], _cell(mapping, name)) for name in names]
    known = frozenset(mapping.known_keys)
    for number, record in enumerate(records):
        if isinstance(record, NoRecord):
            refused[number] = record.what
            continue
        if known and (strange := _unknown_key(record, known)) is not None:
            refused[number] = strange
            continue
        before = len(owners)
        try:
            budget = Budget()
            for item, scope in enumerate(_unfolded(mapping, record, budget), 1):
                for column, cell in cells:
                    column.append(cell(scope, budget, item))
                owners.append(number)
        except PathFailed as error:
            # Columns may be one longer than others, and what came of the record before does not count.
            refused[number] = error.what
            del owners[before:]
            for column, _ in cells:
                del column[before:]
    arrays = [pa.array(columns[name], pa.utf8()) for name in names]
    table = pa.RecordBatch.from_arrays(arrays, names=names)
    return RecordRows(table, np.array(owners, np.int64), refused)


def _unknown_key(record: Record, known: frozenset[str]) -> Message | None:
    """Why the record is not read, where it has a key that is not known."""
    for key, value in record.items():
        if key not in known and value is not None:
            # A key is the caller's and may hold anything: only what could name an attribute is repeated.
            shown = f'"{key}"' if NAME.fullmatch(key) else message("key_unnamed")
            return message("record_key_unknown", name=shown, known=", ".join(sorted(known)))
    return None


class _Scope(dict[str, Any]):
    """A record, and the items that it is unfolded into so far by their names."""

    def __init__(self, names: Mapping[str, Any], record: Any) -> None:
        super().__init__(names)
        self._record = record

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key] if key in self else self._record.get(key, default)


def _unfolded(mapping: CsvMapping, record: Record, budget: Budget) -> Iterator[Any]:
    if not mapping.unfold:
        yield record
        return
    steps = [(name, compiled(path)) for name, path in mapping.unfold.items()]
    for count, scope in enumerate(_items(record, steps, budget), 1):
        if count > ITEMS_MAX:
            raise PathFailed(message("record_items", most=ITEMS_MAX))
        yield scope


def _items(scope: Any, steps: Sequence[tuple[str, Path]], budget: Budget) -> Iterator[Any]:
    if not steps:
        yield scope
        return
    (name, path), *rest = steps
    found = path(scope, budget)
    for item in found if isinstance(found, list) else [found]:
        if item is not None:
            budget.spend(1)
            yield from _items(_Scope({name: item}, scope), rest, budget)


def _cell(mapping: CsvMapping, name: str) -> Any:
    """How the text of a column is found."""
    if name in mapping.fields:
        path = compiled(mapping.fields[name])
        return lambda scope, budget, item: _text(path(scope, budget))
    if name == ITEM:
        return lambda scope, budget, item: str(item)
    return lambda scope, budget, item: _text(scope.get(name))


def _text(value: Any) -> str:
    """As JSON writes it, texts without quotes; absent and null are empty."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    parts, length = [], 0
    for part in json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).iterencode(value):
        length += len(part)
        if length > TEXT_CHARS_MAX:
            raise PathFailed(message("record_text", most=TEXT_CHARS_MAX))
        parts.append(part)
    return "".join(parts)
