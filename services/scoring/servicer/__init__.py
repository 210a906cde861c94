"""The contract of scoring, served: one file per family of RPCs."""

from __future__ import annotations

from andon.scoring.v1 import scoring_pb2_grpc

from services.runtime.draining import Draining
from services.scoring.replica.tenants import Replica
from services.scoring.servicer.cards import Cards
from services.scoring.servicer.control_charts import ControlCharts
from services.scoring.servicer.explanations import Explanations
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.scores import Scores
from services.scoring.servicer.signals import Signals
from services.scoring.servicer.status import Status
from services.scoring.servicer.systems import Systems
from services.scoring.store import Store


class ScoringServicer(
    Systems, Scores, Signals, Cards, ControlCharts, Explanations, Status, scoring_pb2_grpc.ScoringServiceServicer
):
    """Every family answers from the same request context."""

    def __init__(self, store: Store, replica: Replica, draining: Draining) -> None:
        self.requests = RequestContext(store, replica, draining)
