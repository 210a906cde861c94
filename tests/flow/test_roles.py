"""Roles over the wire: a writer loads and reads nothing, a reader reads and moves nothing."""

from __future__ import annotations

import grpc
import pytest
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon.scoring.v1 import scoring_pb2
from andon_client.loading import load, register_source
from andon_client.suite import Suite
from andon_records.mapping.document import parse_mapping

MAPPING = parse_mapping({"source": "desk", "id": "id", "case_id": "case_id", "activity": "activity", "time": "time"})


async def refused(call) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value.code()


async def test_a_writer_loads_without_being_allowed_to_define_sources_or_to_read_scores(suite, tenant, desk):
    async with Suite(suite.connection(tenant, ["writer"])) as client:
        await register_source(client.ingest, MAPPING)
        batch = event_pb2.EventBatch(arrow_ipc=desk.arrow(desk.events(days=1)))
        written = await client.ingest.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
        assert written.accepted == len(desk.events(days=1))
        assert (await load(client.ingest, iter(()))).received == 0
        scores = client.scoring.ListScores(scoring_pb2.ListScoresRequest())
        assert await refused(scores) == grpc.StatusCode.PERMISSION_DENIED


async def test_a_reader_moves_no_problem_and_learns_nothing_of_whether_it_exists(suite, tenant):
    async with Suite(suite.connection(tenant, ["reader"])) as client:
        listed = await client.improvement.ListProblems(improvement_pb2.ListProblemsRequest())
        assert not listed.problems
        move = client.improvement.AcknowledgeProblem(improvement_pb2.AcknowledgeProblemRequest(name="problems/none"))
        assert await refused(move) == grpc.StatusCode.PERMISSION_DENIED


async def test_a_caller_without_a_token_is_nobody(connection):
    connection.token_file.write_text("not a token")
    async with Suite(connection) as client:
        call = client.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())
        assert await refused(call) == grpc.StatusCode.UNAUTHENTICATED
