"""No identifier that is sent to the suite is found behind admission.

Neither in a table, a log line, a span, a metric, an error, a report or an exported file. What the policies of a source
keep by choice (ids of cases and events) gets none of them here, except where the event is refused.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent import futures
from datetime import UTC, timedelta
from typing import Any

import asyncpg
import grpc
import numpy as np
import pyarrow as pa
import pytest
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import (
    event_pb2,
    ingest_pb2,
    mapping_pb2,
    privacy_pb2,
    quarantine_pb2,
    record_pb2,
    source_pb2,
    survey_pb2,
)
from andon.scoring.v1 import indicator_system_pb2
from andon_client.commands.system import apply_system
from andon_client.documents import parse_document
from andon_client.export_formats import ExportFormat
from andon_client.exports import ExportWish, export_events
from andon_client.suite import Suite
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from services.machine.data_folder import SUPERUSER, passwords_of
from services.machine.postgres import DATABASE
from tests.running_suite import DESK_SYSTEM, RunningSuite
from tests.services.ingest.privacy.planted import Maker, Planted

pytestmark = pytest.mark.timeout(290)

# What is shorter (a postal code) is in every file by chance.
_BYTES_MIN, _DIGITS_MIN = 6, 7
_KEY_BYTES = 6
_TEXTS = "note"
# Without a word that says so, these are numbers and words like any other, which a source may be called.
_SAID = ("postal_code", "account", "plate")
# Fields whose name says that they are a person's.
_OWN = {
    "email": "contact_email",
    "phone": "contact_phone",
    "name": "customer_name",
    "chinese_id": "id_card",
    "iban": "iban",
}


class Identifiers:
    """Finds any of many texts in bytes, in time that does not depend on how many there are."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_key: dict[int, list[bytes]] = {}
        for text in set(texts):
            raw = text.encode()
            if len(raw) >= (_DIGITS_MIN if text.isdigit() else _BYTES_MIN):
                self._by_key.setdefault(int.from_bytes(raw[:_KEY_BYTES], "little"), []).append(raw)
        self._keys = np.array(sorted(self._by_key), np.uint64)
        self._begins = np.zeros(1 << 16, np.bool_)
        self._begins[(self._keys & np.uint64(0xFFFF)).astype(np.int64)] = True

    def in_bytes(self, blob: bytes) -> list[str]:
        if len(blob) < _KEY_BYTES:
            return []
        read = np.frombuffer(blob + b"\0" * 8, np.uint8)
        # Two bytes rule out nearly every place; the others are looked at with six.
        pairs = read[: len(blob)].astype(np.uint16) | read[1 : len(blob) + 1].astype(np.uint16) << np.uint16(8)
        hits = np.flatnonzero(self._begins[pairs])
        keys = np.zeros(len(hits), np.uint64)
        for place in range(_KEY_BYTES):
            keys |= read[hits + place].astype(np.uint64) << np.uint64(8 * place)
        # Not `np.isin`, which sorts all the hits: the keys are sorted already and few.
        nearest = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        chosen = self._keys[nearest] == keys
        hits, keys = hits[chosen], keys[chosen]
        found = []
        for at, key in zip(hits.tolist(), keys.tolist(), strict=True):
            found += [
                one.decode()
                for one in self._by_key[key]
                if blob.startswith(one, at) and not (one.isdigit() and _within_number(blob, at, at + len(one)))
            ]
        return found


def _within_number(blob: bytes, start: int, end: int) -> bool:
    """A longer number, such as a time in microseconds, holds a shorter one by chance."""
    return blob[max(0, start - 1) : start].isdigit() or blob[end : end + 1].isdigit()


