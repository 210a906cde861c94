"""A switch of versions as it is read, staged in pieces, and published at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES, columns
from services.scoring.store.steps import (
    CHART_STATE_COLUMNS,
    ENTRY_COLUMNS,
    SCORE_COLUMNS,
    SIGNAL_COLUMNS,
    ChartStateRow,
    NewEntry,
    ScoreRow,
    SignalRow,
    StepTransaction,
    SwitchPlace,
)
from services.scoring.store.windows import StoredWindows, VersionKey, WindowReader

At = tuple[str, int]
"""A series and the start of a window."""
PUBLISH_S_MAX = 3_600.0


@dataclass(frozen=True)
class StagedPiece:
    """What a piece adds, and how far the switch is after it; `place.entries` counts the new ones too."""

    place: SwitchPlace
    entries: Sequence[NewEntry]
    scores: Sequence[ScoreRow] = ()
    signals: Sequence[SignalRow] = ()
    chart_states: Sequence[ChartStateRow] = ()


@dataclass(frozen=True)
class NextWindows:
    """The next windows of a system in order. through: the last of them; None: nothing follows."""

    stored: StoredWindows
    through: At | None


class SwitchReader(WindowReader):
    """What a piece is decided upon; none of it changes while the switch is under way."""

    async def next_windows(self, after: At, series_before: str, limit: int) -> NextWindows:
        """At most `limit` with statistics and as many with scores, and the signals between the first and the last."""
        tenant = self._key[0]
        statistics = await self._connection.fetch(QUERIES.statistics_after, *self._key, *after, limit)
        scores = await self._connection.fetch(QUERIES.scores_after, tenant, *after, series_before, limit)
        full = [(rows[-1]["series"], rows[-1]["window_start"]) for rows in (statistics, scores) if len(rows) == limit]
        through = min(full, default=None)
        if through is not None:
            statistics, scores = (
                [row for row in rows if (row["series"], row["window_start"]) <= through]
                for rows in (statistics, scores)
            )
        last = through or (series_before, 0)
        signals = await self._connection.fetch(QUERIES.signals_between, tenant, *after, *last)
        return NextWindows(StoredWindows(statistics, scores, signals), through)

    async def next_starts(self, series: Collection[str], after_us: int, limit: int) -> list[int]:
        """Starts of the next windows of these series, published or staged."""
        rows = await self._connection.fetch(QUERIES.starts_after, *self._key, list(series), after_us, limit)
        return [row["window_start"] for row in rows]

    async def scores_between(
        self, series: Collection[str], after_us: int, through_us: int
    ) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
        """Staged and published scores of windows that start after the one and not after the other."""
        rows = await self._connection.fetch(QUERIES.scores_between, *self._key, list(series), after_us, through_us)
        return [row for row in rows if row["staged"]], [row for row in rows if not row["staged"]]


class SwitchTransaction(StepTransaction):
    """One piece of a switch under the tenant's lock."""

    async def stage(self, piece: StagedPiece, before: SwitchPlace) -> None:
        await self._connection.execute(
            QUERIES.stage_entries, *self._key, before.entries, *columns(piece.entries, ENTRY_COLUMNS)
        )
        if piece.scores:
            await self._connection.execute(QUERIES.stage_scores, *self._key, *columns(piece.scores, SCORE_COLUMNS))
        if piece.signals:
            await self._connection.execute(QUERIES.stage_signals, *self._key, *columns(piece.signals, SIGNAL_COLUMNS))
        if piece.chart_states:
            rows = columns(piece.chart_states, CHART_STATE_COLUMNS)
            await self._connection.execute(QUERIES.stage_chart_states, *self._key, *rows)
        await self.move(piece.place)

    async def move(self, place: SwitchPlace) -> None:
        await self._connection.execute(
            QUERIES.move_switch, *self._key, place.phase, place.series, place.start_us, place.entries, place.chart
        )

    async def restart(self, place: SwitchPlace) -> None:
        """From here, without what was staged."""
        await self._connection.execute(QUERIES.forget_staged, *self._key)
        await self.move(place)

    async def publish(self, now: datetime, traceparent: str) -> None:
        """All that is staged, at once; from here on the version is the one that is scored by."""
        # Nothing of it passes through this process, but Postgres takes longer for it than for any step.
        await self._connection.execute(f"SET LOCAL statement_timeout = {round(1e3 * PUBLISH_S_MAX)}")
        position = await self._connection.fetchval(
            QUERIES.publish_staged_entries, *self._key, traceparent, timeout=PUBLISH_S_MAX
        )
        await self._connection.execute(QUERIES.publish_staged_history, *self._key, now, timeout=PUBLISH_S_MAX)
        await self._connection.execute(QUERIES.publish_staged_scores, *self._key, timeout=PUBLISH_S_MAX)
        await self._connection.execute(QUERIES.publish_staged_signals, *self._key, timeout=PUBLISH_S_MAX)
        await self._connection.execute(QUERIES.publish_staged_chart_states, *self._key, timeout=PUBLISH_S_MAX)
        await self._connection.execute(QUERIES.announce_entry, self._key[0], position)


class VersionSwitches:
    _pool: asyncpg.Pool

    @asynccontextmanager
    async def switching(self, key: VersionKey) -> AsyncIterator[SwitchTransaction]:
        """What is read in it is read after the lock of the log's head."""
        async with tenant_transaction(self._pool, key[0], first=QUERIES.lock_head) as connection:
            yield SwitchTransaction(connection, *key)

    @asynccontextmanager
    async def switch_reading(self, key: VersionKey) -> AsyncIterator[SwitchReader]:
        """One consistent view."""
        async with tenant_transaction(self._pool, key[0], isolation="repeatable_read", readonly=True) as connection:
            yield SwitchReader(connection, key)
