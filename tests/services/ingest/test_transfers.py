"""TransferService: a file in chunks becomes events once, whatever ends in between, and one that is wrong says so."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import asyncpg
import grpc
import pytest
from andon.ingest.v1 import ingest_pb2, mapping_pb2, transfer_pb2, transfer_pb2_grpc
from andon_records.batches import batches_of
from google.protobuf import json_format

from services.ingest.servicer import transfer_reader

MAPPING = json_format.ParseDict(
    {
        "id": {"column": "{case}/{row}"},
        "case_id": {"column": "case"},
        "activity": {"column": "step"},
        "time": {"column": "at"},
        "resource": {"column": "who"},
        "attributes": {"cost": {"type": "ATTRIBUTE_TYPE_NUMBER"}},
    },
    mapping_pb2.RecordMapping(),
)
OVER = (
    transfer_pb2.TRANSFER_STATE_COMPLETE,
    transfer_pb2.TRANSFER_STATE_FAILED,
    transfer_pb2.TRANSFER_STATE_CANCELLED,
)


def log_of(count: int) -> bytes:
    rows = "".join(f"c{row // 3};Open;2026-03-02 09:{row % 60:02d};Ann Miller;1.5\n" for row in range(count))
    return f"case;step;at;who;cost\n{rows}".encode()


def wish(content: bytes, name: str = "log.csv", **fields: Any) -> transfer_pb2.CreateTransferRequest:
    return transfer_pb2.CreateTransferRequest(
        file_name=name,
        byte_count=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        **{"source": "sources/desk", "mapping": MAPPING, **fields},
    )


def stub(served: Any) -> Any:
    return transfer_pb2_grpc.TransferServiceStub(served.channel())


async def upload(client: Any, made: transfer_pb2.Transfer, content: bytes, size: int = 1_000) -> None:
    for begin in range(made.uploaded_bytes, len(content), size):
        data = content[begin : begin + size]
        await client.UploadChunk(transfer_pb2.UploadChunkRequest(name=made.name, offset=begin, data=data))


async def over(client: Any, name: str) -> transfer_pb2.Transfer:
    async with asyncio.timeout(30):
        while True:
            found = (await client.GetTransfer(transfer_pb2.GetTransferRequest(name=name))).transfer
            if found.state in OVER:
                return found
            await asyncio.sleep(0.02)


async def sent(client: Any, content: bytes, **fields: Any) -> transfer_pb2.Transfer:
    made = (await client.CreateTransfer(wish(content, **fields))).transfer
    await upload(client, made, content)
    return await over(client, made.name)


async def test_a_file_in_chunks_becomes_events_and_is_known_again(served: Any, everything: Any, migrated: str) -> None:
    client, content = stub(served), log_of(90) + b"c30;Open\nc31;Open;yesterday;Bob;1\n"
    done = await sent(client, content)
    assert done.state == transfer_pb2.TRANSFER_STATE_COMPLETE
    assert (done.row_count, done.row_done_count) == (92, 92)
    assert (done.accepted_count, done.quarantined_count, done.unreadable_count) == (90, 1, 1)
    assert [(one.row, one.field, one.column) for one in done.refusals] == [(91, "", ""), (92, "time", "at")]
    assert "is no time by ISO 8601" in done.refusals[1].message.en
    assert any("delimiter" in one.en for one in done.guesses)
    assert len(await everything(served.client())) == 90
    again = (await client.CreateTransfer(wish(content, name="renamed.csv"))).transfer
    assert (again.name, again.state, again.accepted_count) == (done.name, done.state, 90)
    listed = await client.ListTransfers(transfer_pb2.ListTransfersRequest())
    assert [one.name for one in listed.transfers] == [done.name]
    connection = await asyncpg.connect(migrated)
    try:
        assert await connection.fetchval("SELECT count(*) FROM ingest.transfer_chunk") == 0
        stored = await connection.fetchrow("SELECT request, report FROM ingest.transfer")
    finally:
        await connection.close()
    assert b"log.csv" not in stored["request"] + stored["report"]


async def test_an_upload_goes_on_where_it_ended_and_takes_no_byte_twice(served: Any) -> None:
    client, content = stub(served), log_of(60)
    made = (await client.CreateTransfer(wish(content))).transfer
    first = transfer_pb2.UploadChunkRequest(name=made.name, offset=0, data=content[:500])
    for _ in range(2):
        assert (await client.UploadChunk(first)).uploaded_bytes == 500
    gap = transfer_pb2.UploadChunkRequest(name=made.name, offset=700, data=content[700:])
    beyond = transfer_pb2.UploadChunkRequest(name=made.name, offset=500, data=content[500:] + b"more")
    for wrong, says in ((gap, "uploaded_bytes, which is 500"), (beyond, "byte_count")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await client.UploadChunk(wrong)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert says in str(dict(refused.value.trailing_metadata() or ()).get("grpc-status-details-bin"))
    made = (await client.CreateTransfer(wish(content))).transfer
    assert made.uploaded_bytes == 500
    await upload(client, made, content)
    assert (await over(client, made.name)).accepted_count == 60


async def test_a_process_that_ends_leaves_its_file_to_another_that_repeats_nothing(
    start: Any, everything: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_reader, "LEASE_S", 0.5)
    monkeypatch.setattr(transfer_reader, "batches_of", lambda file, rules, skip: batches_of(file, rules, skip, 20))
    write = transfer_reader.TransferReader._write
    ended: list[Any] = []

    async def ends_after_writing(self: Any, *given: Any) -> None:
        await write(self, *given)
        if len(ended) < 2:
            # What was written is not reported.
            ended.append(self)
            raise ConnectionError

    monkeypatch.setattr(transfer_reader.TransferReader, "_write", ends_after_writing)
    served, other = await start(), await start()
    content = log_of(100)
    client = stub(served)
    # Both have the log open.
    await stub(other).ListTransfers(transfer_pb2.ListTransfersRequest())
    done = await sent(client, content)
    assert len(ended) == 2
    assert (done.accepted_count, done.duplicate_count, done.row_done_count) == (100, 0, 100)
    assert len(await everything(served.client())) == 100


async def test_a_file_that_is_wrong_fails_with_the_line_that_a_person_needs(served: Any) -> None:
    client = stub(served)
    damaged = await sent(client, b"\x1f\x8b\x08\x00broken", name="log.csv.gz")
    assert damaged.state == transfer_pb2.TRANSFER_STATE_FAILED
    assert damaged.failure.en.startswith("log.csv.gz: the compressed file is damaged")
    assert "压缩文件" in damaged.failure.zh
    content = log_of(9).replace(b"1.5", b"1,5")
    comma = await sent(client, content)
    assert 'write decimal: ","' in comma.failure.en
    assert comma.row_done_count == comma.accepted_count == 0
    # Another mapping is another transfer; the same file with the same one begins again.
    again = (await client.CreateTransfer(wish(content))).transfer
    assert (again.name, again.state, again.uploaded_bytes) == (comma.name, transfer_pb2.TRANSFER_STATE_UPLOADING, 0)
    assert not again.failure.en
    right = mapping_pb2.RecordMapping()
    right.CopyFrom(MAPPING)
    right.decimal = ","
    assert (await sent(client, content, mapping=right)).accepted_count == 9
    other = wish(log_of(1))
    made = (await client.CreateTransfer(other)).transfer
    await upload(client, made, log_of(1).replace(b"c0", b"c9"))
    assert "not the file of this SHA-256" in (await over(client, made.name)).failure.en


async def test_a_transfer_that_is_cancelled_takes_no_more(served: Any) -> None:
    client, content = stub(served), log_of(5)
    made = (await client.CreateTransfer(wish(content))).transfer
    cancel = transfer_pb2.CancelTransferRequest(name=made.name)
    assert (await client.CancelTransfer(cancel)).transfer.state == transfer_pb2.TRANSFER_STATE_CANCELLED
    for call, request in (
        (client.CancelTransfer, cancel),
        (client.UploadChunk, transfer_pb2.UploadChunkRequest(name=made.name, data=b"a")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(request)
        assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION


async def test_the_mapping_of_the_source_reads_its_files(served: Any, everything: Any) -> None:
    source = ingest_pb2.CreateSourceRequest(source_id="desk")
    source.source.mapping.CopyFrom(MAPPING)
    source.source.mapping.id.column = "{case}/{at}"
    await served.client().CreateSource(source)
    request = wish(log_of(6))
    request.ClearField("mapping")
    client = stub(served)
    made = (await client.CreateTransfer(request)).transfer
    await upload(client, made, log_of(6))
    assert (await over(client, made.name)).accepted_count == 6
    assert {row["source"] for row in await everything(served.client())} == {"desk"}


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "../log.csv"},
        {"name": ""},
        {"source": "sources/"},
        {"time_zone": "Berlin"},
        {"mapping": mapping_pb2.RecordMapping(decimal="x")},
    ],
)
async def test_a_wish_that_cannot_be_is_refused(served: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(served).CreateTransfer(wish(b"a", **fields))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
