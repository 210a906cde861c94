"""How large an Arrow IPC stream claims to become, read from its flatbuffers without decoding a body."""

import struct
from collections.abc import Iterator

_CONTINUATION = 0xFFFFFFFF
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2
_WORD, _SIGNED, _SHORT = struct.Struct("<I"), struct.Struct("<i"), struct.Struct("<H")
_SPAN = struct.Struct("<qq")


def decoded_bytes_claimed(stream: bytes) -> int:
    """Sum of what the compressed buffers say they decode to; 0 for a stream without compression.

    Raises struct.error or IndexError for what is no stream at all.
    """
    return sum(size for head, begin, end in _messages(stream) for size in _buffer_sizes(stream, head, begin, end))


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
        at = body + (struct.unpack_from("<q", stream, size)[0] if size else 0)
        if at < body:
            raise IndexError("a body of negative length")
        yield table, body, min(at, len(stream))


def _buffer_sizes(stream: bytes, message: int, begin: int, end: int) -> Iterator[int]:
    kind_at = _field(stream, message, 1)
    kind = stream[kind_at] if kind_at else 0
    if kind not in (_RECORD_BATCH, _DICTIONARY_BATCH):
        return
    header = _follow(stream, _field(stream, message, 2))
    if kind == _DICTIONARY_BATCH:
        header = _follow(stream, _field(stream, header, 1))
    buffers, compression = _field(stream, header, 2), _field(stream, header, 3)
    if not compression or not buffers:
        return
    vector = _follow(stream, buffers)
    (count,) = _WORD.unpack_from(stream, vector)
    for number in range(count):
        offset, length = _SPAN.unpack_from(stream, vector + 4 + 16 * number)
        first = begin + offset
        if length >= 8 and begin <= first <= end - 8:
            yield max(0, struct.unpack_from("<q", stream, first)[0])


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
