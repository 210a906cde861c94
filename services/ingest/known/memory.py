"""What a process remembers of a tenant's log to recognise its events again, caught up with other processes' commits."""

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from services.ingest.columns import codes_of
from services.ingest.hashes import Hashes
from services.ingest.known.deduplication import StoredEvents, Suspects
from services.ingest.known.index import SPAN_MAX, HashIndex, compact, positions_of
from services.ingest.log.interface import Log
from services.ingest.model import DEDUP_HORIZON_US, FUTURE_TOLERANCE_US, Admission, Source, SourceId

LOAD_COMMITS = 500
_FORGET_EVERY_US = 3_600 * 1_000_000
# The clock of a process that admits and that of the database may differ by so much.
_CLOCKS_DIFFER_US = 3_600 * 1_000_000


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

    async def begin(self, log: Log, now_us: int, horizon_us: int, archived: int) -> None:
        """Starts where the longest horizon begins, or where the archive of old ids ends if that is earlier."""
        self.since_us = now_us - horizon_us
        self.after = self.position = min(await log.position_before(self.since_us), archived)
        self._forgotten_at_us = now_us

    async def catch_up(self, log: Log, through: int) -> None:
        """Reads what was committed since, by whichever process."""
        while self.position < through:
            until = min(self.position + LOAD_COMMITS, through)
            segments = await log.read_hashes(self.position, until)
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
            await compact(self._index)

    def learn_own(self, id_hashes: Hashes, position: int, committed_at_us: int) -> None:
        """What this process has just committed, without reading it back."""
        self.position = position
        self._committed_us.append(committed_at_us)
        self._index.make_room(self.after, position)
        self._index.add(id_hashes, position)
        if self._index.compaction_due() and (self._compacting is None or self._compacting.done()):
            self._compacting = asyncio.create_task(compact(self._index))

    def suspects(self, admission: Admission, sources: Mapping[SourceId, Source], now_us: int) -> Suspects:
        old = np.zeros(0, dtype=np.int64)
        if self.after:
            tolerance_us = max([FUTURE_TOLERANCE_US, *(source.future_tolerance_us for source in sources.values())])
            event_us = admission.page.column("time").view(pa.int64()).to_numpy()
            # See `known/old_ids.py`.
            old = np.flatnonzero(event_us < self.since_us + tolerance_us + _CLOCKS_DIFFER_US)
        rows, numbers = self._index.candidates(admission.id_hashes)
        if len(rows) == 0:
            return Suspects(rows, numbers, np.zeros(0, dtype=np.bool_), old)
        rows, positions = positions_of(rows, numbers, self._index.span, self.after, self.position)
        column = admission.page.column("source")
        known = [sources.get(SourceId(name)) for name in column.dictionary.to_pylist()]
        horizons = np.array([one.dedup_horizon_us if one else DEDUP_HORIZON_US for one in known], dtype=np.int64)
        # Copied one by one, as an array cannot grow while numpy looks at it; but nearly always they are few.
        asked, which = np.unique(positions, return_inverse=True)
        times = [self._committed_us[place] for place in (asked - self.after - 1).tolist()]
        committed_us = np.array(times, dtype=np.int64)[which]
        recent = committed_us >= now_us - horizons[codes_of(column)[rows]]
        return Suspects(rows, positions, recent, old)

    async def stored(self, log: Log, suspects: Suspects) -> dict[int, list[StoredEvents]]:
        """What the commits hold that suspects name, out of the cache or the log."""
        positions = np.unique(suspects.positions).tolist()
        found = {position: self._cache[position] for position in positions if position in self._cache}
        absent = [position for position in positions if position not in found]
        if absent:
            for position, segments in (await log.read_segments(absent)).items():
                found[position] = [
                    StoredEvents(one.events, np.frombuffer(one.id_hashes, dtype="<u8")) for one in segments
                ]
                self._cache[position] = found[position]
                self._cache_bytes += sum(one.size for one in found[position])
        while self._cache_bytes > self._cache_bytes_max and self._cache:
            _, dropped = self._cache.popitem(last=False)
            self._cache_bytes -= sum(one.size for one in dropped)
        return found

    def forget(self, now_us: int, horizon_us: int, archived: int) -> None:
        """Drops what is older than the longest horizon and archived, once an hour."""
        if now_us - self._forgotten_at_us < _FORGET_EVERY_US:
            return
        self._forgotten_at_us = now_us
        oldest = now_us - horizon_us
        dead, dead_max = 0, min(len(self._committed_us), archived - self.after)
        while dead < dead_max and self._committed_us[dead] < oldest:
            dead += 1
        # Positions that wrapped cannot be told apart: then everything stays until the process is restarted.
        if dead and self.position - self.after < SPAN_MAX:
            self._index.forget(self.after, self.after + dead)
            self.after += dead
            del self._committed_us[:dead]
            self.since_us = max(self.since_us, oldest)
