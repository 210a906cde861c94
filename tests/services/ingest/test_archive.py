"""Old events leave the database for Parquet files, and every reader reads them as before."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from andon.ingest.v1 import archive_pb2, archive_pb2_grpc, ingest_pb2, privacy_pb2, privacy_pb2_grpc, source_pb2
from google.protobuf.duration_pb2 import Duration

LITTLE = Duration(nanos=1_000)
# Events cannot leave the database.
BROKEN = """
CREATE FUNCTION ingest.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;
CREATE TRIGGER broken BEFORE UPDATE ON ingest.segment FOR EACH ROW EXECUTE FUNCTION ingest.refuse();
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def archive_of(served: Any) -> Any:
    return archive_pb2_grpc.ArchiveServiceStub(served.channel())


async def archived(served: Any) -> archive_pb2.ArchiveEventsResponse:
    """Everything that is due; the last answer."""
    while True:
        done = await archive_of(served).ArchiveEvents(archive_pb2.ArchiveEventsRequest())
        if done.complete:
            return done


async def written(client: Any, event: Any, rows: Any, count: int = 3) -> None:
    for number in range(count):
        events = [
            event(f"{number}-{place}", case_id=f"c{place % 3}", resource=f"Ann{place}", attributes={"cost": place / 4})
            for place in range(10)
        ]
        events += [event(f"{number}-odd", attributes={"cost": "unknown", "note": f"n{number}"})]
        await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(*events)))


async def count(dsn: str, query: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


async def test_archived_events_are_read_as_before_and_by_any_parquet_tool(
    start: Any, folder: Path, event: Any, rows: Any, everything: Any, migrated: str
) -> None:
    served = await start(archive_url=str(folder), archive_after_s=0.000001)
    client = served.client()
    await written(client, event, rows)
    before = await everything(client)
    bounds = await client.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())
    dry = await archive_of(served).ArchiveEvents(archive_pb2.ArchiveEventsRequest(validate_only=True))
    assert (dry.event_count, list(folder.rglob("*.parquet"))) == (33, [])
    done = await archived(served)
    assert (done.event_count, done.complete) == (33, True)
    assert await count(migrated, "SELECT sum(octet_length(events)) FROM ingest.segment") == 0

    other = await start(archive_url=str(folder))
    assert await everything(other.client()) == before
    assert await client.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest()) == bounds
    files = sorted(folder.rglob("*.parquet"))
    # `cost` has two types, so there are two files; a tool that knows nothing of Andon reads each as a table.
    tables = [pq.read_table(file) for file in files]
    assert [table.schema.field("attributes.cost").type for table in tables if table.num_rows == 30] == [pa.float64()]
    ids = [id for table in tables for id in table["id"].to_pylist()]
    assert sorted(ids) == sorted(row["id"] for row in before)
    # What is known already stays known, and a case is found, though its events are away.
    again = await other.client().WriteEvents(
        ingest_pb2.WriteEventsRequest(batch=rows(event("0-odd", attributes={"cost": "unknown", "note": "n0"})))
    )
    assert (again.accepted, again.duplicate) == (0, 1)
    cases = [
        one
        async for one in client.ReadCases(
            ingest_pb2.ReadCasesRequest(case_ids=["c1"], encoding=ingest_pb2.ENCODING_ROWS)
        )
    ]
    assert sorted(one.id for case in cases for one in case.events.rows.events) == sorted(
        row["id"] for row in before if row["case_id"] == "c1"
    )
    # Nothing is due any more, and new events are.
    assert (await archived(served)).event_count == 0
    await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(event("new"))))
    assert (await archived(served)).event_count == 1


async def test_each_source_says_when_its_events_are_archived(
    start: Any, folder: Path, event: Any, rows: Any, everything: Any
) -> None:
    served = await start(archive_url=str(folder))
    client = served.client()
    for name, after in (("soon", LITTLE), ("never", Duration())):
        source = source_pb2.Source(archive_after=after)
        made = await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id=name, source=source))
        assert made.source.archive_after == after
    for name in ("soon", "never", "desk"):
        await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(event(name, source=name))))
    # A commit is archived when all of its sources say so.
    both = rows(event("both-1", source="soon"), event("both-2", source="never"))
    await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=both))
    before = await everything(client)
    assert (await archived(served)).event_count == 1
    (file,) = folder.rglob("*.parquet")
    assert pq.read_table(file)["id"].to_pylist() == ["soon"]
    assert await everything(client) == before


