"""The contract of improvement, served: one file per family of RPCs."""

from __future__ import annotations

from collections.abc import Callable

import grpc
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1 import improvement_pb2_grpc

from services.improvement.followers import Followers
from services.improvement.peer import ScoringPeer
from services.improvement.servicer.acting import Acting
from services.improvement.servicer.analysing import Analysing
from services.improvement.servicer.desk import Desk
from services.improvement.servicer.explaining import Explaining
from services.improvement.servicer.following import Following
from services.improvement.servicer.proving import Proving
from services.improvement.servicer.reading import Reading
from services.improvement.store import ProblemStore

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["ImprovementService"].full_name


class ImprovementServicer(
    Reading, Following, Explaining, Analysing, Acting, Proving, improvement_pb2_grpc.ImprovementServiceServicer
):
    """Every family answers from the same desk."""

    def __init__(
        self,
        store: ProblemStore,
        followers: Followers,
        peer: Callable[[str], ScoringPeer],
        clock_us: Callable[[], int],
    ) -> None:
        self.desk = Desk(store, followers, peer, clock_us)

    def register(self, server: grpc.aio.Server) -> None:
        improvement_pb2_grpc.add_ImprovementServiceServicer_to_server(self, server)
