"""No RPC holds the event loop of its service for more than 50 ms, however large a request within the limits is."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pyarrow as pa
import pytest
from andon.common.v1 import value_pb2
from andon.common.v1.interval_pb2 import Interval
from andon.common.v1.text_pb2 import Text
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.ingest.v1 import event_pb2, ingest_pb2, quarantine_pb2, record_pb2, source_pb2
from andon.scoring.v1 import (
    alarm_review_pb2,
    benchmark_comparison_pb2,
    capability_pb2,
    clause_pb2,
    error_budget_pb2,
    funnel_pb2,
    overview_pb2,
    process_pb2,
    run_length_pb2,
    score_pb2,
    scoring_pb2,
    simulation_pb2,
    system_review_pb2,
    weight_pb2,
)
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from bench.growth_improvement import fill
from services.improvement.__main__ import migrate as migrate_improvement
from services.improvement.__main__ import run as run_improvement
from services.improvement.settings import ImprovementSettings
from services.improvement.store import ProblemStore
from services.machine.authority import Authority
from services.runtime.database import open_pool, tenant_transaction
from services.runtime.ownership import QUERIES
from tests.services.ingest.writer.test_large_batches import longest_turns_s
from tests.services.scoring.conftest import (
    MONDAY,
    ROLES,
    SYSTEM,
    TENANT,
    WEEK_S,
    Suite,
    make_event,
    make_spec,
    make_weeks,
)

LOOP_MS_MAX = 50.0
CONTRACTS = {
    "ingest": (ingest_pb2, quarantine_pb2),
    "scoring": (
        scoring_pb2,
        capability_pb2,
        overview_pb2,
        process_pb2,
        system_review_pb2,
        alarm_review_pb2,
        benchmark_comparison_pb2,
        clause_pb2,
        error_budget_pb2,
        funnel_pb2,
        simulation_pb2,
        weight_pb2,
        run_length_pb2,
    ),
    "improvement": (improvement_pb2,),
}
METHODS = {
    f"{service}.{method.name}": method
    for service, files in CONTRACTS.items()
    for file in files
    for contract in file.DESCRIPTOR.services_by_name.values()
    for method in contract.methods
}
REFUSED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.UNAVAILABLE,
}
RESPONSES_MAX, ANSWER_S_MAX = 50, 90
ROWS, IDS, PAGE, WINDOWS, CASES, PROBLEMS = 50_000, 10_000, 10_000, 5_000, 5_000, 1_000
PARENT = "processes/desk"
CHARTED, EXPLAINED = "desk/main/sla_breach@week", "desk/main/to_close@all"


def document(indicators: int, slices: int = 1) -> system_pb.IndicatorSystemSpec:
    """A valid one, charted and sliced, with titles."""
    spec = make_spec()
    first = spec.indicators[0]
    first.slices.extend(system_pb.Slice(dimensions=["priority"]) for _ in range(slices - len(first.slices)))
    for number in range(indicators - len(spec.indicators)):
        made = spec.indicators.add()
        made.CopyFrom(first)
        made.name, made.title.en, made.title.zh = f"i{number}", f"Indicator {number}", f"指标 {number}"
        del made.symptom_of[:]
    return spec


def too_many(indicators: int) -> system_pb.IndicatorSystemSpec:
    """Refused, after as little work as can be."""
    spec = make_spec()
    spec.indicators.extend(system_pb.Indicator(name=f"i{number}", measure="breach") for number in range(indicators))
    return spec


def arrow(rows: int, **more: Sequence[Any]) -> event_pb2.EventBatch:
    columns: dict[str, Any] = {
        "id": [uuid.uuid4().hex for _ in range(rows)],
        "source": ["bulk"] * rows,
        "case_id": [f"bulk-{row // 3}" for row in range(rows)],
        "activity": ["Opened"] * rows,
        "time": pa.array([round(MONDAY.timestamp() * 1e6) + row for row in range(rows)], pa.timestamp("us", "UTC")),
        "attributes.cost": [1.5] * rows,
    }
    table, sink = pa.table(columns | more), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return event_pb2.EventBatch(arrow_ipc=sink.getvalue().to_pybytes())


class LargeTenant:
    """The three services in this loop, and a tenant that has as much of everything as one page or one chart shows."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.improvement_port = 0
        self.problem = ""

    async def fill(self) -> None:
        suite = self.suite
        await suite.activate(make_spec())
        events = make_weeks(10, 20, lambda week, place: place < (12 if week == 8 else 2))
        for number in range(CASES):
            at_s = 9.2 * WEEK_S + number * 10.0
            events += [
                make_event(f"m{number}-{end}", f"many-{number}", end, at_s, priority="low", breached=False)
                for end in ("Opened", "Closed")
            ]
        for start in range(0, len(events), 4_000):
            through = await suite.write(events[start : start + 4_000])
        await suite.content_hash(through)
        bad = arrow(5_000, case_id=[""] * 5_000)
        await suite.ingest().WriteEvents(ingest_pb2.WriteEventsRequest(batch=bad))
        await suite.ingest().WriteEvents(ingest_pb2.WriteEventsRequest(batch=arrow(2 * IDS)))
        large = document(1_000)
        stub = suite.scoring()
        for number in range(6):
            await stub.CreateIndicatorSystem(
                scoring_pb2.CreateIndicatorSystemRequest(
                    parent="processes/desk", indicator_system_id=f"large{number % 2}", spec=large
                )
            )
        connection = await asyncpg.connect(suite.dsn)
        try:
            await self._fill_scores(connection)
        finally:
            await connection.close()

    async def _fill_scores(self, connection: asyncpg.Connection) -> None:
        """Windows of a chart, and signals, long before the first event: as rows of their own making."""
        raw = await connection.fetchrow("SELECT * FROM scoring.score WHERE series = $1 AND complete LIMIT 1", CHARTED)
        score, rows = score_pb2.Score.FromString(raw["body"]), []
        for number in range(1, WINDOWS + 1):
            score.interval.start.seconds = round(raw["window_start"] / 1e6) - number * WEEK_S
            score.interval.end.seconds = score.interval.start.seconds + WEEK_S
            start_us = score.interval.start.seconds * 1_000_000
            rows.append(
                {
                    **raw,
                    "window_start": start_us,
                    "window_end": start_us + WEEK_S * 1_000_000,
                    "body": score.SerializeToString(),
                }
            )
        rows += [
            {**raw, "series": f"desk/main/to_close@week{{priority={number}}}", "whole": False} for number in range(PAGE)
        ]
        await connection.copy_records_to_table(
            "score", schema_name="scoring", columns=list(rows[0]), records=[tuple(row.values()) for row in rows]
        )
        history = [(row["tenant"], row["series"], row["window_start"], 1, MONDAY, True, row["body"]) for row in rows]
        names = ["tenant", "series", "window_start", "revision", "score_time", "present", "body"]
        await connection.copy_records_to_table("score_history", schema_name="scoring", columns=names, records=history)
        raised = await connection.fetchrow("SELECT * FROM scoring.signal WHERE series = $1 LIMIT 1", CHARTED)
        signals = [
            {**raised, "name": f"processes/desk/signals/{number}", "series": "desk/main/sla_breach@week{priority=x}"}
            for number in range(PAGE)
        ]
        await connection.copy_records_to_table(
            "signal", schema_name="scoring", columns=list(signals[0]), records=[tuple(one.values()) for one in signals]
        )

    async def start_improvement(self) -> None:
        values = {
            **self.suite.settings("improvement"),
            "scoring_target": f"127.0.0.1:{self.suite.scoring_ports[0]}",
            # Nobody's signals are followed meanwhile; what asks scoring ends there.
            "tokens_dir": self.suite.folder / "improvement-tokens",
        }
        values["tokens_dir"].mkdir()
        settings, stop = ImprovementSettings(**values), asyncio.Event()
        await migrate_improvement(settings)
        async with await open_pool(
            self.suite.dsn, role_settings={"search_path": "improvement"}, min_size=1, max_size=1
        ) as pool:
            async with tenant_transaction(pool, TENANT) as connection:
                await connection.fetchval(QUERIES.take, TENANT, "signals", uuid.uuid4())
            await fill(ProblemStore(pool), TENANT, PROBLEMS)
            async with tenant_transaction(pool, TENANT) as connection:
                self.problem = await connection.fetchval("SELECT name FROM problem WHERE live ORDER BY name LIMIT 1")
        self.improvement_port = await self.suite._started(settings.endpoint_file, run_improvement(settings, stop), stop)

    def ask(self, name: str, requests: Sequence[Message]) -> grpc.StatusCode:
        """In a thread: what a client encodes and decodes is no turn of the loop that serves."""
        method, service = METHODS[name], name.partition(".")[0]
        ports = {"ingest": self.suite.ingest_port, "scoring": self.suite.scoring_ports[0]}
        authority, files = self.suite.authority, self.suite.authority.certificate("client")
        tls = grpc.ssl_channel_credentials(
            authority.ca_file.read_bytes(), files.key.read_bytes(), files.certificate.read_bytes()
        )
        token = grpc.access_token_call_credentials(authority.token("tester", TENANT, ROLES))
        options = [(f"grpc.max_{way}_message_length", -1) for way in ("receive", "send")]
        target = f"127.0.0.1:{ports.get(service, self.improvement_port)}"
        with grpc.secure_channel(target, grpc.composite_channel_credentials(tls, token), options) as channel:
            kinds = ("stream" if given else "unary" for given in (method.client_streaming, method.server_streaming))
            path = f"/{method.containing_service.full_name}/{method.name}"
            call = getattr(channel, "_".join(kinds))(path, lambda one: one.SerializeToString())
            try:
                answers = call(iter(requests) if method.client_streaming else requests[0], timeout=ANSWER_S_MAX)
                if method.server_streaming:
                    # A watch goes on; heartbeats follow what was asked for.
                    for _ in islice(answers, RESPONSES_MAX):
                        pass
                    answers.cancel()
            except grpc.RpcError as error:
                return error.code()
        return grpc.StatusCode.OK


