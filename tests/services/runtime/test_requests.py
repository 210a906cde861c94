"""A request id belongs to one request."""

from __future__ import annotations

import uuid

import pytest
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import ingest_pb2

from services.runtime.errors import InvalidArgument
from services.runtime.requests import idempotency_key

ID = "6f1c3f0e-0000-4000-8000-00000000000a"


def test_the_same_request_has_the_same_key_and_any_other_another() -> None:
    close = improvement_pb2.CloseProblemRequest
    key = idempotency_key(close(name="problems/p", request_id=ID))
    assert key is not None
    assert key.request_id == uuid.UUID(ID)
    assert key == idempotency_key(close(name="problems/p", request_id=ID))
    others = [
        close(name="problems/q", request_id=ID),
        close(name="problems/p", etag="1", request_id=ID),
        # The same bytes on the wire, for another method.
        improvement_pb2.AcknowledgeProblemRequest(name="problems/p", request_id=ID),
    ]
    for other in others:
        same_id = idempotency_key(other)
        assert same_id is not None
        with pytest.raises(InvalidArgument) as caught:
            same_id.check(key.fingerprint)
        assert caught.value.reason == "REQUEST_ID_REUSED"


def test_dry_runs_and_requests_without_an_id_have_none() -> None:
    assert idempotency_key(ingest_pb2.WriteEventsRequest()) is None
    assert idempotency_key(ingest_pb2.WriteEventsRequest(request_id=ID, validate_only=True)) is None


def test_what_is_no_uuid_is_refused_by_its_field() -> None:
    with pytest.raises(InvalidArgument) as caught:
        idempotency_key(ingest_pb2.WriteEventsRequest(request_id="x", validate_only=True))
    assert caught.value.field_violations[0].field == "request_id"
