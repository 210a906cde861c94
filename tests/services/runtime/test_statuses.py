"""Every exception leaves as a status with google.rpc details, and nothing of the inside leaves with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from andon.common.v1 import errors_pb2
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2, status_pb2

from services.runtime import errors, texts
from services.runtime.statuses import Status, status_of

DETAILS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.LocalizedMessage,
)


def details(status: Status) -> dict[str, Any]:
    parsed = status_pb2.Status.FromString(status.trailers[0][1])
    assert parsed.code == status.code.value[0]
    found = {}
    for packed in parsed.details:
        for kind in DETAILS:
            if packed.Is(kind.DESCRIPTOR):
                one = kind()
                packed.Unpack(one)
                found[kind.__name__] = MessageToDict(one)
    assert len(found) == len(parsed.details)
    return found


def tree(root: type[errors.AndonError] = errors.AndonError) -> Iterator[type[errors.AndonError]]:
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from tree(child)


@pytest.mark.parametrize("kind", list(tree()), ids=lambda kind: kind.__name__)
def test_every_error_carries_its_code_reason_and_text(kind: type[errors.AndonError]) -> None:
    status = status_of(kind(), "en")
    found = details(status)
    assert status.code is grpc.StatusCode[kind.code]
    assert found["ErrorInfo"] == {"reason": kind.default_reason, "domain": "andon"}
    assert found["LocalizedMessage"]["message"]
    assert ("RetryInfo" in found) == (kind in (errors.ResourceExhausted, errors.Unavailable))


@pytest.mark.parametrize("reason", sorted({*texts.REASONS, *(kind.default_reason for kind in tree())}), ids=str)
def test_every_reason_is_one_of_the_contract(reason: str) -> None:
    assert f"ERROR_REASON_{reason}" in errors_pb2.ErrorReason.keys()  # noqa: SIM118 - an enum wrapper is no mapping


def test_a_reason_may_be_given_with_its_prefix() -> None:
    assert errors.NotFound("ERROR_REASON_NOT_FOUND").reason == "NOT_FOUND"


def test_violations_name_the_field_with_its_index() -> None:
    violation = errors.FieldViolation("batch.rows.events[3].time", "must be set", "FIELD_REQUIRED")
    found = details(status_of(errors.InvalidArgument(field_violations=[violation]), "en"))
    assert found["BadRequest"]["fieldViolations"] == [
        {"field": "batch.rows.events[3].time", "description": "must be set", "reason": "FIELD_REQUIRED"}
    ]


def test_an_illegal_move_says_which_are_legal() -> None:
    legal = errors.PreconditionViolation("MOVE", "problems/7", "legal: start, cancel")
    found = details(status_of(errors.FailedPrecondition(precondition_violations=[legal]), "en"))
    assert found["PreconditionFailure"]["violations"] == [
        {"type": "MOVE", "subject": "problems/7", "description": "legal: start, cancel"}
    ]


def test_a_retry_says_when() -> None:
    found = details(status_of(errors.ResourceExhausted(retry_after_s=2.5), "en"))
    assert found["RetryInfo"] == {"retryDelay": "2.500s"}


def test_the_text_speaks_the_callers_language() -> None:
    english = details(status_of(errors.Unauthenticated(), "en"))["LocalizedMessage"]
    chinese = details(status_of(errors.Unauthenticated(), "zh"))["LocalizedMessage"]
    assert english == {"locale": "en-US", "message": "Sign in again: this token is not valid."}
    assert chinese == {"locale": "zh-CN", "message": "请重新登录：令牌无效。"}


def test_a_services_own_text_comes_first() -> None:
    own = {"LINT_FAILED": {"en": "The system has findings.", "zh": "指标体系存在问题。"}}
    status = status_of(errors.FailedPrecondition("LINT_FAILED"), "zh", own)  # type: ignore[arg-type]
    assert details(status)["LocalizedMessage"]["message"] == "指标体系存在问题。"


def test_a_great_many_violations_still_fit_into_the_trailers() -> None:
    violations = [errors.FieldViolation(f"events[{n}].time", "not a time: " + "坏" * 40) for n in range(10_000)]
    status = status_of(errors.InvalidArgument(field_violations=violations), "en")
    assert len(status.trailers[0][1]) < 8_000
    found = details(status)
    assert found["ErrorInfo"]["metadata"]["field_violations_total"] == "10000"
    assert found["BadRequest"]["fieldViolations"][0]["field"] == "events[0].time"


def test_a_great_many_preconditions_still_fit_into_the_trailers() -> None:
    findings = [errors.PreconditionViolation("slice_twice", f"indicators[{n}]", "坏" * 40) for n in range(4_000)]
    status = status_of(errors.FailedPrecondition("LINT_FAILED", precondition_violations=findings), "en")
    assert len(status.trailers[0][1]) < 8_000
    found = details(status)
    assert found["ErrorInfo"]["metadata"]["precondition_violations_total"] == "4000"
    assert found["PreconditionFailure"]["violations"][0]["subject"] == "indicators[0]"


def test_a_very_long_message_is_cut() -> None:
    status = status_of(errors.NotFound(message="x" * 100_000, metadata={"key": "y" * 100_000}), "en")
    assert len(status.trailers[0][1]) + len(status.message) < 8_000


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("SELECT secret FROM vault"),
        KeyError("password=hunter2"),
        asyncpg.InterfaceError("invalid input for query argument $1: 'secret'"),
        asyncpg.UndefinedTableError('relation "secret" does not exist'),
    ],
    ids=["text", "key", "argument", "statement"],
)
def test_an_unexpected_error_leaves_as_an_incident_and_nothing_else(error: Exception) -> None:
    status = status_of(error, "en")
    assert status.code is grpc.StatusCode.INTERNAL
    whole = status.message.encode() + status.trailers[0][1]
    assert b"secret" not in whole
    assert b"hunter2" not in whole
    assert details(status)["ErrorInfo"]["metadata"]["incident"] in status.message


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.ConnectionDoesNotExistError("connection was closed"),
        asyncpg.TooManyConnectionsError("sorry, too many clients"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.SerializationError("could not serialize"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.InterfaceError("pool is closed"),
        ConnectionRefusedError(111, "refused at 10.0.0.7:5432"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_store_that_is_away_is_a_retry_without_driver_text(error: Exception) -> None:
    status = status_of(error, "en")
    assert status.code is grpc.StatusCode.UNAVAILABLE
    found = details(status)
    assert found["ErrorInfo"]["reason"] == "DATABASE_UNAVAILABLE"
    assert "retryDelay" in found["RetryInfo"]
    assert not str(error) or str(error).encode() not in status.trailers[0][1]


async def test_an_error_reaches_a_real_client_with_its_details(started: Any, failing_with: Any) -> None:
    async def fail(_: bytes, __: Any) -> bytes:
        raise errors.Aborted("ETAG_STALE", "someone was faster", metadata={"etag": "7"})

    running = await started({"Fail": ("unary_unary", fail)})
    call = running.channel().unary_unary("/andon.test.v1.EchoService/Fail")
    async with failing_with(grpc.StatusCode.ABORTED) as seen:
        await call(b"", metadata=running.metadata("reader", andon_locale="zh"))
    trailers = dict(seen[0].trailing_metadata())
    found = details(Status(seen[0].code(), seen[0].details(), (("", trailers["grpc-status-details-bin"]),)))
    assert found["ErrorInfo"] == {"reason": "ETAG_STALE", "domain": "andon", "metadata": {"etag": "7"}}
    assert found["LocalizedMessage"]["locale"] == "zh-CN"


def test_only_the_runtimes_statuses_turn_errors_into_codes() -> None:
    """Servicers raise domain errors; none of them mentions a status code for its own refusals."""
    services = Path(__file__).parents[3] / "services"
    rooms = [room for room in services.iterdir() if room.is_dir() and room.name != "runtime"]
    offenders = [path for room in rooms for path in room.rglob("servicer*.py") if "context.abort" in path.read_text()]
    assert offenders == []
