"""Excel workbooks (.xlsx, ECMA-376): parts are read as streams, and cells become texts as a person would read them.

A date is ISO 8601 without a zone, whichever of the two date systems the workbook has; a formula is the value that was
stored with it; an error is its text, such as #N/A. A merged cell has its value in each of its rows.
"""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa

from andon_records.files.csv_layout import HEADER_LINES_MAX, ColumnMissing
from andon_records.files.table_file import TableFile, TextTable
from andon_records.files.utf8_stream import refuse
from andon_records.files.xml_stream import XmlStream
from andon_records.mapping.document import COUNTED, CsvMapping
from andon_records.messages import LoadError, Message, message

# The format's own limits.
ROWS_MAX, COLUMNS_MAX = 1_048_576, 16_384
# A part may unpack to so much, or so many times its size: no table does, and a bomb would.
_PART_BYTES_MIN, _PART_RATIO_MAX = 256 << 20, 100
_SHARED_CHARACTERS_MAX = 512 << 20
_MERGES_MAX = 100_000
_BLOCK_BYTES = 1 << 20
# Serials from this on are past the 29 February 1900 that never was.
_MARCH_1900 = 61
_LATEST_SERIAL = 2_958_465
# Of the built-in formats those that are dates or times; durations are numbers of days.
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(50, 59)}
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?:[^hms\]][^\]]*|)\]')
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")

Cells = dict[int, str]


@dataclass(frozen=True)
class _Sheet:
    name: str
    part: str
    hidden: bool


@dataclass(frozen=True)
class _Merge:
    """Rows and columns from 0, ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class _Book:
    """What every sheet of a workbook shares. dates: of the styles of cells, those that show a date or a time."""

    path: Path
    sheets: Sequence[_Sheet]
    shared: Sequence[str]
    dates: frozenset[int]
    from_1904: bool


@dataclass
class _Found:
    """A sheet that has been read through. head: its first rows by number. filled: how many rows hold anything."""

    head: dict[int, Cells] = field(default_factory=dict)
    filled: int = 0
    merges: list[_Merge] = field(default_factory=list)
    unstored: int = 0


def inspect_workbook(path: Path, mapping: CsvMapping) -> TableFile:
    """The sheet that the mapping names, else the first one that has its columns; each is read through once."""
    book = _book(path)
    if mapping.sheet is not None:
        chosen = [sheet for sheet in book.sheets if sheet.name == mapping.sheet]
        if not chosen:
            known = ", ".join(f'"{sheet.name}"' for sheet in book.sheets)
            raise refuse(path, message("sheet_missing", name=mapping.sheet, names=known))
    else:
        chosen = [sheet for sheet in book.sheets if not sheet.hidden] or list(book.sheets)
    missing: ColumnMissing | None = None
    for sheet in chosen:
        found = _looked_through(book, sheet)
        try:
            header, names = _header(path, mapping, sheet, found)
        except ColumnMissing as error:
            missing = missing or error
            continue
        said = list(_guesses(book, sheet, found, header, mapping))
        records = found.filled - sum(row <= header for row in found.head)
        read = partial(_read, book, sheet, header, tuple(names), tuple(found.merges))
        return TableFile(path, [name for name in names if name], records, read, guesses=said)
    raise missing or refuse(path, message("workbook_no_sheet"))


def _guesses(book: _Book, sheet: _Sheet, found: _Found, header: int, mapping: CsvMapping) -> Iterator[Message]:
    if mapping.sheet is None and len(book.sheets) > 1:
        others = ", ".join(f'"{one.name}"' for one in book.sheets if one is not sheet)
        yield message("sheet_guessed", name=sheet.name, others=others)
    if header > 0 and mapping.header_row is None:
        yield message("guessed_header", line=header + 1, skipped=header)
    if below := sum(one.bottom > header and one.bottom > one.top for one in found.merges):
        yield message("merged_cells", count=below)
    if found.unstored:
        yield message("formulas_unstored", count=found.unstored)
    if found.filled <= 1:
        yield message("file_no_rows")


# Parts


def _book(path: Path) -> _Book:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {info.filename.lstrip("/"): info for info in archive.infolist()}
            if "xl/workbook.xml" not in parts:
                raise refuse(path, message("workbook_none"))
            for info in parts.values():
                if info.flag_bits & 0x1:
                    raise refuse(path, message("workbook_locked"))
            targets = _targets(path, archive, parts)
            sheets, from_1904 = _sheets(path, archive, parts, targets)
            shared = _shared(path, archive, parts)
            return _Book(path, sheets, shared, _dates(path, archive, parts), from_1904)
    except LoadError:
        raise
    # The directory of a damaged archive can hold names that are no text, and negative places.
    except (*_ARCHIVE_ERRORS, ValueError) as error:
        raise refuse(path, message("workbook_broken")) from error


_ARCHIVE_ERRORS = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, RuntimeError, EOFError, OSError, KeyError),
)


def _blocks(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part as it unpacks, and no more of it than a table could need."""
    most, taken = max(_PART_BYTES_MIN, _PART_RATIO_MAX * info.compress_size), 0
    try:
        part = archive.open(info)
    except _ARCHIVE_ERRORS as error:
        raise refuse(path, message("workbook_broken")) from error
    with part:
        while True:
            try:
                block = part.read(_BLOCK_BYTES)
            except _ARCHIVE_ERRORS as error:
                raise refuse(path, message("workbook_broken")) from error
            if not block:
                return
            taken += len(block)
            if taken > most:
                raise refuse(path, message("workbook_bomb", part=info.filename[:80], bytes=most))
            yield block


