"""Reads files that were uploaded whole, with the readers that the command has, and writes what they become.

Theory of operation. A transfer is read by one process at a time, which holds it for some seconds and renews that with
each report; when the process ends, another one goes on with the record after the last that was reported. Each batch
has a request id of its own, made of the transfer and of the record that it begins with, so that a batch that was
written and not reported is answered as it was the first time. Memory holds a chunk, or a batch; the file itself lies in
the folder for temporary files while it is read.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_OID, uuid4, uuid5

import structlog
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import ingest_pb2, transfer_pb2
from andon_records.batches import Batch, batches_of
from andon_records.files.readers import RecordFile, inspect_or_propose
from andon_records.files.standard_mapping import SourceChoice
from andon_records.mapping.document import CsvMapping
from andon_records.messages import LoadError, Message

from services.ingest import wire
from services.ingest.admission.arrow import read_arrow
from services.ingest.model import IncomingBatch, TenantId
from services.ingest.registry.quarantine import opened, sealed
from services.ingest.registry.transfers import StoredTransfer, TransferState
from services.ingest.servicer.quotas import Quotas
from services.ingest.wire import records as record_wire
from services.ingest.workers import AT_ONCE_ROWS_MAX, computed
from services.ingest.writer.interface import IngestStore
from services.ingest.writer.tenant_log import TenantLog

READ_AT_ONCE = 2
LEASE_S = 15.0
# Times that processes begin to read a file: each restart of one is another.
ATTEMPTS_MAX = 20
ABANDONED_AFTER_S = 7 * 86_400.0
REFUSALS_MAX = 20
_FAULT_ROWS = 20
# To encrypt or decrypt a chunk takes about as long as so many rows of a batch.
CHUNK_ROWS = AT_ONCE_ROWS_MAX + 1

log = structlog.get_logger(__name__)


def request_name(transfer: str) -> str:
    """What the request of a transfer is authenticated by."""
    return f"transfer/{transfer}/request"


def report_name(transfer: str) -> str:
    return f"transfer/{transfer}/report"


def chunk_name(transfer: str, begin: int) -> str:
    return f"transfer/{transfer}/{begin}"


class TransferReader:
    """`log_of`: the open log of a tenant."""

    def __init__(self, log_of: Callable[[TenantId], Awaitable[TenantLog]], store: IngestStore, quotas: Quotas) -> None:
        self._log_of = log_of
        self._store = store
        self._quotas = quotas
        self._me = uuid4()
        self._reading: set[asyncio.Task[None]] = set()

    async def start(self, tenant: TenantId) -> None:
        """Begins with a transfer that waits, if this process has hands free."""
        if len(self._reading) >= READ_AT_ONCE:
            return
        found = await self._store.transfers(tenant).claim(self._me, LEASE_S)
        if found is not None:
            task = asyncio.create_task(self._settle(tenant, found))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    async def go_on(self, tenant: TenantId) -> None:
        """What another process has left, and what nobody goes on with."""
        await self.start(tenant)
        abandoned = await self._store.transfers(tenant).cancel_abandoned(ABANDONED_AFTER_S)
        if abandoned:
            log.info("abandoned transfers were cancelled", tenant=tenant, transfers=abandoned)

    async def close(self) -> None:
        """What is being read goes on elsewhere, when its lease is over."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def _settle(self, tenant: TenantId, found: StoredTransfer) -> None:
        tenant_log = await self._log_of(tenant)
        key, book = tenant_log.keys.quarantine, self._store.transfers(tenant)
        transfer = transfer_pb2.Transfer.FromString(opened(key, report_name(found.id), found.report))

        async def renew() -> None:
            is_mine = True
            while is_mine:
                await asyncio.sleep(LEASE_S / 3)
                is_mine = await book.renew(found.id, self._me, LEASE_S)

        async def report(state: TransferState) -> bool:
            body = sealed(key, report_name(found.id), transfer.SerializeToString())
            return await book.report(found.id, self._me, state, body)

        renewing = asyncio.create_task(renew())
        try:
            if found.attempts > ATTEMPTS_MAX:
                transfer.failure.CopyFrom(_GIVEN_UP)
                await report(TransferState.FAILED)
                return
            await self._read(tenant_log, found, transfer, report)
        except LoadError as error:
            transfer.failure.CopyFrom(_text(error.what))
            await report(TransferState.FAILED)
        except Exception:
            # Somebody tries again when the lease is over.
            log.exception("a transfer broke off", tenant=tenant, transfer=found.id)
        finally:
            renewing.cancel()

    async def _read(
        self,
        tenant_log: TenantLog,
        found: StoredTransfer,
        transfer: transfer_pb2.Transfer,
        report: Callable[[TransferState], Awaitable[bool]],
    ) -> None:
        key = tenant_log.keys.quarantine
        request = transfer_pb2.CreateTransferRequest.FromString(opened(key, request_name(found.id), found.request))
        with tempfile.TemporaryDirectory(prefix="andon-transfer-") as folder:
            path = Path(folder) / request.file_name
            if await self._assembled(tenant_log, found.id, path) != request.sha256:
                transfer.failure.CopyFrom(_NOT_THE_FILE)
                await report(TransferState.FAILED)
                return
            file, rules, guesses = await asyncio.to_thread(_inspected, path, request)
            transfer.row_count = file.records
            del transfer.guesses[:]
            transfer.guesses.extend(map(_text, guesses))
            batches = batches_of(file, rules, transfer.row_done_count)
            state = TransferState.READING
            while await report(state) and state == TransferState.READING:
                batch = await asyncio.to_thread(next, batches, None)
                if batch is None:
                    state = TransferState.COMPLETE
                    continue
                is_first = transfer.row_done_count == 0
                await self._write(tenant_log, found.id, batch, transfer)
                if is_first and batch.rows < file.records and transfer.quarantined_count == batch.events > 0:
                    # The mapping is not the file's: what follows would be refused as well.
                    transfer.failure.CopyFrom(_refused_whole(batch.rows, transfer.refusals[0]))
                    state = TransferState.FAILED
        if state == TransferState.COMPLETE:
            log.info("a transfer is complete", tenant=tenant_log.tenant, transfer=found.id, rows=transfer.row_count)

    async def _assembled(self, tenant_log: TenantLog, name: str, path: Path) -> str:
        """Its SHA-256, in hexadecimal."""
        digest = sha256()
        with path.open("wb") as file:

            def add(begin: int, content: bytes) -> None:
                plain = opened(tenant_log.keys.quarantine, chunk_name(name, begin), content)
                digest.update(plain)
                file.write(plain)

            async for begin, content in self._store.transfers(tenant_log.tenant).content(name):
                await computed(CHUNK_ROWS, partial(add, begin, content))
        return digest.hexdigest()

    async def _write(self, tenant_log: TenantLog, name: str, batch: Batch, transfer: transfer_pb2.Transfer) -> None:
        written = ingest_pb2.WriteEventsResponse()
        if batch.events:
            arrival = await computed(AT_ONCE_ROWS_MAX + 1, partial(read_arrow, batch.arrow_ipc))
            await self._quotas.wait(tenant_log, arrival.page)
            await tenant_log.capacity()
            request_id = uuid5(NAMESPACE_OID, f"{name}/{transfer.row_done_count}")
            fingerprint = sha256(batch.arrow_ipc).digest()
            answer = await tenant_log.submit(IncomingBatch(arrival, request_id=request_id, fingerprint=fingerprint))
            if isinstance(answer, bytes):
                written = ingest_pb2.WriteEventsResponse.FromString(answer)
            else:
                written = await computed(_FAULT_ROWS * len(answer.faults), partial(wire.written_response, answer, ""))
        transfer.row_done_count += batch.rows
        transfer.accepted_count += written.accepted
        transfer.duplicate_count += written.duplicate
        transfer.quarantined_count += written.quarantined
        transfer.unreadable_count += batch.set_aside.unreadable
        transfer.omitted_count += batch.set_aside.omitted
        refusals = [*_unreadable(batch), *_refused(batch, written)]
        refusals.sort(key=lambda one: one.row)
        transfer.refusals.extend(refusals[: REFUSALS_MAX - len(transfer.refusals)])


