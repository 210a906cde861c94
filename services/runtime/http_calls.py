"""What every HTTP request passes on its way in and out: capacity, size, telemetry, statuses."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from services.runtime.drain import draining_error
from services.runtime.errors import AndonError
from services.runtime.identity import Metadata, locale_of
from services.runtime.metrics import runtime_metrics
from services.runtime.statuses import domain_error
from services.runtime.telemetry import context_of, mark_failed, tracer
from services.runtime.texts import LANGUAGE_TAGS, sentence
from services.runtime.traffic import ReaderStalled, Stream, Traffic, hand_over

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
"""An ASGI application; it sees requests only. What begins and ends with the process, `serve` runs."""
Refusal = Callable[[AndonError, Metadata], tuple[str, bytes]]
"""Media type and body of the answer to a request that is refused, by its error and its headers."""

# The HTTP status of each code of google.rpc, as google/rpc/code.proto has them.
STATUSES = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "FAILED_PRECONDITION": HTTPStatus.BAD_REQUEST,
    "OUT_OF_RANGE": HTTPStatus.BAD_REQUEST,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "ALREADY_EXISTS": HTTPStatus.CONFLICT,
    "ABORTED": HTTPStatus.CONFLICT,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "BODY_TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
DISCARD_S_MAX = 5.0
EVENT_STREAM = b"text/event-stream"


class BodyTooLarge(AndonError):
    code = "BODY_TOO_LARGE"
    default_reason = "BATCH_TOO_LARGE"


def said_to_people(error: AndonError, headers: Metadata) -> tuple[str, bytes]:
    """A sentence in the caller's language."""
    text = sentence(error.reason, error.code, locale_of(headers))
    if "incident" in error.metadata:
        text = f"{text} ({error.metadata['incident']})"
    return "text/plain; charset=utf-8", text.encode()