async def test_files_are_listed_and_one_that_was_changed_or_lost_is_named(
    start: Any, folder: Path, event: Any, rows: Any
) -> None:
    served = await start(archive_url=str(folder), archive_after_s=0.000001)
    client, archive = served.client(), archive_of(served)
    for id in ("a", "b"):
        await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(event(id))))
        await archived(served)
    first = await archive.ListArchiveFiles(archive_pb2.ListArchiveFilesRequest(page_size=1))
    rest = await archive.ListArchiveFiles(
        archive_pb2.ListArchiveFilesRequest(page_size=1, page_token=first.next_page_token)
    )
    files = [*first.files, *rest.files]
    assert rest.next_page_token == ""
    for file in files:
        content = (folder / file.key).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.byte_count)
        assert file.commit_time_first.seconds <= file.archive_time.seconds
    totals = await archive.GetArchive(archive_pb2.GetArchiveRequest())
    assert (totals.configured, totals.file_count, totals.event_count) == (True, 2, 2)
    sound = await archive.VerifyArchive(archive_pb2.VerifyArchiveRequest())
    assert (sound.file_count, list(sound.faults)) == (2, [])

    changed = folder / files[0].key
    content = bytearray(changed.read_bytes())
    content[len(content) // 3] ^= 1
    changed.write_bytes(content)
    (folder / files[1].key).unlink()
    found = await archive.VerifyArchive(archive_pb2.VerifyArchiveRequest())
    assert [(one.key, one.reason) for one in found.faults] == [
        (files[0].key, "ARCHIVE_FILE_CHANGED"),
        (files[1].key, "ARCHIVE_FILE_MISSING"),
    ]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in client.ReadEvents(ingest_pb2.ReadEventsRequest()):
            pass
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_without_a_place_nothing_is_archived(served: Any, event: Any, rows: Any) -> None:
    await served.client().WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(event("a"))))
    assert not (await archive_of(served).GetArchive(archive_pb2.GetArchiveRequest())).configured
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await archive_of(served).ArchiveEvents(archive_pb2.ArchiveEventsRequest())
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_an_erasure_reaches_what_is_archived(
    start: Any, folder: Path, event: Any, rows: Any, everything: Any
) -> None:
    served = await start(archive_url=str(folder), archive_after_s=0.000001)
    client, privacy = served.client(), privacy_pb2_grpc.PrivacyServiceStub(served.channel())
    source = source_pb2.Source(subject="resource")
    source.policies.add(field="attributes.secret", treatment=source_pb2.TREATMENT_ENCRYPT)
    await client.CreateSource(ingest_pb2.CreateSourceRequest(source_id="desk", source=source))
    batch = rows(event("a", resource="Ada", attributes={"secret": "of Ada", "note": "mail ada@mail.example.org"}))
    await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    await archived(served)
    (before,) = await everything(client)
    value = privacy_pb2.RevealValuesRequest.EncryptedValue(field="attributes.secret", text=before["attributes.secret"])

    async def readable() -> bool:
        return bool((await privacy.RevealValues(privacy_pb2.RevealValuesRequest(values=[value]))).values[0].readable)

    assert await readable()
    await privacy.EraseSubject(privacy_pb2.EraseSubjectRequest(values=["Ada"]))
    # The file is as it was; nobody reads the value or finds the person of the pseudonym any more.
    assert await everything(client) == [before]
    assert not await readable()
    await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(event("b", resource="Ada"))))
    assert (await everything(client))[1]["resource"] != before["resource"]
    (file,) = folder.rglob("*.parquet")
    content = str(pq.read_table(file).to_pylist())
    assert not [word for word in ("Ada", "ada@", "of Ada") if word in content]
    assert (await archive_of(served).VerifyArchive(archive_pb2.VerifyArchiveRequest())).faults == []


@pytest.mark.parametrize("after_s", [0.05, 0.15, 0.3])
async def test_a_process_that_is_killed_while_it_archives_loses_and_doubles_nothing(
    spawn: Any, start: Any, folder: Path, event: Any, rows: Any, everything: Any, migrated: str, after_s: float
) -> None:
    """Each of many small files is stored and then recorded, so a kill falls between the two sooner or later."""
    options = {"archive_url": str(folder), "archive_file_bytes_max": 1, "archive_after_s": 0.000001}
    served, process = await spawn(**options)
    await written(served.client(), event, rows, count=20)
    before = await everything(served.client())
    work = asyncio.create_task(archived(served))
    await asyncio.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    await asyncio.gather(work, return_exceptions=True)
    second = await start(**options)
    assert await everything(second.client()) == before
    await archived(second)
    assert await everything(second.client()) == before
    assert await count(migrated, "SELECT count(*) FROM ingest.segment WHERE archive_file IS NULL") == 0
    assert await count(migrated, "SELECT sum(event_count) FROM ingest.archive_file") == len(before)
    assert (await archive_of(second).VerifyArchive(archive_pb2.VerifyArchiveRequest(page_size=100))).faults == []


async def test_a_file_that_was_stored_and_not_recorded_is_stored_again_and_recorded_once(
    start: Any, folder: Path, event: Any, rows: Any, everything: Any, migrated: str
) -> None:
    served = await start(archive_url=str(folder), archive_after_s=0.000001)
    await written(served.client(), event, rows)
    before = await everything(served.client())
    connection = await asyncpg.connect(migrated)
    await connection.execute(BROKEN)
    with pytest.raises(grpc.aio.AioRpcError):
        await archived(served)
    stored = {file.name: file.read_bytes() for file in folder.rglob("*.parquet")}
    assert stored
    assert await count(migrated, "SELECT count(*) FROM ingest.archive_file") == 0
    assert await everything(served.client()) == before
    await connection.execute("DROP TRIGGER broken ON ingest.segment")
    await connection.close()
    await archived(served)
    assert await everything(served.client()) == before
    after = {file.name: file.read_bytes() for file in folder.rglob("*.parquet")}
    assert stored.items() <= after.items()
    assert await count(migrated, "SELECT count(*) FROM ingest.archive_file") == len(after)
