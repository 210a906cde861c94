"""The partitions of one version that this replica folds: opened, stepped through, kept as snapshots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.runtime.cursors import foreign_position
from services.runtime.ownership import Lease
from services.scoring.fold.open_cases import case_targets
from services.scoring.fold.step import DecodedPage
from services.scoring.metrics import scoring_metrics
from services.scoring.replica.clock_changes import changes_of, rows_of
from services.scoring.replica.gathered import Folded, Gathered, observation_page
from services.scoring.replica.partition_state import PartitionState, reload_cases, restore_partition, store_snapshot
from services.scoring.replica.reopen import OpenedBook
from services.scoring.settings import ScoringSettings
from services.scoring.store import Store
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series_budget import SliceDimensions
from services.scoring.wire.ingest_client import IngestClient, Received, ReceivedPage, table_of

CASES_READ_MAX = 5_000
INLINE_EVENTS_MAX = 2_000
"""So few events are folded where they arrive: to hand them to a thread and to wait for it takes longer."""
Pages = dict[int, list[DecodedPage]]
ReceivedPages = dict[int, list[ReceivedPage]]


@dataclass(frozen=True)
class Bound:
    """How far a step goes: through which cursor of the log, and up to which moment clocks of open cases have run."""

    through: str
    now_us: int | None


class Partitions:
    def __init__(
        self, tenant: str, system: IndicatorSystem, store: Store, ingest: IngestClient, settings: ScoringSettings
    ) -> None:
        self.tenant = tenant
        self.system = system
        self.states: dict[int, PartitionState] = {}
        self._store = store
        self._ingest = ingest
        self._settings = settings
        self._targets = [target.indicator for target in case_targets(system.spec)]

    async def open(self, leases: Mapping[int, Lease]) -> None:
        """Drops what this replica no longer owns, and restores what it owns now."""
        for partition, state in list(self.states.items()):
            if leases.get(partition) != state.lease:
                del self.states[partition]
        rows = await self._store.progress(self.tenant, self.system.name, self.system.version)
        kept = {one.partition: one for one in rows}
        for partition in leases.keys() - self.states.keys():
            self.states[partition] = await restore_partition(
                self._store, self.tenant, self.system, leases[partition], partition, kept.get(partition)
            )

    def furthest_behind(self) -> PartitionState:
        return min(self.states.values(), key=lambda state: state.position)

    async def gather(
        self, responses: Sequence[Received], dropped: frozenset[SliceDimensions] = frozenset()
    ) -> Gathered:
        """Folds what these responses hold; what comes back is of the pages that were never stored.

        Stored pages (a replay after a restart or a moved lease) are a step of their own, whose changes are dropped:
        the book holds them already. In one step with new pages a case that entered a window by the former and left
        it by the latter would change nothing, and the book would hold it for ever.
        dropped: slices that have too many combinations of values, over all partitions.
        """
        for state in self.states.values():
            state.fold.drop(dropped)
        last = responses[-1]
        position = foreign_position(last.through)
        stored, fresh = self._new_pages(responses)
        replayed = await self._fold(stored, position, self._stored_bounds(last, position))
        for partition, steps in replayed.items():
            scoring_metrics.add("andon.scoring.events.replayed", steps[0].step.events)
            self._replay_clocks(self.states[partition], steps)
        gathered = Gathered()
        bounds = {
            partition: Bound(last.through, state.watermark_at(position, last.watermark_us))
            for partition, state in self.states.items()
            if position >= state.committed_position
        }
        for partition, steps in (await self._fold(fresh, position, bounds)).items():
            gathered.take(partition, steps, self._targets)
            gathered.events += steps[0].step.events
            scoring_metrics.add("andon.scoring.durations.negative", max(steps[0].step.negative_spans, 0))
        for state in self.states.values():
            state.case_count = state.fold.case_count
            state.advance(position, last.through, last.watermark_us)
            if state.clocks is not None and not state.is_behind:
                gathered.clocks.clear(state.partition, state.clocks)
                gathered.partitions.add(state.partition)
                state.clocks = None
        return gathered

    def _replay_clocks(self, state: PartitionState, steps: Sequence[Folded]) -> None:
        if state.clocks is not None:
            for one in steps:
                for key, row in rows_of(state.partition, changes_of(one.step.clocks, self._targets)).items():
                    if row is None:
                        state.clocks.pop(key, None)
                    else:
                        state.clocks[key] = row

    def _new_pages(self, responses: Sequence[Received]) -> tuple[ReceivedPages, ReceivedPages]:
        """Pages by partition that are not folded yet: those that were stored before, and the fresh ones.

        A partition that came later makes the others see theirs again. Pages are parts of commits, and a step takes
        whole commits: none lies on both sides of what was stored.
        """
        stored: ReceivedPages = {}
        fresh: ReceivedPages = {}
        for response in responses:
            if response.pages:
                scoring_metrics.record("andon.scoring.intake.lag", response.lag_s)
            for page in response.pages:
                state = self.states.get(page.partition)
                if state is not None and page.first_offset >= state.next_offset:
                    (stored if state.is_replaying else fresh).setdefault(page.partition, []).append(page)
                    state.next_offset = page.first_offset + page.event_count
                    state.event_count += page.event_count
        return stored, fresh

    def _stored_bounds(self, last: Received, position: int) -> dict[int, Bound]:
        """How far the stored part of a replay goes, by partition: no event and no moment of the fresh part is in it."""
        return {
            partition: Bound(state.committed_through, state.committed_watermark_us)
            if position >= state.committed_position
            else Bound(last.through, state.watermark_at(position, last.watermark_us))
            for partition, state in self.states.items()
            if state.is_behind
        }

    async def _fold(self, fresh: ReceivedPages, position: int, bounds: Mapping[int, Bound]) -> dict[int, list[Folded]]:
        """One step of each partition that has pages or whose cases have come to a limit by time alone.

        Steps that rebuild corrected cases follow, from what is logged through the bound.
        """
        due = [one for one, bound in bounds.items() if one in fresh or self.states[one].fold.is_due(bound.now_us)]
        if not due:
            return {}
        few = sum(page.event_count for listed in fresh.values() for page in listed) <= INLINE_EVENTS_MAX
        pages = _decoded(fresh, position) if few else await asyncio.to_thread(_decoded, fresh, position)
        for partition, listed in pages.items():
            state = self.states[partition]
            if len(state.fold.evicted):
                wanted = await asyncio.to_thread(state.fold.evicted.named_in, [page.events for page in listed])
                await reload_cases(self._store, state.key(self.tenant, self.system), state.fold, wanted)
        chosen = {one: (pages.get(one, []), bounds[one].now_us) for one in due}
        folded = self._fold_pages(chosen) if few else await asyncio.to_thread(self._fold_pages, chosen)
        steps: dict[int, list[Folded]] = {}
        for partition, one in folded.items():
            steps[partition] = [one]
            if one.step.corrected_cases:
                steps[partition] += await self._rebuild(partition, one.step.corrected_cases, bounds[partition])
        return steps

    def _fold_pages(self, chosen: Mapping[int, tuple[list[DecodedPage], int | None]]) -> dict[int, Folded]:
        folded: dict[int, Folded] = {}
        for partition, (listed, now_us) in chosen.items():
            step = self.states[partition].fold.fold(listed, now_us)
            folded[partition] = Folded(step, observation_page(partition, step.observations))
        return folded

    async def _rebuild(self, partition: int, cases: Sequence[str], bound: Bound) -> list[Folded]:
        fold = self.states[partition].fold
        steps: list[Folded] = []
        for start in range(0, len(cases), CASES_READ_MAX):
            some = list(cases[start : start + CASES_READ_MAX])
            events = await self._ingest.cases(some, bound.through)
            if events:
                step = await asyncio.to_thread(fold.rebuild, some, events, bound.now_us)
                steps.append(Folded(step, observation_page(partition, step.observations), rebuilt=True))
        scoring_metrics.add("andon.scoring.cases.corrected", len(cases))
        return steps

    async def snapshot_when_due(self, opened: OpenedBook) -> None:
        events, interval_s = self._settings.snapshot_events, self._settings.snapshot_interval_s
        now_s = time.monotonic()
        if any(state.snapshot_due(events, interval_s, now_s) for state in self.states.values()):
            # All at once: a book is opened from the oldest of them.
            for state in self.states.values():
                if not state.is_replaying and state.position > state.snapshot_position:
                    await store_snapshot(self._store, self.tenant, opened, state, self._settings.case_idle_days)
                    scoring_metrics.add("andon.scoring.snapshots")


def _decoded(pages: Mapping[int, Sequence[ReceivedPage]], position: int) -> Pages:
    return {
        partition: [DecodedPage(table_of(page.arrow_ipc), partition, position) for page in listed]
        for partition, listed in pages.items()
    }