Requests = Callable[[LargeTenant], list[list[Message]]]
"""Calls of a method; several messages where it takes a stream."""

ing, qua, rec, sco, imp = ingest_pb2, quarantine_pb2, record_pb2, scoring_pb2, improvement_pb2
cla, com, fun, bud = clause_pb2, benchmark_comparison_pb2, funnel_pb2, error_budget_pb2
sim, wei = simulation_pb2, weight_pb2
cap, over, rev, alarm = capability_pb2, overview_pb2, system_review_pb2, alarm_review_pb2
LARGE_SYSTEM = f"{PARENT}/indicatorSystems/large0"
RECORDS = rec.RawRecords(json=rec.JsonRecords(records=[b'{"id": "r%d", "note": "x"}' % one for one in range(ROWS)]))


LARGE_DOCUMENT = document(1_000)
JUDGEMENT = wei.ExpertJudgement(
    best_worst=wei.BestWorst(
        best="sla_breach",
        worst="to_close",
        best_to_others=[wei.MemberRatio(member="to_close", ratio=5.0)],
        others_to_worst=[wei.MemberRatio(member="sla_breach", ratio=5.0)],
    )
)


def writes(tenant: LargeTenant) -> list[list[Message]]:
    batches = [arrow(ROWS), arrow(ROWS, case_id=[""] * ROWS)]
    return [[ing.WriteEventsRequest(batch=batch)] for batch in batches]


def case_reads(tenant: LargeTenant) -> list[list[Message]]:
    ids = {stem: [f"{stem}-{one}" for one in range(IDS)] for stem in ("bulk", "none")}
    kinds = ing.Encoding.values()
    return [[ing.ReadCasesRequest(case_ids=some, encoding=kind)] for some in ids.values() for kind in kinds]


def hidden(at: int) -> source_pb2.FieldPolicy:
    return source_pb2.FieldPolicy(field=f"attributes.a{at}", treatment=source_pb2.TREATMENT_MASK)


def new_sources(tenant: LargeTenant) -> list[list[Message]]:
    source = source_pb2.Source(policies=[hidden(at) for at in range(500)])
    return [[ing.CreateSourceRequest(source_id=f"s{one}", source=source)] for one in range(3)]


def changed_source(tenant: LargeTenant) -> list[list[Message]]:
    source = source_pb2.Source(name="sources/s0", policies=[hidden(at) for at in range(1_000)])
    return [[ing.UpdateSourceRequest(source=source)]]


def new_systems(tenant: LargeTenant) -> list[list[Message]]:
    made = [too_many(10_000), document(1_000), document(200, slices=20)]
    kind = sco.CreateIndicatorSystemRequest
    return [[kind(parent=PARENT, indicator_system_id="new", spec=spec)] for spec in made]


