"""What one commit says of the quality of its data: columns become counts by source and day.

Theory of operation. An event is judged once, in the commit that decides about it, so the counts are recorded by the
same transaction and neither lost nor doubled. Its day is that of its own time (UTC), so what is loaded late is counted
where it belongs; an event whose time cannot be used counts on the day on which it came. What is judged:

- completeness: no field is missing that is needed or required, and none held a placeholder
- validity: it was not refused, no value had to be set aside, and all values are what the source declares
- uniqueness: nobody had sent it before
- timeliness: it is in the log within the time that the source declares
- consistency: it agrees with itself (units, categories, order of its times), and takes nothing back

An event fails a dimension once, and each field that is at fault is counted besides.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.columns import codes_of
from services.ingest.model import (
    DAY_US,
    FUTURE_TOLERANCE_US,
    RESERVED_PREFIX,
    TIME_EARLIEST_US,
    Admission,
    Fault,
    QualityDimension,
    Source,
    SourceId,
)
from services.ingest.registry.data_quality import DELAY_BOUNDS_US, Day, DayCounts, QualityDelta

_OF_RULE: Mapping[str, QualityDimension] = {
    "PLACEHOLDER": QualityDimension.COMPLETENESS,
    "NOT_FINITE": QualityDimension.VALIDITY,
    "TIME_TOO_EARLY": QualityDimension.VALIDITY,
    "CATEGORY": QualityDimension.CONSISTENCY,
    "KEY_FORM": QualityDimension.CONSISTENCY,
    "UNIT": QualityDimension.CONSISTENCY,
    "TIME_ORDER": QualityDimension.CONSISTENCY,
}
_OF_REASON: Mapping[str, QualityDimension] = {
    "EVENT_ID_MISSING": QualityDimension.COMPLETENESS,
    "EVENT_CASE_MISSING": QualityDimension.COMPLETENESS,
    "EVENT_ACTIVITY_MISSING": QualityDimension.COMPLETENESS,
    "EVENT_TIME_MISSING": QualityDimension.COMPLETENESS,
    "EVENT_ID_CONFLICT": QualityDimension.UNIQUENESS,
    "EVENT_CORRECTION_INVALID": QualityDimension.CONSISTENCY,
}
_DELAYS = len(DELAY_BOUNDS_US) + 1

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Refusal:
    """A refused event; `time_us` is absent where it has none."""

    fault: Fault
    time_us: int | None


def refusals(page: pa.RecordBatch, faults: Sequence[Fault]) -> list[Refusal]:
    """Of a batch as it came."""
    if not faults:
        return []
    chosen = pa.array([fault.index for fault in faults], pa.int64())
    times = page.column("time").take(chosen).view(pa.int64()).to_pylist()
    return [Refusal(fault, us) for fault, us in zip(faults, times, strict=True)]


def quality_of(
    admission: Admission,
    new: Mask,
    duplicate: Mask,
    refused: Sequence[Refusal],
    sources: Mapping[SourceId, Source],
    now_us: int,
) -> QualityDelta:
    """Pure. `new` and `duplicate` are of the admitted events; `refused` are conflicts as well."""
    days: dict[tuple[str, Day], Counter[str]] = {}
    fields: Counter[tuple[str, Day, QualityDimension, str]] = Counter()
    groups, defects = DayGroups.of(admission), _defects(admission)
    for key, name, count in _admitted(admission.page, groups, defects, new, duplicate, sources, now_us):
        days.setdefault(key, Counter())[name] += count
    for (dimension, field), rows in defects.items():
        for (source, day), count in groups.count(rows[new[rows]]):
            fields[source, day, dimension, field] += count
    for one in refused:
        source, us = one.fault.source, one.time_us
        is_usable = us is not None and TIME_EARLIEST_US <= us <= now_us + FUTURE_TOLERANCE_US
        day = Day((us if us is not None and is_usable else now_us) // DAY_US)
        if not source.startswith(RESERVED_PREFIX):
            dimension = _OF_REASON.get(one.fault.reason, QualityDimension.VALIDITY)
            counted = days.setdefault((source, day), Counter())
            counted["refused"] += 1
            counted[dimension.name] += 1
            fields[source, day, dimension, one.fault.field] += 1
    return QualityDelta({key: _counts(counted) for key, counted in days.items()}, dict(fields))


def replay_quality(admission: Admission, taken: Mask) -> QualityDelta:
    """Of events that were refused before, and that the log has now."""
    groups = DayGroups.of(admission)
    return QualityDelta({key: DayCounts(replayed=count) for key, count in groups.count(taken)})


@dataclass(frozen=True)
class DayGroups:
    """Which source and day each row belongs to, by number."""

    keys: Sequence[tuple[str, Day]]
    number: NDArray[np.intp]

    @classmethod
    def of(cls, admission: Admission) -> "DayGroups":
        column = admission.page.column("source")
        if not len(column):
            return cls((), np.zeros(0, np.intp))
        names: list[str] = column.dictionary.to_pylist()
        # A dictionary may hold a name twice.
        first = np.array([names.index(name) for name in names], dtype=np.int64)
        codes = first[codes_of(column)]
        days = admission.page.column("time").view(pa.int64()).to_numpy() // DAY_US
        low = int(days.min())
        width = int(days.max()) - low + 1
        found, number = np.unique(codes * width + (days - low), return_inverse=True)
        return cls([(names[one // width], Day(one % width + low)) for one in found.tolist()], number.reshape(-1))

    def count(self, rows: Mask | Rows) -> Iterator[tuple[tuple[str, Day], int]]:
        """How many of those rows each source and day has, where any, without the service's own events."""
        counts = np.bincount(self.number[rows], minlength=len(self.keys))
        for at in np.flatnonzero(counts).tolist():
            if not self.keys[at][0].startswith(RESERVED_PREFIX):
                yield self.keys[at], int(counts[at])


