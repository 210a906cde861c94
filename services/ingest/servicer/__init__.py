"""The contract of ingest, served: one file per family of RPCs."""

from andon.ingest.v1 import ingest_pb2_grpc

from services.ingest.servicer.reads import ReadRpcs
from services.ingest.servicer.records import RecordRpcs
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.sources import SourceRpcs
from services.ingest.servicer.writes import WriteRpcs


class IngestServicer(WriteRpcs, RecordRpcs, ReadRpcs, SourceRpcs, ingest_pb2_grpc.IngestServiceServicer):
    """Every family answers from the same request context."""

    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests
