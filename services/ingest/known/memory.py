"""What a process remembers of a tenant's log to recognise its events again, caught up with other processes' commits."""

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.known.deduplication import StoredEvents, judge_against_stored, judge_within_page
from services.ingest.known.index import SPAN_MAX, HashIndex, Rows, compact, positions_of
from services.ingest.log.interface import Log
from services.ingest.log.plan import CommitPlan
from services.ingest.log.records import HashedSegment
from services.ingest.model import DEDUP_HORIZON_US, Admission, Source, SourceId

LOAD_COMMITS = 500
_FORGET_EVERY_US = 3_600 * 1_000_000


class Memory:
    """Holds the commits of positions (`after`, `position`]; `since_us` is how far back in time that reaches.

    Memory: 10 to 12 bytes for each event, 8 for each commit, and the cache.
    """

    def __init__(self, cache_bytes_max: int) -> None:
        self.after = 0
        self.position = 0
        self.since_us = 0
        self._index = HashIndex()
        self._committed_us = array("q")
        self._cache: OrderedDict[int, list[StoredEvents]] = OrderedDict()
        self._cache_bytes = 0
        self._cache_bytes_max = cache_bytes_max
        self._forgotten_at_us = 0
        self._compacting: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._index)

    async def begin(self, log: Log, now_us: int, horizon_us: int) -> None:
        """Starts where the longest horizon begins."""
        self.since_us = now_us - horizon_us
        self.after = self.position = await log.position_before(self.since_us)
        self._forgotten_at_us = now_us

    async def catch_up(self, log: Log, through: int) -> None:
        """Reads what was committed since, by whichever process."""
        while self.position < through:
            until = min(self.position + LOAD_COMMITS, through)
            self._learn(await log.read_hashes(self.position, until), until)
            await compact(self._index)

    def _learn(self, segments: Sequence[HashedSegment], until: int) -> None:
        # A commit without segments has no event that could be asked for, so its time does not matter.
        self._committed_us.extend([0] * (until - self.position))
        self.position = until
        self._index.make_room(self.after, until)
        for segment in segments:
            self._committed_us[segment.position - self.after - 1] = segment.committed_at_us
        if segments:
            hashes = [np.frombuffer(segment.hashes, dtype="<u8") for segment in segments]
            positions = np.repeat([segment.position for segment in segments], [len(some) for some in hashes])
            self._index.add(np.concatenate(hashes), positions)

    def learn_own(self, plan: CommitPlan, position: int, committed_at_us: int) -> None:
        """What this process has just committed, without reading it back."""
        self.position = position
        self._committed_us.append(committed_at_us)
        self._index.make_room(self.after, position)
        self._index.add(plan.id_hashes, position)
        if self._index.compaction_due() and (self._compacting is None or self._compacting.done()):
            self._compacting = asyncio.create_task(compact(self._index))

    def judge(
        self, admission: Admission, rows: Rows, positions: Rows, stored: Mapping[int, Sequence[StoredEvents]]
    ) -> NDArray[np.int8]:
        """New, duplicate or conflict, for each admitted event, given its suspects and what their commits hold."""
        hashes = admission.id_hashes
        outcome = np.zeros(admission.page.num_rows, dtype=np.int8)
        if len(rows):
            outcome = judge_against_stored(admission.page, hashes, rows, positions, stored)
        return judge_within_page(admission.page, hashes, outcome)

    def suspects(self, admission: Admission, sources: Mapping[SourceId, Source], now_us: int) -> tuple[Rows, Rows]:
        """Pairs (row, position of a commit that may hold its event)."""
        rows, numbers = self._index.candidates(admission.id_hashes)
        if len(rows) == 0:
            return rows, numbers
        rows, positions = positions_of(rows, numbers, self._index.span, self.after, self.position)
        live = self._live(admission.page, rows, positions, sources, now_us)
        return rows[live], positions[live]

    def _live(
        self,
        page: pa.RecordBatch,
        rows: Rows,
        positions: Rows,
        sources: Mapping[SourceId, Source],
        now_us: int,
    ) -> NDArray[np.bool_]:
        """Only ids within their source's horizon are remembered."""
        column = page.column("source")
        known = [sources.get(SourceId(name)) for name in column.dictionary.to_pylist()]
        horizons = np.array([one.dedup_horizon_us if one else DEDUP_HORIZON_US for one in known], dtype=np.int64)
        codes = column.indices.to_numpy(zero_copy_only=False)[rows]
        return np.asarray(self._committed_at(positions) >= now_us - horizons[codes])

    def _committed_at(self, positions: Rows) -> NDArray[np.int64]:
        """Copied one by one, as an array cannot grow while numpy looks at it; but nearly always they are few."""
        asked, which = np.unique(positions, return_inverse=True)
        times = [self._committed_us[place] for place in (asked - self.after - 1).tolist()]
        return np.array(times, dtype=np.int64)[which]

    async def stored(self, log: Log, suspects: Rows) -> dict[int, list[StoredEvents]]:
        """What the commits at these positions hold, out of the cache or the log."""
        positions = np.unique(suspects).tolist()
        found = {position: self._cache[position] for position in positions if position in self._cache}
        absent = [position for position in positions if position not in found]
        if absent:
            for position, segments in (await log.read_segments(absent)).items():
                found[position] = [
                    StoredEvents(one.events, np.frombuffer(one.id_hashes, dtype="<u8")) for one in segments
                ]
                self._cache_stored(position, found[position])
        return found

    def _cache_stored(self, position: int, stored: list[StoredEvents]) -> None:
        self._cache[position] = stored
        self._cache_bytes += sum(one.size for one in stored)
        while self._cache_bytes > self._cache_bytes_max and self._cache:
            _, dropped = self._cache.popitem(last=False)
            self._cache_bytes -= sum(one.size for one in dropped)

    def forget(self, now_us: int, horizon_us: int) -> None:
        """Drops what is older than the longest horizon, once an hour."""
        if now_us - self._forgotten_at_us < _FORGET_EVERY_US:
            return
        self._forgotten_at_us = now_us
        oldest = now_us - horizon_us
        dead = 0
        while dead < len(self._committed_us) and self._committed_us[dead] < oldest:
            dead += 1
        # Positions that wrapped cannot be told apart: then everything stays until the process starts anew.
        if dead and self.position - self.after < SPAN_MAX:
            self._index.forget(self.after, self.after + dead)
            self.after += dead
            del self._committed_us[:dead]
            self.since_us = max(self.since_us, oldest)