class Collector(trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer):
    """Every request that the services export, as it came."""

    def __init__(self) -> None:
        self.spans: list[bytes] = []
        self.metrics: list[bytes] = []

    def Export(self, request, context):
        if isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest):
            self.metrics.append(request.SerializeToString())
            return metrics_service_pb2.ExportMetricsServiceResponse()
        self.spans.append(request.SerializeToString())
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    sink = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(sink, server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(sink, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield sink, f"http://127.0.0.1:{port}"
    server.stop(None)


def test_an_identifier_is_found_wherever_it_is():
    wanted = Identifiers(["ada@mail.example.org", "王小明先生", "12345"])
    assert wanted.in_bytes("..ada@mail.example.org/王小明先生 12345".encode()) == ["ada@mail.example.org", "王小明先生"]
    assert wanted.in_bytes(b"ada@mail.example.com") == []
    packed = zlib.compress(json.dumps({"name": "王小明先生"}).encode())
    assert wanted.in_bytes(b"\n".join(_forms(b"\1" + packed))) == ["王小明先生"]


@pytest.mark.parametrize("count", [660, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_no_planted_identifier_is_behind_admission(count, collector, new_suite, desk, tmp_path):
    sink, address = collector
    suite: RunningSuite = new_suite("--otlp", address)
    planted = list(Maker(count).planted(count))
    identifiers = Identifiers(one.identifier for one in planted)
    seen: dict[str, list[bytes]] = {}
    async with Suite(suite.connection(suite.next_tenant())) as client:
        await _define(client)
        await _write_desk(client, desk, planted)
        answers, refusals = await _be_refused(client, planted)
        answers += await _work_quarantine(client, planted)
        answers += await _survey(client, planted)
        await desk.settled(client)
        answers += await _erase(client, planted)
        seen["error details"] = refusals
        seen["answers"] = answers
        for form in ExportFormat:
            for history in (False, True):
                file = tmp_path / f"log-{history}.{form.value}"
                await export_events(client, file, ExportWish(form, history=history))
        problems = (await client.improvement.ListProblems(improvement_pb2.ListProblemsRequest())).problems
        assert problems, "nothing was analysed"
        seen["problems"] = [one.SerializeToString() for one in problems]
        explained = improvement_pb2.ExplainProblemRequest(name=problems[0].name)
        seen["problems"].append((await client.improvement.ExplainProblem(explained)).SerializeToString())
    seen["exported files"] = [form for file in tmp_path.glob("log-*") for form in _forms(file.read_bytes())]
    seen["tables"] = await _tables(suite)
    assert suite.process.poll() is None
    # What has not been exported yet is, when the processes end.
    suite.process.terminate()
    suite.process.wait(60)
    seen["log lines"] = [
        file.read_bytes() for file in suite.home.rglob("*") if file.suffix == ".log" or file.name == "log"
    ]
    seen["spans"], seen["metric labels"] = sink.spans, sink.metrics
    assert all(sum(map(len, blobs)) > 0 for blobs in seen.values())
    found = {place: sorted(set(identifiers.in_bytes(b"\n".join(blobs))))[:10] for place, blobs in seen.items()}
    assert {place: some for place, some in found.items() if some} == {}


async def _define(client: Any) -> None:
    """A source with default policies and a mapping, and a system that slices by what names persons."""
    mapping = {
        **{name: {"column": name} for name in ("id", "case_id", "activity", "time", "resource")},
        "attributes": {name: {"type": "ATTRIBUTE_TYPE_TEXT"} for name in ("team", "note", *_OWN.values())},
        "unfold": [{"name": "entry", "path": "entries"}],
        "fields": {name: f"entry.{name}" for name in ("id", "activity", "time", "resource", "note")},
    }
    source = source_pb2.Source(mapping=json_format.ParseDict(mapping, mapping_pb2.RecordMapping()))
    source.cleaning.normalise_keys = True
    source.cleaning.categories.add(field="attributes.team", values=["A", "B"])
    source.policies.add(field="attributes.agent", treatment=source_pb2.TREATMENT_ENCRYPT)
    await client.ingest.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=source))
    sliced = ["team", "owner", "caller", "email"]
    attributes = {"team": "team", "owner": "agent", "caller": "caller", "email": "contact_email"}
    indicators: Any = DESK_SYSTEM["indicators"]
    document = {
        **DESK_SYSTEM,
        "dimensions": [{"name": name, "attribute": attributes[name]} for name in sliced],
        "indicators": [{**one, "slices": [{"dimensions": [name]} for name in sliced]} for one in indicators],
    }
    await apply_system(client, parse_document(document, indicator_system_pb2.IndicatorSystemSpec), "desk")


def _set(event: event_pb2.Event, one: Planted) -> None:
    event.resource = one.identifier
    event.attributes["note"].text = one.text
    event.attributes[f"{_TEXTS}.{one.kind}"].text = one.text
    if one.kind in _OWN:
        event.attributes[_OWN[one.kind]].text = one.identifier


async def _write_desk(client: Suite, desk: Any, planted: Sequence[Planted]) -> None:
    """The events of the desk, each with one identifier in fields and texts: as rows, Arrow, a stream and records."""
    rows = desk.events()
    batches: list[event_pb2.EventBatch] = []
    for start in range(0, len(rows), 3_000):
        batch = event_pb2.EventBatch()
        for number, row in enumerate(rows[start : start + 3_000], start):
            one = planted[number % len(planted)]
            event = batch.rows.events.add(id=row["id"], source="desk", case_id=row["case_id"], activity=row["activity"])
            event.time.FromDatetime(row["time"])
            _set(event, one)
            event.attributes["team"].text = row["team"]
            # Few values, so that there are few series: they are sliced by all the same.
            event.attributes["caller"].text = planted[number % 5].text
            event.attributes["contact_email"].text = planted[0].identifier
            event.attributes["agent"].text = planted[11 + number % 3].identifier
        batches.append(batch)
    answer = await client.ingest.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batches[0]))
    assert (answer.accepted, answer.quarantined) == (3_000, 0)
    table = pa.Table.from_pylist([_flat(event) for event in batches[1].rows.events])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    arrow = event_pb2.EventBatch(arrow_ipc=sink.getvalue().to_pybytes())
    answer = await client.ingest.WriteEvents(ingest_pb2.WriteEventsRequest(batch=arrow))
    assert (answer.accepted, answer.quarantined) == (3_000, 0)

    async def requests():
        for number, batch in enumerate(batches[2:]):
            yield ingest_pb2.StreamEventsRequest(batch=batch, sequence=number)

    async for streamed in client.ingest.StreamEvents(requests()):
        assert streamed.written.quarantined == 0
    records = []
    for number, one in enumerate(planted):
        moment = (desk.begin + timedelta(seconds=number)).isoformat()
        entry = {
            "id": f"r{number}",
            "activity": "Comment",
            "time": moment,
            "resource": one.identifier,
            "note": one.text,
        }
        own = {_OWN[one.kind]: one.identifier} if one.kind in _OWN else {}
        records.append(json.dumps({"case_id": f"R{number}", "team": "A", "entries": [entry], **own}).encode())
    for start in range(0, len(records), 5_000):
        raw = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=records[start : start + 5_000]))
        written = await client.ingest.WriteRecords(record_pb2.WriteRecordsRequest(source="sources/desk", records=raw))
        assert written.quarantined == 0


