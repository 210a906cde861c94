"""What keys of entities mean, as far as this process has read it; and the entities of what is read from the log."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from services.ingest.admission.own_source import ENTITY
from services.ingest.log.records import LoggedCommit, StoredPage
from services.ingest.log.segments import decoded, encoded
from services.ingest.log.tail import LogSlice
from services.ingest.model import TenantId
from services.ingest.registry.entities.model import LinkPlace
from services.ingest.registry.entities.resolution import Links
from services.ingest.writer.interface import IngestStore

_LINKS_AT_ONCE = 1_000
_FIRST: LinkPlace = (0, "", "", "", -1)


@dataclass
class KnownLinks:
    """Of one tenant, as of the end of the log at `through`."""

    links: Links = field(default_factory=Links)
    through: int = -1
    after: LinkPlace = _FIRST
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class EntityLinks:
    """Read by the first question, and caught up by each one about a later end of the log: what changed, and no more."""

    def __init__(self, store: IngestStore) -> None:
        self._store = store
        self._known: dict[TenantId, KnownLinks] = {}

    async def through(self, tenant: TenantId, position: int) -> Links:
        """At least all links that are known at a position of the log."""
        known = self._known.setdefault(tenant, KnownLinks())
        if known.through < position:
            async with known.reading:
                if known.through < position:
                    await self._catch_up(tenant, known)
        return known.links

    async def _catch_up(self, tenant: TenantId, known: KnownLinks) -> None:
        async with self._store.session(tenant) as session:
            head = await session.log.head()
            while page := await session.entities.changes(known.after, _LINKS_AT_ONCE):
                known.links.learn(link for _, link in page)
                known.after = page[-1][0]
        known.through = head.position

    async def added(self, tenant: TenantId, found: LogSlice) -> LogSlice:
        """The pages with the entities of their events, each as its keys were read at its commit."""
        if not any(one.pages for one in found.commits):
            return found
        links = await self.through(tenant, found.through)
        if not links.sources or not any(links.sources & one.commit.source_times.keys() for one in found.commits):
            return found
        return await asyncio.to_thread(_added, links, found)


def _added(links: Links, found: LogSlice) -> LogSlice:
    return replace(found, commits=[_commit(links, one) for one in found.commits])


def _commit(links: Links, one: LoggedCommit) -> LoggedCommit:
    if not links.sources & one.commit.source_times.keys():
        return one
    return replace(one, pages=tuple(_page(links, page, one.commit.position) for page in one.pages))


def _page(links: Links, page: StoredPage, position: int) -> StoredPage:
    events = decoded(page.events)
    found = links.resolved(events, np.full(events.num_rows, position, np.int64))
    return page if found is events else replace(page, events=encoded(found))


def restated_at(segments: Mapping[int, Sequence[pa.RecordBatch]]) -> dict[str, int]:
    """By case, the position of its latest marker. segments: events of cases by position."""
    found: dict[str, int] = {}
    for position, pages in segments.items():
        for page in pages:
            sources = page.column("source").cast(pa.string()).to_pylist()
            for source, case_id in zip(sources, page.column("case_id").to_pylist(), strict=True):
                if source == ENTITY:
                    found[case_id] = max(position, found.get(case_id, 0))
    return found


def of_cases(links: Links, events: pa.RecordBatch, position: int, restated: Mapping[str, int]) -> pa.RecordBatch:
    """Events of cases that a commit wrote, with their entities as keys were read at the latest marker of each case."""
    cases = events.column("case_id").to_pylist()
    at = np.array([max(position, restated.get(case_id, 0)) for case_id in cases], np.int64)
    return links.resolved(events, at)
