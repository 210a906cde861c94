"""One event is one trace from the client through ingest, scoring and improvement, as a collector sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon_client.suite import Suite
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

pytestmark = pytest.mark.timeout(280)


class Collector(trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer):
    """Keeps every span with the name of its service."""

    def __init__(self) -> None:
        self.spans: dict[bytes, tuple[str, Span]] = {}

    def Export(self, request, context):
        if isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest):
            return metrics_service_pb2.ExportMetricsServiceResponse()
        for resource in request.resource_spans:
            names = {item.key: item.value.string_value for item in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans.update({span.span_id: (names["service.name"], span) for span in scope.spans})
        return trace_service_pb2.ExportTraceServiceResponse()

    def of(self, service: str) -> list[Span]:
        return [span for name, span in list(self.spans.values()) if name == service]


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    sink = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(sink, server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(sink, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield sink, f"http://127.0.0.1:{port}"
    server.stop(None)


async def test_the_trace_of_a_write_reaches_the_problem_it_opened(collector, new_suite, desk):
    sink, address = collector
    suite = new_suite("--otlp", address)
    trace_id, client_span = "ab" * 16, "cd" * 8
    async with Suite(suite.connection(suite.next_tenant())) as client:
        await desk.begin_scoring(client)
        body = event_pb2.EventBatch(arrow_ipc=desk.arrow(desk.events()))
        await client.ingest.WriteEvents(
            ingest_pb2.WriteEventsRequest(batch=body),
            metadata=(("traceparent", f"00-{trace_id}-{client_span}-01"),),
        )
        await desk.settled(client)
    chain = await _chain(sink, bytes.fromhex(trace_id), bytes.fromhex(client_span))
    assert chain == ["andon-ingest", "andon-scoring", "andon-improvement"]


async def _chain(sink: Collector, trace_id: bytes, client_span: bytes) -> list[str]:
    """The services that the trace reaches: by parent from the client into ingest, by link from each to the next."""
    reached: list[str] = []
    for _ in range(200):
        reached = []
        heads = {span.span_id for span in sink.of("andon-ingest") if span.parent_span_id == client_span}
        linked = {span.span_id for span in sink.of("andon-ingest") if span.trace_id == trace_id} | heads
        if heads:
            reached.append("andon-ingest")
        for service in ("andon-scoring", "andon-improvement"):
            linked = {span.span_id for span in sink.of(service) if linked & {link.span_id for link in span.links}}
            if not linked:
                break
            reached.append(service)
        if len(reached) == 3:
            break
        await asyncio.sleep(0.1)
    return reached
