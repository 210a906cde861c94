"""Raw records over real gRPC and real Postgres: the mapping of their source makes events of them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import asyncpg
import grpc
import pyarrow as pa
import pytest
from andon.common.v1.errors_pb2 import ErrorReason
from andon.common.v1.value_pb2 import Value
from andon.ingest.v1 import ingest_pb2, mapping_pb2, quarantine_pb2, record_pb2, source_pb2
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2, status_pb2

Outcome = record_pb2.RecordOutcome
AUDITS = {
    "unfold": [{"name": "audit", "path": "audits"}, {"name": "change", "path": "audit.events[?type=='Change']"}],
    "fields": {"at": "audit.created_at", "who": "audit.author", "field": "change.field", "value": "change.value"},
    "id": {"column": "{ticket}/{at}/{item}"},
    "case_id": {"column": "ticket"},
    "activity": {"column": "{field} {value}"},
    "time": {"column": "at"},
    "resource": {"column": "who"},
    "attributes": {"cost": {"type": "ATTRIBUTE_TYPE_NUMBER"}},
    "time_zone": "Europe/Berlin",
}
FLAT = {
    "id": {"column": "id"},
    "case_id": {"column": "case"},
    "activity": {"column": "step"},
    "time": {"column": "at"},
    "attributes": {"cost": {"type": "ATTRIBUTE_TYPE_NUMBER"}},
}

POLICY_KEEP = source_pb2.FieldPolicy(field="resource", treatment=source_pb2.TREATMENT_KEEP)


def mapping_(document: dict[str, Any]) -> mapping_pb2.RecordMapping:
    return json_format.ParseDict(document, mapping_pb2.RecordMapping())


async def made(client: Any, document: dict[str, Any], name: str = "desk", **fields: Any) -> source_pb2.Source:
    source = source_pb2.Source(mapping=mapping_(document), **fields)
    return (await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id=name, source=source))).source


def json_records(*records: Any) -> record_pb2.RawRecords:
    raw = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
    return record_pb2.RawRecords(json=record_pb2.JsonRecords(records=raw))


def write(*records: Any, source: str = "sources/desk", **fields: Any) -> record_pb2.WriteRecordsRequest:
    return record_pb2.WriteRecordsRequest(source=source, records=json_records(*records), **fields)


def audit(ticket: int, *changes: tuple[str, str], at: str = "2026-01-05T10:00:00") -> dict[str, Any]:
    events = [{"type": "Change", "field": field, "value": value} for field, value in changes]
    events.append({"type": "Comment"})
    return {"ticket": ticket, "cost": 4.5, "audits": [{"created_at": at, "author": "Ann", "events": events}]}


def flat(name: str, **others: Any) -> dict[str, Any]:
    return {"id": name, "case": "c1", "step": "Opened", "at": "2026-01-05T10:00:00Z", **others}


def of(answer: record_pb2.WriteRecordsResponse) -> tuple[int, int, int, int]:
    assert len(answer.outcomes) == answer.accepted + answer.duplicate + answer.quarantined + answer.omitted
    return answer.accepted, answer.duplicate, answer.quarantined, answer.omitted


def reason_of(error: grpc.aio.AioRpcError) -> tuple[str, str]:
    details = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    reason = place = ""
    for detail in status_pb2.Status.FromString(details).details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(bad):
            place = bad.field_violations[0].field
    return reason, place


async def test_a_nested_record_becomes_its_events(served: Any, everything: Any) -> None:
    client = served.client()
    await made(client, AUDITS)
    answer = await client.WriteRecords(write(audit(7, ("status", "open"), ("priority", "high"))))
    assert of(answer) == (1, 0, 0, 0)
    assert answer.events.accepted == 2
    found = await everything(client)
    assert [row["activity"] for row in found] == ["status open", "priority high"]
    assert {row["case_id"] for row in found} == {"7"}
    # A local time of the source's zone, and a pseudonym.
    assert found[0]["time"].isoformat() == "2026-01-05T09:00:00+00:00"
    assert found[0]["resource"] != "Ann"
    assert found[0]["attributes.cost"] == 4.5


async def test_every_record_has_one_answer(served: Any, everything: Any) -> None:
    client = served.client()
    await made(client, AUDITS)
    await client.WriteRecords(write(audit(1, ("status", "open"))))
    answer = await client.WriteRecords(
        write(
            audit(1, ("status", "open")),
            audit(1, ("status", "open"), ("status", "hold")),
            audit(2),
            b'{"ticket": 3,',
            b"[1]",
            audit(4, ("status", "open"), at="yesterday"),
            audit(5, ("status", "open")),
            b'{"ticket": "\\ud800"}',
        )
    )
    assert [Outcome.Name(one).removeprefix("RECORD_OUTCOME_") for one in answer.outcomes] == [
        *("DUPLICATE", "ACCEPTED", "OMITTED", "QUARANTINED", "QUARANTINED", "QUARANTINED", "ACCEPTED", "QUARANTINED"),
    ]
    assert of(answer) == (2, 1, 4, 1)
    events = answer.events
    assert (events.accepted, events.duplicate, events.quarantined) == (2, 2, 4)
    refused = [(one.index, one.event_number, one.field, ErrorReason.Name(one.reason)) for one in answer.rejections]
    assert refused == [
        (3, 0, "record", "ERROR_REASON_RECORD_MALFORMED"),
        (4, 0, "record", "ERROR_REASON_RECORD_MALFORMED"),
        (5, 1, "time", "ERROR_REASON_EVENT_TIME_MISSING"),
        (7, 0, "record", "ERROR_REASON_RECORD_MALFORMED"),
    ]
    assert "JSON" in answer.rejections[0].message
    assert len(await everything(client)) == 3


async def test_what_could_not_be_mapped_is_in_quarantine_as_it_came(served: Any) -> None:
    client = served.client()
    await made(client, {**FLAT, "fields": {"at": "sum(prices)"}})
    broken = [b'{"id": "half', json.dumps({"id": "e1", "case": "c", "step": "s", "prices": ["x"]}).encode()]
    answer = await client.WriteRecords(write(*broken))
    reasons = [ErrorReason.Name(one.reason).removeprefix("ERROR_REASON_") for one in answer.rejections]
    assert reasons == ["RECORD_MALFORMED", "RECORD_NOT_MAPPABLE"]
    listed = await served.quarantine().ListQuarantinedEvents(quarantine_pb2.ListQuarantinedEventsRequest())
    assert sorted(one.event.attributes["record"].text.encode() for one in listed.events) == sorted(broken)
    assert {one.quarantine_id for one in listed.events} == {one.quarantine_id for one in answer.rejections}
    counts = (await client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts
    assert [(one.source, one.received, one.quarantined) for one in counts] == [("desk", 2, 2)]


async def test_records_are_replayed_by_the_mapping_that_their_source_has_now(served: Any, everything: Any) -> None:
    client, desk = served.client(), served.quarantine()
    source = await made(client, AUDITS | {"fields": {"at": "sum(audits)"}})
    two, half = audit(7, ("status", "open"), ("priority", "high")), b'{"ticket": 8'
    assert of(await client.WriteRecords(write(two, half, audit(9)))) == (0, 0, 2, 1)
    open_ = quarantine_pb2.QuarantineSelection(filter=quarantine_pb2.QuarantineFilter(sources=["desk"]))
    replay = quarantine_pb2.ReplayEventsRequest(selection=open_)
    refused = await desk.ReplayEvents(replay)
    assert refused.rejected_count == 2
    reasons = {ErrorReason.Name(one.rejection.reason) for one in refused.results}
    assert reasons == {"ERROR_REASON_RECORD_MALFORMED", "ERROR_REASON_RECORD_NOT_MAPPABLE"}
    source.mapping.CopyFrom(mapping_(AUDITS))
    await client.UpdateSource(ingest_pb2.UpdateSourceRequest(source=source, update_mask=FieldMask(paths=["mapping"])))
    whole = json.dumps(audit(8, ("status", "closed")))
    replace = quarantine_pb2.CorrectionRule.Replace(field="attributes.record", to=Value(text=whole))
    getattr(replace, "from").text = half.decode()
    rules = [quarantine_pb2.CorrectionRule(replace=replace)]
    tried = await desk.PreviewCorrection(quarantine_pb2.PreviewCorrectionRequest(selection=open_, rules=rules))
    assert (tried.accepted_count, tried.rejected_count, tried.changed_count) == (2, 0, 1)
    await desk.CorrectEvents(quarantine_pb2.CorrectEventsRequest(selection=open_, rules=rules, reason="cut off"))
    taken = await desk.ReplayEvents(replay)
    assert (taken.accepted_count, taken.duplicate_count, taken.rejected_count, len(taken.results)) == (2, 0, 0, 2)
    assert [row["activity"] for row in await everything(client)] == ["status open", "priority high", "status closed"]
    assert not (await desk.ReplayEvents(replay)).results


async def test_rows_of_arrow_become_the_events_that_equal_json_becomes(served: Any, everything: Any) -> None:
    client = served.client()
    await made(client, FLAT, "plain", time_earliest=None)
    rows = [{"id": f"e{n}", "case": "c1", "step": "Opened", "at": "2026-01-05T10:00:00Z", "cost": n} for n in range(3)]
    sink = pa.BufferOutputStream()
    table = pa.RecordBatch.from_pylist(rows).set_column(
        3, "at", pa.array(["2026-01-05T10:00:00"] * 3).cast(pa.timestamp("s")).cast(pa.timestamp("us", "UTC"))
    )
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_batch(table)
    records = record_pb2.RawRecords(arrow_ipc=sink.getvalue().to_pybytes())
    request = record_pb2.WriteRecordsRequest(source="sources/plain", records=records)
    assert of(await client.WriteRecords(request)) == (3, 0, 0, 0)
    again = await client.WriteRecords(write(*rows, source="sources/plain"))
    assert of(again) == (0, 3, 0, 0)
    assert len(await everything(client)) == 3


async def test_a_row_of_arrow_that_is_not_unicode_is_refused_alone(served: Any, everything: Any) -> None:
    client = served.client()
    await made(client, FLAT, "plain", time_earliest=None)
    texts = pa.array([b"Opened", b"caf\xe9", b"Closed"], pa.binary()).view(pa.string())
    times = ["2026-01-05T10:00:00Z"] * 3
    table = pa.RecordBatch.from_pydict({"id": ["1", "2", "3"], "case": ["a"] * 3, "step": texts, "at": times})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_batch(table)
    records = record_pb2.RawRecords(arrow_ipc=sink.getvalue().to_pybytes())
    answer = await client.WriteRecords(record_pb2.WriteRecordsRequest(source="sources/plain", records=records))
    assert of(answer) == (2, 0, 1, 0)
    assert [(one.index, ErrorReason.Name(one.reason)) for one in answer.rejections] == [
        (1, "ERROR_REASON_RECORD_MALFORMED")
    ]
    assert {row["activity"] for row in await everything(client)} == {"Opened", "Closed"}


async def test_structs_and_lists_of_arrow_are_objects_and_arrays(served: Any, everything: Any) -> None:
    client = served.client()
    await made(client, AUDITS)
    table = pa.RecordBatch.from_pylist([audit(7, ("status", "open"), ("status", "hold"))])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_batch(table)
    records = record_pb2.RawRecords(arrow_ipc=sink.getvalue().to_pybytes())
    answer = await client.WriteRecords(record_pb2.WriteRecordsRequest(source="sources/desk", records=records))
    assert (of(answer), answer.events.accepted) == ((1, 0, 0, 0), 2)
    assert [row["activity"] for row in await everything(client)] == ["status open", "status hold"]


async def test_a_request_id_returns_the_first_answer_even_under_another_mapping(served: Any) -> None:
    client = served.client()
    await made(client, FLAT)
    request = write(flat("e1"), flat("e1"), b"{", request_id=str(uuid.uuid4()))
    first = await client.WriteRecords(request)
    assert of(first) == (1, 1, 1, 0)
    changed = source_pb2.Source(name="sources/desk", mapping=mapping_({**FLAT, "activity": {"text": "Visit"}}))
    await client.UpdateSource(ingest_pb2.UpdateSourceRequest(source=changed, update_mask=FieldMask(paths=["mapping"])))
    assert await client.WriteRecords(request) == first


async def test_a_dry_run_answers_and_writes_nothing(served: Any, everything: Any) -> None:
    client = served.client()
    await made(client, FLAT)
    answer = await client.WriteRecords(write(flat("e1"), b"{", validate_only=True))
    assert of(answer) == (1, 0, 1, 0)
    assert answer.through == answer.rejections[0].quarantine_id == ""
    assert await everything(client) == []


async def test_a_large_batch_is_written_in_parts_and_answered_record_by_record(start: Any, everything: Any) -> None:
    served = await start(commit_rows_max=500)
    client = served.client()
    await made(client, FLAT)
    records = [flat(f"e{n % 1900}", cost=n % 1900) if n % 97 else b"{" for n in range(2_000)]
    answer = await client.WriteRecords(write(*records))
    broken = sum(1 for one in records if one == b"{")
    fresh = len({one["id"] for one in records if isinstance(one, dict)})
    assert of(answer) == (fresh, 2_000 - broken - fresh, broken, 0)
    assert [one.index for one in answer.rejections] == [n for n in range(2_000) if n % 97 == 0]
    assert all(answer.outcomes[n] == Outcome.RECORD_OUTCOME_QUARANTINED for n in range(0, 2_000, 97))


async def test_the_policy_of_the_source_applies_to_its_records(served: Any, everything: Any) -> None:
    client = served.client()
    document = {**FLAT, "attributes": {"phone": {}}, "resource": {"column": "desk"}}
    await made(client, document, policies=[POLICY_KEEP])
    await client.WriteRecords(write(flat("e1", phone="0171 2345678", desk="Desk 3")))
    (row,) = await everything(client)
    assert row["resource"] == "Desk 3"
    assert "0171" not in row["attributes.phone"]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({**FLAT, "id": {"column": "{case}/{row}"}}, "source.mapping.id"),
        ({**FLAT, "time_zone": "Mars/Olympus"}, "source.mapping.time_zone"),
        ({**FLAT, "time_formats": ["%Q"]}, "source.mapping.time_formats[0]"),
        ({**FLAT, "fields": {"at": "a["}}, "source.mapping.fields.at"),
        ({key: value for key, value in FLAT.items() if key != "time"}, "source.mapping"),
        ({**FLAT, "attributes": {"no name": {}}}, "source.mapping.attributes.no name"),
    ],
)
async def test_a_mapping_that_cannot_be_is_refused_with_its_key(
    served: Any, document: dict[str, Any], place: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await made(served.client(), document)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refused.value) == ("FIELD_INVALID", place)


async def test_records_need_a_source_with_a_mapping(served: Any) -> None:
    client = served.client()
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="events"))
    for source, code, reason in [
        ("", grpc.StatusCode.INVALID_ARGUMENT, "FIELD_REQUIRED"),
        ("sources/nobody", grpc.StatusCode.NOT_FOUND, "NOT_FOUND"),
        ("sources/events", grpc.StatusCode.FAILED_PRECONDITION, "MAPPING_MISSING"),
    ]:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await client.WriteRecords(write(flat("e1"), source=source))
        assert refused.value.code() is code
        assert reason_of(refused.value)[0] == reason


async def test_a_mapping_stored_under_older_rules_is_named_and_its_records_are_refused(
    served: Any, migrated: str
) -> None:
    client = served.client()
    await made(client, FLAT)
    connection = await asyncpg.connect(migrated)
    older = mapping_({**FLAT, "time_zone": "CEST"}).SerializeToString()
    await connection.execute("UPDATE ingest.source SET mapping = $1 WHERE source = 'desk'", older)
    await connection.close()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.WriteRecords(write(flat("e1")))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(refused.value)[0] == "MAPPING_OUTDATED"
    assert "time_zone" in str(refused.value.details())


async def test_a_source_is_given_back_with_its_mapping_and_changes_by_etag(served: Any) -> None:
    client = served.client()
    source = await made(client, AUDITS, kind=source_pb2.SOURCE_KIND_FEEDBACK)
    assert source.mapping == mapping_(AUDITS)
    found = (await client.GetSource(ingest_pb2.GetSourceRequest(name="sources/desk"))).source
    assert found == source
    update = ingest_pb2.UpdateSourceRequest(source=source_pb2.Source(name="sources/desk", mapping=mapping_(FLAT)))
    update.source.etag = source.etag
    update.update_mask.paths.append("mapping")
    changed = (await client.UpdateSource(update)).source
    assert changed.mapping == mapping_(FLAT)
    assert changed.kind == source_pb2.SOURCE_KIND_FEEDBACK
    with pytest.raises(grpc.aio.AioRpcError) as stale:
        await client.UpdateSource(update)
    assert reason_of(stale.value)[0] == "ETAG_STALE"


async def test_another_tenant_has_neither_the_source_nor_its_mapping(served: Any) -> None:
    await made(served.client("acme"), FLAT)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await served.client("umbrella").WriteRecords(write(flat("e1")))
    assert reason_of(refused.value)[0] == "NOT_FOUND"


async def test_a_test_shows_what_records_become_and_writes_nothing(served: Any, everything: Any) -> None:
    client = served.client()
    draft = source_pb2.Source(name="sources/desk", mapping=mapping_(AUDITS))
    records = json_records(audit(7, ("status", "open")), audit(8, ("status", "open"), at="yesterday"), b"{", audit(9))
    answer = await client.TestSource(record_pb2.TestSourceRequest(source=draft, records=records))
    first, late, broken, empty = answer.records
    assert [event.activity for event in first.events] == ["status open"]
    assert first.events[0].resource not in ("", "Ann")
    assert late.outcome == broken.outcome == Outcome.RECORD_OUTCOME_QUARANTINED
    # Who writes a mapping is shown the text that is no time.
    assert "yesterday" in late.rejections[0].message
    assert broken.rejections[0].field == "record"
    assert empty.outcome == Outcome.RECORD_OUTCOME_OMITTED
    assert await everything(client) == []
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=draft))
    by_name = await client.TestSource(record_pb2.TestSourceRequest(name="sources/desk", records=records))
    assert list(by_name.records) == list(answer.records)


async def test_a_test_says_what_is_in_doubt_in_the_language_of_the_caller(served: Any) -> None:
    client = served.client()
    draft = source_pb2.Source(mapping=mapping_({**FLAT, "time_formats": ["%d/%m/%Y"]}))
    request = record_pb2.TestSourceRequest(source=draft, records=json_records(flat("e1", at="03/04/2026", cost="dear")))
    english = await client.TestSource(request)
    assert any("day and month" in doubt for doubt in english.doubts)
    assert any("dear" in doubt for doubt in english.doubts)
    chinese = await client.TestSource(request, metadata=(("andon-locale", "zh"),))
    assert any("日月" in doubt for doubt in chinese.doubts)


async def test_only_operators_test_and_only_writers_write(served: Any) -> None:
    await made(served.client(), FLAT)
    request = record_pb2.TestSourceRequest(name="sources/desk", records=json_records(flat("e1")))
    for client, call in [
        (served.client(roles=("writer",)), lambda stub: stub.TestSource(request)),
        (served.client(roles=("operator",)), lambda stub: stub.WriteRecords(write(flat("e1")))),
    ]:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(client)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
