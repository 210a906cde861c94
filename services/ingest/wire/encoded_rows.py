"""The events or records of a large request, read in pieces.

Protobuf holds the interpreter while it reads: of 50,000 events for more than twenty milliseconds, in which no other
call moves. So what a large request holds many of is not read with it, but cut where one item ends and the next one
begins: events a piece at a time, in a thread, in a millisecond or two each; records, which are bytes, as they are.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from andon.ingest.v1 import event_pb2
from google.protobuf.message import DecodeError, Message

from services.ingest.model import BATCH_BYTES_MAX, BATCH_EVENTS_MAX, MalformedBatch
from services.runtime.contract import PartlyRead

RequestT = TypeVar("RequestT", bound=Message)

# Smaller requests are read at once, in about a millisecond.
WHOLE_BYTES_MAX = 256 * 1024
_PIECE_BYTES = 256 * 1024
# Field 1 of a message, with a length: each item of `EventRows` and of `JsonRecords`.
_FIELD_1 = 0x0A
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def reading(kind: type[RequestT], field: str, encoding: str) -> Callable[[bytes], "RequestT | PartlyRead[RequestT]"]:
    """How requests are read whose `field` has items in this encoding: without the field where these are many."""
    outer = kind.DESCRIPTOR.fields_by_name[field]
    assert outer.message_type is not None
    tags = [one.number << 3 | _LENGTH for one in (outer, outer.message_type.fields_by_name[encoding])]

    def read(encoded: bytes) -> "RequestT | PartlyRead[RequestT]":
        if len(encoded) > WHOLE_BYTES_MAX:
            try:
                found = [span for tag, *span in _fields(encoded, 0, len(encoded)) if tag == tags[0]]
                ((begin, content, end),) = found
                ((tag, _, first, last),) = _fields(encoded, content, end)
            except (DecodeError, IndexError, ValueError):
                # It is not as encoders make it, or holds Arrow: read whole, which says what is wrong if anything is.
                return kind.FromString(encoded)
            if tag == tags[1]:
                return PartlyRead(kind.FromString(encoded[:begin] + encoded[end:]), memoryview(encoded)[first:last])
        return kind.FromString(encoded)

    return read


def json_records(part: memoryview) -> list[bytes]:
    """Those of a JsonRecords. Raises MalformedBatch and DecodeError."""
    encoded = bytes(part)
    records = []
    try:
        for tag, _, content, end in _fields(encoded, 0, len(encoded)):
            if tag == _FIELD_1:
                records.append(encoded[content:end])
                if len(records) > BATCH_EVENTS_MAX:
                    raise MalformedBatch("json.records", f"more than {BATCH_EVENTS_MAX} records", "BATCH_TOO_LARGE")
    except IndexError as error:
        raise DecodeError("a record ends behind its batch") from error
    return records


def canonical_events(rows: memoryview, *, deterministic: bool) -> bytes:
    """EventRows as protobuf writes them, without unknown fields; `deterministic`: equal events have equal bytes.

    Raises MalformedBatch and DecodeError.
    """
    pieces = []
    try:
        for piece in _pieces(bytes(rows)):
            events = event_pb2.EventRows.FromString(piece)
            events.DiscardUnknownFields()
            pieces.append(events.SerializeToString(deterministic=deterministic))
    except IndexError as error:
        raise DecodeError("an event ends behind its batch") from error
    written = b"".join(pieces)
    if len(written) > BATCH_BYTES_MAX:
        raise MalformedBatch("rows.events", f"more than {BATCH_BYTES_MAX} bytes", "BATCH_TOO_LARGE")
    return written


def _pieces(rows: bytes) -> Iterator[bytes]:
    """Whole events each."""
    at = begin = count = 0
    size = len(rows)
    while at < size:
        if rows[at] != _FIELD_1:
            # Nothing that this version knows: it goes with the events before it.
            _, _, _, at = next(_fields(rows, at, size))
            continue
        count += 1
        if count > BATCH_EVENTS_MAX:
            raise MalformedBatch("rows.events", f"more than {BATCH_EVENTS_MAX} events", "BATCH_TOO_LARGE")
        length, at = _varint(rows, at + 1)
        at += length
        if at - begin > _PIECE_BYTES:
            yield rows[begin:at]
            begin = at
    if at > size:
        raise DecodeError("an event ends behind its batch")
    yield rows[begin:]


def _fields(encoded: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Tag, and where each field, its content and the next field begin."""
    while at < end:
        begin = at
        tag, content = _varint(encoded, at)
        kind, length = tag & 7, 0
        if kind == _LENGTH:
            length, content = _varint(encoded, content)
        elif kind == _VARINT:
            _, content = _varint(encoded, content)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise DecodeError("a field of no kind that is written today")
        at = content + length
        if at > end:
            raise DecodeError("a field ends behind its message")
        yield tag, begin, content, at


def _varint(encoded: bytes, at: int) -> tuple[int, int]:
    """The number, and where it ends."""
    number = shift = 0
    while (byte := encoded[at]) > 127 and shift < 63:
        number |= (byte & 127) << shift
        shift += 7
        at += 1
    return number | byte << shift, at + 1