class HttpRequest:
    """One request and its answer. `status` is what was sent, 0 before."""

    def __init__(
        self,
        scope: Message,
        receive: Receive,
        send: Send,
        body_bytes_max: int,
        stall_s: float,
        refusal: Refusal = said_to_people,
    ) -> None:
        self.scope = scope
        self.status = 0
        self.is_stream = False
        self._receive = receive
        self._send = send
        self._body_bytes_max = self._body_bytes_left = body_bytes_max
        self._stall_s = stall_s
        self._refusal = refusal
        self._is_read = False
        self.is_answered = False

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.scope["headers"]]

    async def receive(self) -> Message:
        message = await self._receive()
        self._body_bytes_left -= len(message.get("body", b""))
        self._is_read = not message.get("more_body", False)
        if self._body_bytes_left < 0:
            raise BodyTooLarge(metadata={"bytes_max": str(self._body_bytes_max)})
        return message

    async def send(self, message: Message) -> None:
        """gRPC's limit of a stalled stream holds here too."""
        is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if is_last:
            await self._discard_rest()
        if is_last and self.scope["http_version"].startswith("1"):
            # The end of an answer may end its connection, which takes a client to answer that, too.
            if body := message.get("body", b""):
                whole = {"type": "http.response.body", "body": body, "more_body": True}
                await hand_over(self._send(whole), self._stall_s)
            self.is_answered, message = True, {"type": "http.response.body", "body": b""}
        await hand_over(self._send(message), self._stall_s)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kinds = [value for name, value in message.get("headers", ()) if name.lower() == b"content-type"]
            self.is_stream = any(kind.startswith(EVENT_STREAM) for kind in kinds)
        elif is_last:
            self.is_answered = True

    async def refuse(self, error: AndonError) -> None:
        """In the words of the application; what was begun already is cut off."""
        if self.status:
            raise error
        kind, body = self._refusal(error, self.headers)
        headers = [
            (b"content-type", kind.encode()),
            (b"content-language", LANGUAGE_TAGS[locale_of(self.headers)].encode()),
        ]
        if error.retry_after_s is not None:
            headers.append((b"retry-after", str(math.ceil(error.retry_after_s)).encode()))
        status = STATUSES.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)
        await self.send({"type": "http.response.start", "status": int(status), "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def end(self) -> None:
        """A stream that a drain ends is whole: the client opens it again elsewhere."""
        if not self.is_answered:
            await self.send({"type": "http.response.body", "body": b""})

    async def _discard_rest(self) -> None:
        """An answer that ends before its request costs the connection, and with it the other requests that share it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_S_MAX):
                while not self._is_read:
                    self._is_read = not (await self._receive()).get("more_body", False)


class HttpCalls:
    """The application with what the runtime puts around each request."""

    def __init__(
        self,
        application: Application,
        traffic: Traffic,
        *,
        body_bytes_max: int,
        stall_s: float,
        refusal: Refusal = said_to_people,
    ) -> None:
        self._application = application
        self._traffic = traffic
        self._refusal = refusal
        self._body_bytes_max = body_bytes_max
        self._stall_s = stall_s
        # Set while the process drains: what comes then has to come again, elsewhere.
        self.refuses = False
        self._requests: dict[asyncio.Task[Any], HttpRequest] = {}

    @property
    def streams(self) -> list[Stream]:
        return [stream for stream in self._traffic.streams if stream.task in self._requests]

    @property
    def unanswered(self) -> list[asyncio.Task[Any]]:
        return [task for task, request in self._requests.items() if not request.is_answered]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for _ in ("startup", "shutdown"):
                await send({"type": f"{(await receive())['type']}.complete"})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
        else:
            task = asyncio.current_task()
            assert task is not None
            request = self._requests[task] = HttpRequest(
                scope, receive, send, self._body_bytes_max, self._stall_s, self._refusal
            )
            try:
                with _observed(request):
                    await self._answer(request)
            finally:
                del self._requests[task]

    async def _answer(self, request: HttpRequest) -> None:
        try:
            if self.refuses:
                raise draining_error()
            self._traffic.admit()
        except AndonError as error:
            runtime_metrics.add("andon.runtime.calls.refused", reason=error.reason)
            await request.refuse(error)
            return
        with self._traffic.call(), ExitStack() as streaming:
            streams: list[Stream] = []

            async def send(message: Message) -> None:
                await request.send(message)
                if request.is_stream and not streams:
                    streams.append(streaming.enter_context(self._traffic.stream()))

            try:
                await self._application(request.scope, request.receive, send)
            except asyncio.CancelledError:
                if not any(stream.dismissed for stream in streams):
                    raise
                streams[0].task.uncancel()
                await request.end()
            except ReaderStalled:
                # The connection is closed in the middle of the answer.
                raise
            except Exception as error:
                await request.refuse(domain_error(error))


@contextmanager
def _observed(request: HttpRequest) -> Iterator[None]:
    """One request's span and duration. Paths are made up by callers, so the route counts, where there is one."""
    method = request.scope["method"] if request.scope["method"] in METHODS else "_OTHER"
    begun_s, parent = time.perf_counter(), context_of(request.headers)
    span = tracer.start_span(method, parent, kind=SpanKind.SERVER, attributes={"http.request.method": method})
    otel_context.attach(trace.set_span_in_context(span, parent))
    try:
        yield
    finally:
        attributes = {"http.request.method": method, "http.response.status_code": str(request.status or "_NONE")}
        if route := getattr(request.scope.get("route"), "path", ""):
            attributes["http.route"] = route
            span.update_name(f"{method} {route}")
        if request.status >= HTTPStatus.INTERNAL_SERVER_ERROR or not request.status:
            attributes["error.type"] = attributes["http.response.status_code"]
            mark_failed(span, attributes["error.type"])
        runtime_metrics.record("http.server.request.duration", time.perf_counter() - begun_s, **attributes)
        span.set_attributes(attributes)
        span.end()
