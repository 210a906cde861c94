"""A client span per call, and its trace context sent along. Costs nothing where no SDK is set up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import grpc
from opentelemetry import propagate, trace

_TRACER = trace.get_tracer("andon.client")


def _traced(details: grpc.aio.ClientCallDetails) -> tuple[grpc.aio.ClientCallDetails, trace.Span]:
    method = details.method.decode() if isinstance(details.method, bytes) else details.method
    span = _TRACER.start_span(
        method.lstrip("/"),
        kind=trace.SpanKind.CLIENT,
        attributes={"rpc.system.name": "grpc", "rpc.method": method.lstrip("/")},
    )
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context=trace.set_span_in_context(span))
    metadata = grpc.aio.Metadata(*(details.metadata or ()), *carrier.items())
    named = grpc.aio.ClientCallDetails(
        method=details.method,
        timeout=details.timeout,
        metadata=metadata,
        credentials=details.credentials,
        wait_for_ready=details.wait_for_ready,
    )
    return named, span


def _end_with(span: trace.Span) -> Callable[[Any], None]:
    def end(call: Any) -> None:
        # A done callback hands over a finished call, whose code is known without waiting.
        if getattr(call, "cancelled", lambda: False)():
            span.set_attribute("rpc.response.status_code", "CANCELLED")
        span.end()

    return end


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        details, span = _traced(client_call_details)
        call = await continuation(details, request)
        call.add_done_callback(_end_with(span))
        return call


class _Responses(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        # A stream may live for weeks: its span says that it was opened, each batch has its own on the server.
        details, span = _traced(client_call_details)
        span.end()
        return await continuation(details, request)


class _Both(grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        details, span = _traced(client_call_details)
        span.end()
        return await continuation(details, request_iterator)


def tracing_interceptors() -> Sequence[grpc.aio.ClientInterceptor]:
    return [_Unary(), _Responses(), _Both()]