def _flat(event: event_pb2.Event) -> dict[str, Any]:
    fields = {name: getattr(event, name) for name in ("id", "source", "case_id", "activity", "resource")}
    texts = {f"attributes.{name}": value.text for name, value in event.attributes.items()}
    return {**fields, "time": event.time.ToDatetime(UTC), **texts}


async def _be_refused(client: Suite, planted: Sequence[Planted]) -> tuple[list[bytes], list[bytes]]:
    """Events with identifiers in every field that are refused, and requests that are. What is said of them."""
    batch = event_pb2.EventBatch()
    for number, one in enumerate(planted):
        text = one.identifier
        event = batch.rows.events.add(id=text, source="desk", case_id=text, activity=text, supersedes=text)
        event.time.seconds = 1
        _set(event, one)
        match number % 7:
            case 0:
                event.id = ""
            case 1 if one.kind not in _SAID:
                event.source = text
            case 2 if one.kind not in _SAID:
                event.attributes[text].text = text
            case 3:
                event.retracts = text
            case 4:
                event.traceparent = text
            case 5:
                event.ClearField("time")
    answer = await client.ingest.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    assert answer.quarantined == len(planted)
    said = [answer.SerializeToString()]
    raw = [f'{{"case_id": "{one.identifier}", "entries": [{{"note": "{one.identifier}"'.encode() for one in planted]
    raw += [json.dumps({"entries": [{"time": one.identifier, "id": one.identifier}]}).encode() for one in planted]
    for start in range(0, len(raw), 5_000):
        records = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=raw[start : start + 5_000]))
        written = await client.ingest.WriteRecords(
            record_pb2.WriteRecordsRequest(source="sources/desk", records=records)
        )
        said.append(written.SerializeToString())
    details: list[bytes] = []
    for one in planted[:44]:
        for call, request in _bad_requests(client, one.identifier):
            try:
                answered = call(request)
                if hasattr(answered, "read"):
                    await answered.read()
                else:
                    await answered
            except grpc.aio.AioRpcError as error:
                details.append((error.details() or "").encode())
                details += [
                    value if isinstance(value, bytes) else value.encode()
                    for _, value in error.trailing_metadata() or ()
                ]
            except (TypeError, ValueError):
                pass
    return said, details


