"""How events would be admitted, without anything of them being stored."""

from collections.abc import Mapping
from functools import partial

from services.ingest.admission.admit import admit
from services.ingest.admission.named_persons import persons_named
from services.ingest.model import Admission, Arrival, IncomingBatch, Source, SourceId
from services.ingest.servicer.request_context import RequestContext
from services.ingest.workers import computed
from services.ingest.writer.tenant_log import TenantLog


async def tried(
    requests: RequestContext, log: TenantLog, arrival: Arrival, sources: Mapping[SourceId, Source]
) -> Admission:
    """Persons who are not known yet get a secret that lasts as long as this call."""
    batch, now_us = IncomingBatch(arrival, validate_only=True), requests.clock_us()
    store = requests.store.persons(log.tenant)
    persons = await log.persons.of(persons_named([batch], sources), store, now_us, dry=True)
    return await computed(batch.received, partial(admit, [batch], sources, log.keys, persons, now_us))
