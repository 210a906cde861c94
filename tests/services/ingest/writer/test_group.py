"""Which batches share a commit."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pyarrow as pa

from services.ingest.model import Arrival, IncomingBatch
from services.ingest.writer.group import QueuedBatch, next_group, unadmitted

NOBODY: Any = None
ADMITTED: Any = object()


def waiting(rows: int = 1, **fields: Any) -> QueuedBatch:
    page = pa.RecordBatch.from_pydict({"number": pa.array(range(rows), pa.int64())})
    answer: asyncio.Future[Any] = NOBODY
    return QueuedBatch(IncomingBatch(Arrival(page), **fields), answer)


def test_batches_share_a_commit_as_long_as_their_rows_fit() -> None:
    queue = [waiting(40), waiting(40), waiting(20), waiting(1)]
    assert next_group(queue, rows_max=100, bytes_max=10_000) == 3


def test_batches_share_a_commit_as_long_as_their_bytes_fit() -> None:
    queue = [waiting(40), waiting(40), waiting(20)]
    assert next_group(queue, rows_max=1_000, bytes_max=8 * 80) == 2


def test_a_batch_that_is_too_large_for_any_commit_goes_by_itself() -> None:
    assert next_group([waiting(500), waiting(1)], rows_max=100, bytes_max=10) == 1


def test_a_request_id_stands_once_in_a_commit() -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    queue = [waiting(request_id=one), waiting(request_id=other), waiting(request_id=one), waiting()]
    assert next_group(queue, rows_max=100, bytes_max=10_000) == 2


def test_batches_without_a_request_id_are_not_taken_for_the_same() -> None:
    assert next_group([waiting(), waiting(), waiting()], rows_max=100, bytes_max=10_000) == 3


def test_a_check_stands_alone() -> None:
    check = waiting(validate_only=True)
    assert next_group([check, waiting()], rows_max=100, bytes_max=10_000) == 1
    assert next_group([waiting(), check, waiting()], rows_max=100, bytes_max=10_000) == 1


def test_what_waits_side_by_side_is_admitted_together() -> None:
    group = [waiting(), waiting(), waiting()]
    assert list(unadmitted(group, revision=3)) == [[one.batch for one in group]]


def test_what_was_admitted_under_these_sources_is_not_admitted_again() -> None:
    first, second, last = waiting(), waiting(), waiting()
    large = replace(waiting(), admission=ADMITTED, revision=3)
    parts = list(unadmitted([first, large, second, last], revision=3))
    assert parts == [[first.batch], ADMITTED, [second.batch, last.batch]]


def test_what_was_admitted_under_other_sources_is_admitted_again() -> None:
    large = replace(waiting(), admission=ADMITTED, revision=3)
    assert list(unadmitted([large], revision=4)) == [[large.batch]]
