"""The contract of ingest, served: one file per family of RPCs."""

from dataclasses import dataclass
from typing import Any

import grpc
from andon.ingest.v1 import ingest_pb2_grpc

from services.ingest.servicer.quarantine import QuarantineRpcs
from services.ingest.servicer.reads import ReadRpcs
from services.ingest.servicer.sources import SourceRpcs
from services.ingest.servicer.writes import WriteRpcs

SERVICE_NAME = "andon.ingest.v1.IngestService"


@dataclass(frozen=True)
class IngestServicer:
    writing: WriteRpcs
    reading: ReadRpcs
    sources: SourceRpcs
    quarantine: QuarantineRpcs

    def __getattr__(self, method: str) -> Any:
        for family in (self.writing, self.reading, self.sources, self.quarantine):
            if hasattr(type(family), method):
                return getattr(family, method)
        raise AttributeError(method)

    def register(self, server: grpc.aio.Server) -> None:
        ingest_pb2_grpc.add_IngestServiceServicer_to_server(self, server)  # type: ignore[arg-type]
