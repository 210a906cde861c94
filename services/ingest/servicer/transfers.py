"""TransferService: whole files, uploaded in chunks and read by the service."""

import re
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from andon.ingest.v1 import transfer_pb2
from andon.ingest.v1 import transfer_pb2_grpc as grpc_stubs
from andon_records.mapping.time_zones import is_region, offset_min
from andon_records.messages import MalformedMapping

from services.ingest.model import SOURCE, TenantId
from services.ingest.registry.quarantine import OPENED_ROWS, opened, sealed
from services.ingest.registry.transfers import StoredTransfer, TransferState
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.transfer_reader import CHUNK_ROWS, TransferReader, chunk_name, report_name, request_name
from services.ingest.wire import SOURCE_PREFIX, source_id
from services.ingest.wire import records as record_wire
from services.ingest.wire.times import timestamp
from services.ingest.workers import computed
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.errors import FailedPrecondition, NotFound, invalid
from services.runtime.field_checks import FieldChecks
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1_000
FILE_NAME_CHARS_MAX = 255
CHUNK_BYTES_MAX = 2 << 20
PREFIX = "transfers/"
_SHA256 = re.compile("[0-9a-f]{64}")
_NEWEST = 2**62


class TransferServicer(grpc_stubs.TransferServiceServicer):
    def __init__(self, requests: RequestContext, reader: TransferReader, bytes_max: int) -> None:
        self._requests = requests
        self._reader = reader
        self._bytes_max = bytes_max

    async def CreateTransfer(
        self, request: transfer_pb2.CreateTransferRequest, context: Any
    ) -> transfer_pb2.CreateTransferResponse:
        source = source_id(request.source)
        self._check(request, source)
        log = await self._requests.log()
        if not request.HasField("mapping"):
            async with self._requests.store.session(log.tenant) as session:
                known = await session.registry.source(source)
            if known is not None and known.mapping:
                # As it is now: a later change is for later files.
                request.mapping.ParseFromString(known.mapping)
        if request.HasField("mapping"):
            try:
                record_wire.file_mapping_of(request.mapping.SerializeToString(deterministic=True), source)
            except MalformedMapping as error:
                raise invalid("mapping", str(error.what)) from error
        name = _identity(request)
        report = transfer_pb2.Transfer(
            file_name=request.file_name,
            byte_count=request.byte_count,
            sha256=request.sha256,
            source=SOURCE_PREFIX + source,
        )
        key = log.keys.quarantine
        stored = await self._requests.store.transfers(log.tenant).create(
            name,
            request.byte_count,
            sealed(key, request_name(name), request.SerializeToString()),
            sealed(key, report_name(name), report.SerializeToString()),
        )
        return transfer_pb2.CreateTransferResponse(transfer=_message(log, stored))

    async def UploadChunk(
        self, request: transfer_pb2.UploadChunkRequest, context: Any
    ) -> transfer_pb2.UploadChunkResponse:
        count = len(request.data)
        checks = FieldChecks()
        checks.require(0 < count <= CHUNK_BYTES_MAX, "data", f"must be 1 to {CHUNK_BYTES_MAX} bytes")
        checks.require(request.offset >= 0, "offset", "must not be negative")
        checks.done()
        log = await self._requests.log()
        book, name = self._requests.store.transfers(log.tenant), request.name.removeprefix(PREFIX)
        content = await computed(
            CHUNK_ROWS, lambda: sealed(log.keys.quarantine, chunk_name(name, request.offset), request.data)
        )
        added = await book.extend(name, request.offset, count, content)
        stored = await self._found(log.tenant, name)
        known = request.offset + count <= stored.uploaded_bytes
        if not added and not known:
            if stored.state != TransferState.UPLOADING:
                raise FailedPrecondition("INVALID_TRANSITION", "the transfer awaits no bytes")
            if request.offset + count > stored.byte_count:
                raise invalid("data", f"must end at byte_count, which is {stored.byte_count}")
            raise invalid("offset", f"must be uploaded_bytes, which is {stored.uploaded_bytes}")
        if stored.state == TransferState.READING:
            await self._reader.start(log.tenant)
        return transfer_pb2.UploadChunkResponse(uploaded_bytes=stored.uploaded_bytes, state=_state(stored))

    async def GetTransfer(
        self, request: transfer_pb2.GetTransferRequest, context: Any
    ) -> transfer_pb2.GetTransferResponse:
        log = await self._requests.log()
        stored = await self._found(log.tenant, request.name.removeprefix(PREFIX))
        return transfer_pb2.GetTransferResponse(transfer=_message(log, stored))

    async def ListTransfers(
        self, request: transfer_pb2.ListTransfersRequest, context: Any
    ) -> transfer_pb2.ListTransfersResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (before,) = place_of(request, _NEWEST)
        log = await self._requests.log()
        found = await self._requests.store.transfers(log.tenant).page(before, size + 1)
        shown = await computed(OPENED_ROWS * len(found), lambda: [_message(log, one) for one in found[:size]])
        more = page_token(request, found[size - 1].sequence) if len(found) > size else ""
        return transfer_pb2.ListTransfersResponse(transfers=shown, next_page_token=more)

    async def CancelTransfer(
        self, request: transfer_pb2.CancelTransferRequest, context: Any
    ) -> transfer_pb2.CancelTransferResponse:
        log = await self._requests.log()
        name = request.name.removeprefix(PREFIX)
        await self._found(log.tenant, name)
        if not await self._requests.store.transfers(log.tenant).cancel(name):
            raise FailedPrecondition("INVALID_TRANSITION", "the transfer has ended")
        return transfer_pb2.CancelTransferResponse(transfer=_message(log, await self._found(log.tenant, name)))

    def _check(self, request: transfer_pb2.CreateTransferRequest, source: str) -> None:
        checks = FieldChecks()
        plain = request.file_name == PurePosixPath(request.file_name).name and "\\" not in request.file_name
        named = plain and 0 < len(request.file_name.encode()) <= FILE_NAME_CHARS_MAX and request.file_name != ".."
        checks.require(named, "file_name", f"must be the name of a file, of 1 to {FILE_NAME_CHARS_MAX} bytes")
        within = 0 < request.byte_count <= self._bytes_max
        checks.require(within, "byte_count", f"must be 1 to {self._bytes_max}")
        checks.require(_SHA256.fullmatch(request.sha256) is not None, "sha256", "must be 64 of [0-9a-f]")
        checks.require(SOURCE.fullmatch(source) is not None, "source", "must be the name of a source")
        zone = request.time_zone or "UTC"
        known = is_region(zone) or offset_min(zone) is not None
        checks.require(known, "time_zone", "must be a region such as Europe/Berlin, or an offset")
        checks.done()

    async def _found(self, tenant: TenantId, name: str) -> StoredTransfer:
        stored = await self._requests.store.transfers(tenant).find(name)
        if stored is None:
            raise NotFound("NOT_FOUND", "no such transfer")
        return stored


def _identity(request: transfer_pb2.CreateTransferRequest) -> str:
    """The same for the same content, source and way to read it, whatever the file is called today."""
    mapping = request.mapping.SerializeToString(deterministic=True) if request.HasField("mapping") else b""
    parts = (request.sha256, request.source.removeprefix(SOURCE_PREFIX), request.case_object, request.time_zone)
    return sha256("\0".join(parts).encode() + b"\0" + mapping).hexdigest()[:24]


def _message(log: TenantLog, stored: StoredTransfer) -> transfer_pb2.Transfer:
    report = opened(log.keys.quarantine, report_name(stored.id), stored.report)
    message = transfer_pb2.Transfer.FromString(report)
    message.name = PREFIX + stored.id
    message.state = _state(stored)
    message.uploaded_bytes = stored.uploaded_bytes
    message.create_time.CopyFrom(timestamp(stored.created_at_us))
    message.update_time.CopyFrom(timestamp(stored.updated_at_us))
    return message


def _state(stored: StoredTransfer) -> transfer_pb2.TransferState.ValueType:
    return transfer_pb2.TransferState.ValueType(stored.state)
