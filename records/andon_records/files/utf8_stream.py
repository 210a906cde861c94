"""A file's text as UTF-8, block by block, whatever it is compressed with or encoded in."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, cast

from andon_records.messages import Message, UnreadableFile, message

BLOCK_BYTES = 4 << 20
GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Text has next to no control characters, of random bytes they are a tenth.
CONTROL_SHARE = 25
_TEXT_BYTES = bytes(range(0x20, 0x100)) + b"\t\n\v\f\r\x1b\x1f"
# How a file begins that is no text, what it is, and what to do about it.
_OTHER_KINDS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook (.xlsx)", "save_as_csv"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)", "save_as_csv"),
    (b"PAR1", "Parquet", "convert"),
    (b"ARROW1", "Arrow", "convert"),
    (b"BZh", "a bzip2 archive", "unpack"),
    (b"\xfd7zXZ", "an xz archive", "unpack"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack"),
    (b"%PDF", "PDF", "save_as_csv"),
    (b"<?xml", "XML (an XES log?)", "convert"),
    (b"<!DOCTYPE", "an HTML page", "save_as_csv"),
    (b"<html", "an HTML page", "save_as_csv"),
)


def refuse(path: Path, what: Message, line: int | None = None) -> UnreadableFile:
    """The error that names the file, and the line where one is at fault."""
    if line is None:
        return UnreadableFile(message("in_file", file=path.name, what=what))
    return UnreadableFile(message("in_line", file=path.name, line=f"{line:,}", what=what))


def is_compressed(path: Path) -> bool:
    """Whether the content is gzip, whatever the name says. Raises UnreadableFile for what is no text at all."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise refuse(path, message("file_empty"))
    for mark, kind, remedy in _OTHER_KINDS:
        if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(mark):
            raise refuse(path, message("not_csv", kind=kind, remedy=message(remedy)))
    return head.startswith(GZIP)


def is_gzip(path: Path) -> bool:
    """Whether the content is gzip, whatever the name says."""
    with path.open("rb") as file:
        return file.read(2) == GZIP


def bytes_of(path: Path, compressed: bool, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Blocks of the unpacked content; raises UnreadableFile where the compression is broken or ends early."""
    with path.open("rb") as file:
        if not compressed:
            while block := file.read(block_bytes):
                yield block
            return
        stream = gzip.GzipFile(fileobj=file)
        while True:
            try:
                block = stream.read(block_bytes)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise refuse(path, message("gz_broken")) from error
            if not block:
                return
            yield block


def marked_encoding(sample: bytes) -> str | None:
    """What a byte order mark says, or the zero bytes of UTF-16 without one; None: nothing."""
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    odd, even = sample[1:4096:2].count(0), sample[0:4096:2].count(0)
    if max(odd, even) * 8 > min(len(sample), 4096) and min(odd, even) == 0:
        return "utf-16-le" if odd else "utf-16-be"
    return None


def text_encoding(path: Path, sample: bytes) -> str | None:
    """What a byte order mark says, as `marked_encoding`. Raises UnreadableFile for content that is no text."""
    marked = marked_encoding(sample)
    if marked is None and len(sample.translate(None, _TEXT_BYTES)) * CONTROL_SHARE > len(sample):
        raise refuse(path, message("not_csv", kind="binary data", remedy=message("save_as_csv")))
    return marked


def legacy_encoding(sample: bytes) -> str | None:
    """The encoding of bytes that are no UTF-8, where their pattern tells it; None: it cannot be told.

    gb18030: high bytes come in pairs of common Chinese characters. windows-1252: they are alone among ASCII,
    as accents and umlauts are.
    """
    high = [byte >= 0x80 for byte in sample]
    runs = [len(run) for run in "".join("x" if one else " " for one in high).split()]
    if not runs:
        return None
    pairs = [sample[place : place + 2] for place in _pair_starts(sample)]
    common = sum(0xB0 <= pair[0] <= 0xD7 and pair[1] >= 0xA1 for pair in pairs if len(pair) == 2)
    if (
        common >= 0.8 * len(pairs)
        and _decodes(sample, "gb18030")
        and sum(run % 2 == 0 for run in runs) >= 0.9 * len(runs)
    ):
        return "gb18030"
    alone = sum(run <= 2 for run in runs)
    return "windows-1252" if alone >= 0.9 * len(runs) and _decodes(sample, "windows-1252") else None


def _pair_starts(sample: bytes) -> Iterator[int]:
    place = 0
    while place < len(sample):
        if sample[place] >= 0x80:
            yield place
            place += 1
        place += 1


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample, final=False)
    except UnicodeDecodeError:
        return False
    return True


def utf8_blocks(path: Path, compressed: bool, encoding: str) -> Iterator[bytes]:
    """The text as UTF-8 without a byte order mark; raises NotInEncoding with the line that is not in `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding)()
    plain = codecs.lookup(encoding).name == "utf-8"
    # An empty block at the end tells of a character that is cut.
    for done, block in enumerate(chain(bytes_of(path, compressed), (b"",))):
        try:
            text = decoder.decode(block, not block)
        except UnicodeError as error:
            start, given = (error.start, error.object) if isinstance(error, UnicodeDecodeError) else (0, block)
            byte = f"0x{given[start]:02X}" if len(given) > start else "0x"
            before = _lines(path, compressed, encoding, done)
            raise NotInEncoding(path, byte, encoding, 1 + before + given[:start].count(b"\n")) from error
        # What is UTF-8 already is only checked; a character that a block cuts is whole for the next one.
        yield block if plain else text.encode("utf-8")


def _lines(path: Path, compressed: bool, encoding: str, blocks: int) -> int:
    """Line ends in the first blocks."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return sum(decoder.decode(block).count("\n") for block in islice(bytes_of(path, compressed), blocks))


class NotInEncoding(UnreadableFile):
    """A byte has no meaning in the encoding."""

    def __init__(self, path: Path, byte: str, encoding: str, line: int) -> None:
        what = message("encoding_wrong", byte=byte, encoding=encoding)
        super().__init__(message("in_line", file=path.name, line=f"{line:,}", what=what))
        self.byte, self.line = byte, line


class BlockStream(io.RawIOBase):
    """Blocks as a file that is read once, from beginning to end."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._rest = block
        if size < 0:
            whole = self._rest + b"".join(self._blocks)
            self._rest = b""
            return whole
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def without_beginning(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """The blocks after the first `count` bytes."""
    for block in blocks:
        if count < len(block):
            yield block[count:] if count else block
        count = max(0, count - len(block))


def as_binary(stream: BlockStream) -> BinaryIO:
    return cast(BinaryIO, stream)
