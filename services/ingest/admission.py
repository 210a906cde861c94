"""Who may come in: every event of a batch is checked, all at once, and identity is left at the door."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from services.ingest.anonymising import anonymous
from services.ingest.checks.attributes import check_attributes
from services.ingest.checks.corrections import check_corrections
from services.ingest.checks.texts import check_texts
from services.ingest.checks.times import check_times
from services.ingest.findings import Findings
from services.ingest.hashing import Hashes, hash_coded, hash_texts, mix
from services.ingest.model import Admission, Arrival, Source, SourceId
from services.ingest.pseudonyms import TenantKeys
from services.ingest.tidying import tidied


def admit(
    arrival: Arrival, sources: Mapping[SourceId, Source], keys: TenantKeys, now_us: int, traceparent: str = ""
) -> Admission:
    """Pure: the same batch at the same time is admitted the same way. Unknown sources have safe defaults."""
    page = arrival.page
    findings = Findings(page.num_rows)
    coded = page.column("source")
    policies = [sources.get(SourceId(name)) or Source(SourceId(name)) for name in coded.dictionary.to_pylist()]
    check_texts(page, arrival, findings)
    check_times(page, policies, now_us, findings)
    check_corrections(page, findings)
    check_attributes(page, arrival, findings)
    index = np.arange(page.num_rows, dtype=np.int64)
    if findings.kinds:
        index = np.flatnonzero(findings.reason < 0)
        page = page.take(pa.array(index))
    page = tidied(anonymous(page, policies, keys.pseudonym), traceparent)
    used = np.unique(page.column("source").indices.to_numpy(zero_copy_only=False)).tolist()
    return Admission(
        page=page,
        index=index,
        id_hashes=event_hashes(page, keys),
        case_hashes=hash_texts(page.column("case_id"), keys.cases),
        faults=tuple(findings.faults(coded)),
        sources=tuple(policies[code].id for code in used),
    )


def event_hashes(page: pa.RecordBatch, keys: TenantKeys) -> Hashes:
    """An event's identity is its source and its id."""
    return mix(hash_texts(page.column("id"), keys.ids) + hash_coded(page.column("source"), keys.ids))
