"""A file reaches ingest whole: cut into batches, sent again where a call broke, and gone on with after a break."""

from __future__ import annotations

import asyncio
import gzip

import grpc
import pyarrow as pa
import pytest
from andon.common.v1 import errors_pb2
from andon.ingest.v1 import event_pb2, ingest_pb2, ingest_pb2_grpc
from andon_client import loading
from andon_client.bookmark import Bookmark
from andon_client.load_messages import message
from andon_client.load_report import LoadReport
from andon_client.loading import load, register_source
from andon_records import batches
from andon_records.batches import Batch, read_batches
from andon_records.mapping.document import parse_mapping
from andon_records.messages import NothingReadable, UnreadableFile

MAPPING = {"source": "desk", "id": "number", "case_id": "number", "activity": "state", "time": "at"}
HEADER = "number,state,at,note\n"


def csv(count, first=1):
    return HEADER + "".join(f"A-{row},New,2026-01-05T08:00:00,\n" for row in range(first, first + count))


@pytest.fixture
def mapping():
    return parse_mapping(MAPPING)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(csv(10), encoding="utf-8")
    return path


def ids(batches):
    return [id for batch in batches for id in _ids(batch.arrow_ipc)]


def _ids(arrow_ipc):
    return pa.ipc.open_stream(arrow_ipc).read_all()["id"].to_pylist()


class Ingest(ingest_pb2_grpc.IngestServiceServicer):
    """Takes each event id once, as ingest does; `breaks`: after how many answers the n-th call ends."""

    def __init__(self, breaks=(), refuse=frozenset(), code=grpc.StatusCode.UNAVAILABLE):
        self.breaks, self.refuse, self.code = list(breaks), refuse, code
        self.known: list[str] = []
        self.unanswered: set[str] = set()
        self.calls: list[list[int]] = []
        self.sources: list[str] = []

    async def StreamEvents(self, requests, context):
        limit = self.breaks.pop(0) if self.breaks else None
        self.calls.append([])
        answered = 0
        async for request in requests:
            if answered == limit:
                # The batch is durable, but its answer is lost.
                self.unanswered |= set(_ids(request.batch.arrow_ipc))
                self._write(request)
                await context.abort(self.code, "the replica is gone")
            self.calls[-1].append(request.sequence)
            yield ingest_pb2.StreamEventsResponse(sequence=request.sequence, written=self._write(request))
            answered += 1

    def _write(self, request):
        given = _ids(request.batch.arrow_ipc)
        fresh = [id for id in given if id not in self.known and id not in self.refuse]
        rejections = [
            event_pb2.Rejection(
                index=index, field=f"events[{index}].id", reason=errors_pb2.ERROR_REASON_FIELD_INVALID, message="bad"
            )
            for index, id in enumerate(given)
            if id in self.refuse
        ]
        repeated = len(given) - len(fresh) - len(rejections)
        self.known += fresh
        return ingest_pb2.WriteEventsResponse(
            accepted=len(fresh),
            duplicate=repeated,
            quarantined=len(rejections),
            rejections=rejections,
            through=str(len(self.known)),
        )

    async def CreateSource(self, request, context):
        if request.source_id in self.sources:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "there is one")
        self.sources.append(request.source_id)
        return ingest_pb2.CreateSourceResponse()


@pytest.fixture
def stub_of(serve):
    async def opened(ingest):
        channel = await serve(lambda server: ingest_pb2_grpc.add_IngestServiceServicer_to_server(ingest, server))
        return ingest_pb2_grpc.IngestServiceStub(channel)

    return opened


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(loading.Backoff, "delay_s", lambda self, attempt, dice: 0.0)


def test_a_file_becomes_batches_that_know_their_rows(log, mapping):
    batches = list(read_batches(log, mapping, batch_rows=4))
    assert [(batch.sequence, batch.last_row, batch.rows) for batch in batches] == [(0, 4, 4), (1, 8, 4), (2, 10, 2)]
    assert [row for batch in batches for row in batch.row_numbers] == list(range(1, 11))
    assert ids(batches) == [f"A-{row}" for row in range(1, 11)]


def test_a_compressed_file_gives_the_same_batches(log, mapping, tmp_path):
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    assert ids(read_batches(packed, mapping)) == ids(read_batches(log, mapping))


def test_a_line_break_within_quotes_does_not_end_the_row(tmp_path, mapping):
    path = tmp_path / "log.csv"
    path.write_text(HEADER + 'A-1,"New\nor so",2026-01-05T08:00:00,"a,b"\n', encoding="utf-8")
    (batch,) = read_batches(path, mapping)
    assert pa.ipc.open_stream(batch.arrow_ipc).read_all()["activity"].to_pylist() == ["New\nor so"]