def lints(tenant: LargeTenant) -> list[list[Message]]:
    return [[sco.LintIndicatorSystemRequest(spec=spec)] for spec in (too_many(10_000), document(1_000))]


def score_lists(tenant: LargeTenant) -> list[list[Message]]:
    now, then = (sco.ListScoresRequest(page_size=PAGE) for _ in range(2))
    then.as_of.GetCurrentTime()
    return [[now], [then]]


def explained(tenant: LargeTenant) -> list[list[Message]]:
    request = sco.ExplainScoreRequest(series=EXPLAINED, page_size=1_000)
    request.time.seconds = round(MONDAY.timestamp() + 9.5 * WEEK_S)
    return [[request]]


def of_problem(kind: Any, field: str = "name", below: str = "", **fields: Any) -> Requests:
    return lambda tenant: [[kind(**{field: tenant.problem + below}, **fields)]]


def always(*requests: Message) -> Requests:
    return lambda _: [[request] for request in requests]


def planned() -> problem_pb2.Action:
    action = problem_pb2.Action(kind=problem_pb2.ACTION_KIND_CORRECTIVE, owner="x" * 200)
    action.title.en = "x" * 200
    action.due_time.seconds = 4_000_000_000
    action.goal.series, action.goal.expected_effect = CHARTED, -0.1
    return action


