"""How large an Arrow IPC stream claims to become, read from its flatbuffers without decoding a body."""

import struct
from collections.abc import Iterator

import pyarrow as pa

_FRAME_MAGICS = (b"\x04\x22\x4d\x18", b"\x28\xb5\x2f\xfd")  # LZ4, Zstandard
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2


def decoded_bytes_claimed(stream: bytes) -> int:
    """Sum of what the compressed buffers say they decode to; 0 for a stream without compression."""
    if not any(magic in stream for magic in _FRAME_MAGICS):
        return 0
    return sum(
        size
        for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(stream))
        if message.type != "schema" and message.body is not None
        for size in _buffer_sizes(message.metadata.to_pybytes(), message.body)
    )


def _buffer_sizes(metadata: bytes, body: pa.Buffer) -> Iterator[int]:
    message = struct.unpack_from("<I", metadata)[0]
    kind = metadata[_field(metadata, message, 1)]
    header = _follow(metadata, _field(metadata, message, 2))
    if kind == _DICTIONARY_BATCH:
        header = _follow(metadata, _field(metadata, header, 1))
    elif kind != _RECORD_BATCH:
        return
    buffers, compression = _field(metadata, header, 2), _field(metadata, header, 3)
    if not compression or not buffers:
        return
    vector = _follow(metadata, buffers)
    (count,) = struct.unpack_from("<I", metadata, vector)
    for number in range(count):
        offset, length = struct.unpack_from("<qq", metadata, vector + 4 + 16 * number)
        if length >= 8 and 0 <= offset <= body.size - 8:
            yield max(0, int.from_bytes(body[offset : offset + 8], "little", signed=True))


def _field(metadata: bytes, table: int, number: int) -> int:
    """Where a field of a flatbuffers table lies; 0: it is absent."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    entry = 4 + 2 * number
    if entry >= struct.unpack_from("<H", metadata, vtable)[0]:
        return 0
    (offset,) = struct.unpack_from("<H", metadata, vtable + entry)
    return int(table + offset) if offset else 0


def _follow(metadata: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", metadata, at)[0])
