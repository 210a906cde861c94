"""The three services behind one object, with typed stubs."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING

from andon.improvement.v1 import improvement_pb2_grpc
from andon.ingest.v1 import (
    archive_pb2_grpc,
    benchmark_pb2_grpc,
    data_quality_pb2_grpc,
    entity_pb2_grpc,
    feed_pb2_grpc,
    form_pb2_grpc,
    ingest_pb2_grpc,
    privacy_pb2_grpc,
    quarantine_pb2_grpc,
    sensor_pb2_grpc,
    survey_pb2_grpc,
    transfer_pb2_grpc,
)
from andon.scoring.v1 import (
    alarm_review_pb2_grpc,
    benchmark_comparison_pb2_grpc,
    capability_pb2_grpc,
    clause_pb2_grpc,
    error_budget_pb2_grpc,
    funnel_pb2_grpc,
    overview_pb2_grpc,
    process_pb2_grpc,
    run_length_pb2_grpc,
    scoring_pb2_grpc,
    simulation_pb2_grpc,
    system_review_pb2_grpc,
    weight_pb2_grpc,
)

from andon_client.connection import Connection

if TYPE_CHECKING:
    from andon.improvement.v1.improvement_pb2_grpc import ImprovementServiceAsyncStub
    from andon.ingest.v1.archive_pb2_grpc import ArchiveServiceAsyncStub
    from andon.ingest.v1.benchmark_pb2_grpc import BenchmarkServiceAsyncStub
    from andon.ingest.v1.data_quality_pb2_grpc import DataQualityServiceAsyncStub
    from andon.ingest.v1.entity_pb2_grpc import EntityServiceAsyncStub
    from andon.ingest.v1.feed_pb2_grpc import FeedServiceAsyncStub
    from andon.ingest.v1.form_pb2_grpc import FormServiceAsyncStub
    from andon.ingest.v1.ingest_pb2_grpc import IngestServiceAsyncStub
    from andon.ingest.v1.privacy_pb2_grpc import PrivacyServiceAsyncStub
    from andon.ingest.v1.quarantine_pb2_grpc import QuarantineServiceAsyncStub
    from andon.ingest.v1.sensor_pb2_grpc import SensorServiceAsyncStub
    from andon.ingest.v1.survey_pb2_grpc import SurveyServiceAsyncStub
    from andon.ingest.v1.transfer_pb2_grpc import TransferServiceAsyncStub
    from andon.scoring.v1.alarm_review_pb2_grpc import AlarmReviewServiceAsyncStub
    from andon.scoring.v1.benchmark_comparison_pb2_grpc import BenchmarkComparisonServiceAsyncStub
    from andon.scoring.v1.capability_pb2_grpc import CapabilityServiceAsyncStub
    from andon.scoring.v1.clause_pb2_grpc import ClauseServiceAsyncStub
    from andon.scoring.v1.error_budget_pb2_grpc import ErrorBudgetServiceAsyncStub
    from andon.scoring.v1.funnel_pb2_grpc import FunnelServiceAsyncStub
    from andon.scoring.v1.overview_pb2_grpc import OverviewServiceAsyncStub
    from andon.scoring.v1.process_pb2_grpc import ProcessServiceAsyncStub
    from andon.scoring.v1.run_length_pb2_grpc import RunLengthServiceAsyncStub
    from andon.scoring.v1.scoring_pb2_grpc import ScoringServiceAsyncStub
    from andon.scoring.v1.simulation_pb2_grpc import SimulationServiceAsyncStub
    from andon.scoring.v1.system_review_pb2_grpc import SystemReviewServiceAsyncStub
    from andon.scoring.v1.weight_pb2_grpc import WeightServiceAsyncStub


class Suite:
    """Open it with `async with Suite(load_connection()) as suite:` and call `suite.scoring.ListScores(...)`."""

    ingest: IngestServiceAsyncStub
    quarantine: QuarantineServiceAsyncStub
    data_quality: DataQualityServiceAsyncStub
    surveys: SurveyServiceAsyncStub
    forms: FormServiceAsyncStub
    entities: EntityServiceAsyncStub
    feeds: FeedServiceAsyncStub
    benchmarks: BenchmarkServiceAsyncStub
    sensors: SensorServiceAsyncStub
    privacy: PrivacyServiceAsyncStub
    archive: ArchiveServiceAsyncStub
    transfers: TransferServiceAsyncStub
    scoring: ScoringServiceAsyncStub
    capability: CapabilityServiceAsyncStub
    overview: OverviewServiceAsyncStub
    benchmark_comparisons: BenchmarkComparisonServiceAsyncStub
    clauses: ClauseServiceAsyncStub
    process: ProcessServiceAsyncStub
    funnels: FunnelServiceAsyncStub
    error_budgets: ErrorBudgetServiceAsyncStub
    simulation: SimulationServiceAsyncStub
    alarm_review: AlarmReviewServiceAsyncStub
    system_review: SystemReviewServiceAsyncStub
    weights: WeightServiceAsyncStub
    run_lengths: RunLengthServiceAsyncStub
    improvement: ImprovementServiceAsyncStub

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def __aenter__(self) -> Suite:
        self._channels = {name: self._connection.open(name) for name in ("ingest", "scoring", "improvement")}
        self.ingest = ingest_pb2_grpc.IngestServiceStub(self._channels["ingest"])
        self.quarantine = quarantine_pb2_grpc.QuarantineServiceStub(self._channels["ingest"])
        self.data_quality = data_quality_pb2_grpc.DataQualityServiceStub(self._channels["ingest"])
        self.surveys = survey_pb2_grpc.SurveyServiceStub(self._channels["ingest"])
        self.forms = form_pb2_grpc.FormServiceStub(self._channels["ingest"])
        self.entities = entity_pb2_grpc.EntityServiceStub(self._channels["ingest"])
        self.feeds = feed_pb2_grpc.FeedServiceStub(self._channels["ingest"])
        self.benchmarks = benchmark_pb2_grpc.BenchmarkServiceStub(self._channels["ingest"])
        self.sensors = sensor_pb2_grpc.SensorServiceStub(self._channels["ingest"])
        self.privacy = privacy_pb2_grpc.PrivacyServiceStub(self._channels["ingest"])
        self.transfers = transfer_pb2_grpc.TransferServiceStub(self._channels["ingest"])
        self.archive = archive_pb2_grpc.ArchiveServiceStub(self._channels["ingest"])
        self.scoring = scoring_pb2_grpc.ScoringServiceStub(self._channels["scoring"])
        self.capability = capability_pb2_grpc.CapabilityServiceStub(self._channels["scoring"])
        self.overview = overview_pb2_grpc.OverviewServiceStub(self._channels["scoring"])
        self.process = process_pb2_grpc.ProcessServiceStub(self._channels["scoring"])
        self.system_review = system_review_pb2_grpc.SystemReviewServiceStub(self._channels["scoring"])
        self.alarm_review = alarm_review_pb2_grpc.AlarmReviewServiceStub(self._channels["scoring"])
        self.benchmark_comparisons = benchmark_comparison_pb2_grpc.BenchmarkComparisonServiceStub(
            self._channels["scoring"]
        )
        self.clauses = clause_pb2_grpc.ClauseServiceStub(self._channels["scoring"])
        self.funnels = funnel_pb2_grpc.FunnelServiceStub(self._channels["scoring"])
        self.error_budgets = error_budget_pb2_grpc.ErrorBudgetServiceStub(self._channels["scoring"])
        self.simulation = simulation_pb2_grpc.SimulationServiceStub(self._channels["scoring"])
        self.weights = weight_pb2_grpc.WeightServiceStub(self._channels["scoring"])
        self.run_lengths = run_length_pb2_grpc.RunLengthServiceStub(self._channels["scoring"])
        self.improvement = improvement_pb2_grpc.ImprovementServiceStub(self._channels["improvement"])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))
