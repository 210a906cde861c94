"""The RPCs as a caller meets them, over real gRPC: trial runs, repeats, refusals that say what to do, pages."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from copy import deepcopy
from datetime import timedelta

import grpc
import pytest
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1 import problem_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import indicator_system_pb2, scoring_pb2
from andon_client.commands.system import apply_system
from andon_client.documents import parse_document
from andon_client.suite import Suite
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.running_suite import DESK_SYSTEM

pytestmark = pytest.mark.timeout(280)

UNDO = pb.UndoTransitionRequest.Transition
FAR = Timestamp(seconds=4_000_000_000)
DETAILS = {
    kind.DESCRIPTOR.name: kind
    for kind in (
        error_details_pb2.ErrorInfo,
        error_details_pb2.BadRequest,
        error_details_pb2.PreconditionFailure,
        error_details_pb2.LocalizedMessage,
    )
}


def stamp(time) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(time)
    return made


async def refusal(call, code: grpc.StatusCode) -> dict:
    """The details of a refused call, by their names."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    assert refused.value.code() == code
    found = {}
    status = rpc_status.from_call(refused.value)  # type: ignore[arg-type]
    assert status is not None
    for packed in status.details:
        name = packed.TypeName().rpartition(".")[2]
        found[name] = DETAILS[name]()
        packed.Unpack(found[name])
    return found


@pytest.fixture
async def client(connection):
    async with Suite(connection) as suite:
        yield suite.improvement


@pytest.fixture
async def problem(connection, desk):
    """The one problem of a desk with a fault."""
    async with Suite(connection) as suite:
        await desk.begin_scoring(suite)
        await desk.write(suite, desk.events())
        await desk.settled(suite)
        (found,) = (await suite.improvement.ListProblems(pb.ListProblemsRequest())).problems
        return found


@pytest.fixture
def steps(problem, desk):
    """The requests that lead from the problem to its end, in their order."""
    action = problem_pb2.Action(kind=problem_pb2.ACTION_KIND_CORRECTIVE, owner="team leads")
    action.title.en = "Check the diagnosis before the repair"
    action.due_time.CopyFrom(stamp(desk.begin + timedelta(days=60)))
    action.goal.series, action.goal.expected_effect = "desk/main/rework@day{team=B}", -0.4
    cause = problem_pb2.Cause(name=problem.causes[0].name, cause_class=problem_pb2.CAUSE_CLASS_PROCESS)
    end, name = stamp(desk.begin + timedelta(days=desk.faulty_days.stop)), f"{problem.name}/actions/1"
    return [
        ("AcknowledgeProblem", pb.AcknowledgeProblemRequest(name=problem.name)),
        ("AssignProblem", pb.AssignProblemRequest(name=problem.name, owner="team B", added_watchers=["quality"])),
        ("AddNote", pb.AddNoteRequest(parent=problem.name, note="ask @team-b about the rota")),
        ("SnoozeProblem", pb.SnoozeProblemRequest(name=problem.name, reason="rota", snooze_end_time=FAR)),
        ("UndoTransition", pb.UndoTransitionRequest(name=problem.name, transition=UNDO.Value("TRANSITION_SNOOZE"))),
        ("DismissProblem", pb.DismissProblemRequest(name=problem.name, reason="annual fair")),
        ("UndoTransition", pb.UndoTransitionRequest(name=problem.name, transition=UNDO.Value("TRANSITION_DISMISS"))),
        ("AddCause", pb.AddCauseRequest(parent=problem.name, cause=cause)),
        ("PlanAction", pb.PlanActionRequest(parent=problem.name, action=action)),
        ("StartAction", pb.StartActionRequest(name=name, start_time=end)),
        ("CompleteAction", pb.CompleteActionRequest(name=name, done_time=end)),
        ("VerifyAction", pb.VerifyActionRequest(name=name)),
        ("CloseProblem", pb.CloseProblemRequest(name=problem.name)),
    ]


