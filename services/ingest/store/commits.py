"""One commit, written in one round trip."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from services.ingest.model import (
    DEDUP_HORIZON_US,
    FUTURE_TOLERANCE_US,
    TIME_EARLIEST_US,
    Segment,
    TenantId,
)
from services.ingest.store.records import Addition, SealedEvent, StoredAnswer
from services.ingest.store.schema import micros, queries


async def append(connection: asyncpg.Connection, tenant: TenantId, addition: Addition) -> int | None:
    """Returns the time of the commit, or None where the log does not end where the addition begins.

    Nothing is written then, nor where its sources have changed, or where one of its request ids was answered before.
    Outside of a transaction the commit is durable when this returns.
    """
    committed_at = await connection.fetchval(
        queries.append,
        tenant,
        *_head(addition),
        *_tallies(addition),
        *_segments(addition.segments),
        *_reasons(addition),
        *_refused(addition.refused),
        addition.method,
        *_answers(addition.answers),
        list(addition.sources),
        DEDUP_HORIZON_US,
        TIME_EARLIEST_US,
        FUTURE_TOLERANCE_US,
    )
    return None if committed_at is None else micros(committed_at)


def _head(addition: Addition) -> tuple[Any, ...]:
    return (
        addition.after,
        addition.sources_revision,
        list(addition.next_offsets),
        addition.watermark_us,
        addition.total.accepted,
        addition.total.duplicate,
        addition.total.quarantined,
        sum(len(segment.events) for segment in addition.segments),
        list(addition.traceparents),
    )


def _tallies(addition: Addition) -> tuple[Any, ...]:
    tallies = addition.tallies.values()
    return (
        list(addition.tallies),
        [tally.accepted for tally in tallies],
        [tally.duplicate for tally in tallies],
        [tally.quarantined for tally in tallies],
    )


def _segments(segments: Sequence[Segment]) -> tuple[Any, ...]:
    return (
        [segment.partition for segment in segments],
        [segment.first_offset for segment in segments],
        [segment.event_count for segment in segments],
        [segment.time_min_us for segment in segments],
        [segment.time_max_us for segment in segments],
        [segment.id_hashes for segment in segments],
        [segment.case_hashes for segment in segments],
        [segment.events for segment in segments],
    )


def _reasons(addition: Addition) -> tuple[Any, ...]:
    return (
        [source for source, _ in addition.reasons],
        [reason for _, reason in addition.reasons],
        list(addition.reasons.values()),
    )


def _refused(refused: Sequence[SealedEvent]) -> tuple[Any, ...]:
    return (
        [one.quarantine_id for one in refused],
        [one.source for one in refused],
        [one.batch_index for one in refused],
        [one.field for one in refused],
        [one.reason for one in refused],
        [one.payload for one in refused],
    )


def _answers(answers: Sequence[StoredAnswer]) -> tuple[Any, ...]:
    return (
        [one.request_id for one in answers],
        [one.fingerprint for one in answers],
        [one.answer for one in answers],
    )
