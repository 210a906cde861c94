"""ListQuarantinedEvents: the refused events, as they came."""

from typing import Any

from andon.ingest.v1 import event_pb2, ingest_pb2

from services.ingest import wire
from services.ingest.admission.checks import MESSAGES
from services.ingest.model import Fault
from services.ingest.registry.quarantine import opened
from services.ingest.registry.records import SealedEvent
from services.ingest.servicer.request_context import RequestContext
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1_000


class QuarantineRpcs:
    requests: RequestContext

    async def ListQuarantinedEvents(
        self, request: ingest_pb2.ListQuarantinedEventsRequest, context: Any
    ) -> ingest_pb2.ListQuarantinedEventsResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        position, last = place_of(request, -1, "")
        log = await self.requests.log()
        async with self.requests.store.session(log.tenant) as session:
            found = await session.registry.quarantined(request.source, (position, last), size + 1)
            count = await session.registry.quarantined_count(request.source)
        chosen = found[:size]
        more = ""
        if len(found) > size:
            more = page_token(request, chosen[-1].position, chosen[-1].quarantine_id)
        return ingest_pb2.ListQuarantinedEventsResponse(
            events=[_message(log.keys.quarantine, one) for one in chosen], next_page_token=more, total_count=count
        )


def _message(key: bytes, one: SealedEvent) -> ingest_pb2.QuarantinedEvent:
    fault = Fault(one.batch_index, one.field, one.reason, MESSAGES[one.reason], one.source)
    return ingest_pb2.QuarantinedEvent(
        quarantine_id=one.quarantine_id,
        rejection=wire.rejection(fault, one.quarantine_id),
        event=event_pb2.Event.FromString(opened(key, one.quarantine_id, one.payload)),
        quarantine_time=wire.timestamp(one.quarantined_at_us),
    )
