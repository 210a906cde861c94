"""Cursors of a log: they name their origin, and a mistyped one is never taken for a position."""

from __future__ import annotations

import base64
import binascii
import uuid
import zlib
from collections.abc import Sequence

from services.runtime.errors import InvalidArgument, OutOfRange, invalid

CURSOR_VERSION = 1
ORIGIN_BYTES = 16
CHECK_BYTES = 4
POSITIONS_MAX = 256


class CursorCodec:
    """Cursors of one origin: opaque to everybody else, and checked, so that a mistyped one is never taken for a place.

    The check finds accidents. It is no secret: a cursor grants nothing that its caller may not read anyway.
    """

    def __init__(self, origin: uuid.UUID) -> None:
        self.origin = origin

    def encode(self, position: int) -> str:
        return self.encode_many([position])

    def decode(self, cursor: str, *, field: str = "after") -> int:
        positions = self.decode_many(cursor, field=field)
        if len(positions) != 1:
            raise _invalid(cursor, field)
        return positions[0]

    def encode_many(self, positions: Sequence[int]) -> str:
        """One position per partition, in the partitions' order."""
        body = bytes([CURSOR_VERSION]) + self.origin.bytes + _varint(len(positions))
        body += b"".join(_varint(position) for position in positions)
        return base64.urlsafe_b64encode(body + _check(body)).rstrip(b"=").decode()

    def decode_many(self, cursor: str, *, field: str = "after") -> list[int]:
        body = _checked_body(cursor, field)
        if uuid.UUID(bytes=body[1 : 1 + ORIGIN_BYTES]) != self.origin:
            raise invalid(field, "is a cursor of another deployment", "CURSOR_FOREIGN")
        try:
            positions = _varints(body[1 + ORIGIN_BYTES :])
        except ValueError as error:
            raise _invalid(cursor, field) from error
        if self.encode_many(positions) != cursor:
            raise _invalid(cursor, field)
        return positions

    def expired(self, oldest: int | Sequence[int]) -> OutOfRange:
        """The answer to a cursor from before what is retained; `oldest` is where reading can begin."""
        text = self.encode(oldest) if isinstance(oldest, int) else self.encode_many(oldest)
        return OutOfRange("CURSOR_EXPIRED", "the cursor is older than what is retained", metadata={"oldest": text})

    def watch_start(
        self, after: str, oldest: int, newest: int, *, snapshot: bool = False, otherwise: int | None = None
    ) -> int:
        """Where a watch begins that asked for `after`; without it at `otherwise`, absent: with what comes next."""
        if after and snapshot:
            raise invalid("after", "must be empty together with snapshot")
        if not after:
            return newest if otherwise is None else otherwise
        return self.check_not_beyond(self.check_not_expired(self.decode(after), oldest), newest)

    def check_not_beyond(self, position: int, newest: int, *, field: str = "after") -> int:
        """A cursor from after the end cannot be ours: the log was restored from a backup, say."""
        if position > newest:
            raise invalid(field, "lies beyond the end of the log", "CURSOR_INVALID")
        return position

    def check_not_expired(self, position: int, oldest: int) -> int:
        if position < oldest:
            raise self.expired(oldest)
        return position


def same_log(cursor: str, followed: str, *, field: str = "at_least") -> None:
    """Raises InvalidArgument where `followed`, a cursor or empty, is of another log than `cursor`."""
    if followed and foreign_origin(cursor, field=field) != foreign_origin(followed):
        raise invalid(field, "is no cursor of the log that is followed here", "CURSOR_FOREIGN")


def foreign_origin(cursor: str, *, field: str = "at_least") -> uuid.UUID:
    """The deployment that a cursor of another service's log names."""
    return uuid.UUID(bytes=_checked_body(cursor, field)[1 : 1 + ORIGIN_BYTES])


def foreign_position(cursor: str, *, field: str = "at_least") -> int:
    """The place that a cursor of another service's log stands for: to compare with, not to read from."""
    return CursorCodec(foreign_origin(cursor, field=field)).decode(cursor, field=field)


def _invalid(cursor: str, field: str) -> InvalidArgument:
    return invalid(field, f"is no cursor of this service ({len(cursor)} characters)", "CURSOR_INVALID")


def _checked_body(cursor: str, field: str) -> bytes:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid(cursor, field) from error
    body, check = raw[:-CHECK_BYTES], raw[-CHECK_BYTES:]
    if len(body) < 2 + ORIGIN_BYTES or body[0] != CURSOR_VERSION or check != _check(body):
        raise _invalid(cursor, field)
    return body


def _check(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(CHECK_BYTES, "big")


def _varint(number: int) -> bytes:
    if number < 0:
        raise ValueError("positions are not negative")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varints(raw: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift or not numbers or numbers[0] != len(numbers) - 1 or numbers[0] > POSITIONS_MAX:
        raise ValueError("truncated")
    return numbers[1:]
