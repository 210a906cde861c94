"""What of the waiting batches shares a commit."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.model import Arrival, IncomingBatch, IntakeCounts, Written
from services.ingest.writer.queue import BatchPart, QueuedBatch, next_group, part_rows

NOBODY: Any = None


def batch(rows: int = 1, **fields: Any) -> IncomingBatch:
    page = pa.RecordBatch.from_pydict({"number": pa.array(range(rows), pa.int64())})
    return IncomingBatch(Arrival(page), **fields)


class Queue:
    """Batches as a tenant's log has them wait."""

    def __init__(self, *batches: IncomingBatch, rows_max: int = 100, bytes_max: int = 10_000) -> None:
        self.rows_max, self.bytes_max = rows_max, bytes_max
        self.waiting: list[QueuedBatch] = []
        self.large_next = False
        for one in batches:
            self.add(one)

    def add(self, one: IncomingBatch) -> None:
        self.waiting.append(QueuedBatch(one, NOBODY, part_rows(one, self.rows_max, self.bytes_max)))

    def next_group(self) -> list[BatchPart]:
        group = next_group(self.waiting, self.rows_max, self.bytes_max, large_next=self.large_next)
        self.large_next = not group[-1].queued.is_cut
        taken = [part.queued for part in group]
        self.waiting = [queued for queued in self.waiting if queued not in taken]
        return group

    def write(self, group: list[BatchPart]) -> None:
        for part in group:
            part.queued.written.append(Written(IntakeCounts(part.rows), ()))
            part.queued.written_rows = part.end
            if not part.is_last:
                self.waiting.append(part.queued)


def taken(group: list[BatchPart]) -> list[int]:
    return identities(*(part.batch for part in group))


def identities(*batches: IncomingBatch) -> list[int]:
    return list(map(id, batches))


def spans(group: list[BatchPart]) -> list[tuple[int, int]]:
    return [(part.begin, part.end) for part in group]


def test_batches_share_a_commit_as_long_as_their_rows_fit() -> None:
    queue = Queue(batch(40), batch(40), batch(20), batch(1))
    assert spans(queue.next_group()) == [(0, 40), (0, 40), (0, 20)]
    assert spans(queue.next_group()) == [(0, 1)]
    assert not queue.waiting


def test_batches_share_a_commit_as_long_as_their_bytes_fit() -> None:
    queue = Queue(batch(40), batch(40), batch(20), bytes_max=8 * 80)
    assert [len(queue.next_group()) for _ in range(2)] == [2, 1]


def test_a_large_batch_is_cut_and_small_ones_go_before_its_parts() -> None:
    large = batch(130)
    queue = Queue(large)
    group = queue.next_group()
    assert spans(group) == [(0, 50)]
    small = batch(30)
    queue.add(small)
    queue.write(group)
    # In a commit of its own, which is soon over.
    group = queue.next_group()
    assert taken(group) == identities(small)
    next_small = batch(30)
    queue.add(next_small)
    queue.write(group)
    group = queue.next_group()
    assert taken(group) == identities(next_small, large)
    assert spans(group) == [(0, 30), (50, 100)]
    queue.write(group)
    group = queue.next_group()
    assert spans(group) == [(100, 130)]
    assert group[0].is_last


def test_a_batch_of_many_bytes_is_cut_by_them() -> None:
    assert spans(Queue(batch(40), bytes_max=160).next_group()) == [(0, 10)]
    # A row is never cut.
    assert spans(Queue(batch(2), bytes_max=1).next_group()) == [(0, 1)]


def test_large_batches_take_turns_and_get_half_of_every_second_commit() -> None:
    queue = Queue(batch(100), batch(100), batch(100), *(batch(10) for _ in range(45)))
    seen: list[QueuedBatch] = []
    for _ in range(3):
        group = queue.next_group()
        assert [part.rows for part in group] == [10] * 10
        queue.write(group)
        group = queue.next_group()
        assert sum(part.rows for part in group if part.batch.received == 10) == 50
        seen += [part.queued for part in group if part.batch.received > 10]
        queue.write(group)
    assert len({id(queued) for queued in seen}) == 3


def test_a_request_id_is_written_by_one_batch_at_a_time() -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    first, second, again, last = (batch(request_id=id) for id in (one, other, one, None))
    queue = Queue(first, second, again, last)
    assert taken(queue.next_group()) == identities(first, second, last)
    assert taken(queue.next_group()) == identities(again)


def test_the_request_id_of_a_large_batch_is_free_again_after_its_last_part() -> None:
    id = uuid.uuid4()
    large, copy, small = batch(100, request_id=id), batch(100, request_id=id), batch(request_id=id)
    queue = Queue(large, copy)
    group = queue.next_group()
    assert taken(group) == identities(large)
    queue.add(small)
    queue.write(group)
    group = queue.next_group()
    assert taken(group) == identities(large)
    queue.write(group)
    group = queue.next_group()
    assert taken(group) == identities(small)
    assert taken(queue.next_group()) == identities(copy)


def test_batches_without_a_request_id_are_not_taken_for_the_same() -> None:
    assert len(Queue(batch(), batch(), batch()).next_group()) == 3


def test_a_check_goes_alone_and_uncut() -> None:
    check = batch(500, validate_only=True)
    queue = Queue(batch(), check, batch())
    assert [spans(queue.next_group()) for _ in range(3)] == [[(0, 1)], [(0, 500)], [(0, 1)]]


@pytest.mark.parametrize("rows_max", [2, 7, 100])
@settings(deadline=None, max_examples=60)
@given(sizes=st.lists(st.integers(0, 60), max_size=12))
def test_every_row_is_taken_once_and_no_commit_takes_more_than_it_may(rows_max: int, sizes: list[int]) -> None:
    batches = [batch(size) for size in sizes]
    queue = Queue(*batches, rows_max=rows_max)
    parts: dict[int, list[tuple[int, int]]] = {one: [] for one in identities(*batches)}
    while queue.waiting:
        group = queue.next_group()
        assert group
        assert sum(part.rows for part in group) <= rows_max
        for part in group:
            parts[id(part.batch)].append((part.begin, part.end))
        queue.write(group)
    for one in batches:
        ends = [0, *(end for _, end in parts[id(one)])]
        assert parts[id(one)] == list(itertools.pairwise(ends))
        assert ends[-1] == one.received
