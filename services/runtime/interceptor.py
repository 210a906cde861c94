"""What every call passes on its way in and out: identity, access, capacity, rules, telemetry, statuses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
import structlog
from google.protobuf.message import Message
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from services.runtime.contract import PartlyRead, Reader
from services.runtime.drain import draining_error
from services.runtime.errors import AndonError, Unavailable
from services.runtime.identity import Access, Caller, TokenVerifier, calling, locale_of, permit
from services.runtime.metrics import runtime_metrics
from services.runtime.request_rules import check_request
from services.runtime.statuses import status_of
from services.runtime.telemetry import context_of, mark_failed, tracer
from services.runtime.texts import Locale, Texts
from services.runtime.traffic import ReaderStalled, Stream, Traffic, hand_over

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

Read = Callable[[Any], Awaitable[Any]]

UNKNOWN_METHOD = "_OTHER"

log = structlog.get_logger(__name__)


class CallInterceptor(grpc.aio.ServerInterceptor):
    def __init__(
        self,
        verifier: TokenVerifier,
        access: Access,
        traffic: Traffic,
        *,
        stall_s: float,
        texts: Texts | None = None,
        readers: Mapping[str, Reader] | None = None,
    ) -> None:
        self._verifier = verifier
        self._access = access
        self._traffic = traffic
        self._stall_s = stall_s
        self._texts = texts
        self._readers = readers or {}

    async def intercept_service(self, continuation: Any, details: Any) -> Handler | None:
        metadata = tuple(details.invocation_metadata or ())
        try:
            caller = self._verifier.caller(metadata)
            handler = await continuation(details)
            if handler is None:
                return None
            permit(self._access, details.method, caller)
            self._traffic.admit()
        except AndonError as error:
            runtime_metrics.add("andon.runtime.calls.refused", reason=error.reason)
            return self._refusing(await continuation(details), details.method, metadata, error)
        wrap = self._stream if handler.response_streaming else self._unary
        read = reader_of(handler, self._readers.get(details.method, handler.request_deserializer))
        behaviour = wrap(behaviour_of(handler), read, details.method, metadata, caller)
        return with_behaviour(handler, behaviour)

    def _refusing(self, handler: Handler | None, method: str, metadata: Any, error: AndonError) -> Handler:
        # A made-up method must not become a label: strangers could make as many as they like.
        seen_as = method if handler else UNKNOWN_METHOD

        async def refuse(_: Any, context: Any) -> Any:
            with observed(seen_as, metadata, streaming=False) as outcome:
                await self._abort(context, error, locale_of(metadata), outcome)

        return with_behaviour(handler, refuse)

    def _unary(self, inner: Any, read: Read, method: str, metadata: Any, caller: Caller) -> Callable[..., Any]:
        async def call(request: Any, context: Any) -> Any:
            with self._traffic.call(), calling(caller), observed(method, metadata, streaming=False) as outcome:
                try:
                    response = await inner(await read(request), context)
                except Exception as error:
                    await self._fail(context, error, caller.locale, outcome)
                outcome.see(context)
                return response

        return call

    def _stream(self, inner: Any, read: Read, method: str, metadata: Any, caller: Caller) -> Callable[..., Any]:
        async def call(request: Any, context: Any) -> None:
            with (
                self._traffic.call(),
                self._traffic.stream() as stream,
                calling(caller),
                observed(method, metadata, streaming=True) as outcome,
            ):
                try:
                    await self._pump(inner(await read(request), context), context, stream)
                except Exception as error:
                    await self._fail(context, error, caller.locale, outcome)
                outcome.see(context)

        return call

    async def _pump(self, responses: Any, context: Any, stream: Stream) -> None:
        try:
            if not hasattr(responses, "__aiter__"):
                await responses
                return
            async with aclosing(responses):
                async for response in responses:
                    await self._write(context, response)
        except asyncio.CancelledError:
            if not stream.dismissed:
                raise
            stream.task.uncancel()
            raise draining_error() from None

    async def _write(self, context: Any, response: Any) -> None:
        """gRPC buffers a little and then waits for the reader; that wait is bounded here."""
        try:
            await hand_over(context.write(response), self._stall_s)
        except ReaderStalled as error:
            message = "the stream was not read for too long, resume it from the last cursor"
            raise Unavailable("READER_TOO_SLOW", message) from error

    async def _fail(self, context: Any, error: Exception, locale: Locale, outcome: CallOutcome) -> None:
        if isinstance(error, grpc.aio.AbortError):
            outcome.see(context)
            raise error
        await self._abort(context, error, locale, outcome)

    async def _abort(self, context: Any, error: Exception, locale: Locale, outcome: CallOutcome) -> None:
        status = status_of(error, locale, self._texts)
        outcome.code = status.code.name
        try:
            await context.abort(status.code, status.message, status.trailers)
        except grpc.aio.InternalError:
            # The caller left before the answer was out.
            raise asyncio.CancelledError from None


@dataclass
class CallOutcome:
    code: str = "OK"

    def see(self, context: Any) -> None:
        """A servicer may have set a code on the context instead of raising."""
        code = context.code()
        if isinstance(code, grpc.StatusCode):
            self.code = code.name
        elif code:
            self.code = next((known.name for known in grpc.StatusCode if known.value[0] == int(code)), "UNKNOWN")


class observed:
    """One call's span and duration. A stream's span is short: it marks the opening, and a failure its end."""

    def __init__(self, method: str, metadata: Any, *, streaming: bool) -> None:
        self._method = method.removeprefix("/")
        self._context = context_of(metadata)
        self._streaming = streaming
        self._outcome = CallOutcome()

    def __enter__(self) -> CallOutcome:
        self._begun = time.perf_counter()
        self._span = self._start_span()
        otel_context.attach(trace.set_span_in_context(self._span, self._context))
        if self._streaming:
            self._span.end()
        return self._outcome

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        code = self._outcome.code
        if error is not None and code == "OK":
            code = "CANCELLED" if isinstance(error, asyncio.CancelledError) else "UNKNOWN"
        failure = {} if code == "OK" else {"error.type": code}
        runtime_metrics.record(
            "rpc.server.call.duration",
            time.perf_counter() - self._begun,
            **{"rpc.system.name": "grpc", "rpc.method": self._method, "rpc.response.status_code": code, **failure},
        )
        span = self._start_span() if self._streaming and failure else self._span
        span.set_attribute("rpc.response.status_code", code)
        if failure:
            mark_failed(span, code)
        span.end()

    def _start_span(self) -> trace.Span:
        attributes = {"rpc.system.name": "grpc", "rpc.method": self._method}
        return tracer.start_span(self._method, self._context, kind=SpanKind.SERVER, attributes=attributes)


def behaviour_of(handler: Handler) -> Any:
    if handler.request_streaming and handler.response_streaming:
        return handler.stream_stream
    if handler.request_streaming:
        return handler.stream_unary
    if handler.response_streaming:
        return handler.unary_stream
    return handler.unary_unary


def reader_of(handler: Handler, deserialize: Reader | None) -> Read:
    """Requests are read here, so that one that is unreadable or breaks a rule gets an answer of ours."""

    async def single(encoded: Any) -> Any:
        request = deserialize(encoded) if deserialize else encoded
        message = request.request if isinstance(request, PartlyRead) else request
        if isinstance(message, Message):
            await check_request(message)
        return request

    async def several(requests: Any) -> AsyncIterator[Any]:
        async for encoded in requests:
            yield await single(encoded)

    async def stream(requests: Any) -> Any:
        return several(requests)

    return stream if handler.request_streaming else single


def with_behaviour(handler: Handler | None, behaviour: Callable[..., Any]) -> Handler:
    """The same method, of the same kind, behaving otherwise and given its requests as they came."""
    if handler is None:
        return grpc.unary_unary_rpc_method_handler(behaviour)
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[bool(handler.request_streaming), bool(handler.response_streaming)]
    return make(behaviour, None, handler.response_serializer)
