"""What a step of the fold is given, and what it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from services.scoring.fold.batch import TIME_US
from services.scoring.fold.open_cases import NO_CLOCKS, ClockChanges
from services.scoring.scores.statistics import PartChange


@dataclass(frozen=True)
class DecodedPage:
    """A run of events of one partition, decoded; `position` is the commit that wrote it.

    Columns: id, source, case_id, activity, resource, time, supersedes, retracts, and `attributes.<name>` where used.
    """

    events: pa.Table
    partition: int
    position: int


OBSERVATION_SCHEMA = pa.schema(
    [
        ("case_id", pa.dictionary(pa.int32(), pa.utf8())),
        ("indicator", pa.dictionary(pa.int32(), pa.utf8())),
        ("anchor", TIME_US),
        ("old_anchor", TIME_US),
        ("window_start", TIME_US),
        ("window_end", TIME_US),
        ("old_window_start", TIME_US),
        ("value", pa.int64()),
    ]
)
"""Observations: a row per case and indicator that changed. A last column `slice` is a struct of all dimensions' values.

anchor: the instant that puts the case into every window that contains it; null: it has left and counts nowhere.
old_anchor: the same before this step; null: it was nowhere.
A window [start, end) of any width holds the case if and only if start <= anchor < end.
window_start, window_end, old_window_start: the narrowest window of the indicator around them.
value: in multiples of the resolution; null where anchor is, and where the measure gives no value: the case then belongs
to its windows and is counted there as not observed.
slice: null members are unknown; the column is absent when there are no dimensions.
"""


@dataclass(frozen=True)
class FoldStep:
    """What one step changed.

    parts: the difference of each changed (series, window) of the partition, once. observations: see OBSERVATION_SCHEMA.
    corrected_cases: cases with corrections; their rows here were left out, rebuild them from all their events.
    events: rows of the system's sources. cases: cases touched. cases_new: of these, first seen in this step.
    negative_spans: change in the number of (case, measure) whose end lies before its start.
    values: of dimensions, that no event had named before; what other partitions met is not known here.
    clocks: of open cases, towards targets, that started, changed or ended.
    """

    parts: list[PartChange]
    observations: pa.RecordBatch
    corrected_cases: list[str]
    events: int
    cases: int
    cases_new: int
    negative_spans: int
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    clocks: ClockChanges = NO_CLOCKS
