"""What every family of RPCs works with: the caller's log, the store, the clock and the drain."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from google.protobuf.message import Message

from services.ingest.known.case_index import CaseIndex
from services.ingest.log.records import LogEntry
from services.ingest.model import TenantId
from services.ingest.registry.records import Receipt, StoredAnswer
from services.ingest.servicer.entity_links import EntityLinks
from services.ingest.servicer.quotas import Quotas
from services.ingest.servicer.tenants import Tenants
from services.ingest.writer.interface import IngestStore, LockedSession
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.drain import Draining
from services.runtime.identity import current_caller
from services.runtime.requests import idempotency_key

ResponseT = TypeVar("ResponseT", bound=Message)


class RequestContext:
    def __init__(
        self,
        tenants: Tenants,
        store: IngestStore,
        draining: Draining,
        clock_us: Callable[[], int],
        message_bytes_max: int,
        quotas: Quotas,
    ) -> None:
        self.store = store
        self.draining = draining
        self.clock_us = clock_us
        self.message_bytes_max = message_bytes_max
        self.quotas = quotas
        self.entity_links = EntityLinks(store)
        self._tenants = tenants
        self._cases: dict[TenantId, CaseIndex] = {}

    async def log(self) -> TenantLog:
        """Of the caller's tenant."""
        return await self._tenants.of(TenantId(current_caller().tenant))

    async def first_answer(self, request: Any, kind: type[ResponseT]) -> ResponseT | None:
        """What was answered to this request id before; None: nothing was."""
        key = idempotency_key(request)
        if key is None:
            return None
        log = await self.log()
        async with self.store.session(log.tenant) as session:
            before = (await session.registry.answered([key.request_id])).get(key.request_id)
        if before is None:
            return None
        key.check(before.fingerprint)
        return kind.FromString(before.answer)

    async def once(
        self,
        method: str,
        request: Any,
        kind: type[ResponseT],
        act: Callable[[LockedSession], Awaitable[ResponseT]],
    ) -> ResponseT:
        """Acts under the lock of the log, and only if the request id was not answered before."""
        log = await self.log()
        key = idempotency_key(request)
        async with self.store.locked(log.tenant) as session:
            before = (await session.registry.answered([key.request_id])).get(key.request_id) if key else None
            if key is not None and before is not None:
                key.check(before.fingerprint)
                return kind.FromString(before.answer)
            response = await act(session)
            if not request.validate_only:
                # The log moves, so that nothing can be written any more that was decided before.
                entry = LogEntry(session.head.position, session.head.next_offsets)
                answer = response.SerializeToString()
                answers = (StoredAnswer(key.request_id, method, key.fingerprint, answer),) if key else ()
                await session.log.append(entry, Receipt(method=method, answers=answers))
        return response

    def cases(self, log: TenantLog) -> CaseIndex:
        return self._cases.setdefault(log.tenant, CaseIndex(log.keys))
