"""A large request that is read in pieces is the request that protobuf reads whole."""

from __future__ import annotations

from typing import Any

import pytest
from andon.ingest.v1 import event_pb2, ingest_pb2, record_pb2
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.admission.rows import read_rows
from services.ingest.model import MalformedBatch
from services.ingest.wire import encoded_rows
from services.ingest.wire.encoded_rows import canonical_events, json_records, reading
from services.runtime.contract import PartlyRead
from services.runtime.requests import idempotency_key

REQUEST_ID = "6b0f2b9e-6a3b-4a7e-9d0e-2f6a1d1f0c11"
# A field of each kind that no version has.
UNKNOWN = (b"\xf8\x07\x05", b"\xf9\x07" + bytes(8), b"\xfa\x07\x03abc", b"\xfd\x07" + bytes(4))


@pytest.fixture(scope="module", autouse=True)
def _small_pieces() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoded_rows, "WHOLE_BYTES_MAX", 100)
        patch.setattr(encoded_rows, "_PIECE_BYTES", 300)
        yield


def request_of(texts: list[str]) -> ingest_pb2.WriteEventsRequest:
    request = ingest_pb2.WriteEventsRequest(request_id=REQUEST_ID)
    for number, text in enumerate(texts):
        event = request.batch.rows.events.add(id=f"e{number}", source="desk", case_id=text, activity="Opened")
        event.time.FromSeconds(1_700_000_000 + number)
        event.attributes["note"].text = text
        event.attributes["cost"].number = number / 3
    return request


def framed(content: bytes) -> bytes:
    """As field 1 of a message."""
    length, head = len(content), bytearray(b"\x0a")
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes([*head, length]) + content


def read_apart(encoded: bytes) -> PartlyRead[ingest_pb2.WriteEventsRequest]:
    found = reading(ingest_pb2.WriteEventsRequest, "batch", "rows")(encoded)
    assert isinstance(found, PartlyRead)
    return found


def joined(apart: PartlyRead[ingest_pb2.WriteEventsRequest]) -> ingest_pb2.WriteEventsRequest:
    request = ingest_pb2.WriteEventsRequest()
    request.CopyFrom(apart.request)
    request.batch.rows.ParseFromString(canonical_events(apart.part, deterministic=False))
    return request


@given(texts=st.lists(st.text(max_size=400), min_size=4, max_size=40))
@settings(max_examples=60, deadline=None)
def test_pieces_hold_every_event_once_and_in_order(texts: list[str]) -> None:
    request = request_of(texts)
    apart = read_apart(request.SerializeToString())
    assert not apart.request.HasField("batch")
    assert apart.request.request_id == REQUEST_ID
    assert joined(apart) == request
    written = canonical_events(apart.part, deterministic=True)
    assert written == request.batch.rows.SerializeToString(deterministic=True)
    assert read_rows(written).page.column("case_id").to_pylist() == [text or None for text in texts]


def test_small_requests_and_arrow_are_read_whole() -> None:
    read = reading(ingest_pb2.WriteEventsRequest, "batch", "rows")
    small = ingest_pb2.WriteEventsRequest(request_id=REQUEST_ID)
    assert read(small.SerializeToString()) == small
    arrow = ingest_pb2.WriteEventsRequest(batch=event_pb2.EventBatch(arrow_ipc=bytes(5_000)))
    assert read(arrow.SerializeToString()) == arrow


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_fields_of_later_versions_are_left_out_wherever_they_are(unknown: bytes) -> None:
    request = request_of(["a" * 90] * 9)
    event = request.batch.rows.events[0].SerializeToString()
    rows = unknown + b"".join(framed(one.SerializeToString() + unknown) for one in request.batch.rows.events) + unknown
    plain = request.batch.rows.SerializeToString(deterministic=True)
    assert canonical_events(memoryview(rows), deterministic=True) == plain
    apart = read_apart(framed(framed(framed(event) + rows)) + unknown)
    assert len(read_rows(canonical_events(apart.part, deterministic=False)).page) == 10


def test_rows_that_came_in_two_batches_or_beside_something_else_are_read_as_protobuf_merges_them() -> None:
    one, other = request_of(["a" * 90] * 9), request_of(["b" * 90] * 9)
    twice = one.SerializeToString() + other.SerializeToString()
    arrow = framed(framed(one.batch.rows.SerializeToString()) + b"\x12\x03abc")
    for encoded in (twice, arrow):
        whole = ingest_pb2.WriteEventsRequest.FromString(encoded)
        assert reading(ingest_pb2.WriteEventsRequest, "batch", "rows")(encoded) == whole
    assert len(ingest_pb2.WriteEventsRequest.FromString(twice).batch.rows.events) == 18


