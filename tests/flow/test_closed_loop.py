"""From an event to a problem that closes on proof, over real gRPC between real processes."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

import grpc
import pytest
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon.scoring.v1 import score_pb2, scoring_pb2
from andon_client.suite import Suite
from google.protobuf.timestamp_pb2 import Timestamp

pytestmark = pytest.mark.timeout(280)


def stamp(time) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(time)
    return made


async def test_a_fault_becomes_a_problem_with_its_cause_and_closes_only_on_proof(connection, desk):
    async with Suite(connection) as suite:
        await desk.begin_scoring(suite)
        answers = await desk.write(suite, desk.events())
        assert sum(answer.accepted for answer in answers) == len(desk.events())
        await desk.settled(suite)

        (problem,) = (await suite.improvement.ListProblems(improvement_pb2.ListProblemsRequest())).problems
        assert problem.indicator == "rework"
        assert dict(problem.slice) == {"team": "B"}
        assert all(signal.arl0 > 100 for signal in problem.signals)

        moved = await _improve(suite, desk, problem)
        assert moved.state == problem_pb2.PROBLEM_STATE_CLOSED
        assert moved.actions[0].verifications[-1].verdict == problem_pb2.VERDICT_IMPROVED


async def _improve(suite: Suite, desk, problem: problem_pb2.Problem) -> problem_pb2.Problem:
    improvement = suite.improvement
    cause = problem_pb2.Cause(name=problem.causes[0].name, cause_class=problem_pb2.CAUSE_CLASS_PROCESS)
    await improvement.AddCause(improvement_pb2.AddCauseRequest(parent=problem.name, cause=cause, etag=problem.etag))
    action = problem_pb2.Action(kind=problem_pb2.ACTION_KIND_CORRECTIVE, owner="team leads")
    action.title.en = "Check the diagnosis before the repair"
    action.due_time.CopyFrom(stamp(desk.begin + timedelta(days=60)))
    action.goal.series = "desk/main/rework@day{team=B}"
    action.goal.expected_effect = -0.4
    planned = await improvement.PlanAction(improvement_pb2.PlanActionRequest(parent=problem.name, action=action))
    name = planned.action.name

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await improvement.CloseProblem(improvement_pb2.CloseProblemRequest(name=problem.name))
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION

    end = desk.begin + timedelta(days=desk.faulty_days.stop)
    await improvement.StartAction(improvement_pb2.StartActionRequest(name=name, start_time=stamp(end)))
    await improvement.CompleteAction(improvement_pb2.CompleteActionRequest(name=name, done_time=stamp(end)))
    verified = await improvement.VerifyAction(improvement_pb2.VerifyActionRequest(name=name))
    assert verified.verification.upper < 0
    return (await improvement.CloseProblem(improvement_pb2.CloseProblemRequest(name=problem.name))).problem


async def test_a_problem_explains_itself_down_to_event_ids_that_ingest_knows(connection, desk):
    async with Suite(connection) as suite:
        await desk.begin_scoring(suite)
        await desk.write(suite, desk.events())
        await desk.settled(suite)
        (problem,) = (await suite.improvement.ListProblems(improvement_pb2.ListProblemsRequest())).problems
        chain = await suite.improvement.ExplainProblem(
            improvement_pb2.ExplainProblemRequest(name=problem.name, events_max=40)
        )
        assert len(chain.links) == len(problem.signals)
        known = {event["id"]: event["case_id"] for event in desk.events()}
        for link in chain.links:
            assert link.event_ids
            assert {known[event_id] for event_id in link.event_ids} <= set(link.case_ids)


async def test_order_batching_and_duplicates_change_neither_scores_nor_signals_nor_problems(suite, desk):
    events = desk.events()
    shuffled = [*events, *events[::5]]
    random.Random(11).shuffle(shuffled)
    hashes = []
    for arrival, batch in ((events, 3000), (shuffled, 777)):
        async with Suite(suite.connection(suite.next_tenant())) as client:
            await desk.begin_scoring(client)
            answers = await desk.write(client, arrival, batch)
            assert sum(answer.accepted for answer in answers) == len(events)
            assert sum(answer.duplicate for answer in answers) == len(arrival) - len(events)
            await desk.settled(client)
            scored = await client.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
            improved = await client.improvement.GetImprovementStatus(improvement_pb2.GetImprovementStatusRequest())
            assert improved.open_count == 1
            hashes.append((scored.content_hash, improved.content_hash))
    assert hashes[0] == hashes[1]


async def test_a_retraction_restates_its_window_and_retracts_the_signals_it_undoes(connection, desk):
    async with Suite(connection) as suite:
        await desk.begin_scoring(suite)
        events = desk.events()
        await desk.write(suite, events)
        await desk.settled(suite)
        before = (await suite.scoring.ListSignals(scoring_pb2.ListSignalsRequest())).signals
        assert before

        redone = [event for event in events if str(event["id"]).endswith("-2") and event["activity"] == "Diagnosed"]
        rows = [_retraction(event) for event in redone]
        body = event_pb2.EventBatch(rows=event_pb2.EventRows(events=rows))
        answer = await suite.ingest.WriteEvents(ingest_pb2.WriteEventsRequest(batch=body))
        assert answer.accepted == len(rows)
        await desk.settled(suite)

        assert not (await suite.scoring.ListSignals(scoring_pb2.ListSignalsRequest())).signals
        every = await suite.scoring.ListSignals(scoring_pb2.ListSignalsRequest(include_retracted=True))
        retracted = [signal for signal in every.signals if signal.state == score_pb2.Signal.STATE_RETRACTED]
        assert {signal.name for signal in before} <= {signal.name for signal in retracted}
        assert all(signal.reason for signal in retracted)
        scores = await suite.scoring.ListScores(scoring_pb2.ListScoresRequest(page_size=10_000))
        rework = [score for score in scores.scores if score.series == "desk/main/rework@all"]
        assert [score.value for score in rework] == [0.0]
        problems = (await suite.improvement.ListProblems(improvement_pb2.ListProblemsRequest())).problems
        assert not problems


def _retraction(event) -> event_pb2.Event:
    return event_pb2.Event(
        id=f"retract-{event['id']}",
        source="desk",
        case_id=str(event["case_id"]),
        activity="Diagnosed",
        time=stamp(event["time"]),
        retracts=str(event["id"]),
    )


async def test_a_mutation_sent_again_with_its_request_id_gets_its_first_answer(connection, desk):
    async with Suite(connection) as suite:
        await desk.begin_scoring(suite)
        await desk.write(suite, desk.events())
        await desk.settled(suite)
        (problem,) = (await suite.improvement.ListProblems(improvement_pb2.ListProblemsRequest())).problems
        request = improvement_pb2.AcknowledgeProblemRequest(name=problem.name, request_id=str(uuid.uuid4()))
        first = await suite.improvement.AcknowledgeProblem(request)
        assert await suite.improvement.AcknowledgeProblem(request) == first
        stale = improvement_pb2.DismissProblemRequest(name=problem.name, reason="known", etag=problem.etag)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await suite.improvement.DismissProblem(stale)
        assert refused.value.code() == grpc.StatusCode.ABORTED


async def test_tenants_see_nothing_of_each_other(suite, desk):
    async with Suite(suite.connection(suite.next_tenant())) as one:
        await desk.begin_scoring(one)
        await desk.write(one, desk.events(days=3))
        await desk.settled(one)
        async with Suite(suite.connection(suite.next_tenant())) as other:
            counts = await other.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())
            scores = await other.scoring.ListScores(scoring_pb2.ListScoresRequest())
            cases = other.ingest.ReadCases(ingest_pb2.ReadCasesRequest(case_ids=["C000-000"]))
            assert not counts.counts
            assert not scores.scores
            assert [response async for response in cases if response.events.ByteSize() > 2] == []
