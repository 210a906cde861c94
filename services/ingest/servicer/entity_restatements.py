"""A link is for events before it, too: a marker is appended to each of their cases, so that followers read these again.

Theory of operation. The change of links left what is to be restated: keys of a field of a source, and the position of
the change. The commits of the source up to it are read some at a time, and what is done is stored after each part.
Markers have ids that follow from the change, the part and the case: a process that dies in between, or another one that
does the same, writes the same events, and the log has them once. It costs a read of the source's commits, once for each
change, and a marker for each case and part; nothing of the log is written again.
"""

import hashlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from andon.ingest.v1 import event_pb2

from services.ingest.log.segments import decoded
from services.ingest.model import IncomingBatch
from services.ingest.registry.entities.model import Restatement, key_form
from services.ingest.registry.entities.resolution import text_of
from services.ingest.wire import batches
from services.ingest.wire.entities import marker_event
from services.ingest.workers import computed
from services.ingest.writer.interface import IngestStore
from services.ingest.writer.tenant_log import TenantLog

_COMMITS_AT_ONCE = 20
_PARTS_A_ROUND = 50
_MARKERS_AT_ONCE = 5_000


class EntityRestatements:
    def __init__(self, store: IngestStore) -> None:
        self._store = store

    async def go_on(self, log: TenantLog) -> None:
        """Some parts of what is to be restated; the next round goes on."""
        for _ in range(_PARTS_A_ROUND):
            async with self._store.session(log.tenant) as session:
                waiting = await session.entities.restatements(1)
                if not waiting:
                    return
                one = waiting[0]
                commits = await session.registry.commits_of(one.source, one.done, one.through, _COMMITS_AT_ONCE)
                segments = await session.log.read_segments(commits)
            streams = [each.events for some in segments.values() for each in some]
            rows = sum(len(each.id_hashes) for some in segments.values() for each in some) // 8
            cases = await computed(rows, partial(_cases, one, streams))
            markers = [
                marker_event(one.since, _marker_id(one, case_id), case_id, time_us)
                for case_id, time_us in sorted(cases.items())
            ]
            for begin in range(0, len(markers), _MARKERS_AT_ONCE):
                events = event_pb2.EventRows(events=markers[begin : begin + _MARKERS_AT_ONCE])
                await log.submit(IncomingBatch(batches.arrival(event_pb2.EventBatch(rows=events)), is_own=True))
            through = commits[-1] if len(commits) == _COMMITS_AT_ONCE else one.through
            async with self._store.changing(log.tenant) as session:
                await session.entities.restated(one, through)


def _marker_id(one: Restatement, case_id: str) -> str:
    named = f"{one.source}\0{one.field}\0{case_id}".encode()
    return f"{one.since}/{one.done}/{hashlib.sha256(named).hexdigest()[:32]}"


def _cases(one: Restatement, streams: Sequence[bytes]) -> dict[str, int]:
    """The cases of events with one of the keys, each with the latest time of these."""
    wanted, found = set(one.keys), dict[str, int]()
    for stream in streams:
        page = decoded(stream)
        own = np.asarray(pc.equal(text_of(page.column("source")), one.source).fill_null(False))
        for place, name in enumerate(page.schema.names):
            if name != one.field or not own.any():
                continue
            coded = pc.dictionary_encode(text_of(page.column(place)))
            named = np.array([key_form(text) in wanted for text in coded.dictionary.to_pylist()] + [False], np.bool_)
            codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            rows = pa.array(np.flatnonzero(own & named[codes]))
            cases = page.column("case_id").take(rows).to_pylist()
            times = page.column("time").view(pa.int64()).take(rows).to_pylist()
            for case_id, time_us in zip(cases, times, strict=True):
                found[case_id] = max(time_us, found.get(case_id, time_us))
    return found
