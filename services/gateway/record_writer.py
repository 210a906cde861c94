"""Records into ingest, on behalf of whom they came from: in as many calls as the contract needs, with one answer."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextvars import ContextVar

import grpc
from andon.ingest.v1 import record_pb2
from andon.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from andon_client.channel import open_channel
from andon_client.record_stream import batched

from services.gateway.error_mapping import passed_on
from services.gateway.large_work import aside
from services.gateway.record_forms import SentRecords
from services.gateway.settings import GatewaySettings
from services.runtime.texts import Locale

# Read at each call: one channel carries the calls of all callers.
_token: ContextVar[str] = ContextVar("andon_gateway_token")

OUTCOMES = ("accepted", "duplicate", "quarantined", "omitted")
EVENT_OUTCOMES = OUTCOMES[:3]


class RecordWriter:
    def __init__(self, settings: GatewaySettings) -> None:
        self._channel = open_channel(
            settings.ingest_target,
            ca_file=settings.tls_ca_file,
            cert_file=settings.tls_cert_file,
            key_file=settings.tls_key_file,
            token=_token.get,
        )
        self._ingest = IngestServiceStub(self._channel)
        self._write_s_max = settings.write_s_max

    async def write(
        self, token: str, source: str, sent: SentRecords, key: uuid.UUID | None, locale: Locale
    ) -> record_pb2.WriteRecordsResponse:
        """Returns when all are durable. Raises what ingest answered; what went before is then durable already, and
        sending everything again changes nothing of it.
        """
        # One after the other, and each made when the one before it is durable.
        parts: Iterable[SentRecords] = map(SentRecords, batched(sent.json)) if sent.json else [sent]
        answer, done = record_pb2.WriteRecordsResponse(), 0
        for number, part in enumerate(parts):
            request_id = "" if key is None else str(key if number == 0 else uuid.uuid5(key, str(number)))
            size = len(part.arrow) + sum(map(len, part.json))
            request = await aside(size, _request, source, part, request_id)
            _add(answer, await self._written(token, request, locale), done)
            done = len(answer.outcomes)
        return answer

    async def _written(
        self, token: str, request: record_pb2.WriteRecordsRequest, locale: Locale
    ) -> record_pb2.WriteRecordsResponse:
        _token.set(token)
        wish = (("andon-locale", locale),)
        try:
            return await self._ingest.WriteRecords(request, timeout=self._write_s_max, metadata=wish)
        except grpc.aio.AioRpcError as error:
            raise passed_on(error) from error

    async def close(self) -> None:
        await self._channel.close()


def _request(source: str, part: SentRecords, request_id: str) -> record_pb2.WriteRecordsRequest:
    """Without any record, too, so that a caller who may not write hears so."""
    if part.arrow:
        raw = record_pb2.RawRecords(arrow_ipc=part.arrow)
    else:
        raw = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=part.json))
    return record_pb2.WriteRecordsRequest(source=f"sources/{source}", records=raw, request_id=request_id)


def _add(answer: record_pb2.WriteRecordsResponse, part: record_pb2.WriteRecordsResponse, before: int) -> None:
    answer.outcomes.extend(part.outcomes)
    for name in OUTCOMES:
        setattr(answer, name, getattr(answer, name) + getattr(part, name))
    for name in EVENT_OUTCOMES:
        setattr(answer.events, name, getattr(answer.events, name) + getattr(part.events, name))
    for rejection in part.rejections:
        rejection.index += before
        answer.rejections.append(rejection)
    answer.through = part.through