def test_a_column_that_the_file_lacks_is_named(tmp_path, mapping):
    path = tmp_path / "log.csv"
    path.write_text("number,state\nA-1,New\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match='no column "at", which time needs'):
        list(read_batches(path, mapping))


def test_rows_with_too_few_or_too_many_values_are_set_aside_with_their_number(tmp_path, mapping):
    path = tmp_path / "log.csv"
    path.write_text(csv(2) + "A-3,New\n" + csv(1, first=4).removeprefix(HEADER) + "A-5,a,b,c,d\n", encoding="utf-8")
    batches = list(read_batches(path, mapping))
    assert ids(batches[:1]) == ["A-1", "A-2", "A-4"]
    assert [list(batch.row_numbers) for batch in batches] == [[1, 2, 4], []]
    assert [row for batch in batches for row, _ in batch.set_aside.examples] == [3, 5]
    assert sum(batch.rows for batch in batches) == 5


def test_a_file_without_one_whole_row_is_refused_with_the_first(tmp_path, mapping):
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "A-1,New\n", encoding="utf-8")
    with pytest.raises(NothingReadable, match=r"log\.csv, row 1: the row has 2 values, the header 4: A-1,New"):
        list(read_batches(path, mapping))


def test_rows_that_are_durable_already_are_skipped(log, mapping):
    assert ids(read_batches(log, mapping, skip_rows=8, batch_rows=4)) == ["A-9", "A-10"]


def test_equal_rows_are_numbered_from_the_first_of_the_file_on_wherever_a_load_begins(tmp_path):
    rules = parse_mapping(
        {"source": "desk", "id": "{case}/{step}/{at}/{ordinal}", "case_id": "case", "activity": "step", "time": "at"}
    )
    path = tmp_path / "log.csv"
    twice = "A,Work,2026-03-02 09:00\n"
    rows = [twice, "B,Work,2026-03-02 09:00\n", twice, ",Work,2026-03-02 09:00\n", twice]
    path.write_text("case,step,at\n" + "".join(rows), encoding="utf-8")
    whole = ids(read_batches(path, rules))
    at = "Work/2026-03-02 09:00"
    assert whole == [f"A/{at}/1", f"B/{at}/1", f"A/{at}/2", None, f"A/{at}/3"]
    assert ids(read_batches(path, rules, batch_rows=2)) == whole
    assert ids(read_batches(path, rules, skip_rows=3, batch_rows=1)) == whole[3:]


def test_an_ordinal_stays_the_same_when_rows_of_other_cases_are_left_out(tmp_path):
    rules = parse_mapping(
        {"source": "desk", "id": "{case}/{ordinal}", "case_id": "case", "activity": "step", "time": "at"}
    )
    rows = ["A,New,2026-03-02\n", "B,New,2026-03-02\n", "B,Work,2026-03-03\n", "A,Work,2026-03-04\n"]
    found = []
    for name, some in (("all.csv", rows), ("some.csv", rows[1:3])):
        (tmp_path / name).write_text("case,step,at\n" + "".join(some), encoding="utf-8")
        found.append([one for one in ids(read_batches(tmp_path / name, rules)) if one.startswith("B")])
    assert found == [["B/1", "B/2"], ["B/1", "B/2"]]


def test_a_column_of_the_name_ordinal_is_a_column(tmp_path):
    rules = parse_mapping(
        {"source": "desk", "id": "{case}/{ordinal}", "case_id": "case", "activity": "step", "time": "at"}
    )
    (tmp_path / "log.csv").write_text("case,step,at,ordinal\nA,New,2026-03-02,x9\n", encoding="utf-8")
    assert ids(read_batches(tmp_path / "log.csv", rules)) == ["A/x9"]


async def test_an_undisturbed_load_counts_every_row(stub_of, log, mapping):
    ingest = Ingest()
    report = await load(await stub_of(ingest), read_batches(log, mapping, batch_rows=3))
    assert (report.received, report.accepted, report.duplicate, report.quarantined) == (10, 10, 0, 0)
    assert report.through == "10"
    assert ingest.calls == [[0, 1, 2, 3]]


