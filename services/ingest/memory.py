"""What a process remembers of a tenant's log to recognise its events again, caught up with other processes' commits."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.deduplication import StoredEvents, judge_known, judge_within
from services.ingest.index import HashIndex, Rows
from services.ingest.model import DEDUP_HORIZON_US, Source, SourceId
from services.ingest.plan import Gathering, Plan
from services.ingest.segments import decoded
from services.ingest.store import HashedSegment, Place, Session

LOAD_COMMITS = 500
_FORGET_EVERY_US = 3_600 * 1_000_000


class Memory:
    """`position` is how far it has read; `since_us` is how far back it reaches."""

    def __init__(self, cache_bytes_max: int) -> None:
        self.position = 0
        self.since_us = 0
        self._index = HashIndex()
        self._places: dict[int, Place] = {}
        self._committed_us: list[int] = []
        self._pages: OrderedDict[int, StoredEvents] = OrderedDict()
        self._page_bytes = 0
        self._cache_bytes_max = cache_bytes_max
        self._forgotten_at_us = 0

    def __len__(self) -> int:
        return len(self._index)

    async def catch_up(self, session: Session, through: int) -> None:
        """Reads what was committed since, by whichever process."""
        while self.position < through:
            until = min(self.position + LOAD_COMMITS, through)
            self._learn(await session.hashes_between(self.position, until))
            self.position = until

    async def begin(self, session: Session, now_us: int, horizon_us: int) -> None:
        """Starts where the longest horizon begins."""
        self.since_us = now_us - horizon_us
        self.position = await session.last_position_before(self.since_us)
        self._forgotten_at_us = now_us

    def _learn(self, segments: Sequence[HashedSegment]) -> None:
        if not segments:
            return
        hashes = [np.frombuffer(segment.hashes, dtype="<u8") for segment in segments]
        numbers = [self._number(segment.place, segment.committed_at_us) for segment in segments]
        self._index.add(np.concatenate(hashes), np.repeat(numbers, [len(some) for some in hashes]))

    def _number(self, place: Place, committed_at_us: int) -> int:
        number = len(self._committed_us)
        self._places[number] = place
        self._committed_us.append(committed_at_us)
        return number

    def learn_own(self, plan: Plan, position: int, committed_at_us: int) -> None:
        """What this process has just committed, without reading it back."""
        self.position = position
        if plan.cut is None:
            return
        numbers = np.array(
            [
                self._number(Place(position, segment.partition, segment.first_offset), committed_at_us)
                for segment in plan.cut.segments
            ]
        )
        self._index.add(plan.id_hashes, numbers[plan.cut.segment])

    async def judge(
        self, session: Session, gathering: Gathering, sources: Mapping[SourceId, Source], now_us: int
    ) -> NDArray[np.int8]:
        """New, duplicate or conflict, for each gathered event."""
        hashes = gathering.id_hashes
        outcome = np.zeros(gathering.page.num_rows, dtype=np.int8)
        rows, segments = self._index.candidates(hashes)
        if len(rows):
            live = self._live(gathering.page, rows, segments, sources, now_us)
            rows, segments = rows[live], segments[live]
        if len(rows):
            stored = await self._stored(session, np.unique(segments).tolist())
            outcome = judge_known(gathering.page, hashes, rows, segments, stored)
        return judge_within(gathering.page, hashes, outcome)

    def _live(
        self,
        page: pa.RecordBatch,
        rows: Rows,
        segments: Rows,
        sources: Mapping[SourceId, Source],
        now_us: int,
    ) -> NDArray[np.bool_]:
        """Only ids within their source's horizon are remembered."""
        column = page.column("source")
        known = [sources.get(SourceId(name)) for name in column.dictionary.to_pylist()]
        horizons = np.array([one.dedup_horizon_us if one else DEDUP_HORIZON_US for one in known], dtype=np.int64)
        codes = column.indices.to_numpy(zero_copy_only=False)[rows]
        numbers, where = np.unique(segments, return_inverse=True)
        committed = np.array([self._committed_us[number] for number in numbers.tolist()], dtype=np.int64)[where]
        return np.asarray(committed >= now_us - horizons[codes])

    async def _stored(self, session: Session, numbers: Sequence[int]) -> dict[int, StoredEvents]:
        found = {number: self._pages[number] for number in numbers if number in self._pages}
        absent = [number for number in numbers if number not in found]
        streams = await session.segments([self._places[number] for number in absent]) if absent else {}
        for number in absent:
            stored = streams[self._places[number]]
            found[number] = StoredEvents.of(decoded(stored.events), np.frombuffer(stored.id_hashes, dtype="<u8"))
            self._keep(number, found[number])
        return found

    def _keep(self, number: int, stored: StoredEvents) -> None:
        self._pages[number] = stored
        self._page_bytes += stored.size
        while self._page_bytes > self._cache_bytes_max and self._pages:
            _, dropped = self._pages.popitem(last=False)
            self._page_bytes -= dropped.size

    def forget(self, now_us: int, horizon_us: int) -> None:
        """Drops what is older than the longest horizon, once an hour."""
        if now_us - self._forgotten_at_us < _FORGET_EVERY_US:
            return
        self._forgotten_at_us = now_us
        oldest = now_us - horizon_us
        self.since_us = max(self.since_us, oldest)
        dead = [number for number in self._places if self._committed_us[number] < oldest]
        if dead:
            self._index.forget_before(max(dead) + 1)
            for number in dead:
                self._places.pop(number)
                page = self._pages.pop(number, None)
                self._page_bytes -= page.size if page is not None else 0