def _bad_requests(client: Suite, text: str) -> list[tuple[Callable[[Any], Any], Message]]:
    """Requests whose fields hold an identifier where it does not belong."""
    source = source_pb2.Source(subject=text)
    source.policies.add(field=text, treatment=source_pb2.TREATMENT_KEEP)
    arrow = event_pb2.EventBatch(arrow_ipc=text.encode())
    value = privacy_pb2.RevealValuesRequest.EncryptedValue(field=text, text=text)
    mapping = source_pb2.Source(mapping=mapping_pb2.RecordMapping(time_formats=[text], time_zone=text, encoding=text))
    ingest = client.ingest
    requests: list[tuple[Callable[[Any], Any], Message]] = [
        (ingest.CreateSource, ingest_pb2.CreateSourceRequest(source_id=f"{text} ")),
        (ingest.CreateSource, ingest_pb2.CreateSourceRequest(source_id="other", source=source)),
        (ingest.CreateSource, ingest_pb2.CreateSourceRequest(source_id="other", source=mapping)),
        (ingest.GetSource, ingest_pb2.GetSourceRequest(name=f"sources/{text}")),
        (ingest.GetSource, ingest_pb2.GetSourceRequest(name=text)),
        (ingest.ListSources, ingest_pb2.ListSourcesRequest(page_token=text)),
        (ingest.WriteEvents, ingest_pb2.WriteEventsRequest(batch=arrow)),
        (ingest.WriteEvents, ingest_pb2.WriteEventsRequest(request_id=text)),
        (ingest.ReadEvents, ingest_pb2.ReadEventsRequest(after=text)),
        (ingest.ReadEvents, ingest_pb2.ReadEventsRequest(columns=[text])),
        (ingest.ReadCases, ingest_pb2.ReadCasesRequest(case_ids=[text], through=text)),
        (client.quarantine.GetQuarantinedEvent, quarantine_pb2.GetQuarantinedEventRequest(quarantine_id=text)),
        (client.surveys.GetSurvey, survey_pb2.GetSurveyRequest(name=f"surveys/{text}")),
        (client.surveys.CreateInvitations, survey_pb2.CreateInvitationsRequest(survey=text, count=1, segment=text)),
        (client.privacy.RevealValues, privacy_pb2.RevealValuesRequest(values=[value])),
        (client.privacy.GetErasure, privacy_pb2.GetErasureRequest(name=text)),
        (client.improvement.GetProblem, improvement_pb2.GetProblemRequest(name=text)),
    ]
    return requests


async def _work_quarantine(client: Suite, planted: Sequence[Planted]) -> list[bytes]:
    """The work list is read and some entries are replayed and discarded; what reads it sees the events as they came."""
    page = await client.quarantine.ListQuarantinedEvents(quarantine_pb2.ListQuarantinedEventsRequest(page_size=100))
    assert page.events
    counts = await client.quarantine.GetQuarantineCounts(quarantine_pb2.GetQuarantineCountsRequest())
    every = quarantine_pb2.QuarantineSelection(filter=quarantine_pb2.QuarantineFilter(sources=["desk"]))
    replayed = await client.quarantine.ReplayEvents(
        quarantine_pb2.ReplayEventsRequest(selection=every, reason=f"as {planted[0].text} asked", page_size=200)
    )
    discarded = await client.quarantine.DiscardEvents(
        quarantine_pb2.DiscardEventsRequest(selection=every, reason=f"called {planted[1].text}", page_size=50)
    )
    return [one.SerializeToString() for one in (counts, replayed, discarded)]


