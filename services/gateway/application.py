"""The addresses of the gateway: who calls is settled before the body is read, and what is answered is durable."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from andon.ingest.v1 import record_pb2
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from services.gateway import otlp
from services.gateway.access import ACCESS, OTLP_LOGS, OTLP_METRICS, RECORDS, WEBHOOK
from services.gateway.large_work import aside
from services.gateway.media_types import PROTOBUF, media_type
from services.gateway.metrics import metrics
from services.gateway.record_forms import SentRecords, records_of
from services.gateway.record_writer import OUTCOMES, RecordWriter
from services.gateway.settings import GatewaySettings
from services.gateway.signatures import NotProven, prove
from services.gateway.webhooks import Webhook, Webhooks
from services.runtime.errors import NotFound, Unauthenticated, Unavailable, invalid
from services.runtime.http_calls import BodyTooLarge, Message, Receive, Send
from services.runtime.identity import TokenVerifier, bearer_token, locale_of, permit

GZIP_WINDOW = 31
# To show a rejection takes about as long as to read so much.
REJECTION_BYTES = 256


@dataclass(frozen=True)
class Route:
    """`path` as access, telemetry and the guide have it; `pattern`: of what callers send."""

    path: str
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, path: str) -> Route:
        return cls(path, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)))


@dataclass(frozen=True)
class Call:
    """A request whose address is known. `headers`: by name in lower case."""

    path: str
    where: Mapping[str, str]
    headers: Mapping[str, str]
    receive: Receive


ROUTES = [Route.of(path) for path in (RECORDS, OTLP_METRICS, OTLP_LOGS, WEBHOOK)]


@dataclass(frozen=True)
class Answer:
    media: str
    body: bytes


class Gateway:
    """An ASGI application."""

    def __init__(self, settings: GatewaySettings, verifier: TokenVerifier, webhooks: Webhooks, writer: RecordWriter):
        self._settings = settings
        self._verifier = verifier
        self._webhooks = webhooks
        self._writer = writer
        self._answers: Mapping[str, Callable[[Call], Awaitable[Answer]]] = {
            RECORDS: self._records,
            OTLP_METRICS: self._otlp,
            OTLP_LOGS: self._otlp,
            WEBHOOK: self._webhook,
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        found = next(((one, match) for one in ROUTES if (match := one.pattern.fullmatch(scope["path"]))), None)
        if found is None or scope["method"] != "POST":
            raise NotFound("NOT_FOUND", f"nothing is here; POST to one of {', '.join(one.path for one in ROUTES)}")
        route, match = found
        scope["route"] = route
        answer = await self._answers[route.path](Call(route.path, match.groupdict(), headers, receive))
        content = [(b"content-type", answer.media.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": content})
        await send({"type": "http.response.body", "body": answer.body})

    async def _records(self, call: Call) -> Answer:
        token = self._permitted(call)
        body = await self._body(call)
        sent = await aside(len(body), records_of, call.headers, body)
        return await self._shown(await self._write(call, token, call.where["source"], sent))

    async def _otlp(self, call: Call) -> Answer:
        token = self._permitted(call)
        body, media = await self._body(call), media_type(call.headers)
        read = otlp.metric_records if call.path == OTLP_METRICS else otlp.log_records
        sent = SentRecords(await aside(len(body), read, media, body))
        written = await self._write(call, token, call.where["source"], sent)
        # Of a request without content OTLP wants success, whatever the source takes.
        response = ExportMetricsServiceResponse() if call.path == OTLP_METRICS else ExportLogsServiceResponse()
        if written.quarantined:
            name = "rejected_data_points" if call.path == OTLP_METRICS else "rejected_log_records"
            setattr(response.partial_success, name, written.quarantined)
            first = written.rejections[0]
            response.partial_success.error_message = f"quarantined, such as {first.field}: {first.message}"
        if media == PROTOBUF:
            return Answer(PROTOBUF, response.SerializeToString())
        return Answer("application/json", json_format.MessageToJson(response, indent=None).encode())

    async def _webhook(self, call: Call) -> Answer:
        # The body is what is signed, so it has to be read before its sender is known.
        body = await self._raw_body(call)
        # In a thread, however small it is: the folder of webhooks may have to be read again.
        webhook = await asyncio.to_thread(self._proven, call, body)
        content = await self._unpacked(call, body)
        sent = await aside(len(content), records_of, call.headers, content)
        sent = await aside(len(content), _with_fields, sent, webhook, call.headers)
        try:
            token = await asyncio.to_thread(self._settings.token, webhook.tenant)
        except FileNotFoundError as error:
            raise Unavailable("UPSTREAM_UNAVAILABLE", "the gateway has no token for this tenant") from error
        return await self._shown(await self._write(call, token, webhook.source, sent))

    def _permitted(self, call: Call) -> str:
        caller = self._verifier.caller(list(call.headers.items()))
        permit(ACCESS, call.path, caller)
        return bearer_token(list(call.headers.items()))

    def _proven(self, call: Call, body: bytes) -> Webhook:
        """A webhook that is not there is answered as one whose signature is wrong."""
        webhook = self._webhooks.get(call.where["webhook"])
        try:
            if webhook is None:
                raise NotProven
            prove(webhook.rule, webhook.secrets, call.headers, body, time.time())
        except NotProven as error:
            metrics.add("andon.gateway.webhooks.refused")
            raise Unauthenticated("SIGNATURE_INVALID", "no such webhook, or its signature is not right") from error
        return webhook

    async def _write(self, call: Call, token: str, source: str, sent: SentRecords) -> record_pb2.WriteRecordsResponse:
        locale = locale_of(list(call.headers.items()))
        written = await self._writer.write(token, source, sent, _key(call.headers), locale)
        for outcome in OUTCOMES:
            if count := getattr(written, outcome):
                metrics.add("andon.gateway.records", count, outcome=outcome, address=call.path)
        return written

    async def _body(self, call: Call) -> bytes:
        return await self._unpacked(call, await self._raw_body(call))

    async def _unpacked(self, call: Call, body: bytes) -> bytes:
        """What is packed may be much larger than it seems, so its size says nothing of the time that it takes."""
        coding = call.headers.get("content-encoding", "identity").strip().lower()
        if coding in ("identity", ""):
            return body
        if coding != "gzip":
            raise invalid("content-encoding", "must be gzip or absent")
        return await asyncio.to_thread(unpacked, body, self._settings.message_bytes_max)

    async def _shown(self, written: record_pb2.WriteRecordsResponse) -> Answer:
        return await aside(len(written.rejections) * REJECTION_BYTES, shown, written)

    async def _raw_body(self, call: Call) -> bytes:
        parts = []
        while True:
            message = await call.receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(parts)


def unpacked(body: bytes, bytes_max: int) -> bytes:
    """Raises InvalidArgument, and BodyTooLarge before there is more than may be."""
    unpacking = zlib.decompressobj(GZIP_WINDOW)
    try:
        content = unpacking.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise invalid("body", "is not gzip, as its content encoding says") from error
    if len(content) > bytes_max:
        raise BodyTooLarge(metadata={"bytes_max": str(bytes_max)})
    if not unpacking.eof:
        raise invalid("body", "is gzip that was cut off")
    return content


def _key(headers: Mapping[str, str]) -> uuid.UUID | None:
    text = headers.get("idempotency-key", "").strip().strip('"')
    if not text:
        return None
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise invalid("idempotency-key", "must be a UUID") from error


def _with_fields(sent: SentRecords, webhook: Webhook, headers: Mapping[str, str]) -> SentRecords:
    """Headers that the mapping of the source needs, at the beginning of each record; its own fields come after."""
    given = {name: headers[header] for name, header in webhook.fields.items() if header in headers}
    if not given or sent.arrow:
        return sent
    begin = json.dumps(given, ensure_ascii=False).encode("utf-8", "surrogatepass")[:-1]
    return SentRecords([_begun(begin, record) for record in sent.json])


def _begun(begin: bytes, record: bytes) -> bytes:
    rest = record.lstrip()[1:].lstrip()
    if not record.lstrip().startswith(b"{"):
        return record
    return begin + (b"" if rest.startswith(b"}") else b", ") + rest


def shown(written: record_pb2.WriteRecordsResponse) -> Answer:
    """All but the outcomes: one a record would make an answer as long as its request."""
    written.ClearField("outcomes")
    document = json_format.MessageToDict(
        written, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    order = (field.name for field in written.DESCRIPTOR.fields if field.name != "outcomes")
    in_order = {name: document[name] for name in order}
    return Answer("application/json", json.dumps(in_order, ensure_ascii=False).encode())
