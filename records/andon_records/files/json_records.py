"""Records in JSON: objects in an array, wherever it lies, or one object per line.

A value within an object is the column `outer.inner`; an array is a text of JSON.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from andon_records.files.json_values import JsonPath, JsonValues, text_encoding
from andon_records.files.table_file import TABLE_CHARACTERS, TABLE_ROWS, Piece, TableFile, UnreadableRecord
from andon_records.files.utf8_stream import NotInEncoding, is_gzip, refuse, utf8_blocks
from andon_records.messages import Message, message

COLUMNS_MAX = 10_000
LINE_BYTES_MAX = 64 << 20
# How deep objects become columns; what lies deeper is a text of JSON.
_LEVELS = 8
_TEXT_SHOWN = 80


@dataclass
class _Content:
    """What was found: the types of values by column, and how often an object has a key twice."""

    records: int = 0
    kinds: dict[str, set[type]] = field(default_factory=dict)
    twice: int = 0

    def hook(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        self.twice += len(made) != len(pairs)
        return made

    def add(self, path: Path, record: dict[str, Any]) -> None:
        for name, value in _flat(record):
            known = self.kinds.get(name)
            if known is None:
                if len(self.kinds) >= COLUMNS_MAX:
                    raise refuse(path, message("columns_many", most=COLUMNS_MAX))
                known = self.kinds[name] = set()
            known.add(type(value))

    def guesses(self) -> Iterator[Message]:
        if self.twice:
            yield message("json_keys_twice", count=self.twice)
        if not self.records:
            yield message("file_no_rows")


def _flat(record: dict[str, Any], before: str = "", levels: int = _LEVELS) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if type(value) is dict and levels:
            yield from _flat(value, f"{before}{key}.", levels - 1)
        else:
            yield before + key, value


def inspect_json(path: Path) -> TableFile:
    """One JSON text. The records are the items of the first array that holds an object."""
    content, counts, chosen = _Content(), Counter[JsonPath](), None
    for place, value in JsonValues(path, content.hook).items():
        counts[place] += 1
        if chosen is None and isinstance(value, dict):
            chosen = place
        if place == chosen:
            content.records += 1
            if isinstance(value, dict):
                content.add(path, value)
    if chosen is None:
        if counts:
            raise refuse(path, message("json_no_records"))
        chosen = ()
    # Of the array's items, those before the first object were seen as something else.
    content.records = counts[chosen]
    guesses = list(content.guesses())
    if others := [".".join(place) for place in counts if place != chosen]:
        guesses.append(message("json_others", path=".".join(chosen) or "[]", names=", ".join(others[:10])))
    read = partial(_read_json, path, chosen)
    return TableFile(path, list(content.kinds), content.records, read, guesses=guesses)


def _read_json(path: Path, chosen: JsonPath, wanted: Sequence[str]) -> Iterator[Piece]:
    table = _ObjectTable(wanted)
    for place, value in JsonValues(path).items():
        if place != chosen:
            continue
        if not isinstance(value, dict):
            yield from table.take()
            yield UnreadableRecord(message("json_no_object", text=json.dumps(value, ensure_ascii=False)[:_TEXT_SHOWN]))
        elif table.add(value, 64):
            yield from table.take()
    yield from table.take()


def inspect_json_lines(path: Path) -> TableFile:
    """One object per line; a line that is none is a record that cannot be read."""
    content, uneven = _Content(), False
    decode = json.JSONDecoder(object_pairs_hook=content.hook, strict=False).decode
    for block in _line_blocks(path):
        for line in block.split(b"\n"):
            if not line.strip():
                continue
            content.records += 1
            value = _decoded(decode, line)
            if isinstance(value, dict):
                content.add(path, value)
            else:
                uneven = True
    schema = None if uneven or content.twice else _schema(content)
    read = partial(_read_json_lines, path, schema)
    return TableFile(path, list(content.kinds), content.records, read, guesses=list(content.guesses()))


def _schema(content: _Content) -> dict[str, pa.DataType]:
    """Columns that have one type throughout, which Arrow can read without looking at each value here."""
    types = {
        frozenset({str}): pa.utf8(),
        frozenset({bool}): pa.bool_(),
        frozenset({int}): pa.int64(),
        frozenset({float}): pa.float64(),
    }
    found = {name: types.get(frozenset(kinds - {type(None)})) for name, kinds in content.kinds.items()}
    return {name: kind for name, kind in found.items() if kind is not None and "." not in name}


def _read_json_lines(path: Path, schema: dict[str, pa.DataType] | None, wanted: Sequence[str]) -> Iterator[Piece]:
    fast = schema is not None and bool(wanted) and all(name in schema for name in wanted)
    for block in _line_blocks(path):
        if fast and schema is not None:
            table = _by_arrow(block, {name: schema[name] for name in wanted})
            if table is not None:
                yield from table
                continue
        yield from _by_line(block, wanted)


def _by_arrow(block: bytes, types: dict[str, pa.DataType]) -> list[pa.RecordBatch] | None:
    """The block's columns; None where Arrow reads it otherwise than one object per line."""
    options = pyarrow.json.ParseOptions(
        explicit_schema=pa.schema(list(types.items())), unexpected_field_behavior="ignore"
    )
    reading = pyarrow.json.ReadOptions(use_threads=False, block_size=max(len(block) + 1, 1 << 16))
    lines = sum(1 for line in block.split(b"\n") if line.strip())
    try:
        table = pyarrow.json.read_json(io.BytesIO(block), reading, options)
    except pa.ArrowInvalid:
        return None
    if table.num_rows != lines:
        return None
    made = pa.table({name: pc.cast(table[name], pa.utf8()) for name in types})
    batches: list[pa.RecordBatch] = made.to_batches(max_chunksize=TABLE_ROWS)
    return batches