async def test_each_move_can_be_tried_is_kept_once_and_refuses_a_stale_reader(client, problem, steps):
    for name, request in steps:
        call = getattr(client, name)
        before = await client.GetProblem(pb.GetProblemRequest(name=problem.name))

        trial = type(request)()
        trial.CopyFrom(request)
        trial.validate_only = True
        tried = await call(trial)
        assert tried.problem.revision == before.problem.revision + 1, name
        assert (await client.GetProblem(pb.GetProblemRequest(name=problem.name))) == before, name

        stale = type(request)()
        stale.CopyFrom(request)
        stale.etag = "of another day"
        details = await refusal(call(stale), grpc.StatusCode.ABORTED)
        assert details["ErrorInfo"].reason == "ETAG_STALE", name

        request.etag, request.request_id = before.problem.etag, str(uuid.uuid4())
        first = await call(request)
        assert first.problem.state == tried.problem.state, name
        assert await call(request) == first, f"{name} again"
        assert (await client.GetProblem(pb.GetProblemRequest(name=problem.name))).problem == first.problem, name
    assert first.problem.state == problem_pb2.PROBLEM_STATE_CLOSED
    await its_history_names_every_step(client, problem.name, [request for _, request in steps])


async def its_history_names_every_step(client, name, steps):
    request, entries = pb.ListProblemHistoryRequest(parent=name, page_size=4), []
    while True:
        page = await client.ListProblemHistory(request)
        entries += page.entries
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    opened, *done = reversed(entries)
    assert opened.event == problem_pb2.HISTORY_EVENT_OPEN
    assert not opened.actor
    assert len(done) == len(steps)
    assert {one.actor for one in done} == {"tester"}
    assert all(later.from_state == earlier.to_state for later, earlier in itertools.pairwise(entries))
    (note,) = (one for one in done if one.note)
    assert list(note.mentions) == ["team-b"]


async def test_a_proof_says_what_it_rests_on_and_its_windows_stay_as_they_were_fixed(client, problem, steps, desk):
    answers = {name: await getattr(client, name)(request) for name, request in steps}
    proof, end = answers["VerifyAction"].verification, desk.begin + timedelta(days=desk.faulty_days.stop)
    assert proof.verdict == problem_pb2.VERDICT_IMPROVED
    assert proof.lower <= proof.effect <= proof.upper < 0
    assert proof.statement.en.startswith("Improved")
    assert proof.statement.zh.startswith("已改善")
    assert {check.name for check in proof.checks} >= {"autocorrelation", "season", "preregistered"}
    (stretch,) = answers["StartAction"].problem.actions[0].plan.baseline_intervals
    opening = problem.signals[0].interval
    assert (stretch.start, stretch.end) == (opening.end, stamp(end))
    assert proof.before_windows == len(desk.faulty_days) - 1
    assert proof.before_interval == stretch
    assert proof.after_interval.start == stamp(end)
    closed = answers["CloseProblem"].problem
    assert closed.actions[0].verifications[-1] == proof
    assert closed.actions[0].plan == answers["StartAction"].problem.actions[0].plan


async def test_refusals_name_the_field_the_legal_moves_and_speak_the_callers_language(suite, tenant, problem, steps):
    requests = dict(steps)
    async with Suite(suite.connection(tenant, locale="zh")) as chinese:
        client = chinese.improvement
        early = await refusal(client.CloseProblem(requests["CloseProblem"]), grpc.StatusCode.FAILED_PRECONDITION)
        assert early["ErrorInfo"].reason == "INVALID_TRANSITION"
        legal = [violation.description for violation in early["PreconditionFailure"].violations]
        named = ["ACKNOWLEDGE", "ADD_CAUSE", "JUDGE_CAUSE", "DISMISS", "SNOOZE"]
        assert legal == [f"possible: {name}" for name in named]
        assert early["LocalizedMessage"].locale == "zh-CN"

        for name in ("AddCause", "PlanAction", "StartAction", "CompleteAction"):
            await getattr(client, name)(requests[name])
        unproven = await refusal(client.CloseProblem(requests["CloseProblem"]), grpc.StatusCode.FAILED_PRECONDITION)
        assert unproven["ErrorInfo"].reason == "PROOF_MISSING"
        assert "证据" in unproven["LocalizedMessage"].message

        again = await refusal(client.StartAction(requests["StartAction"]), grpc.StatusCode.FAILED_PRECONDITION)
        legal = [violation.description for violation in again["PreconditionFailure"].violations]
        assert legal == ["possible: VERIFY_ACTION", "possible: CANCEL_ACTION"]

        reasonless = client.DismissProblem(pb.DismissProblemRequest(name=problem.name))
        details = await refusal(reasonless, grpc.StatusCode.INVALID_ARGUMENT)
        assert [violation.field for violation in details["BadRequest"].field_violations] == ["reason"]
        unknown = client.GetProblem(pb.GetProblemRequest(name="problems/none"))
        assert (await refusal(unknown, grpc.StatusCode.NOT_FOUND))["ErrorInfo"].reason == "NOT_FOUND"