CAUSE = problem_pb2.Cause(cause_class=problem_pb2.CAUSE_CLASS_PROCESS)
OPENED = problem_pb2.Problem(process="desk", origin=problem_pb2.PROBLEM_ORIGIN_COMPLAINT, references=["c" * 200] * 100)
OPENED.title.en = OPENED.description.en = "x y " * 1_000
FAR = Timestamp(seconds=4_000_000_000)
ACTION, OFTEN = "/actions/1", Duration(nanos=100_000_000)
SELECTION = qua.QuarantineSelection(filter=qua.QuarantineFilter(sources=["bulk"]))
RULES = [
    qua.CorrectionRule(
        set=qua.CorrectionRule.Set(field="attributes.team", value=value_pb2.Value(text="{id} of {source}"))
    )
]
LARGE: dict[str, Requests] = {
    "ingest.WriteEvents": writes,
    "ingest.StreamEvents": lambda _: [[ing.StreamEventsRequest(batch=arrow(ROWS), sequence=one) for one in range(2)]],
    "ingest.ReadEvents": always(*(ing.ReadEventsRequest(encoding=kind) for kind in ing.Encoding.values())),
    "ingest.ReadCases": case_reads,
    "ingest.GetWatchBounds": always(ing.GetWatchBoundsRequest()),
    "ingest.GetLogVocabulary": always(ing.GetLogVocabularyRequest()),
    "ingest.GetIntakeCounts": always(ing.GetIntakeCountsRequest()),
    "ingest.CreateSource": new_sources,
    "ingest.GetSource": always(ing.GetSourceRequest(name="sources/s0")),
    "ingest.ListSources": always(ing.ListSourcesRequest(page_size=1_000)),
    "ingest.UpdateSource": changed_source,
    "ingest.WriteRecords": always(rec.WriteRecordsRequest(source="sources/s0", records=RECORDS)),
    "ingest.TestSource": always(rec.TestSourceRequest(name="sources/s0", records=RECORDS)),
    "ingest.ListQuarantinedEvents": always(qua.ListQuarantinedEventsRequest(page_size=1_000)),
    "ingest.GetQuarantinedEvent": always(qua.GetQuarantinedEventRequest(quarantine_id="none")),
    "ingest.GetQuarantineCounts": always(qua.GetQuarantineCountsRequest()),
    "ingest.PreviewCorrection": always(
        qua.PreviewCorrectionRequest(selection=SELECTION, rules=RULES * 20, sample_size=100)
    ),
    "ingest.CorrectEvents": always(
        qua.CorrectEventsRequest(selection=SELECTION, rules=RULES * 20, reason="x", page_size=1_000)
    ),
    "ingest.ReplayEvents": always(qua.ReplayEventsRequest(selection=SELECTION, reason="x", page_size=1_000)),
    "ingest.DiscardEvents": always(qua.DiscardEventsRequest(selection=SELECTION, reason="x", page_size=1_000)),
    "scoring.CreateIndicatorSystem": new_systems,
    "scoring.GetIndicatorSystem": always(sco.GetIndicatorSystemRequest(name=LARGE_SYSTEM)),
    "scoring.ListIndicatorSystems": always(sco.ListIndicatorSystemsRequest(page_size=1_000)),
    "scoring.LintIndicatorSystem": lints,
    "scoring.ListSeries": always(sco.ListSeriesRequest(page_size=PAGE)),
    "scoring.ListScores": score_lists,
    "scoring.WatchScores": always(sco.WatchScoresRequest(snapshot=True, heartbeat=OFTEN)),
    "scoring.ListSignals": always(sco.ListSignalsRequest(page_size=PAGE, include_retracted=True)),
    "scoring.WatchSignals": always(sco.WatchSignalsRequest(snapshot=True, heartbeat=OFTEN)),
    "scoring.GetWatchBounds": always(sco.GetWatchBoundsRequest()),
    "scoring.GetScorecard": always(sco.GetScorecardRequest(name=SYSTEM, window=system_pb.WINDOW_WEEK)),
    "scoring.GetControlChart": always(sco.GetControlChartRequest(series=CHARTED)),
    "scoring.ExplainScore": explained,
    "scoring.GetScoringStatus": always(sco.GetScoringStatusRequest()),
    "scoring.GetCapability": always(
        cap.GetCapabilityRequest(series=CHARTED),
        cap.GetCapabilityRequest(series=EXPLAINED, distribution=cap.GetCapabilityRequest.DISTRIBUTION_PERCENTILES),
    ),
    "scoring.GetOverview": always(over.GetOverviewRequest(points_max=200, page_size=200)),
    "scoring.CreateAnnotation": always(
        over.CreateAnnotationRequest(
            annotation=over.Annotation(
                scope=CHARTED, interval=Interval(start=Timestamp(seconds=1)), text=Text(en="x" * 1_000)
            )
        )
    ),
    "scoring.ListAnnotations": always(over.ListAnnotationsRequest(page_size=1_000)),
    "scoring.DeleteAnnotation": always(
        over.DeleteAnnotationRequest(name="annotations/6f1c3f0e-0000-4000-8000-000000000000")
    ),
    "scoring.GetIndicatorSystemDiff": lambda _: [
        [rev.GetIndicatorSystemDiffRequest(name=LARGE_SYSTEM, version_before=1, document=document(10))]
    ],
    "scoring.CreateBacktest": lambda _: [
        [rev.CreateBacktestRequest(name=LARGE_SYSTEM, document=document(1_000), validate_only=True)],
        [rev.CreateBacktestRequest(name=SYSTEM)],
    ],
    "scoring.GetBacktest": always(rev.GetBacktestRequest(name="backtests/6f1c3f0e-0000-4000-8000-000000000000")),
    "scoring.ListBacktests": always(rev.ListBacktestsRequest(page_size=100)),
    "scoring.CancelBacktest": always(rev.CancelBacktestRequest(name="backtests/6f1c3f0e-0000-4000-8000-000000000000")),
    "scoring.JudgeSignal": always(
        alarm.JudgeSignalRequest(signal="none", verdict=alarm.ALARM_VERDICT_TRUE, comment="x" * 1_000)
    ),
    "scoring.ListVerdicts": always(alarm.ListVerdictsRequest(page_size=1_000)),
    "scoring.GetAlarmPrecision": always(alarm.GetAlarmPrecisionRequest()),
    "scoring.ListMonitorReviews": always(alarm.ListMonitorReviewsRequest(page_size=500)),
    "scoring.GetBenchmarkComparison": always(
        com.GetBenchmarkComparisonRequest(benchmark="benchmarks/none", series=CHARTED)
    ),
    "scoring.CreateClause": always(
        cla.CreateClauseRequest(
            clause_id="large",
            clause=cla.Clause(
                document="d",
                number="1",
                text=Text(en="x"),
                links=[cla.ClauseLink(indicator_system=LARGE_SYSTEM, indicator=f"i{one}") for one in range(100)],
            ),
        )
    ),
    "scoring.GetClause": always(cla.GetClauseRequest(name="clauses/none")),
    "scoring.ListClauses": always(cla.ListClausesRequest(page_size=1_000)),
    "scoring.UpdateClause": always(
        cla.UpdateClauseRequest(clause=cla.Clause(name="clauses/none", document="d", number="1", text=Text(en="x")))
    ),
    "scoring.ListUnclaimedIndicators": always(cla.ListUnclaimedIndicatorsRequest(page_size=1_000)),
    "scoring.GetFunnel": always(fun.GetFunnelRequest(series=CHARTED)),
    "scoring.GetErrorBudget": always(bud.GetErrorBudgetRequest(series=CHARTED, period_days=400)),
    "scoring.GetQueueSimulation": always(
        sim.GetQueueSimulationRequest(
            staff=3,
            arrivals=sim.Arrivals(per_hour=10.0, variation=0.5),
            service=sim.ServiceTimes(mean_hours=0.25),
            what_ifs=[sim.WhatIf(staff=4)],
        )
    ),
    "scoring.ListOpenCases": always(process_pb2.ListOpenCasesRequest(name=SYSTEM, page_size=10_000)),
    "scoring.WatchOpenCases": always(process_pb2.WatchOpenCasesRequest(name=SYSTEM, heartbeat=OFTEN)),
    "scoring.GetRunLength": always(
        run_length_pb2.GetRunLengthRequest(
            shewhart=run_length_pb2.ShewhartScheme(rules=["WE1", "WE2", "WE3", "WE4"]),
            requested_arl0=200.0,
            shifts=[0.1 * step for step in range(1, 51)],
        )
    ),
    "scoring.ProposeWeights": always(
        wei.ProposeWeightsRequest(name=LARGE_SYSTEM),
        wei.ProposeWeightsRequest(name=SYSTEM, experts=[JUDGEMENT] * 50),
    ),
    "scoring.AdjustWeights": always(
        wei.AdjustWeightsRequest(
            name=LARGE_SYSTEM,
            weights=[
                wei.MemberWeight(member=one.name, weight=1.0)
                for one in LARGE_DOCUMENT.indicators
                if one.HasField("target")
            ],
            reason="x" * 1_000,
            validate_only=True,
        )
    ),
    "scoring.ListWeightChanges": always(wei.ListWeightChangesRequest(name=LARGE_SYSTEM, page_size=1_000)),
    "scoring.ExplainChange": always(
        wei.ExplainChangeRequest(
            series="desk/main/overall@week",
            time_before=Timestamp(seconds=round(MONDAY.timestamp()) + 9),
            time_after=Timestamp(seconds=round(MONDAY.timestamp()) + 8 * 86_400),
        )
    ),
    "scoring.GetRanking": always(wei.GetRankingRequest(series="desk/main/overall@week", dimensions=["priority"])),
    "scoring.GetLoss": always(cap.GetLossRequest(series=CHARTED, cost=1.0)),
    "improvement.ListProblems": always(imp.ListProblemsRequest(page_size=1_000)),
    "improvement.GetProblemCounts": always(imp.GetProblemCountsRequest()),
    "improvement.CreateProblem": always(imp.CreateProblemRequest(problem=OPENED)),
    "improvement.GetProblem": of_problem(imp.GetProblemRequest),
    "improvement.WatchProblems": always(imp.WatchProblemsRequest(snapshot=True, heartbeat=OFTEN)),
    "improvement.GetWatchBounds": always(imp.GetWatchBoundsRequest()),
    "improvement.AcknowledgeProblem": of_problem(imp.AcknowledgeProblemRequest),
    "improvement.AddCause": of_problem(imp.AddCauseRequest, "parent", cause=CAUSE),
    "improvement.PlanAction": of_problem(imp.PlanActionRequest, "parent", action=planned()),
    "improvement.StartAction": of_problem(imp.StartActionRequest, below=ACTION),
    "improvement.CompleteAction": of_problem(imp.CompleteActionRequest, below=ACTION),
    "improvement.VerifyAction": of_problem(imp.VerifyActionRequest, below=ACTION),
    "improvement.CancelAction": of_problem(imp.CancelActionRequest, below=ACTION, reason="x" * 4_000),
    "improvement.CloseProblem": of_problem(imp.CloseProblemRequest),
    "improvement.DismissProblem": of_problem(imp.DismissProblemRequest, reason="x" * 4_000),
    "improvement.UndoTransition": of_problem(imp.UndoTransitionRequest, transition=2, reason="x" * 4_000),
    "improvement.AssignProblem": of_problem(imp.AssignProblemRequest, added_watchers=[f"w{n}" for n in range(100)]),
    "improvement.SnoozeProblem": of_problem(imp.SnoozeProblemRequest, snooze_end_time=FAR, reason="x" * 4_000),
    "improvement.AddNote": of_problem(imp.AddNoteRequest, "parent", note="@x " * 1_000),
    "improvement.ListProblemHistory": of_problem(imp.ListProblemHistoryRequest, "parent", page_size=1_000),
    "improvement.ExplainProblem": of_problem(imp.ExplainProblemRequest, events_max=1_000),
    "improvement.GetImprovementStatus": always(imp.GetImprovementStatusRequest()),
    # Last: from here on a large system is folded, too.
    "scoring.ActivateIndicatorSystem": always(sco.ActivateIndicatorSystemRequest(name=LARGE_SYSTEM, version=1)),
}


