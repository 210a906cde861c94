"""What events say of other events: they supersede or retract, one of both, and never themselves."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.admission.faults import FaultMarks, Mask


def check_corrections(page: pa.RecordBatch, findings: FaultMarks) -> None:
    supersedes, retracts = page.column("supersedes"), page.column("retracts")
    if supersedes.null_count == len(supersedes) and retracts.null_count == len(retracts):
        return
    both = _filled(supersedes) & _filled(retracts)
    findings.note(both, "retracts", "EVENT_CORRECTION_INVALID")
    for name, column in (("supersedes", supersedes), ("retracts", retracts)):
        itself = np.asarray(pc.equal(column, page.column("id")).fill_null(False))
        findings.note(itself & _filled(column), name, "EVENT_CORRECTION_INVALID")


def _filled(texts: pa.Array) -> Mask:
    return np.asarray(pc.greater(pc.binary_length(texts), 0).fill_null(False))