async def test_what_is_overdue_is_listed_until_it_is_done(client, problem, steps):
    overdue = pb.ListProblemsRequest(filter=pb.ProblemFilter(overdue=True))
    dict(steps)["PlanAction"].action.due_time.seconds = 1_000_000_000
    listed = []
    for name in ("AddCause", "PlanAction", "StartAction", "CompleteAction"):
        await getattr(client, name)(dict(steps)[name])
        listed.append([one.name for one in (await client.ListProblems(overdue)).problems])
    # With a cause only nothing is due yet; planned and started it is, for its time has passed; then it is done.
    assert listed == [[], [problem.name], [problem.name], []]


async def test_a_cancelled_action_says_why_and_a_proof_too_early_says_what_is_missing(client, problem, steps):
    requests = dict(steps)
    for name in ("AddCause", "PlanAction", "StartAction"):
        await getattr(client, name)(requests[name])
    # Done two days before the events end: too few windows are left to judge by.
    late = pb.CompleteActionRequest(name=requests["StartAction"].name)
    late.done_time.seconds = requests["StartAction"].start_time.seconds + 14 * 86_400
    await client.CompleteAction(late)
    details = await refusal(client.VerifyAction(requests["VerifyAction"]), grpc.StatusCode.FAILED_PRECONDITION)
    assert details["ErrorInfo"].reason == "NOT_ENOUGH_DATA"
    assert "windows" in details["LocalizedMessage"].message
    request = pb.CancelActionRequest(name=requests["StartAction"].name, reason="the tool was not bought")
    cancelled = (await client.CancelAction(request)).problem
    assert cancelled.actions[0].reason == "the tool was not bought"
    assert cancelled.state == problem_pb2.PROBLEM_STATE_ANALYSED


async def test_pages_and_filters_show_each_problem_once(connection, desk):
    async with Suite(connection) as suite:
        await desk.begin_scoring(suite)
        main = scoring_pb2.GetIndicatorSystemRequest(name="processes/desk/indicatorSystems/main")
        system = (await suite.scoring.GetIndicatorSystem(main)).indicator_system
        await apply_system(suite, system.spec, "desk", "other")
        await desk.write(suite, desk.events())
        await desk.settled(suite)
        client, seen, token = suite.improvement, [], ""
        while True:
            page = await client.ListProblems(pb.ListProblemsRequest(page_size=1, page_token=token))
            seen += [problem.name for problem in page.problems]
            token = page.next_page_token
            if not token:
                break
            other = pb.ListProblemsRequest(page_token=token, filter=pb.ProblemFilter(process="desk"))
            details = await refusal(client.ListProblems(other), grpc.StatusCode.INVALID_ARGUMENT)
            assert details["ErrorInfo"].reason == "PAGE_TOKEN_INVALID"
        assert len(seen) == len(set(seen)) == 2
        one = await client.ListProblems(pb.ListProblemsRequest(filter=pb.ProblemFilter(system="other")))
        assert [problem.system for problem in one.problems] == ["other"]
        ingest = (await suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())).newest
        foreign = client.ListProblems(pb.ListProblemsRequest(at_least=ingest))
        details = await refusal(foreign, grpc.StatusCode.INVALID_ARGUMENT)
        assert details["ErrorInfo"].reason == "CURSOR_FOREIGN"
        closed = pb.ProblemFilter(states=[problem_pb2.PROBLEM_STATE_CLOSED])
        assert not (await client.ListProblems(pb.ListProblemsRequest(filter=closed))).problems


