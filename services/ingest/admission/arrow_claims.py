"""How large an Arrow IPC stream claims to become, read from its flatbuffers without decoding a body."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONTINUATION = 0xFFFFFFFF
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2
_WORD, _SIGNED, _SHORT = struct.Struct("<I"), struct.Struct("<i"), struct.Struct("<H")
_LONG, _SPAN = struct.Struct("<q"), struct.Struct("<qq")


@dataclass(frozen=True)
class Claims:
    """What a stream says of itself: `decoded_bytes` is 0 where nothing is compressed."""

    rows: int
    decoded_bytes: int


def claims(stream: bytes) -> Claims:
    """Summed over all messages. Raises struct.error or IndexError for what is no stream at all."""
    rows = decoded_bytes = 0
    for message, begin, end in _messages(stream):
        kind_at = _field(stream, message, 1)
        kind = stream[kind_at] if kind_at else 0
        if kind not in (_RECORD_BATCH, _DICTIONARY_BATCH):
            continue
        header = _follow(stream, _field(stream, message, 2))
        if kind == _DICTIONARY_BATCH:
            header = _follow(stream, _field(stream, header, 1))
        else:
            length = _field(stream, header, 0)
            rows += abs(_LONG.unpack_from(stream, length)[0]) if length else 0
        decoded_bytes += sum(_buffer_sizes(stream, header, begin, end))
    return Claims(rows, decoded_bytes)


def _messages(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Where the table of each message lies, and its body."""
    at = 0
    while at + 4 <= len(stream):
        (length,) = _WORD.unpack_from(stream, at)
        at += 4
        # Writers of before 2019 leave the marker out.
        if length == _CONTINUATION:
            (length,) = _WORD.unpack_from(stream, at)
            at += 4
        if length == 0:
            return
        table = _follow(stream, at)
        body = at + length
        size = _field(stream, table, 3)
        at = body + (_LONG.unpack_from(stream, size)[0] if size else 0)
        if at < body:
            raise IndexError("a body of negative length")
        yield table, body, min(at, len(stream))


def _buffer_sizes(stream: bytes, header: int, begin: int, end: int) -> Iterator[int]:
    """What the compressed buffers of one record batch say they decode to."""
    buffers, compression = _field(stream, header, 2), _field(stream, header, 3)
    if not compression or not buffers:
        return
    vector = _follow(stream, buffers)
    (count,) = _WORD.unpack_from(stream, vector)
    for number in range(count):
        offset, length = _SPAN.unpack_from(stream, vector + 4 + 16 * number)
        first = begin + offset
        if length >= 8 and begin <= first <= end - 8:
            yield max(0, _LONG.unpack_from(stream, first)[0])


def _field(stream: bytes, table: int, number: int) -> int:
    """Where a field of a flatbuffers table lies; 0: it is absent."""
    vtable = table - _SIGNED.unpack_from(stream, table)[0]
    entry = 4 + 2 * number
    if vtable < 0 or entry >= _SHORT.unpack_from(stream, vtable)[0]:
        return 0
    (offset,) = _SHORT.unpack_from(stream, vtable + entry)
    return int(table + offset) if offset else 0


def _follow(stream: bytes, at: int) -> int:
    return at + int(_WORD.unpack_from(stream, at)[0])
