"""Sends the desk's events through the public API as fast as they are taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from andon_records.batches import Batch, ipc_stream

from demo.simulation import SOURCE, Event

BATCH_EVENTS = 2_000
ATTRIBUTES = {"channel": pa.utf8(), "priority": pa.utf8(), "team": pa.utf8(), "csat": pa.float64()}


def batches(events: Sequence[Event], batch_events: int = BATCH_EVENTS) -> Iterator[Batch]:
    for sequence, start in enumerate(range(0, len(events), batch_events)):
        piece = events[start : start + batch_events]
        count, last = len(piece), start + len(piece)
        yield Batch(sequence, _arrow(piece), count, count, last, range(start + 1, last + 1))


def _arrow(events: Sequence[Event]) -> bytes:
    columns = {
        "id": pa.array([event.id for event in events]),
        "source": pa.array([SOURCE] * len(events)).dictionary_encode(),
        "case_id": pa.array([event.case_id for event in events]).dictionary_encode(),
        "activity": pa.array([event.activity for event in events]).dictionary_encode(),
        "time": pa.array([event.time for event in events], pa.timestamp("us", "UTC")),
        "resource": pa.array([event.agent or None for event in events], pa.utf8()).dictionary_encode(),
    }
    for name, kind in ATTRIBUTES.items():
        columns[f"attributes.{name}"] = pa.array([event.attributes.get(name) for event in events], kind)
    return ipc_stream(pa.RecordBatch.from_pydict(columns))
