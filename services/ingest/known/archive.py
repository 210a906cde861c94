"""The archive of old event ids of one tenant, as everything else in ingest knows it: see `known/old_ids.py`."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.ingest.hashes import Hashes
from services.ingest.known.index import Rows
from services.ingest.log.interface import Log


class IdArchive(Protocol):
    """Holds the ids of all commits through `position`, and of no later one."""

    async def position(self) -> int: ...

    async def suspects(self, hashes: Hashes, times_us: NDArray[np.int64], rows: Rows) -> tuple[Rows, Rows]:
        """Pairs (row, position of a commit that may hold its event) for some rows."""

    async def advance(self, log: Log, through: int) -> bool:
        """Archives the ids of the next commits up to a position; True: there are more."""