@given(at=st.integers(0, 900), byte=st.integers(0, 255), cut=st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_a_damaged_request_is_refused_or_read_as_protobuf_reads_it(at: int, byte: int, cut: int) -> None:
    sound = bytearray(request_of(["a" * 90] * 9).SerializeToString())
    sound[at] = byte
    damaged = bytes(sound[: len(sound) - cut])
    try:
        whole = ingest_pb2.WriteEventsRequest.FromString(damaged)
    except DecodeError:
        whole = None
    try:
        found = reading(ingest_pb2.WriteEventsRequest, "batch", "rows")(damaged)
        came = joined(found) if isinstance(found, PartlyRead) else found
    except DecodeError:
        came = None
    if whole is None or came is None:
        assert whole is came
        return
    whole.batch.DiscardUnknownFields()
    came.batch.DiscardUnknownFields()
    assert came.SerializeToString(deterministic=True) == whole.SerializeToString(deterministic=True)


def test_more_events_than_a_batch_may_have_are_refused_without_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_rows, "BATCH_EVENTS_MAX", 8)
    with pytest.raises(MalformedBatch, match="more than 8 events"):
        canonical_events(read_apart(request_of(["a" * 90] * 9).SerializeToString()).part, deterministic=False)
    monkeypatch.setattr(encoded_rows, "BATCH_EVENTS_MAX", 9)
    monkeypatch.setattr(encoded_rows, "BATCH_BYTES_MAX", 900)
    with pytest.raises(MalformedBatch, match="more than 900 bytes"):
        canonical_events(read_apart(request_of(["a" * 90] * 9).SerializeToString()).part, deterministic=False)


def test_the_same_id_with_other_events_is_another_request() -> None:
    first, again, other = (request_of([text * 90] * 9) for text in ("a", "a", "b"))
    keys = []
    for request in (first, again, other):
        apart = read_apart(request.SerializeToString())
        keys.append(idempotency_key(apart.request, canonical_events(apart.part, deterministic=True)))
    assert keys[0] == keys[1] != keys[2]


def records_of(raw: list[bytes]) -> record_pb2.WriteRecordsRequest:
    records = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=raw))
    return record_pb2.WriteRecordsRequest(source="sources/desk", records=records, request_id=REQUEST_ID)


def records_apart(encoded: bytes) -> PartlyRead[record_pb2.WriteRecordsRequest]:
    found = reading(record_pb2.WriteRecordsRequest, "records", "json")(encoded)
    assert isinstance(found, PartlyRead)
    return found


@given(raw=st.lists(st.binary(max_size=300), min_size=60, max_size=120), at=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_records_of_a_large_request_are_read_apart_as_they_came(raw: list[bytes], at: int) -> None:
    request = records_of(raw)
    apart = records_apart(request.SerializeToString() + UNKNOWN[at])
    assert not apart.request.HasField("records")
    assert (apart.request.source, apart.request.request_id) == ("sources/desk", REQUEST_ID)
    assert json_records(apart.part) == raw
    unknown = UNKNOWN[at] + b"".join(map(framed, raw)) + UNKNOWN[at]
    assert json_records(memoryview(unknown)) == raw


def test_few_records_and_those_in_arrow_are_read_whole() -> None:
    read = reading(record_pb2.WriteRecordsRequest, "records", "json")
    arrow = record_pb2.WriteRecordsRequest(records=record_pb2.RawRecords(arrow_ipc=bytes(5_000)))
    for request in (records_of([b"{}"]), arrow):
        assert read(request.SerializeToString()) == request


def test_records_that_are_too_many_or_end_too_early_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = records_of([b"{}"] * 60).SerializeToString()
    part = records_apart(encoded).part
    for damaged in (part[:-1], part[:-3]):
        with pytest.raises(DecodeError):
            json_records(damaged)
    monkeypatch.setattr(encoded_rows, "BATCH_EVENTS_MAX", 59)
    with pytest.raises(MalformedBatch, match="more than 59 records"):
        json_records(part)


def test_the_same_id_with_other_records_is_another_request() -> None:
    keys = []
    for text in (b"a", b"a", b"b"):
        apart = records_apart(records_of([text * 9] * 60).SerializeToString())
        keys.append(idempotency_key(apart.request, apart.part))
    assert keys[0] == keys[1] != keys[2]
