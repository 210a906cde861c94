"""Which commits hold a case, so that a case is read without scanning the log."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.admission.tenant_keys import TenantKeys
from services.ingest.hashes import hash_texts
from services.ingest.known.index import HashIndex, compact, positions_of
from services.ingest.log.interface import Log
from services.ingest.log.segments import decoded, partition_of

LOAD_COMMITS = 500


class CaseIndex:
    """Loaded by the first question and caught up by each one.

    Memory: 10 to 12 bytes for each pair of case and segment. A question costs a search for each case, the read of the
    new commits' case hashes, and one decoded segment for each place that the cases were seen in.
    """

    def __init__(self, keys: TenantKeys) -> None:
        self._keys = keys
        self._index = HashIndex()
        self._position = 0
        self._catching_up = asyncio.Lock()

    async def positions(self, log: Log, case_ids: Sequence[str], through: int) -> list[int]:
        """The commits that may hold these cases, in order, through a position."""
        async with self._catching_up:
            while self._position < through:
                until = min(self._position + LOAD_COMMITS, through)
                self._index.make_room(0, until)
                if segments := await log.read_case_hashes(self._position, until):
                    hashes = [np.frombuffer(stored, dtype="<u8") for _, stored in segments]
                    found = np.repeat([position for position, _ in segments], [len(some) for some in hashes])
                    self._index.add(np.concatenate(hashes), found)
                self._position = until
                await compact(self._index)
        rows, numbers = self._index.candidates(self._hashes(case_ids))
        _, found = positions_of(rows, numbers, self._index.span, 0, min(through, self._position))
        positions: list[int] = np.unique(found).tolist()
        return positions

    def partitions(self, case_ids: Sequence[str], partition_count: int) -> list[int]:
        partitions: list[int] = np.unique(partition_of(self._hashes(case_ids), partition_count)).tolist()
        return partitions

    def _hashes(self, case_ids: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        return hash_texts(pa.array(case_ids, pa.string()), self._keys.cases)


def events_of(stream: bytes, case_ids: pa.Array) -> pa.RecordBatch:
    """The events of these cases in one segment; none where only a hash agreed."""
    page = decoded(stream)
    return page.filter(pc.is_in(page.column("case_id"), value_set=case_ids))
