"""One step of the fold as one transaction: locked, fenced, and everything that it changes kept together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import IntEnum
from uuid import UUID

import asyncpg

from services.runtime.database import acquire, tenant_transaction
from services.runtime.ownership import Lease, LostLease
from services.scoring.store.open_cases import NO_OPEN_CASES, OpenCaseStep, write_open_cases
from services.scoring.store.progress import PROGRESS_COLUMNS, Progress, progress_of
from services.scoring.store.statements import QUERIES, columns
from services.scoring.store.windows import WindowReader

ENTRIES_PREFETCHED = 20


class VersionRetired(Exception):
    """The version is no longer the active one; nothing may be written under it."""


class Outdated(Exception):
    """The version, or a lease, is no longer as a step was decided upon; the step has to be decided again."""


class EntriesGone(Exception):
    """Entries that a book has not taken over yet are no longer kept; it has to be opened again."""


class SwitchPhase(IntEnum):
    """What a switch decides next. NONE: it has not begun, or is over."""

    NONE = 0
    INDICATORS = 1
    COMPOSITES = 2


@dataclass(frozen=True)
class Entry:
    """One step, as the version's own replicas read it."""

    position: int
    step: UUID | None
    scores: bytes
    signals: bytes
    change: bytes


@dataclass(frozen=True)
class NewEntry:
    """A step, or a part of one that states much, about to be appended. `change` of a step goes with its first entry."""

    scores: bytes
    signals: bytes
    change: bytes


ENTRY_COLUMNS = [one.name for one in fields(NewEntry)]


@dataclass(frozen=True)
class ObservationPage:
    partition: int
    anchor_min: int
    anchor_max: int
    page: bytes


OBSERVATION_COLUMNS = [one.name for one in fields(ObservationPage)]


@dataclass(frozen=True)
class SwitchPlace:
    """How far the switch to a version has come; `entries` are staged.

    series, start_us: the last window that was decided; of composites the kind of window and its start.
    chart: that series' chart so far, encoded; empty where it has none.
    """

    phase: SwitchPhase = SwitchPhase.NONE
    series: str = ""
    start_us: int = 0
    entries: int = 0
    chart: bytes = b""


@dataclass(frozen=True)
class VersionState:
    """Of one version, as it was kept last: what a step is decided upon."""

    scored_position: int
    switched: bool
    progress: Sequence[Progress]
    switch: SwitchPlace = field(default_factory=SwitchPlace)


@dataclass(frozen=True)
class ScoreRow:
    """`body`: the score as a message; everything else is in it too, where statements can see it."""

    series: str
    window_start: int
    window_end: int
    indicator: str
    window_kind: int
    whole: bool
    present: bool
    complete: bool
    body: bytes
    digest: bytes
    revision: int


@dataclass(frozen=True)
class SignalRow:
    """`body`: the signal as a message. standing: it was not retracted."""

    name: str
    series: str
    window_start: int
    window_end: int
    indicator: str
    window_kind: int
    whole: bool
    standing: bool
    body: bytes
    digest: bytes


@dataclass(frozen=True)
class StatisticsRow:
    """Of a window that leaves memory, or had left it. body None: nothing is left of it."""

    series: str
    window_start: int
    window_end: int
    body: bytes | None


@dataclass(frozen=True)
class ChartStateRow:
    """A state of a chart that stays: what of it is drawn later begins there. is_judged: phase I is over."""

    series: str
    through_us: int
    is_judged: bool
    body: bytes


CHART_STATE_COLUMNS = [one.name for one in fields(ChartStateRow)]
STATISTICS_COLUMNS = [one.name for one in fields(StatisticsRow)]
SCORE_COLUMNS = [one.name for one in fields(ScoreRow)]
SIGNAL_COLUMNS = [one.name for one in fields(SignalRow)]


@dataclass(frozen=True)
class NewStep:
    """Everything that a step changes.

    id: what its entries are recognised by where the answer to a commit was lost.
    charts_kept_us: series of which states that have taken in a window after this instant go, but for `chart_states`.
    """

    id: UUID
    progress: Sequence[Progress]
    now: datetime
    entries: Sequence[NewEntry] = ()
    observations: Sequence[ObservationPage] = ()
    scores: Sequence[ScoreRow] = ()
    signals: Sequence[SignalRow] = ()
    statistics: Sequence[StatisticsRow] = ()
    traceparent: str = ""
    chart_states: Sequence[ChartStateRow] = ()
    charts_kept_us: Mapping[str, int] = field(default_factory=dict)
    open_cases: OpenCaseStep = NO_OPEN_CASES


