"""The errors a service may answer with: nouns with their data, free of gRPC so that pure files can raise them.

AndonError
|- InvalidArgument   |- NotFound          |- AlreadyExists     |- FailedPrecondition
|- OutOfRange        |- Aborted           |- PermissionDenied  |- Unauthenticated
|- ResourceExhausted |- Unavailable
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldViolation:
    """`field` is a path as in the contract, with its index: `batch.rows.events[3].time`."""

    field: str
    description: str
    reason: str = ""


@dataclass(frozen=True)
class QuotaViolation:
    """`subject`: whose quota it is, such as "sources/desk"."""

    subject: str
    description: str


@dataclass(frozen=True)
class PreconditionViolation:
    kind: str
    subject: str
    description: str


class AndonError(Exception):
    """`reason` is a name of andon.common.v1.ErrorReason, with or without its prefix."""

    code: ClassVar[str] = "INTERNAL"
    default_reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        reason: str = "",
        message: str = "",
        *,
        metadata: Mapping[str, str] | None = None,
        field_violations: Sequence[FieldViolation] = (),
        precondition_violations: Sequence[PreconditionViolation] = (),
        quota_violations: Sequence[QuotaViolation] = (),
        retry_after_s: float | None = None,
    ) -> None:
        self.reason = (reason or self.default_reason).removeprefix("ERROR_REASON_")
        self.message = message
        self.metadata = dict(metadata or {})
        self.field_violations = tuple(field_violations)
        self.precondition_violations = tuple(precondition_violations)
        self.quota_violations = tuple(quota_violations)
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.reason}: {message}" if message else self.reason)


class InvalidArgument(AndonError):
    code = "INVALID_ARGUMENT"
    default_reason = "FIELD_INVALID"


def invalid(field: str, description: str, reason: str = "FIELD_INVALID") -> InvalidArgument:
    """One field at fault. `description` is for developers, and holds nothing of the value."""
    message = f"{field} {description}"
    return InvalidArgument(reason, message, field_violations=[FieldViolation(field, description, reason)])


def invalid_number(field: str, description: str, given: float) -> InvalidArgument:
    """A number that must not be 0, which is what an absent one is: FIELD_REQUIRED then, else FIELD_INVALID."""
    return invalid(field, description, "FIELD_INVALID" if given else "FIELD_REQUIRED")


class NotFound(AndonError):
    code = "NOT_FOUND"
    default_reason = "NOT_FOUND"


class AlreadyExists(AndonError):
    code = "ALREADY_EXISTS"
    default_reason = "ALREADY_EXISTS"


class FailedPrecondition(AndonError):
    code = "FAILED_PRECONDITION"
    default_reason = "INVALID_TRANSITION"


class OutOfRange(AndonError):
    code = "OUT_OF_RANGE"
    default_reason = "CURSOR_EXPIRED"


class Aborted(AndonError):
    code = "ABORTED"
    default_reason = "ETAG_STALE"


class PermissionDenied(AndonError):
    code = "PERMISSION_DENIED"
    default_reason = "ROLE_NOT_ALLOWED"


class Unauthenticated(AndonError):
    code = "UNAUTHENTICATED"
    default_reason = "TOKEN_INVALID"


class ResourceExhausted(AndonError):
    code = "RESOURCE_EXHAUSTED"
    default_reason = "OVERLOADED"

    def __init__(self, reason: str = "", message: str = "", *, retry_after_s: float = 1.0, **rest: object) -> None:
        super().__init__(reason, message, retry_after_s=retry_after_s, **rest)  # type: ignore[arg-type]


class Unavailable(AndonError):
    code = "UNAVAILABLE"
    default_reason = "OVERLOADED"

    def __init__(self, reason: str = "", message: str = "", *, retry_after_s: float = 1.0, **rest: object) -> None:
        super().__init__(reason, message, retry_after_s=retry_after_s, **rest)  # type: ignore[arg-type]
