"""Idempotency keys: the same request id within 24 hours returns the first answer, and never that of another request."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

from services.runtime.errors import InvalidArgument, invalid


@dataclass(frozen=True)
class IdempotencyKey:
    """`fingerprint` (16 bytes) is that of the whole request and of its kind."""

    request_id: UUID
    fingerprint: bytes

    def check(self, fingerprint: bytes) -> None:
        """Raises InvalidArgument where the id was first used for a request of another fingerprint."""
        if fingerprint != self.fingerprint:
            raise request_id_reused()


def idempotency_key(request: Any, part: bytes | memoryview = b"") -> IdempotencyKey | None:
    """None: the request has no id, or is a dry run, which nobody remembers. `part`: what was not read with it."""
    if not request.request_id:
        return None
    try:
        request_id = UUID(request.request_id)
    except ValueError as error:
        raise invalid("request_id", "must be a UUID") from error
    if request.validate_only:
        return None
    content = request.DESCRIPTOR.full_name.encode() + b"\0" + request.SerializeToString(deterministic=True)
    fingerprint = blake2b(content, digest_size=16)
    fingerprint.update(part)
    return IdempotencyKey(request_id, fingerprint.digest())


def request_id_reused() -> InvalidArgument:
    return invalid("request_id", "was used for another request", "REQUEST_ID_REUSED")
