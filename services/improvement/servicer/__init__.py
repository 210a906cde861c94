"""The contract of improvement, served: one file per family of RPCs."""

from __future__ import annotations

from collections.abc import Callable

from andon.improvement.v1 import improvement_pb2_grpc

from services.improvement.scoring_client import ScoringClient
from services.improvement.servicer.actions import ActionCalls
from services.improvement.servicer.decisions import DecisionCalls
from services.improvement.servicer.desk import Desk
from services.improvement.servicer.explanation import ExplanationCalls
from services.improvement.servicer.lists import ListCalls
from services.improvement.servicer.verification import VerificationCalls
from services.improvement.servicer.watch import WatchCalls
from services.improvement.store import ProblemStore
from services.improvement.subscriptions import Subscriptions


class ImprovementServicer(
    ListCalls,
    WatchCalls,
    ExplanationCalls,
    DecisionCalls,
    ActionCalls,
    VerificationCalls,
    improvement_pb2_grpc.ImprovementServiceServicer,
):
    """Every family answers from the same desk."""

    def __init__(
        self,
        store: ProblemStore,
        subscriptions: Subscriptions,
        scoring_of: Callable[[str], ScoringClient],
        clock_us: Callable[[], int],
    ) -> None:
        self.desk = Desk(store, subscriptions, scoring_of, clock_us)
