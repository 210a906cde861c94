"""The one place that turns exceptions into google.rpc statuses. Driver text never leaves a service."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import grpc
import structlog
from google.protobuf import message
from google.rpc import error_details_pb2, status_pb2

from services.runtime.database import is_unavailable
from services.runtime.errors import (
    Aborted,
    AlreadyExists,
    AndonError,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    PreconditionViolation,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from services.runtime.texts import LANGUAGE_TAGS, Locale, Texts, sentence

__all__ = [
    "Aborted",
    "AlreadyExists",
    "AndonError",
    "FailedPrecondition",
    "FieldViolation",
    "Internal",
    "InvalidArgument",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "PreconditionViolation",
    "ResourceExhausted",
    "Status",
    "Unauthenticated",
    "Unavailable",
    "domain_error",
    "status_of",
]

DOMAIN = "andon"
# Trailers share 8 KiB by default on the reader's side; details beyond it would turn the answer into a transport error.
DETAILS_BYTES_MAX = 4_000
MESSAGE_LENGTH_MAX = 400
METADATA_LENGTH_MAX = 200
METADATA_ENTRIES_MAX = 8

PASSED_ON = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}

log = structlog.get_logger(__name__)


class Internal(AndonError):
    """Something unexpected; the incident id is all that leaves, the log has the rest."""


@dataclass(frozen=True)
class Status:
    code: grpc.StatusCode
    message: str
    trailers: tuple[tuple[str, bytes], ...]


def domain_error(error: BaseException) -> AndonError:
    if isinstance(error, AndonError):
        return error
    if isinstance(error, message.DecodeError):
        return InvalidArgument("FIELD_INVALID", "the request is not a readable message of this method")
    if is_unavailable(error):
        log.warning("dependency unavailable", error=type(error).__name__)
        return Unavailable("DATABASE_UNAVAILABLE", "a store is not available right now")
    if isinstance(error, grpc.aio.AioRpcError) and error.code() in PASSED_ON:
        return Unavailable("UPSTREAM_UNAVAILABLE", "a service behind this one is not available right now")
    incident = uuid.uuid4().hex
    log.error("unexpected error", incident=incident, exc_info=error)
    return Internal("INTERNAL", f"internal error, incident {incident}", metadata={"incident": incident})


def status_of(error: BaseException, locale: Locale, texts: Texts | None = None) -> Status:
    known = domain_error(error)
    code = grpc.StatusCode[known.code]
    text = known.message[:MESSAGE_LENGTH_MAX] or sentence(known.reason, known.code, "en", texts)
    status = status_pb2.Status(code=code.value[0], message=text)
    for detail in _details(known, locale, texts):
        status.details.add().Pack(detail)
    return Status(code, text, (("grpc-status-details-bin", status.SerializeToString()),))


def _details(error: AndonError, locale: Locale, texts: Texts | None) -> Iterable[message.Message]:
    violations: list[FieldViolation] = []
    preconditions: list[PreconditionViolation] = []
    bytes_left = DETAILS_BYTES_MAX
    for one in error.field_violations:
        bytes_left -= len(one.field.encode()) + len(one.description.encode()) + len(one.reason) + 16
        if bytes_left < 0:
            break
        violations.append(one)
    for state in error.precondition_violations:
        bytes_left -= len(state.kind) + len(state.subject.encode()) + len(state.description.encode()) + 16
        if bytes_left < 0:
            break
        preconditions.append(state)
    entries = list(error.metadata.items())[:METADATA_ENTRIES_MAX]
    metadata = {key: value[:METADATA_LENGTH_MAX] for key, value in entries}
    if len(violations) < len(error.field_violations):
        metadata["field_violations_total"] = str(len(error.field_violations))
    if len(preconditions) < len(error.precondition_violations):
        metadata["precondition_violations_total"] = str(len(error.precondition_violations))
    yield error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)
    if violations:
        of_field = error_details_pb2.BadRequest.FieldViolation
        yield error_details_pb2.BadRequest(
            field_violations=[
                of_field(field=one.field, description=one.description, reason=one.reason) for one in violations
            ]
        )
    if preconditions:
        of_state = error_details_pb2.PreconditionFailure.Violation
        yield error_details_pb2.PreconditionFailure(
            violations=[
                of_state(type=one.kind, subject=one.subject, description=one.description) for one in preconditions
            ]
        )
    if error.quota_violations:
        of_quota = error_details_pb2.QuotaFailure.Violation
        yield error_details_pb2.QuotaFailure(
            violations=[of_quota(subject=one.subject, description=one.description) for one in error.quota_violations]
        )
    if error.retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(error.retry_after_s * 1000))
        yield retry
    text = sentence(error.reason, error.code, locale, texts)
    yield error_details_pb2.LocalizedMessage(locale=LANGUAGE_TAGS[locale], message=text)
