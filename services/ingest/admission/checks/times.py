"""When events happened: not missing, not too early, not in the future, as their source has it."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.admission.faults import FaultMarks
from services.ingest.columns import codes_of
from services.ingest.model import Source


def _micros(column: pa.Array) -> NDArray[np.int64]:
    numbers: NDArray[np.int64]
    whole = column.view(pa.int64())
    numbers = (whole.fill_null(0) if whole.null_count else whole).to_numpy(zero_copy_only=False)
    return numbers


def check_times(page: pa.RecordBatch, policies: Sequence[Source], now_us: int, findings: FaultMarks) -> None:
    times = page.column("time")
    missing = np.asarray(times.is_null()) if times.null_count else None
    findings.note(missing, "time", "EVENT_TIME_MISSING")
    if not policies:
        return
    micros = _micros(times)
    # The strictest policy of the batch decides nearly always, without a look at each row's source.
    earliest = max(policy.time_earliest_us for policy in policies)
    latest = min(now_us + policy.future_tolerance_us for policy in policies)
    if missing is None and earliest <= int(micros.min()) and int(micros.max()) <= latest:
        return
    codes = codes_of(page.column("source"))
    floors = np.array([policy.time_earliest_us for policy in policies], dtype=np.int64)
    ceilings = np.array([now_us + policy.future_tolerance_us for policy in policies], dtype=np.int64)
    findings.note(micros < floors[codes], "time", "EVENT_TIME_TOO_EARLY")
    findings.note(micros > ceilings[codes], "time", "EVENT_TIME_IN_FUTURE")
