"""What of the waiting batches shares a commit."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.model import Arrival, IncomingBatch, IntakeCounts, Written
from services.ingest.writer.queue import BatchPart, BatchQueue, QueuedBatch

NOBODY: Any = None


def waiting(rows: int = 1, **fields: Any) -> QueuedBatch:
    page = pa.RecordBatch.from_pydict({"number": pa.array(range(rows), pa.int64())})
    answer: asyncio.Future[Any] = NOBODY
    return QueuedBatch(IncomingBatch(Arrival(page), **fields), answer)


def queue_of(*batches: QueuedBatch, rows_max: int = 100, bytes_max: int = 10_000) -> BatchQueue:
    queue = BatchQueue(rows_max, bytes_max)
    for queued in batches:
        queue.add(queued)
    return queue


def spans(group: list[BatchPart]) -> list[tuple[int, int]]:
    return [(part.begin, part.end) for part in group]


def write(queue: BatchQueue, group: list[BatchPart]) -> None:
    for part in group:
        part.queued.written.append(Written(IntakeCounts(part.rows), ()))
        part.queued.written_rows = part.end
        if not part.is_last:
            queue.add(part.queued)


def test_batches_share_a_commit_as_long_as_their_rows_fit() -> None:
    queue = queue_of(waiting(40), waiting(40), waiting(20), waiting(1))
    assert spans(queue.next_group()) == [(0, 40), (0, 40), (0, 20)]
    assert spans(queue.next_group()) == [(0, 1)]
    assert not queue


def test_batches_share_a_commit_as_long_as_their_bytes_fit() -> None:
    queue = queue_of(waiting(40), waiting(40), waiting(20), bytes_max=8 * 80)
    assert [len(queue.next_group()) for _ in range(2)] == [2, 1]


def test_a_large_batch_is_cut_and_small_ones_go_before_its_parts() -> None:
    large = waiting(130)
    queue = queue_of(large)
    group = queue.next_group()
    assert spans(group) == [(0, 50)]
    small = waiting(30)
    queue.add(small)
    write(queue, group)
    group = queue.next_group()
    assert [(part.queued, part.begin, part.end) for part in group] == [(small, 0, 30), (large, 50, 100)]
    write(queue, group)
    group = queue.next_group()
    assert spans(group) == [(100, 130)]
    assert group[0].is_last


def test_a_batch_of_many_bytes_is_cut_by_them() -> None:
    assert spans(queue_of(waiting(40), bytes_max=160).next_group()) == [(0, 10)]
    # A row is never cut.
    assert spans(queue_of(waiting(2), bytes_max=1).next_group()) == [(0, 1)]


def test_large_batches_take_turns_and_get_half_of_each_commit() -> None:
    queue = queue_of(waiting(100), waiting(100), waiting(100), *(waiting(10) for _ in range(20)))
    seen: list[QueuedBatch] = []
    for _ in range(3):
        group = queue.next_group()
        assert sum(part.rows for part in group if part.batch.received == 10) == 50
        seen += [part.queued for part in group if part.batch.received > 10]
        write(queue, group)
    assert len({id(queued) for queued in seen}) == 3


def test_a_request_id_is_written_by_one_batch_at_a_time() -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    first, second, again, last = (waiting(request_id=id) for id in (one, other, one, None))
    queue = queue_of(first, second, again, last)
    assert [part.queued for part in queue.next_group()] == [first, second, last]
    assert [part.queued for part in queue.next_group()] == [again]


def test_the_request_id_of_a_large_batch_is_free_again_after_its_last_part() -> None:
    id = uuid.uuid4()
    large, copy, small = waiting(100, request_id=id), waiting(100, request_id=id), waiting(request_id=id)
    queue = queue_of(large, copy)
    group = queue.next_group()
    assert [part.queued for part in group] == [large]
    queue.add(small)
    write(queue, group)
    group = queue.next_group()
    assert [part.queued for part in group] == [large]
    write(queue, group)
    group = queue.next_group()
    assert [part.queued for part in group] == [small]
    assert [part.queued for part in queue.next_group()] == [copy]


def test_batches_without_a_request_id_are_not_taken_for_the_same() -> None:
    assert len(queue_of(waiting(), waiting(), waiting()).next_group()) == 3


def test_a_check_goes_alone_and_uncut() -> None:
    check = waiting(500, validate_only=True)
    queue = queue_of(waiting(), check, waiting())
    assert [spans(queue.next_group()) for _ in range(3)] == [[(0, 1)], [(0, 500)], [(0, 1)]]


@pytest.mark.parametrize("rows_max", [2, 7, 100])
@settings(deadline=None, max_examples=60)
@given(sizes=st.lists(st.integers(0, 60), max_size=12))
def test_every_row_is_taken_once_and_no_commit_takes_more_than_it_may(rows_max: int, sizes: list[int]) -> None:
    batches = [waiting(size) for size in sizes]
    queue = queue_of(*batches, rows_max=rows_max)
    taken: dict[int, list[tuple[int, int]]] = {id(queued): [] for queued in batches}
    while queue:
        group = queue.next_group()
        assert group
        assert sum(part.rows for part in group) <= rows_max
        for part in group:
            taken[id(part.queued)].append((part.begin, part.end))
        write(queue, group)
    for queued in batches:
        ends = [0, *(end for _, end in taken[id(queued)])]
        assert taken[id(queued)] == list(itertools.pairwise(ends))
        assert ends[-1] == queued.batch.received
