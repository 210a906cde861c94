"""What an overview shows of each series, and annotations; as message bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES
from services.scoring.system.series import SeriesKey, scopes_of

SCORE, SIGNAL, NOTE = 1, 2, 3
FIRST_ID = UUID(int=0)


@dataclass(frozen=True)
class SeriesRows:
    """Messages in no order."""

    scores: list[bytes] = field(default_factory=list)
    signals: list[bytes] = field(default_factory=list)
    annotations: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class AnnotationRow:
    id: UUID
    scope: str
    start_us: int
    end_us: int
    body: bytes


class Overviews:
    _pool: asyncpg.Pool

    async def overview(
        self, tenant: str, series: Sequence[SeriesKey], points_max: int, notes_max: int
    ) -> list[SeriesRows]:
        """Of each of these series its latest scores and notes, at most so many, and active signals of those windows."""
        found = [SeriesRows() for _ in series]
        pairs = [(scope, place + 1) for place, key in enumerate(series) for scope in scopes_of(key)]
        scopes, places = [scope for scope, _ in pairs], [place for _, place in pairs]
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.overview, tenant, list(series), points_max, scopes, places, notes_max)
        for row in rows:
            one = found[row["place"] - 1]
            {SCORE: one.scores, SIGNAL: one.signals, NOTE: one.annotations}[row["kind"]].append(row["body"])
        return found

    async def list_annotations(
        self, tenant: str, scopes: Sequence[str], span: tuple[int, int], after: tuple[str, int, UUID], limit: int
    ) -> list[AnnotationRow]:
        """scopes: none means all. span: their time lies at least in part in it."""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.list_annotations, tenant, list(scopes), *span, *after, limit)
        return [AnnotationRow(row["id"], row["scope"], row["start_us"], row["end_us"], row["body"]) for row in rows]