async def test_a_new_version_of_the_system_does_not_open_again_what_a_proof_has_closed(
    client, problem, steps, desk, connection
):
    for name, request in steps:
        await getattr(client, name)(request)
    async with Suite(connection) as suite:
        main = scoring_pb2.GetIndicatorSystemRequest(name="processes/desk/indicatorSystems/main")
        spec = (await suite.scoring.GetIndicatorSystem(main)).indicator_system.spec
        for indicator in spec.indicators:
            if indicator.HasField("chart"):
                # Other signals, of other names, on the same days.
                indicator.chart.rules[:] = ["WE2"]
        await apply_system(suite, spec, "desk")
        scored = scoring_pb2.ListScoresRequest(page_size=1)
        async with asyncio.timeout(100):
            while (await suite.scoring.ListScores(scored)).scores[0].system_version != 2:
                await asyncio.sleep(0.2)
        signals = (await suite.scoring.ListSignals(scoring_pb2.ListSignalsRequest())).signals
        assert signals
        assert not {signal.name for signal in signals} & {reference.signal for reference in problem.signals}
        await desk.settled(suite)
    every = pb.ProblemFilter(states=[value for value in problem_pb2.ProblemState.values() if value])
    problems = (await client.ListProblems(pb.ListProblemsRequest(filter=every))).problems
    assert [(one.name, one.state) for one in problems] == [(problem.name, problem_pb2.PROBLEM_STATE_CLOSED)]


DAYS_SEEN = {"before": range(20), "faulty": range(20, 30), "after": range(30, 50)}


def complaints(desk) -> list[dict[str, object]]:
    """Of team B: a few a day, many a day, then one every fifth day. Team A calls every day."""
    by_day = {
        **{day: 3 + (day * 7) % 4 for day in DAYS_SEEN["before"]},
        **{day: 14 + day % 3 for day in DAYS_SEEN["faulty"]},
        **{day: int(day % 5 == 0) for day in DAYS_SEEN["after"]},
    }
    cases = [(day, "B", number) for day, most in by_day.items() for number in range(most)]
    cases += [(day, "A", 0) for day in range(51)]
    return [
        {
            "id": f"{team}{day}-{number}-{activity}",
            "case_id": f"{team}{day}-{number}",
            "activity": activity,
            "time": desk.begin + timedelta(days=day, hours=9, minutes=number),
            "team": team,
        }
        for day, team, number in cases
        for activity in ("Created", "Closed")
    ]


async def test_days_without_a_complaint_are_zeros_of_the_proof_that_there_are_fewer(client, desk, connection):
    spec = deepcopy(DESK_SYSTEM)
    spec["measures"] = [{"name": "complaints", "count": {"activities": ["Closed"]}}]
    spec["indicators"] = [
        {
            "name": "complaints",
            "phase": "after",
            "measure": "complaints",
            "aggregate": "sum",
            "direction": "lower_is_better",
            "target": {"value": 2.0, "worst": 20.0},
            "windows": ["day"],
            "count_min": 1,
            "slices": [{"dimensions": ["team"]}],
            "chart": {"kind": "xmr", "rules": ["WE1"], "baseline_windows": 20},
            "owner": "team leads",
        }
    ]
    async with Suite(connection) as suite:
        await apply_system(suite, parse_document(spec, indicator_system_pb2.IndicatorSystemSpec), "desk")
        await desk.write(suite, complaints(desk))
        await desk.settled(suite)
    (problem,) = (await client.ListProblems(pb.ListProblemsRequest())).problems
    action = problem_pb2.Action(kind=problem_pb2.ACTION_KIND_CORRECTIVE, owner="team leads")
    action.title.en = "Call back within an hour"
    action.due_time.CopyFrom(stamp(desk.begin + timedelta(days=60)))
    action.goal.series, action.goal.expected_effect = "desk/main/complaints@day{team=B}", -10.0
    end, name = stamp(desk.begin + timedelta(days=30)), f"{problem.name}/actions/1"
    cause = problem_pb2.Cause(cause_class=problem_pb2.CAUSE_CLASS_PROCESS)
    cause.title.en = "Nobody called back"
    await client.AcknowledgeProblem(pb.AcknowledgeProblemRequest(name=problem.name))
    await client.AddCause(pb.AddCauseRequest(parent=problem.name, cause=cause))
    await client.PlanAction(pb.PlanActionRequest(parent=problem.name, action=action))
    await client.StartAction(pb.StartActionRequest(name=name, start_time=end))
    await client.CompleteAction(pb.CompleteActionRequest(name=name, done_time=end))
    proof = (await client.VerifyAction(pb.VerifyActionRequest(name=name))).verification
    assert proof.after_windows == len(DAYS_SEEN["after"])
    assert proof.verdict == problem_pb2.VERDICT_IMPROVED, proof.statement.en
    assert proof.after_mean == pytest.approx(4 / 20)