class StepTransaction(WindowReader):
    """One step of the fold under the tenant's lock."""

    def __init__(self, connection: asyncpg.Connection, tenant: str, system: str, version: int) -> None:
        super().__init__(connection, (tenant, system, version))
        self._oldest = 0

    async def state(self, leases: Sequence[Lease]) -> VersionState:
        """Raises VersionRetired, and LostLease where one of these is no longer held."""
        names = [lease.resource for lease in leases]
        rows = await self._connection.fetch(QUERIES.version_state, *self._key, names)
        if not rows:
            raise VersionRetired
        first = rows[0]
        epochs = dict(zip(first["resources"], first["epochs"], strict=True))
        for lease in leases:
            if epochs.get(lease.resource) != lease.epoch:
                raise LostLease(lease)
        self._oldest = first["oldest"]
        progress = [progress_of(row) for row in rows if row["partition"] is not None]
        switch = SwitchPlace(
            SwitchPhase(first["switch_phase"]),
            first["switch_series"],
            first["switch_start"],
            first["switch_entries"],
            first["switch_chart"],
        )
        return VersionState(first["scored_position"], first["switched"], progress, switch)

    async def entries_missed(self, position: int) -> AsyncIterator[Entry]:
        """What others kept of this version since a book was at this position. Raises EntriesGone."""
        if position < self._oldest:
            raise EntriesGone
        async for entry in self.entries_after(position):
            yield entry

    async def entries_after(self, position: int) -> AsyncIterator[Entry]:
        """A few at a time: each may be as large as a response of a watch."""
        async for row in self._connection.cursor(
            QUERIES.entries_of_version, *self._key, position, prefetch=ENTRIES_PREFETCHED
        ):
            yield Entry(**row)

    async def commit(self, step: NewStep, believed: VersionState, leases: Sequence[Lease]) -> int:
        """The position of the last entry."""
        return await _commit(self._connection, self._key, step, believed, leases)


class Steps:
    _pool: asyncpg.Pool

    @asynccontextmanager
    async def step(self, tenant: str, system: str, version: int) -> AsyncIterator[StepTransaction]:
        """What is read in it is read after the lock, in statements of its own: nobody else moves on before it ends."""
        async with tenant_transaction(self._pool, tenant, first=QUERIES.lock_head) as connection:
            yield StepTransaction(connection, tenant, system, version)

    async def commit_step(
        self, tenant: str, system: str, version: int, step: NewStep, believed: VersionState, leases: Sequence[Lease]
    ) -> int:
        """In a transaction that is as short as can be. The position of the last entry.

        Raises Outdated, and keeps nothing, where the version or a lease is not as believed.
        """
        async with acquire(self._pool) as connection:
            if step.open_cases.empty:
                return await _commit(connection, (tenant, system, version), step, believed, leases)
            async with connection.transaction():
                return await _commit(connection, (tenant, system, version), step, believed, leases)


async def _commit(
    connection: asyncpg.Connection,
    key: tuple[str, str, int],
    step: NewStep,
    believed: VersionState,
    leases: Sequence[Lease],
) -> int:
    """Where it changes clocks of open cases it takes more than one statement, and has to run in a transaction."""
    position = await connection.fetchval(
        QUERIES.commit_step,
        *key,
        believed.scored_position,
        believed.switched,
        [lease.resource for lease in leases],
        [lease.epoch for lease in leases],
        *columns(step.progress, PROGRESS_COLUMNS),
        *columns(step.entries, ENTRY_COLUMNS),
        step.traceparent,
        # To switch takes pieces of its own (`store.version_switch`).
        False,
        *columns(step.observations, OBSERVATION_COLUMNS),
        *columns(step.scores, SCORE_COLUMNS),
        step.now,
        *columns(step.signals, SIGNAL_COLUMNS),
        step.id,
        *columns(step.statistics, STATISTICS_COLUMNS),
        list(step.charts_kept_us),
        list(step.charts_kept_us.values()),
        *columns(step.chart_states, CHART_STATE_COLUMNS),
    )
    if position is None:
        raise Outdated
    if not step.open_cases.empty:
        await write_open_cases(connection, key, step.id, step.open_cases)
    return int(position)
