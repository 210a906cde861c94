"""Request ids: the same id within 24 hours returns the first answer."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from services.runtime.errors import FieldViolation, InvalidArgument


def parsed_request_id(text: str) -> UUID | None:
    """Empty: none."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        violation = FieldViolation("request_id", "must be a UUID", "FIELD_INVALID")
        raise InvalidArgument("FIELD_INVALID", "request_id is not a UUID", field_violations=[violation]) from error


def fingerprint(content: bytes) -> bytes:
    """Tells whether a request id is used again for something else."""
    return blake2b(content, digest_size=16).digest()


def request_id_reused() -> InvalidArgument:
    violation = FieldViolation("request_id", "was used for another request", "REQUEST_ID_REUSED")
    return InvalidArgument(
        "REQUEST_ID_REUSED", "the request id belongs to another request", field_violations=[violation]
    )
