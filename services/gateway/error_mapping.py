"""Errors on their way through: what ingest answered becomes an error of this process, and an error becomes JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

import grpc
from google.protobuf import json_format

# What Any may hold has to be known before it can be shown.
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.gateway.media_types import PROTOBUF, media_type
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
    QuotaViolation,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from services.runtime.http_calls import STATUSES
from services.runtime.identity import Metadata, locale_of
from services.runtime.statuses import Internal, status_of
from services.runtime.texts import sentence

_KINDS: Mapping[str, type[AndonError]] = {
    kind.code: kind
    for kind in (
        Aborted,
        AlreadyExists,
        FailedPrecondition,
        InvalidArgument,
        NotFound,
        OutOfRange,
        PermissionDenied,
        ResourceExhausted,
        Unauthenticated,
        Unavailable,
    )
}


def passed_on(error: grpc.aio.AioRpcError) -> AndonError:
    """The same error with its details, as if it were of this process."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    kind = _KINDS.get(error.code().name)
    if status is None or (kind is None and error.code() is not grpc.StatusCode.INTERNAL):
        # Not of ingest itself, but of the way to it; or it took too long.
        return Unavailable("UPSTREAM_UNAVAILABLE", "ingest is not available right now")
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry, quota = error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
    state = error_details_pb2.PreconditionFailure()
    for detail in status.details:
        for known in (info, bad, retry, quota, state):
            detail.Unpack(known)
    details = {
        "metadata": dict(info.metadata),
        "field_violations": [FieldViolation(one.field, one.description, one.reason) for one in bad.field_violations],
        "quota_violations": [QuotaViolation(one.subject, one.description) for one in quota.violations],
        "precondition_violations": [
            PreconditionViolation(one.type, one.subject, one.description) for one in state.violations
        ],
    }
    if retry.HasField("retry_delay"):
        details["retry_after_s"] = retry.retry_delay.ToTimedelta().total_seconds()
    return (kind or Internal)(info.reason, status.message, **details)  # type: ignore[arg-type]


def said_to_machines(error: AndonError, headers: Metadata) -> tuple[str, bytes]:
    """A google.rpc.Status: in JSON as Google's HTTP interfaces have it, or as protobuf to a caller that speaks it."""
    locale, http_status = locale_of(headers), STATUSES.get(error.code, 500)
    if error.code not in grpc.StatusCode.__members__:
        # HTTP has statuses of its own; to google.rpc each of them is a request at fault.
        text = error.message or sentence(error.reason, error.code, "en")
        error = InvalidArgument(error.reason, text, metadata=error.metadata)
    ((_, encoded),) = status_of(error, locale).trailers
    if media_type({name: str(value) for name, value in headers}) == PROTOBUF:
        return PROTOBUF, encoded
    status = status_pb2.Status.FromString(encoded)
    document = {
        "error": {
            "code": int(http_status),
            "status": error.code,
            "message": status.message,
            "details": [json_format.MessageToDict(one) for one in status.details],
        }
    }
    return "application/json", json.dumps(document, ensure_ascii=False).encode()