def test_every_rpc_has_large_requests() -> None:
    assert METHODS.keys() == LARGE.keys()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def suite(database: str, authority: Authority, tmp_path: Path) -> AsyncIterator[Suite]:
    made = Suite(database, authority, tmp_path)
    await made.migrate()
    await made.start_ingest()
    await made.start_scoring(tokens_dir=tmp_path / "tokens")
    yield made
    await made.close()


async def slowest(tenant: LargeTenant, names: Sequence[str]) -> dict[str, tuple[float, str]]:
    """The longest turn of each RPC in milliseconds, and what it answered."""
    found: dict[str, tuple[float, str]] = {}
    for name in names:
        for requests in LARGE[name](tenant):
            async with longest_turns_s() as turns:
                code = await asyncio.to_thread(tenant.ask, name, requests)
            assert code is grpc.StatusCode.OK or code in REFUSED, (name, code)
            found[name] = max(found.get(name, (0.0, "")), (1_000 * max(turns), code.name))
        print(f"{found[name][0]:8.1f} ms  {name} {found[name][1]}", flush=True)
    return found


def too_long(found: dict[str, tuple[float, str]]) -> dict[str, tuple[float, str]]:
    return {name: one for name, one in found.items() if one[0] > LOOP_MS_MAX}


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_no_rpc_holds_the_loop_of_its_service_for_more_than_50_ms(suite: Suite) -> None:
    tenant = LargeTenant(suite)
    await tenant.fill()
    await tenant.start_improvement()
    found = await slowest(tenant, list(LARGE))
    assert too_long(found) == {}


async def test_a_large_request_holds_no_loop_for_more_than_50_ms_where_little_is_stored(suite: Suite) -> None:
    names = "ingest.ReadCases", "scoring.LintIndicatorSystem", "scoring.CreateIndicatorSystem"
    assert too_long(await slowest(LargeTenant(suite), names)) == {}