def _admitted(
    page: pa.RecordBatch,
    groups: DayGroups,
    defects: Mapping[tuple[QualityDimension, str], Rows],
    new: Mask,
    duplicate: Mask,
    sources: Mapping[SourceId, Source],
    now_us: int,
) -> Iterator[tuple[tuple[str, Day], str, int]]:
    """How many events each source and day has, by what is counted; see `_counts`."""
    if not page.num_rows:
        return
    # Of an admitted event, what is empty is absent.
    taken_back = {name: new & np.asarray(page.column(name).is_valid()) for name in ("supersedes", "retracts")}
    marked: dict[str, Mask] = {
        "accepted": new,
        "duplicate": duplicate,
        "corrections": taken_back["supersedes"],
        "retractions": taken_back["retracts"],
        QualityDimension.UNIQUENESS.name: duplicate,
    }
    failed: dict[QualityDimension, Mask] = {
        dimension: np.zeros(page.num_rows, np.bool_) for dimension in QualityDimension
    }
    for (dimension, _), places in defects.items():
        failed[dimension][places] = True
    failed[QualityDimension.CONSISTENCY] |= taken_back["supersedes"] | taken_back["retracts"]
    delays = now_us - page.column("time").view(pa.int64()).to_numpy()
    coded = page.column("source")
    named = [sources.get(SourceId(name)) or Source(SourceId(name)) for name in coded.dictionary.to_pylist()]
    limits_us = np.array([one.quality.timely_within_us for one in named], np.int64)[codes_of(coded)]
    failed[QualityDimension.TIMELINESS] = delays > limits_us
    for dimension, rows in failed.items():
        if dimension is not QualityDimension.UNIQUENESS:
            marked[dimension.name] = rows & new
    for name, rows in marked.items():
        if rows.any():
            for key, count in groups.count(rows):
                yield key, name, count
    classes = np.searchsorted(np.array(DELAY_BOUNDS_US), delays, "left")
    for place in np.flatnonzero(np.bincount(classes[new], minlength=_DELAYS)).tolist():
        for key, count in groups.count(new & (classes == place)):
            yield key, str(place), count


def _defects(admission: Admission) -> dict[tuple[QualityDimension, str], Rows]:
    """By dimension and field, each once: a required field that held a placeholder is missing once."""
    found: dict[tuple[QualityDimension, str], Rows] = {}
    marks = [(_OF_RULE[one.rule], one.field, one.rows) for one in admission.cleaned]
    for dimension, field, rows in marks + [(one.dimension, one.field, one.rows) for one in admission.defects]:
        before = found.get((dimension, field))
        found[dimension, field] = rows if before is None else np.union1d(before, rows)
    return found


def _counts(counted: Mapping[str, int]) -> DayCounts:
    return DayCounts(
        accepted=counted.get("accepted", 0),
        duplicate=counted.get("duplicate", 0),
        refused=counted.get("refused", 0),
        corrections=counted.get("corrections", 0),
        retractions=counted.get("retractions", 0),
        failed={dimension: counted[dimension.name] for dimension in QualityDimension if dimension.name in counted},
        delays=tuple(counted.get(str(place), 0) for place in range(_DELAYS)),
    )