@pytest.mark.parametrize("breaks", [[0], [1], [2, 0, 1], [3, 3], [0, 0, 0, 0]])
async def test_a_broken_call_sends_again_what_was_not_answered_and_nothing_is_lost(stub_of, log, mapping, breaks):
    ingest, told = Ingest(breaks), []
    stub = await stub_of(ingest)
    report = await load(stub, read_batches(log, mapping, batch_rows=1), on_break=told.append)
    assert sorted(ingest.known) == sorted(f"A-{row}" for row in range(1, 11))
    assert len(ingest.known) == len(set(ingest.known))
    assert report.received == report.accepted + report.duplicate + report.quarantined == 10
    assert len(told) == len(breaks)
    # What was durable without an answer comes back as a duplicate.
    assert report.duplicate == len(ingest.unanswered)
    answered = [sequence for call in ingest.calls for sequence in call]
    assert answered == list(range(10))


async def test_an_error_that_no_retry_mends_is_raised(stub_of, log, mapping):
    # Refused again and again: of a call that ended while it was still sent on, the status may get lost once.
    stub = await stub_of(Ingest(breaks=[0] * 100, code=grpc.StatusCode.PERMISSION_DENIED))
    with pytest.raises(grpc.aio.AioRpcError, match="PERMISSION_DENIED"):
        await load(stub, read_batches(log, mapping, batch_rows=2))


async def test_refused_rows_are_reported_by_their_row_in_the_file(stub_of, log, mapping):
    stub = await stub_of(Ingest(refuse={"A-1", "A-6"}))
    report = await load(stub, read_batches(log, mapping, batch_rows=4))
    assert (report.accepted, report.quarantined) == (8, 2)
    assert [(row.row, row.reason) for row in report.rejected] == [(1, "FIELD_INVALID"), (6, "FIELD_INVALID")]
    assert report.by_reason == {"FIELD_INVALID": 2}


async def test_no_more_batches_are_on_their_way_than_agreed(stub_of, mapping):
    taken, answered = 0, 0

    def batches():
        nonlocal taken
        for sequence in range(60):
            taken += 1
            yield Batch(sequence, _arrow([f"B-{sequence}"]), 1, 1, sequence + 1, [sequence + 1])

    class Slow(Ingest):
        ahead_max = 0

        async def StreamEvents(self, requests, context):
            nonlocal answered
            async for request in requests:
                await asyncio.sleep(0.002)
                Slow.ahead_max = max(Slow.ahead_max, taken - answered)
                answered += 1
                yield ingest_pb2.StreamEventsResponse(sequence=request.sequence, written=self._write(request))

    report = await load(await stub_of(Slow()), batches())
    assert report.accepted == 60
    # One more is being read while the answers are awaited.
    assert Slow.ahead_max <= loading.BATCHES_IN_FLIGHT + 2


