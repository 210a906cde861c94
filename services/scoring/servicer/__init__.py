"""The contract of scoring, served: one file per family of RPCs."""

from __future__ import annotations

from andon.scoring.v1 import scoring_pb2_grpc

from services.scoring.servicer.cards import CardRpcs
from services.scoring.servicer.control_charts import ControlChartRpcs
from services.scoring.servicer.explanations import ExplanationRpcs
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.scores import ScoreRpcs
from services.scoring.servicer.signals import SignalRpcs
from services.scoring.servicer.status import StatusRpcs
from services.scoring.servicer.systems import SystemRpcs


class ScoringServicer(
    SystemRpcs,
    ScoreRpcs,
    SignalRpcs,
    CardRpcs,
    ControlChartRpcs,
    ExplanationRpcs,
    StatusRpcs,
    scoring_pb2_grpc.ScoringServiceServicer,
):
    """Every family answers from the same request context."""

    def __init__(self, requests: RequestContext, active_systems_max: int) -> None:
        self.requests = requests
        self.active_systems_max = active_systems_max
