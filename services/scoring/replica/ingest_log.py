"""Ingest's log as scoring reads it: its pages as they come, and all events of some cases."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
from andon.ingest.v1 import ingest_pb2
from andon_client.follow import follow
from google.protobuf.duration_pb2 import Duration

from services.scoring.replica.inbox import Inbox

if TYPE_CHECKING:
    from andon.ingest.v1.ingest_pb2_grpc import IngestServiceAsyncStub as IngestStub


async def fill(inbox: Inbox, ingest: IngestStub, partitions: Sequence[int], after: str, heartbeat_s: float) -> None:
    """Follows these partitions from a cursor on; whatever ends it is handed over as the inbox's last word."""
    try:
        async for response in follow(_stream(ingest, partitions, heartbeat_s), after):
            await inbox.put(response)
        inbox.fail(ConnectionError("ingest ended the stream"))
    except Exception as error:
        inbox.fail(error)


def _stream(
    ingest: IngestStub, partitions: Sequence[int], heartbeat_s: float
) -> Callable[[str], AsyncIterable[ingest_pb2.ReadEventsResponse]]:
    beat = Duration()
    beat.FromMilliseconds(round(heartbeat_s * 1000))

    def open_stream(after: str) -> AsyncIterable[ingest_pb2.ReadEventsResponse]:
        request = ingest_pb2.ReadEventsRequest(
            after=after, follow=True, encoding=ingest_pb2.ENCODING_ARROW, partitions=partitions, heartbeat=beat
        )
        return ingest.ReadEvents(request)

    return open_stream


async def read_cases(ingest: IngestStub, case_ids: Sequence[str], through: str) -> pa.Table | None:
    """All events of these cases, corrections included. None: there are none."""
    request = ingest_pb2.ReadCasesRequest(case_ids=case_ids, through=through, encoding=ingest_pb2.ENCODING_ARROW)
    answers = [response.events.arrow_ipc async for response in ingest.ReadCases(request)]
    tables = [table_of(arrow_ipc) for arrow_ipc in answers if arrow_ipc]
    return pa.concat_tables(tables, promote_options="permissive") if tables else None


def table_of(arrow_ipc: bytes) -> pa.Table:
    # Small pages: handing their columns to threads costs more than decoding them.
    return pa.ipc.open_stream(arrow_ipc, options=pa.ipc.IpcReadOptions(use_threads=False)).read_all()