def _arrow(given):
    batch = pa.RecordBatch.from_pydict({"id": pa.array(given)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


async def test_a_source_is_made_once_and_left_alone_after(stub_of, mapping):
    ingest = Ingest()
    stub = await stub_of(ingest)
    await register_source(stub, mapping)
    await register_source(stub, mapping)
    assert ingest.sources == ["desk"]


@pytest.fixture
def mapping_file(tmp_path):
    path = tmp_path / "desk.mapping.yaml"
    path.write_text("source: desk\n", encoding="utf-8")
    return path


def test_a_bookmark_is_found_again_until_it_is_cleared(tmp_path, log, mapping_file):
    mark = Bookmark(tmp_path / "loads", log, mapping_file.read_bytes())
    assert mark.rows() == 0
    mark.store(7)
    assert Bookmark(tmp_path / "loads", log, mapping_file.read_bytes()).rows() == 7
    mark.clear()
    assert Bookmark(tmp_path / "loads", log, mapping_file.read_bytes()).rows() == 0


def test_a_bookmark_is_void_when_the_file_or_the_mapping_has_changed(tmp_path, log, mapping_file):
    Bookmark(tmp_path / "loads", log, mapping_file.read_bytes()).store(7)
    log.write_text(csv(12), encoding="utf-8")
    assert Bookmark(tmp_path / "loads", log, mapping_file.read_bytes()).rows() == 0
    Bookmark(tmp_path / "loads", log, mapping_file.read_bytes()).store(5)
    mapping_file.write_text("source: other\n", encoding="utf-8")
    assert Bookmark(tmp_path / "loads", log, mapping_file.read_bytes()).rows() == 0


def test_a_torn_bookmark_begins_at_the_first_row(tmp_path, log, mapping_file):
    mark = Bookmark(tmp_path / "loads", log, mapping_file.read_bytes())
    mark.store(7)
    (file,) = (tmp_path / "loads").glob("*.json")
    file.write_text('{"ro', encoding="utf-8")
    assert mark.rows() == 0


async def test_a_load_that_died_goes_on_at_its_bookmark(stub_of, tmp_path, log, mapping, mapping_file):
    # Broken again and again: of a call that ended while it was still sent on, the status may get lost once.
    ingest = Ingest(breaks=[2] + [0] * 100, code=grpc.StatusCode.INTERNAL)
    stub = await stub_of(ingest)
    mark = Bookmark(tmp_path / "loads", log, mapping_file.read_bytes())

    def keep(batch: Batch, report: LoadReport) -> None:
        mark.store(batch.last_row)

    with pytest.raises(grpc.aio.AioRpcError):
        await load(stub, read_batches(log, mapping, mark.rows(), batch_rows=1), keep)
    assert mark.rows() == 2
    ingest.breaks.clear()
    report = await load(stub, read_batches(log, mapping, mark.rows(), batch_rows=1), keep)
    assert sorted(ingest.known) == sorted(f"A-{row}" for row in range(1, 11))
    assert report.received == 8


@pytest.mark.parametrize("after", [0, 1, 7])
async def test_what_goes_wrong_amid_a_file_is_raised_when_all_before_is_answered(stub_of, log, mapping, after):
    ingest, report = Ingest(), []

    def batches():
        for number, batch in enumerate(read_batches(log, mapping, batch_rows=1)):
            if number == after:
                raise UnreadableFile(message("file_empty"))
            yield batch

    with pytest.raises(UnreadableFile, match="the file is empty"):
        await load(await stub_of(ingest), batches(), lambda batch, so_far: report.append(so_far.rows))
    assert report == list(range(1, after + 1))
    assert len(ingest.known) == after


async def test_a_first_batch_that_is_refused_whole_is_the_last(stub_of, log, mapping):
    ingest = Ingest(refuse={f"A-{row}" for row in range(1, 11)})
    with pytest.raises(NothingReadable, match=r"every row of the first 3 was refused.*row 1: events\[0\]\.id: bad"):
        await load(await stub_of(ingest), read_batches(log, mapping, batch_rows=3))
    assert ingest.calls == [[0]]


async def test_a_small_file_that_is_refused_whole_is_reported_row_by_row(stub_of, log, mapping):
    ingest = Ingest(refuse={f"A-{row}" for row in range(1, 11)})
    report = await load(await stub_of(ingest), read_batches(log, mapping))
    assert (report.received, report.quarantined, len(report.rejected)) == (10, 10, 10)


async def test_rows_that_are_none_are_reported_with_the_others_in_the_order_of_the_file(stub_of, tmp_path, mapping):
    path = tmp_path / "log.csv"
    path.write_text(csv(2) + "A-3\n" + csv(2, first=4).removeprefix(HEADER) + "A-6\n", encoding="utf-8")
    report = await load(await stub_of(Ingest(refuse={"A-4"})), read_batches(path, mapping))
    assert (report.received, report.accepted, report.quarantined, report.unreadable) == (6, 3, 1, 2)
    assert [row.row for row in report.rejected] == [3, 4, 6]
    assert report.by_reason == {"FIELD_INVALID": 1, "UNREADABLE": 2}
    assert report.rows == 6


async def test_a_beginning_without_a_time_is_refused_before_anything_is_sent(stub_of, tmp_path, mapping):
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "".join(f"A-{row},New,{row}/3/2026 8:00,\n" for row in range(1, 20)), encoding="utf-8")
    ingest = Ingest()
    with pytest.raises(NothingReadable) as refused:
        await load(await stub_of(ingest), read_batches(path, mapping, batch_rows=15))
    assert str(refused.value) == (
        'none of the first 15 rows has a time, and nothing was sent; log.csv, row 1, column "at": "1/3/2026 8:00" is no'
        ' time by ISO 8601; write time_formats: ["%d/%m/%Y %H:%M"]'
    )
    assert ingest.known == []


def test_a_batch_is_never_larger_than_the_contract_allows(tmp_path, monkeypatch, mapping):
    monkeypatch.setattr(batches, "BATCH_BYTES_MAX", 4_000)
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "".join(f"A-{row},{'x' * 100},2026-01-05T08:00:00,\n" for row in range(100)), "utf-8")
    made = list(read_batches(path, mapping))
    assert max(len(batch.arrow_ipc) for batch in made) <= 4_000
    assert [row for batch in made for row in batch.row_numbers] == list(range(1, 101))
