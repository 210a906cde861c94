"""Traces, metrics and logs: set up once per process, handed off in batches, never in the way of a call."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from google.protobuf.message import Message
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

DURATION_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
EXPORT_S_MAX = 5
EXPORT_INTERVAL_S = 10
SHUTDOWN_S_MAX = 3.0
LINKS_MAX = 64
# What a person may have written, or what names one, stays out of the logs, no matter who passes it.
WITHHELD = frozenset({"subject", "email", "phone", "request", "response", "body", "payload", "comment", "token", "dsn"})
TEXT_LENGTH_MAX = 500

tracer = trace.get_tracer("andon.runtime")
_propagator = TraceContextTextMapPropagator()


class Telemetry:
    """The process's exporters. Without an endpoint spans and metrics cost next to nothing and go nowhere."""

    def __init__(
        self,
        service_name: str,
        endpoint: str = "",
        trace_ratio: float = 1.0,
        span_processors: Sequence[SpanProcessor] = (),
        metric_readers: Sequence[MetricReader] = (),
    ) -> None:
        resource = Resource.create({"service.name": service_name, "service.namespace": "andon"})
        processors, readers = list(span_processors), list(metric_readers)
        if endpoint:
            # Only a process that exports loads the libraries that do.
            from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

            insecure = endpoint.startswith("http://")
            of_spans = OTLPSpanExporter(endpoint=endpoint, insecure=insecure, timeout=EXPORT_S_MAX)
            of_metrics = OTLPMetricExporter(endpoint=endpoint, insecure=insecure, timeout=EXPORT_S_MAX)
            processors.append(BatchSpanProcessor(of_spans, schedule_delay_millis=1000))
            readers.append(PeriodicExportingMetricReader(of_metrics, export_interval_millis=EXPORT_INTERVAL_S * 1000))
        self._traces = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(trace_ratio)))
        for processor in processors:
            self._traces.add_span_processor(processor)
        buckets = ExplicitBucketHistogramAggregation(DURATION_BOUNDS_S)
        durations = View(instrument_unit="s", instrument_name="*", aggregation=buckets)
        self._metrics = MeterProvider(readers, resource=resource, views=[durations])
        self._active = bool(processors or readers)

    def install(self) -> None:
        """Makes them the process's own; the first installation in a process wins."""
        if self._active:
            trace.set_tracer_provider(self._traces)
            metrics.set_meter_provider(self._metrics)

    def shutdown(self, timeout_s: float = SHUTDOWN_S_MAX) -> None:
        """Hands over what is left. A dead collector costs `timeout_s`, no more."""
        for provider in (self._traces, self._metrics):
            # A daemon thread: what hangs in an exporter must not keep the process alive.
            thread = threading.Thread(target=provider.shutdown, daemon=True)
            thread.start()
            thread.join(timeout_s)


def context_of(metadata: Iterable[tuple[str, str | bytes]]) -> Context:
    """The caller's trace, from a call's metadata."""
    return _propagator.extract({key: value for key, value in metadata if isinstance(value, str)})


def current_traceparent() -> str:
    """The trace this code runs in, as an event carries it; empty when there is none."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent", "")


def links_to(traceparents: Iterable[str]) -> list[Link]:
    """Links to the calls that brought a batch; each once, unreadable ones left out, at most LINKS_MAX."""
    links: list[Link] = []
    for traceparent in dict.fromkeys(traceparents):
        context = trace.get_current_span(
            _propagator.extract({"traceparent": traceparent}, Context())
        ).get_span_context()
        if context.is_valid:
            links.append(Link(context))
        if len(links) == LINKS_MAX:
            break
    return links


@contextmanager
def batch_span(
    name: str, links: Iterable[str] = (), attributes: Mapping[str, str | int | float | bool] | None = None
) -> Iterator[Span]:
    """One span per batch or stream step: a trace of its own, linked to the `traceparent`s of what it handles."""
    with tracer.start_as_current_span(
        name, context=Context(), kind=SpanKind.CONSUMER, links=links_to(links), attributes=attributes
    ) as span:
        try:
            yield span
        except Exception as error:
            mark_failed(span, type(error).__qualname__)
            raise


def mark_failed(span: Span, error_type: str) -> None:
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR))


def configure_logs(service_name: str, level: str = "info", stream: TextIO | None = None) -> None:
    """JSON lines on stderr with trace ids, for our own loggers and for those of libraries."""
    number = logging.getLevelNamesMapping()[level.upper()]

    def name_service(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service_name
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        withhold,
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                name_service,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(
                    ensure_ascii=False, default=lambda value: f"[{type(value).__name__}]"
                ),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
        event["span_id"] = format(context.span_id, "016x")
    return event


def withhold(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Removes what could hold personal data: named fields, message bodies, bytes, and the tail of long texts."""
    for key, value in event.items():
        if key in WITHHELD or isinstance(value, Message | bytes):
            event[key] = "[withheld]"
        elif isinstance(value, str) and len(value) > TEXT_LENGTH_MAX and key != "exception":
            event[key] = value[:TEXT_LENGTH_MAX] + "..."
    return event