def _by_line(block: bytes, wanted: Sequence[str]) -> Iterator[Piece]:
    decode = json.JSONDecoder(strict=False).decode
    table = _ObjectTable(wanted)
    for line in block.split(b"\n"):
        if not line.strip():
            continue
        value = _decoded(decode, line)
        if isinstance(value, dict):
            if table.add(value, len(line)):
                yield from table.take()
            continue
        yield from table.take()
        shown = line[:_TEXT_SHOWN].decode("utf-8", "replace").strip()
        yield UnreadableRecord(value if isinstance(value, Message) else message("json_no_object", text=shown))
    yield from table.take()


def _decoded(decode: Any, line: bytes) -> Any:
    """The value of a line, or a Message of what is wrong with it."""
    shown = line[:_TEXT_SHOWN].decode("utf-8", "replace").strip()
    try:
        return decode(line.decode("utf-8").strip())
    except json.JSONDecodeError as error:
        return message("json_line_broken", problem=error.msg, column=error.colno, text=shown)
    except RecursionError:
        return message("json_deep")
    except ValueError:
        return message("json_number")


def _line_blocks(path: Path) -> Iterator[bytes]:
    """Whole lines as UTF-8."""
    rest: list[bytes] = []
    held = 0
    try:
        for block in utf8_blocks(path, is_gzip(path), text_encoding(path)):
            cut = block.rfind(b"\n") + 1
            if cut:
                yield b"".join([*rest, block[:cut]])
                rest, held = [], 0
            rest.append(block[cut:])
            held += len(block) - cut
            if held > LINE_BYTES_MAX:
                raise refuse(path, message("json_value_long", most=LINE_BYTES_MAX))
    except NotInEncoding as error:
        raise refuse(path, message("json_encoding", byte=error.byte), error.line) from error
    if held:
        yield b"".join(rest)


class _ObjectTable:
    """Objects, given as tables of the wanted columns."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self._wanted = [(name, name.split(".")) for name in wanted]
        self._objects: list[dict[str, Any]] = []
        self._characters = 0

    def add(self, value: dict[str, Any], characters: int) -> bool:
        self._objects.append(value)
        self._characters += characters
        return len(self._objects) >= TABLE_ROWS or self._characters >= TABLE_CHARACTERS

    def take(self) -> Iterator[pa.RecordBatch]:
        objects, self._objects, self._characters = self._objects, [], 0
        if not objects:
            return
        if not self._wanted:
            yield pa.RecordBatch.from_pydict({"\x00": pa.nulls(len(objects), pa.utf8())})
            return
        columns = [_texts([_found(one, name, parts) for one in objects]) for name, parts in self._wanted]
        yield pa.RecordBatch.from_arrays(columns, names=[name for name, _ in self._wanted])


def _found(record: dict[str, Any], name: str, parts: Sequence[str]) -> Any:
    """The value of a column: of a key that has the name itself, else within objects."""
    if len(parts) == 1 or name in record:
        return record.get(name)
    # A key may hold dots itself: each beginning of the name that is a key is tried.
    for place in range(1, len(parts)):
        inner = record.get(".".join(parts[:place]))
        if type(inner) is dict:
            value = _found(inner, ".".join(parts[place:]), parts[place:])
            if value is not None:
                return value
    return None


def _texts(values: list[Any]) -> pa.Array:
    try:
        column = pa.array(values)
        kind = column.type
        if pa.types.is_string(kind):
            return column
        if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
            return pc.cast(column, pa.utf8())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeError):
        pass
    return pa.array([_text(value) for value in values], pa.utf8())


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        # Half of a pair of surrogates is no character.
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