async def _survey(client: Suite, planted: Sequence[Planted]) -> list[bytes]:
    survey = survey_pb2.Survey()
    survey.title.en = "Visit"
    survey.items.add(name="comment", text={"en": "What happened?"}, comment={})
    survey.items.add(name="again", text={"en": "Again?"}, scale={"low": 1, "high": 5})
    await client.surveys.CreateSurvey(survey_pb2.CreateSurveyRequest(survey_id="visit", survey=survey))
    answers = [
        json.dumps(
            {"id": f"a{number}", "time": "2026-03-03T10:00:00Z", "comment": one.text, "again": 1 + number % 9}
        ).encode()
        for number, one in enumerate(planted)
    ]
    for start in range(0, len(answers), 5_000):
        raw = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=answers[start : start + 5_000]))
        await client.ingest.WriteRecords(record_pb2.WriteRecordsRequest(source="sources/visit", records=raw))
    report = await client.surveys.GetSurveyReport(survey_pb2.GetSurveyReportRequest(name="surveys/visit"))
    return [report.SerializeToString()]


async def _erase(client: Suite, planted: Sequence[Planted]) -> list[bytes]:
    values = [one.identifier for one in planted[:20]]
    request = privacy_pb2.EraseSubjectRequest(values=values, reason=f"asked by {planted[2].identifier}")
    erased = await client.privacy.EraseSubject(request)
    assert erased.erasure.person_count
    listed = await client.privacy.ListErasures(privacy_pb2.ListErasuresRequest())
    vocabulary = await client.ingest.GetLogVocabulary(ingest_pb2.GetLogVocabularyRequest())
    counts = await client.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())
    return [one.SerializeToString() for one in (erased, listed, vocabulary, counts)]


def _forms(raw: bytes) -> Iterator[bytes]:
    """Bytes as they are, and what they hold where they are packed."""
    yield raw
    for start in (0, 1):
        if raw[start : start + 1] == b"\x78":
            try:
                yield from _forms(zlib.decompress(raw[start:]))
            except zlib.error:
                continue
    if raw[:4] == b"PAR1":
        yield str(pa.parquet.read_table(pa.BufferReader(raw)).to_pylist()).encode()
    place = raw.find(b"\xff\xff\xff\xff")
    while 0 <= place < 1024:
        try:
            with pa.ipc.open_stream(pa.BufferReader(raw[place:])) as reader:
                yield str(reader.read_all().to_pylist()).encode()
            break
        except (pa.ArrowException, OSError):
            place = raw.find(b"\xff\xff\xff\xff", place + 1)
    if b"\\u" in raw:
        yield re.sub(rb"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)).encode("utf-8", "replace"), raw)


def _of_value(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield from _forms(value)
    elif isinstance(value, str):
        yield from _forms(value.encode())
    elif isinstance(value, list | tuple | asyncpg.Record):
        for one in value:
            yield from _of_value(one)
    elif isinstance(value, dict):
        yield from _of_value([*value, *value.values()])
    elif value is not None:
        yield str(value).encode()


async def _tables(suite: RunningSuite) -> list[bytes]:
    """Every value of every table of every schema, with what is packed in it."""
    # The fourth line is the port.
    (running,) = (suite.home / "postgres").rglob("postmaster.pid")
    access = {
        "host": "127.0.0.1",
        "port": int(running.read_text().splitlines()[3]),
        "database": DATABASE,
        "user": SUPERUSER,
    }
    password = passwords_of(suite.home / "postgres").of(SUPERUSER)
    connection = await asyncpg.connect(**access, password=password, ssl=False)
    try:
        names = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        assert {name["schemaname"] for name in names} >= {"ingest", "scoring", "improvement"}
        blobs: list[bytes] = []
        for name in names:
            for row in await connection.fetch(f'SELECT * FROM "{name["schemaname"]}"."{name["tablename"]}"'):
                blobs += [form for value in row.values() for form in _of_value(value)]
        return blobs
    finally:
        await connection.close()