Parts = Mapping[str, zipfile.ZipInfo]


def _elements(path: Path, archive: zipfile.ZipFile, parts: Parts, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Start tags of a small part; nothing where there is no such part."""
    if name not in parts:
        return
    seen: list[tuple[str, dict[str, str]]] = []
    stream = XmlStream(
        path, lambda tag, given: seen.append((tag, given)), lambda tag: None, None, _blocks(path, archive, parts[name])
    )
    for _ in stream.blocks():
        yield from seen
        seen.clear()


def _targets(path: Path, archive: zipfile.ZipFile, parts: Parts) -> dict[str, str]:
    """Parts by the id of their relation to the workbook."""
    targets = {}
    for tag, given in _elements(path, archive, parts, "xl/_rels/workbook.xml.rels"):
        if tag == "Relationship":
            target = given.get("Target", "")
            targets[given.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return targets


def _sheets(
    path: Path, archive: zipfile.ZipFile, parts: Parts, targets: Mapping[str, str]
) -> tuple[list[_Sheet], bool]:
    sheets: list[_Sheet] = []
    from_1904 = False
    for tag, given in _elements(path, archive, parts, "xl/workbook.xml"):
        if tag == "workbookPr":
            from_1904 = given.get("date1904", "0") in ("1", "true")
        elif tag == "sheet":
            id = next((value for key, value in given.items() if key.endswith(":id")), "")
            part = targets.get(id, f"xl/worksheets/sheet{len(sheets) + 1}.xml")
            # Charts and macros have sheets of their own, without cells.
            if part in parts and "worksheets/" in part:
                sheets.append(_Sheet(given.get("name", ""), part, given.get("state", "visible") != "visible"))
    return sheets, from_1904


def _dates(path: Path, archive: zipfile.ZipFile, parts: Parts) -> frozenset[int]:
    """The styles of cells, by their place in cellXfs, that show a date or a time."""
    custom: dict[int, str] = {}
    styles: list[int] = []
    inside = False
    for tag, given in _elements(path, archive, parts, "xl/styles.xml"):
        if tag == "numFmt":
            custom[_whole(given.get("numFmtId"))] = given.get("formatCode", "")
        elif tag in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            inside = tag == "cellXfs"
        elif tag == "xf" and inside:
            styles.append(_whole(given.get("numFmtId")))
    return frozenset(
        place
        for place, number in enumerate(styles)
        if (_shows_date(custom[number]) if number in custom else number in _DATE_FORMATS)
    )


def _shows_date(code: str) -> bool:
    """Whether a format code has a part of a date or of a time of day; [h] counts hours and has none."""
    plain = _LITERALS.sub("", code.split(";")[0])
    if re.search(r"\[[hms]+\]", plain, re.IGNORECASE):
        return False
    return re.search("[ymdhs]", plain.replace("General", ""), re.IGNORECASE) is not None


def _whole(text: str | None) -> int:
    return int(text) if text is not None and re.fullmatch("[0-9]{1,9}", text) else -1


def _shared(path: Path, archive: zipfile.ZipFile, parts: Parts) -> list[str]:
    """Texts that cells name by number. Their readings in other scripts are no part of them."""
    info = parts.get("xl/sharedStrings.xml")
    if info is None:
        return []
    reader = _SharedTexts(path, archive, info)
    reader.run()
    return reader.texts


class _SharedTexts:
    def __init__(self, path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self.texts: list[str] = []
        self._path = path
        self._parts: list[str] = []
        self._within = self._phonetic = False
        self._characters = 0
        self._stream = XmlStream(path, self._start, self._end, self._text, _blocks(path, archive, info))

    def run(self) -> None:
        for _ in self._stream.blocks():
            pass

    def _start(self, tag: str, given: dict[str, str]) -> None:
        if tag == "si":
            self._parts = []
        elif tag == "rPh":
            self._phonetic = True
        elif tag == "t":
            self._within = not self._phonetic

    def _end(self, tag: str) -> None:
        if tag == "t":
            self._within = False
        elif tag == "rPh":
            self._phonetic = False
        elif tag == "si":
            text = _unescaped("".join(self._parts))
            self._characters += len(text) + 64
            if self._characters > _SHARED_CHARACTERS_MAX:
                raise refuse(self._path, message("workbook_texts_many", bytes=_SHARED_CHARACTERS_MAX))
            self.texts.append(text)

    def _text(self, text: str) -> None:
        if self._within:
            self._parts.append(text)


_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _unescaped(text: str) -> str:
    """`_x000D_` is how a workbook writes a character that XML cannot hold."""
    if "_x" not in text:
        return text
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text).encode("utf-8", "backslashreplace").decode()


# Sheets


def _rows(book: _Book, sheet: _Sheet, found: _Found) -> Iterator[tuple[int, Cells]]:
    """Rows that hold anything, with their number from 0; what else the sheet says goes into `found`."""
    try:
        with zipfile.ZipFile(book.path) as archive:
            info = archive.getinfo(sheet.part)
            reader = _SheetReader(book, found)
            stream = XmlStream(
                book.path, reader.start, reader.end, reader.characters, _blocks(book.path, archive, info)
            )
            for _ in stream.blocks():
                yield from reader.rows
                reader.rows.clear()
    except _ARCHIVE_ERRORS as error:
        raise refuse(book.path, message("workbook_broken")) from error


class _SheetReader:
    """Handles the elements of a sheet."""

    def __init__(self, book: _Book, found: _Found) -> None:
        self.rows: list[tuple[int, Cells]] = []
        self._book, self._found = book, found
        self._row, self._column = -1, -1
        self._cells: Cells = {}
        self._kind, self._style = "n", 0
        # The text of the element that is open, of those that matter: v, f, t.
        self._open: list[str] | None = None
        self._value: str | None = None
        self._formula: str | None = None
        self._inline: list[str] = []
        self._phonetic = False
        # Columns that merged cells of a header may span, all together.
        self._wide = 0

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag == "c":
            self._start_cell(given)
        elif tag in ("v", "f") or (tag == "t" and not self._phonetic):
            self._open = []
        elif tag == "row":
            number = _whole(given.get("r"))
            self._row = number - 1 if number > self._row else self._row + 1
            self._column, self._cells = -1, {}
            if self._row >= ROWS_MAX:
                raise refuse(self._book.path, message("workbook_large", rows=ROWS_MAX, columns=COLUMNS_MAX))
        elif tag == "rPh":
            self._phonetic = True
        elif tag == "mergeCell":
            self._merge(given.get("ref", ""))

    def _start_cell(self, given: dict[str, str]) -> None:
        named = _REFERENCE.fullmatch(given.get("r", ""))
        self._column = _column(named[1]) if named else self._column + 1
        if not 0 <= self._column < COLUMNS_MAX:
            raise refuse(self._book.path, message("workbook_large", rows=ROWS_MAX, columns=COLUMNS_MAX))
        self._kind, self._style = given.get("t", "n"), _whole(given.get("s", "0"))
        self._value = self._formula = None
        self._inline = []

    def characters(self, text: str) -> None:
        if self._open is not None:
            self._open.append(text)

    def end(self, tag: str) -> None:
        if tag in ("v", "f", "t") and self._open is not None:
            text, self._open = "".join(self._open), None
            if tag == "v":
                self._value = text
            elif tag == "f":
                self._formula = text
            else:
                self._inline.append(text)
        elif tag == "c":
            text = self._text()
            if text:
                self._cells[self._column] = text
        elif tag == "row" and self._cells:
            self.rows.append((self._row, self._cells))
            self._cells = {}
        elif tag == "rPh":
            self._phonetic = False

    def _text(self) -> str:
        """What a cell says; empty: nothing."""
        value = self._value
        if self._kind == "inlineStr":
            return _unescaped("".join(self._inline))
        if value is None:
            if self._formula is None:
                return ""
            self._found.unstored += 1
            return f"={self._formula}"
        match self._kind:
            case "s":
                place = _whole(value.strip())
                if not 0 <= place < len(self._book.shared):
                    raise refuse(self._book.path, message("workbook_text_missing", row=self._row + 1))
                return self._book.shared[place]
            case "b":
                return {"1": "true", "0": "false"}.get(value.strip(), value)
            case "n" | "":
                return self._number(value.strip())
            case _:
                # A formula's text, an error, a date as ISO 8601.
                return _unescaped(value)

    def _number(self, written: str) -> str:
        try:
            number = float(written)
        except ValueError:
            return written
        if self._style in self._book.dates:
            return _time(number, self._book.from_1904) or written
        if number.is_integer() and abs(number) < 1e15:
            return str(int(number))
        return repr(number)

    def _merge(self, written: str) -> None:
        begin, _, end = written.partition(":")
        first, last = _REFERENCE.fullmatch(begin), _REFERENCE.fullmatch(end)
        if first is None or last is None:
            return
        if len(self._found.merges) >= _MERGES_MAX:
            raise refuse(self._book.path, message("workbook_merges_many", most=_MERGES_MAX))
        width = min(_column(last[1]), COLUMNS_MAX) - _column(first[1]) + 1
        self._wide += width if int(first[2]) <= HEADER_LINES_MAX else 0
        if self._wide > _MERGES_MAX:
            raise refuse(self._book.path, message("workbook_merges_many", most=_MERGES_MAX))
        self._found.merges.append(_Merge(int(first[2]) - 1, _column(first[1]), int(last[2]) - 1, _column(last[1])))


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _time(serial: float, from_1904: bool) -> str | None:
    """A serial as ISO 8601, to the millisecond that spreadsheets show; less than a day is a time of day."""
    if not 0 <= serial <= _LATEST_SERIAL:
        return None
    days = int(serial)
    span = timedelta(milliseconds=round((serial - days) * 86_400_000))
    if from_1904:
        moment = datetime(1904, 1, 1) + timedelta(days=days) + span
    elif serial < 1:
        return f"{(datetime(1900, 1, 1) + span).time().isoformat()}"
    elif days == _MARCH_1900 - 1:
        return None
    else:
        moment = datetime(1899, 12, 30) + timedelta(days=days if days >= _MARCH_1900 else days + 1) + span
    return moment.isoformat(sep=" ") if span or moment.time() != datetime.min.time() else moment.date().isoformat()


def _looked_through(book: _Book, sheet: _Sheet) -> _Found:
    found = _Found()
    for number, cells in _rows(book, sheet, found):
        found.filled += 1
        if number < HEADER_LINES_MAX:
            found.head[number] = cells
    return found


def _header(path: Path, mapping: CsvMapping, sheet: _Sheet, found: _Found) -> tuple[int, list[str]]:
    """The row with the names (-1: none, the mapping has them), and the name of each column; empty: it has none."""
    if mapping.column_names:
        return -1, [name.strip() for name in mapping.column_names]
    wanted = [name for name in mapping.columns() if name not in COUNTED]
    rows = [mapping.header_row - 1] if mapping.header_row is not None else sorted(found.head)
    best: list[str] = []
    for row in rows:
        names = _names(row, found)
        if set(wanted) <= set(names):
            twice = next((name for name in wanted if names.count(name) > 1), None)
            if twice is not None:
                places = [place + 1 for place, name in enumerate(names) if name == twice]
                raise refuse(
                    path, message("column_twice", column=twice, first=places[0], second=places[1], line=row + 1)
                )
            return row, names
        if len(set(wanted) & set(names)) > len(set(wanted) & set(best)) or not best:
            best = names
    name = next((name for name in wanted if name not in best), "")
    key = next((key for key, column in mapping.uses() if name in column.columns), "")
    shown = ", ".join(f'"{one}"' for one in best if one)[:2000]
    what = message("sheet_column_missing", sheet=sheet.name, column=name, by=key, columns=shown or "-")
    raise ColumnMissing(message("in_file", file=path.name, what=what))


def _names(row: int, found: _Found) -> list[str]:
    """The cells of a row; those that are merged with one above or to the left say the same."""
    cells = dict(found.head.get(row, {}))
    for merge in found.merges:
        if merge.top <= row <= merge.bottom:
            text = found.head.get(merge.top, {}).get(merge.left)
            if text is not None:
                for column in range(merge.left, min(merge.right, COLUMNS_MAX - 1) + 1):
                    cells.setdefault(column, text)
    width = max(cells, default=-1) + 1
    return [cells.get(column, "").strip() for column in range(width)]


def _read(
    book: _Book, sheet: _Sheet, header: int, names: Sequence[str], merges: Sequence[_Merge], wanted: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    places = [names.index(name) for name in wanted]
    # Values of merged cells go down to the rows that they span; of a column at most one is open.
    down = sorted(
        (merge for merge in merges if merge.bottom > merge.top and merge.left in places), key=lambda merge: merge.top
    )
    active: dict[int, tuple[_Merge, str]] = {}
    begun = 0
    table = TextTable(wanted)
    for number, cells in _rows(book, sheet, _Found()):
        while begun < len(down) and down[begun].top <= number:
            merge = down[begun]
            if merge.top == number and merge.left in cells:
                active[merge.left] = merge, cells[merge.left]
            begun += 1
        if number <= header:
            continue
        for column, (merge, text) in list(active.items()):
            if merge.bottom < number:
                del active[column]
            else:
                cells.setdefault(column, text)
        values = [cells.get(place) for place in places]
        if table.add(values, sum(len(value) for value in values if value)):
            yield from table.take()
    yield from table.take()
