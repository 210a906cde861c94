"""The contract of improvement, served: one file per family of RPCs."""

from __future__ import annotations

from collections.abc import Callable

from andon.improvement.v1 import improvement_pb2_grpc

from services.improvement.servicer.actions import ActionRpcs
from services.improvement.servicer.attention import AttentionRpcs
from services.improvement.servicer.decisions import DecisionRpcs
from services.improvement.servicer.explanation import ProblemExplanationRpcs
from services.improvement.servicer.lists import ListRpcs
from services.improvement.servicer.request_context import RequestContext
from services.improvement.servicer.verification import VerificationRpcs
from services.improvement.servicer.watch import WatchRpcs
from services.improvement.store import ProblemStore
from services.improvement.tenants import Tenants


class ImprovementServicer(
    ListRpcs,
    WatchRpcs,
    ProblemExplanationRpcs,
    DecisionRpcs,
    AttentionRpcs,
    ActionRpcs,
    VerificationRpcs,
    improvement_pb2_grpc.ImprovementServiceServicer,
):
    """Every family answers from the same request context."""

    def __init__(
        self,
        store: ProblemStore,
        tenants: Tenants,
        clock_us: Callable[[], int],
    ) -> None:
        self.requests = RequestContext(store, tenants, clock_us)
