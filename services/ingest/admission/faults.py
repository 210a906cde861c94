"""What is wrong with the events of one batch: the first fault of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.model import ATTRIBUTES_MAX, ID_CHARS_MAX, SOURCE, SOURCE_CHARS_MAX, Fault

Mask = NDArray[np.bool_]

MESSAGES: Mapping[str, str] = {
    "EVENT_ID_MISSING": "an event needs an id",
    "EVENT_ID_TOO_LONG": f"an id has at most {ID_CHARS_MAX} characters",
    "EVENT_ID_CONFLICT": "this id is known with another payload",
    "EVENT_SOURCE_INVALID": f"a source has 1 to {SOURCE_CHARS_MAX} of a-z, 0-9, dot, underscore and hyphen",
    "EVENT_CASE_MISSING": "an event needs a case_id",
    "EVENT_ACTIVITY_MISSING": "an event needs an activity",
    "EVENT_TIME_MISSING": "an event needs a time",
    "EVENT_TIME_TOO_EARLY": "before the earliest time of this source",
    "EVENT_TIME_IN_FUTURE": "further ahead of the clock than this source allows",
    "EVENT_OBJECT_KIND_UNKNOWN": "one of person, process, facility, environment, outcome",
    "EVENT_NUMBER_NOT_FINITE": "NaN and infinities are not numbers that can be scored",
    "EVENT_TEXT_INVALID": "too long, with control characters, or not valid Unicode",
    "EVENT_TOO_MANY_ATTRIBUTES": f"an event has at most {ATTRIBUTES_MAX} attributes",
    "EVENT_CORRECTION_INVALID": "an event either supersedes or retracts, and never itself",
    "EVENT_TRACEPARENT_INVALID": "not a W3C traceparent",
}


@dataclass
class FaultMarks:
    """The first fault of each row, gathered column by column."""

    rows: int
    reason: NDArray[np.int16] = field(init=False)
    kinds: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reason = np.full(self.rows, -1, dtype=np.int16)

    def note(self, mask: Mask | None, name: str, reason: str) -> None:
        if mask is None or not mask.any():
            return
        self.reason[mask & (self.reason < 0)] = len(self.kinds)
        self.kinds.append((name, reason))

    def faults(self, sources: pa.DictionaryArray) -> Iterator[Fault]:
        if not self.kinds:
            return
        indices = np.flatnonzero(self.reason >= 0)
        names = [name if SOURCE.fullmatch(name) else "" for name in sources.dictionary.to_pylist()] + [""]
        codes = sources.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
        for index in indices.tolist():
            name, reason = self.kinds[self.reason[index]]
            yield Fault(index, name, reason, MESSAGES[reason], names[codes[index]])
