"""Who may come in: every event of a batch is checked, all at once, and identity is left at the door."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from services.ingest.anonymising import anonymous
from services.ingest.checks.attributes import check_attributes
from services.ingest.checks.corrections import check_corrections
from services.ingest.checks.texts import check_texts
from services.ingest.checks.times import check_times
from services.ingest.columns import codes_of
from services.ingest.findings import Findings
from services.ingest.hashing import hash_coded, hash_spans, mix
from services.ingest.model import Admission, Arrival, Source, SourceId
from services.ingest.pseudonyms import TenantKeys
from services.ingest.texts import Texts
from services.ingest.tidying import tidied


def admit(
    arrival: Arrival, sources: Mapping[SourceId, Source], keys: TenantKeys, now_us: int, traceparent: str = ""
) -> Admission:
    """Pure: the same batch at the same time is admitted the same way. Unknown sources have safe defaults."""
    page = arrival.page
    findings = Findings(page.num_rows)
    coded = page.column("source")
    policies = [sources.get(SourceId(name)) or Source(SourceId(name)) for name in coded.dictionary.to_pylist()]
    ids, case_ids = Texts(page.column("id")), Texts(page.column("case_id"))
    check_texts(arrival, ids, case_ids, findings)
    check_times(page, policies, now_us, findings)
    check_corrections(page, findings)
    check_attributes(page, arrival, findings)
    index = np.arange(page.num_rows, dtype=np.int64)
    if findings.kinds:
        index = np.flatnonzero(findings.reason < 0)
        page = page.take(pa.array(index))
        ids, case_ids = Texts(page.column("id")), Texts(page.column("case_id"))
    page = tidied(anonymous(page, policies, keys.pseudonym), traceparent)
    used = np.flatnonzero(np.bincount(codes_of(page.column("source")), minlength=1)).tolist() if page.num_rows else []
    return Admission(
        page=page,
        index=index,
        # An event's identity is its source and its id.
        id_hashes=mix(hash_spans(*ids.spans, keys.ids) + hash_coded(page.column("source"), keys.ids)),
        case_hashes=hash_spans(*case_ids.spans, keys.cases),
        faults=tuple(findings.faults(coded)),
        sources=tuple(policies[code].id for code in used),
    )