def _inspected(path: Path, request: transfer_pb2.CreateTransferRequest) -> tuple[RecordFile, CsvMapping, list[Message]]:
    """Raises LoadError."""
    source = wire.source_id(request.source)
    rules = None
    if request.HasField("mapping"):
        rules = record_wire.file_mapping_of(request.mapping.SerializeToString(deterministic=True), source)
    choice = SourceChoice(source, request.case_object or None, request.time_zone or "UTC")
    return inspect_or_propose(path, rules, choice)


def _unreadable(batch: Batch) -> list[transfer_pb2.Transfer.Refusal]:
    return [transfer_pb2.Transfer.Refusal(row=row, message=_text(what)) for row, what in batch.set_aside.examples]


def _refused(batch: Batch, written: ingest_pb2.WriteEventsResponse) -> list[transfer_pb2.Transfer.Refusal]:
    found = []
    for one in written.rejections[:REFUSALS_MAX]:
        why = batch.why_absent.get((one.field, one.index))
        found.append(
            transfer_pb2.Transfer.Refusal(
                row=batch.row_of(one.index),
                column=batch.columns.get(one.field, ""),
                field=one.field,
                reason=one.reason,
                message=_text(why) if why is not None else Text(en=one.message),
                quarantine_id=one.quarantine_id,
            )
        )
    return found


def _refused_whole(rows: int, first: transfer_pb2.Transfer.Refusal) -> Text:
    return Text(
        en=f"every row of the first {rows:,} was refused, and nothing else was read; row {first.row:,}: "
        f"{first.field}: {first.message.en}",
        zh=f"前 {rows:,} 条记录全部被拒，其余未读取；第 {first.row:,} 条记录：{first.field}："
        f"{first.message.zh or first.message.en}",
    )


def _text(what: Message) -> Text:
    return Text(en=what.text("en"), zh=what.text("zh"))


_NOT_THE_FILE = Text(
    en="what was uploaded is not the file of this SHA-256: upload it again",
    zh="上传的内容与该 SHA-256 的文件不符：请重新上传",
)
_GIVEN_UP = Text(
    en=f"the file could not be read in {ATTEMPTS_MAX} attempts, for no known reason; the service's own log has more",
    zh=f"尝试 {ATTEMPTS_MAX} 次仍无法读取该文件，原因未知；详情见服务日志",
)
