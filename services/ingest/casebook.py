"""Which segments hold a case, so that a case is read without scanning the log."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.hashing import Hashes, hash_texts
from services.ingest.index import HashIndex
from services.ingest.pseudonyms import TenantKeys
from services.ingest.segments import decoded
from services.ingest.store import Place, Session

LOAD_COMMITS = 500


class CaseBook:
    """Loaded by the first question and caught up by each one.

    Memory: 10 to 12 bytes for each pair of case and segment. A question costs a search for each case, the read of the
    new commits' case hashes, and one decoded segment for each place that the cases were seen in.
    """

    def __init__(self, keys: TenantKeys) -> None:
        self._keys = keys
        self._index = HashIndex()
        self._places: list[Place] = []
        self._position = 0
        self._catching_up = asyncio.Lock()

    async def places(self, session: Session, case_ids: Sequence[str], through: int) -> list[Place]:
        """Where these cases may be, in log order, through a position."""
        async with self._catching_up:
            while self._position < through:
                until = min(self._position + LOAD_COMMITS, through)
                self._learn(await session.case_hashes_between(self._position, until))
                self._position = until
        asked = hash_texts(pa.array(case_ids, pa.string()), self._keys.cases)
        _, found = self._index.candidates(asked)
        places = [self._places[number] for number in np.unique(found).tolist()]
        return [place for place in places if place.position <= through]

    def _learn(self, segments: Sequence[tuple[Place, bytes]]) -> None:
        if not segments:
            return
        hashes: list[Hashes] = [np.frombuffer(stored, dtype="<u8") for _, stored in segments]
        first = len(self._places)
        self._places += [place for place, _ in segments]
        numbers = np.repeat(np.arange(first, len(self._places)), [len(some) for some in hashes])
        self._index.add(np.concatenate(hashes), numbers)


def events_of(stream: bytes, case_ids: pa.Array) -> pa.RecordBatch:
    """The events of these cases in one segment; none where only a hash agreed."""
    page = decoded(stream)
    return page.filter(pc.is_in(page.column("case_id"), value_set=case_ids))
