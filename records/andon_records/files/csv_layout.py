"""How a CSV file is laid out: what its mapping says, else what can be guessed and is said, else one clear refusal."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from andon_records.files.record_scan import BrokenQuote, RecordScan, shape
from andon_records.files.utf8_stream import (
    NotInEncoding,
    bytes_of,
    is_compressed,
    legacy_encoding,
    refuse,
    text_encoding,
    utf8_blocks,
    without_beginning,
)
from andon_records.mapping.document import COUNTED, CsvMapping
from andon_records.messages import Message, UnreadableFile, message

DELIMITERS = (",", ";", "\t", "|")
HEADER_LINES_MAX = 50
SAMPLE_BYTES = 1 << 20
COLUMNS_SHOWN = 40
_SEP = re.compile(r'\ufeff?"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Layout:
    """A file that has been read through once: every quote closes, every byte is text, every record is counted.

    names: one per column, in order, each once. beginning_bytes: what lies before the first row, in UTF-8.
    multiline: values hold line ends. guesses: what the reader of a report should know and nobody wrote.
    """

    path: Path
    compressed: bool
    encoding: str
    delimiter: str
    quote: str | None
    names: Sequence[str]
    beginning_bytes: int
    first_line: int
    records: int
    multiline: bool
    guesses: Sequence[Message] = ()

    def blocks(self) -> Iterator[bytes]:
        """The rows as UTF-8, without the header."""
        return without_beginning(utf8_blocks(self.path, self.compressed, self.encoding), self.beginning_bytes)

    def values(self, row: str) -> list[str]:
        """The values of one row as it is written."""
        return _next(_reader([row], self.delimiter, self.quote)) or []


@dataclass(frozen=True)
class _Header:
    line: int
    names: Sequence[str]
    delimiter: str
    lines_before: int
    rows_from: int


class ColumnMissing(UnreadableFile):
    """No line of the beginning has every column that the mapping reads."""


class _Reader(Protocol):
    """What csv.reader gives."""

    line_num: int

    def __next__(self) -> list[str]: ...


def inspect(path: Path, mapping: CsvMapping) -> Layout:
    """Reads the file through once. Raises UnreadableFile: one line with what is wrong and what to write instead.

    Cost: one pass over the bytes, and memory for a block of them.
    """
    compressed = is_compressed(path)
    guesses = []
    if compressed != path.name.lower().endswith((".gz", ".gzip")):
        guesses.append(message("guessed_compressed" if compressed else "guessed_plain"))
    encoding, said = _encoding(path, compressed, mapping)
    try:
        return _inspected(path, mapping, compressed, encoding, [*guesses, *said])
    except NotInEncoding as error:
        if mapping.encoding is not None or said:
            raise
        encoding, said = _legacy(path, compressed, error)
        return _inspected(path, mapping, compressed, encoding, [*guesses, *said])


def has_columns(path: Path, mapping: CsvMapping) -> bool:
    """Whether the file has every column that the mapping reads; looks at its beginning only."""
    compressed = is_compressed(path)
    sample = next(bytes_of(path, compressed), b"")[:SAMPLE_BYTES]
    marked = text_encoding(path, sample)
    encoding = mapping.encoding or marked or "utf-8"
    try:
        _header(path, mapping, list(io.StringIO(sample.decode(encoding, "replace"), newline="")))
    except ColumnMissing:
        return False
    return True


def beginning(path: Path) -> tuple[str | None, list[str]]:
    """The encoding, where it must be stated or is marked, and the first lines with their ends, without a mapping.

    Raises UnreadableFile.
    """
    compressed = is_compressed(path)
    sample = next(bytes_of(path, compressed), b"")[:SAMPLE_BYTES]
    marked = text_encoding(path, sample)
    if not sample.decode(marked or "latin-1", "replace").strip("\ufeff \t\r\n"):
        raise refuse(path, message("file_empty"))
    try:
        return None, _head(path, compressed, marked or "utf-8")
    except NotInEncoding as error:
        encoding, _ = _legacy(path, compressed, error)
        return encoding, _head(path, compressed, encoding)


def likely_header(lines: Sequence[str]) -> tuple[str, int, list[str]]:
    """The delimiter, the number of the line that names the columns, and their names.

    It is the first line that is as wide as most of the rows below it, in the delimiter that makes the most columns of
    which every row has as many.
    """
    stated = _SEP.fullmatch(lines[0]) if lines else None
    start = 1 if stated else 0
    best: tuple[float, str, int, list[str]] = (-1.0, ",", 1, [])
    for delimiter in (stated[1],) if stated else DELIMITERS:
        rows = _rows(lines[start:], _Header(0, (), delimiter, 0, 0), '"', count=200)
        if not rows:
            continue
        width, often = Counter(len(row) for row in rows[:HEADER_LINES_MAX]).most_common(1)[0]
        score = width * often / min(len(rows), HEADER_LINES_MAX) if width > 1 else 0.5
        if score <= best[0]:
            continue
        for place in range(start, min(len(lines), HEADER_LINES_MAX)):
            names = _read(lines, place, delimiter, '"').names
            if len(names) == width and (width == 1 or sum(map(bool, names)) * 2 > width) and lines[place].strip():
                best = (score, delimiter, place + 1, list(names))
                break
    return best[1], best[2], best[3]


def _encoding(path: Path, compressed: bool, mapping: CsvMapping) -> tuple[str, list[Message]]:
    sample = next(bytes_of(path, compressed), b"")[:SAMPLE_BYTES]
    marked = text_encoding(path, sample)
    # A mark of the encoding is no content.
    if not sample.decode(marked or "latin-1", "replace").strip("\ufeff \t\r\n"):
        raise refuse(path, message("file_empty"))
    if mapping.encoding is None:
        plain = marked in (None, "utf-8-sig")
        return marked or "utf-8", [] if plain else [message("guessed_encoding", encoding=marked)]
    stated = codecs.lookup(mapping.encoding).name
    wide = ("utf-16", "utf-32")
    if stated.startswith(wide) != (marked or "").startswith(wide):
        raise refuse(path, message("encoding_contradicted", encoding=mapping.encoding, found=marked or "utf-8"))
    return "utf-8-sig" if stated == "utf-8" and marked == "utf-8-sig" else mapping.encoding, []


def _legacy(path: Path, compressed: bool, error: NotInEncoding) -> tuple[str, list[Message]]:
    """What a file that is no UTF-8 is saved as, told from the lines that are not ASCII."""
    sample, bad = bytearray(), b""
    for block in bytes_of(path, compressed):
        for line in block.splitlines():
            if not line.isascii():
                sample += line + b"\n"
                bad = bad or line
        if len(sample) > SAMPLE_BYTES:
            break
    encoding = legacy_encoding(bytes(sample))
    if encoding is None:
        raise refuse(path, message("encoding_unguessed", byte=error.byte), error.line) from error
    read = bad.decode(encoding, "replace")
    return encoding, [message("guessed_encoding_line", encoding=encoding, line=error.line, sample=read[:60])]


def _inspected(path: Path, mapping: CsvMapping, compressed: bool, encoding: str, guesses: list[Message]) -> Layout:
    lines = _head(path, compressed, encoding)
    header, said = _header(path, mapping, lines)
    guesses += said
    rows = _rows(lines[header.rows_from :], header, mapping.quote)
    names: Sequence[str] = list(header.names)
    if rows and all(len(row) == len(names) + 1 and not row[-1] for row in rows):
        names = [*names, ""]
        guesses.append(message("guessed_trailing"))
    names = _each_once(path, mapping, names, header.line)
    scan = RecordScan(
        header.delimiter, mapping.quote, len(names), _telling(mapping, names, rows), line=header.rows_from + 1
    )
    beginning = len("".join(lines[: header.rows_from]).encode("utf-8"))
    try:
        for block in without_beginning(utf8_blocks(path, compressed, encoding), beginning):
            scan.feed(block)
        records = scan.finish()
    except BrokenQuote as broken:
        raise _broken(path, broken, header.names) from broken
    if not records:
        guesses.append(message("file_no_rows"))
    return Layout(
        path=path,
        compressed=compressed,
        encoding=encoding,
        delimiter=header.delimiter,
        quote=mapping.quote,
        names=names,
        beginning_bytes=beginning,
        first_line=header.rows_from + 1,
        records=records,
        multiline=scan.multiline,
        guesses=guesses,
    )


def _broken(path: Path, broken: BrokenQuote, names: Sequence[str]) -> UnreadableFile:
    column = names[broken.place] if broken.place < len(names) else f"{broken.place + 1}"
    if broken.close is not None:
        return refuse(path, message("quote_broken", column=column, close=f"{broken.close:,}"), broken.line)
    if broken.inner is not None:
        return refuse(path, message("quote_swallows", column=column, inner=f"{broken.inner:,}"), broken.line)
    return refuse(path, message("quote_open", column=column), broken.line)


def _head(path: Path, compressed: bool, encoding: str) -> list[str]:
    """The first lines with their ends."""
    block = next(utf8_blocks(path, compressed, encoding), b"")
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = list(io.StringIO(decoder.decode(block[:SAMPLE_BYTES]), newline=""))
    # The last is cut where more follows.
    return lines[:-1] if len(block) > SAMPLE_BYTES and len(lines) > 1 else lines


def _header(path: Path, mapping: CsvMapping, lines: Sequence[str]) -> tuple[_Header, list[Message]]:
    """The first line that has every column the mapping reads; said where it is not simply line 1 with commas."""
    guesses: list[Message] = []
    stated = _SEP.fullmatch(lines[0]) if lines else None
    start = 1 if stated else 0
    if mapping.delimiter is not None:
        delimiters: Sequence[str] = (mapping.delimiter,)
    elif stated:
        delimiters = (stated[1],)
        guesses.append(message("guessed_sep", delimiter=_shown(stated[1])))
    else:
        delimiters = DELIMITERS
    if mapping.column_names:
        return _without_header(path, mapping, lines, start, delimiters), guesses
    if mapping.header_row is not None and mapping.header_row > len(lines):
        raise refuse(path, message("header_beyond", line=f"{mapping.header_row:,}"))
    candidates = (
        [mapping.header_row - 1]
        if mapping.header_row is not None
        else [place for place in range(start, min(len(lines), HEADER_LINES_MAX)) if lines[place].strip()]
    )
    if not candidates:
        raise refuse(path, message("lines_empty", rows=min(len(lines), HEADER_LINES_MAX)))
    read = [_read(lines, place, delimiter, mapping.quote) for place in candidates for delimiter in delimiters]
    wanted = [name for name in mapping.columns() if name not in COUNTED]
    found = next((header for header in read if set(wanted) <= set(header.names)), None)
    if found is None:
        raise _missing(path, mapping, read)
    if mapping.delimiter is None and not stated and found.delimiter != ",":
        guesses.append(message("guessed_delimiter", delimiter=_shown(found.delimiter)))
    if mapping.header_row is None and found.line - 1 > start:
        guesses.append(message("guessed_header", line=found.line, skipped=found.line - 1 - start))
    return found, guesses


def _without_header(
    path: Path, mapping: CsvMapping, lines: Sequence[str], start: int, delimiters: Sequence[str]
) -> _Header:
    wanted = [name for name in mapping.columns() if name not in COUNTED]
    rows = [_read(lines, start, delimiter, mapping.quote) for delimiter in delimiters]
    best = next((row for row in rows if len(row.names) == len(mapping.column_names)), rows[0])
    header = _Header(start, [name.strip() for name in mapping.column_names], best.delimiter, start, start)
    if missing := next((name for name in wanted if name not in header.names), None):
        key = next(key for key, column in mapping.uses() if missing in column.columns)
        places: dict[str, object] = {"column": missing, "by": key, "count": len(header.names)}
        what = message("column_unnamed", **places, found=len(best.names), delimiter=_shown(best.delimiter))
        raise ColumnMissing(message("in_file", file=path.name, what=what))
    return header


def _read(lines: Sequence[str], place: int, delimiter: str, quote: str | None) -> _Header:
    reader = _reader(lines[place : place + HEADER_LINES_MAX], delimiter, quote)
    names = _next(reader) or []
    return _Header(place + 1, [name.strip() for name in names], delimiter, place, place + max(1, reader.line_num))


def _reader(lines: Sequence[str], delimiter: str, quote: str | None) -> _Reader:
    if quote is None:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=delimiter, quotechar=quote)


def _rows(lines: Sequence[str], header: _Header, quote: str | None, count: int = 20) -> list[list[str]]:
    """The first rows; where they are broken, those before."""
    rows: list[list[str]] = []
    reader = _reader(lines, header.delimiter, quote)
    while len(rows) < count and (row := _next(reader)) is not None:
        if row:
            rows.append(row)
    return rows


def _next(reader: _Reader) -> list[str] | None:
    """The next row; None at the end, or where the text is no CSV."""
    try:
        return next(reader)
    except (StopIteration, csv.Error):
        return None


def _missing(path: Path, mapping: CsvMapping, read: Sequence[_Header]) -> UnreadableFile:
    """Names the first column that is missing from the line that looks most like a header."""
    wanted = {name: key for key, column in reversed(mapping.uses()) for name in column.columns if name not in COUNTED}
    best = max(read, key=lambda header: (len(set(wanted) & set(header.names)), len(header.names), -header.line))
    missing = next(name for name in mapping.columns() if name in wanted and name not in best.names)
    by_case = [name for name in best.names if name.casefold() == missing.casefold()]
    close = by_case or difflib.get_close_matches(missing, best.names, n=2)
    if close:
        hint = message("hint_means", names=", ".join(f'"{name}"' for name in close))
    elif any(re.fullmatch(r"[0-9 .:/T+-]+", name) for name in best.names):
        hint = message("hint_no_header")
    else:
        hint = message("no_hint")
    shown = [f'"{name}"' for name in best.names[:COLUMNS_SHOWN]]
    columns = ", ".join(shown) + (", ..." if len(best.names) > COLUMNS_SHOWN else "")
    places: dict[str, object] = {
        "column": missing,
        "by": wanted[missing],
        "hint": hint,
        "columns": columns,
        "line": best.line,
    }
    what = message("column_missing", **places, delimiter=_shown(best.delimiter))
    return ColumnMissing(message("in_file", file=path.name, what=what))


def _each_once(path: Path, mapping: CsvMapping, names: Sequence[str], line: int) -> list[str]:
    """Names as the reader needs them: a column that is read stands once, and others give way."""
    wanted = mapping.columns()
    for name in wanted:
        places = [place + 1 for place, other in enumerate(names) if other == name]
        if len(places) > 1:
            raise refuse(
                path, message("column_twice", column=name, first=places[0], second=places[1], line=line), line or None
            )
    return [name if name in wanted else f"\x00{place}" for place, name in enumerate(names)]


def _telling(
    mapping: CsvMapping, names: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[int, frozenset[bytes]] | None:
    """Where a row's time is and how it looks: what has the same within quotes is a row that a quote took in."""
    columns = [name for name in mapping.time.columns if name in names]
    if mapping.multiline_values or not columns:
        return None
    place = names.index(columns[0])
    shapes = {shape(row[place].encode("utf-8")) for row in rows if len(row) > place}
    return place, frozenset(one for one in shapes if b"0" in one)


def _shown(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else f'"{delimiter}"'
