"""The index finds every hash that was added, wherever it lies."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.hashes import hash_key, hash_name, hash_texts
from services.ingest.known.index import SPAN_MAX, HashIndex, compact, positions_of
from services.ingest.log.segments import partition_of

KEY = hash_key(bytes(32))


def test_every_hash_that_was_added_is_a_candidate_in_its_segment() -> None:
    index, dice = HashIndex(), np.random.default_rng(7)
    added = [dice.integers(0, 2**64, size, dtype=np.uint64) for size in (1, 5, 900, 3, 70, 4_000, 2, 2, 2, 60, 1, 1)]
    for number, hashes in enumerate(added):
        index.add(hashes, np.full(len(hashes), number))
    assert len(index) == sum(map(len, added))
    for number, hashes in enumerate(added):
        rows, positions = index.candidates(hashes)
        assert set(rows[positions == number].tolist()) == set(range(len(hashes)))


def test_new_hashes_are_no_candidates() -> None:
    index, dice = HashIndex(), np.random.default_rng(8)
    for number in range(50):
        index.add(dice.integers(0, 2**64, 2_000, dtype=np.uint64), np.full(2_000, number))
    rows, _ = index.candidates(dice.integers(0, 2**64, 2_000, dtype=np.uint64))
    assert len(rows) == 0


def random_runs(*sizes: int, seed: int = 9) -> list[np.ndarray]:
    dice = np.random.default_rng(seed)
    return [dice.integers(0, 2**64, size, dtype=np.uint64) for size in sizes]


def found(index: HashIndex, hashes: np.ndarray, number: int) -> int:
    rows, positions = index.candidates(hashes)
    return len(set(rows[positions == number].tolist()))


async def test_an_index_answers_alike_before_while_and_after_it_is_tended() -> None:
    index, added = HashIndex(), random_runs(*[40_000] * 20)
    for number, hashes in enumerate(added):
        index.add(hashes, number)
    compaction = index.compaction_due()
    assert compaction is not None
    made = compaction.run()
    (late,) = random_runs(30_000, seed=10)
    index.add(late, 99)
    for _ in range(2):
        assert [found(index, hashes, number) for number, hashes in enumerate(added)] == [40_000] * 20
        assert found(index, late, 99) == 30_000
        index.apply(compaction, made)
        await compact(index)
    assert index.compaction_due() is None
    assert len(index) == 830_000


async def test_what_is_forgotten_while_an_index_is_tended_does_not_come_back() -> None:
    index, added = HashIndex(), random_runs(*[40_000] * 16)
    for number, hashes in enumerate(added):
        index.add(hashes, number)
    while (compaction := index.compaction_due()) and not compaction.merge:
        index.apply(compaction, compaction.run())
    assert compaction is not None
    made = compaction.run()
    index.forget(-1, 7)
    index.apply(compaction, made)
    assert [found(index, hashes, number) for number, hashes in enumerate(added)] == [0] * 8 + [40_000] * 8
    await compact(index)
    assert len(index) == 8 * 40_000


def test_hashes_at_both_ends_of_the_range_are_found() -> None:
    index = HashIndex()
    ends = np.array([0, 2**64 - 1], dtype=np.uint64)
    index.add(ends, np.array([3, 4]))
    rows, positions = index.candidates(ends)
    assert sorted(zip(rows.tolist(), positions.tolist(), strict=True)) == [(0, 3), (1, 4)]


def test_a_hash_in_two_positions_has_two_candidates() -> None:
    index = HashIndex()
    for number in (1, 2):
        index.add(np.array([77 << 40], dtype=np.uint64), np.array([number]))
    rows, positions = index.candidates(np.array([1, 77 << 40], dtype=np.uint64))
    assert (rows.tolist(), sorted(positions.tolist())) == ([1, 1], [1, 2])


def test_forgotten_commits_are_gone() -> None:
    index = HashIndex()
    hashes = np.arange(1, 11, dtype=np.uint64) << np.uint64(50)
    index.add(hashes, np.arange(10))
    index.forget(-1, 5)
    _, positions = index.candidates(hashes)
    assert sorted(positions.tolist()) == [6, 7, 8, 9]
    assert len(index) == 4


def test_positions_beyond_the_largest_span_wrap_and_are_all_suspected() -> None:
    index, hashes = HashIndex(), np.array([1 << 60, 2 << 60], dtype=np.uint64)
    index.make_room(3, SPAN_MAX + 6)
    assert index.span == SPAN_MAX
    index.add(hashes, np.array([SPAN_MAX + 5, 7]))
    rows, numbers = index.candidates(hashes)
    rows, positions = positions_of(rows, numbers, index.span, 3, SPAN_MAX + 6)
    assert sorted(zip(rows.tolist(), positions.tolist(), strict=True)) == [(0, 5), (0, SPAN_MAX + 5), (1, 7)]
    index.forget(SPAN_MAX + 4, SPAN_MAX + 5)
    assert len(index) == 1


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**40), st.lists(st.integers(1, 60_000), min_size=1, max_size=12), st.integers(0, 2**32))
def test_every_hash_keeps_its_position_however_far_the_log_grows(after: int, steps: list[int], seed: int) -> None:
    index, dice, through = HashIndex(), np.random.default_rng(seed), after
    known = []
    for step in steps:
        through += step
        # Small numbers differ in few of the upper bits, so some look alike once positions take more of them.
        hashes = dice.integers(0, 2**28, 40, dtype=np.uint64) << np.uint64(12)
        index.make_room(after, through)
        index.add(hashes, through)
        known.append((through, hashes))
    for position, hashes in known:
        rows, numbers = index.candidates(hashes)
        rows, positions = positions_of(rows, numbers, index.span, after, through)
        assert set(rows[positions == position].tolist()) == set(range(len(hashes)))


def test_new_hashes_are_hardly_ever_taken_for_known_ones() -> None:
    index = HashIndex()
    index.make_room(0, 1_000)
    for number, hashes in enumerate(random_runs(*[100_000] * 20)):
        index.add(hashes, number)
    rows, _ = index.candidates(*random_runs(2_000_000, seed=11))
    assert len(rows) <= 1


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=30))
def test_equal_texts_have_equal_hashes_and_different_ones_do_not(texts: list[str | None]) -> None:
    plain = pa.array(texts, pa.string())
    hashes = hash_texts(plain, KEY)
    assert len({text or "" for text in texts}) == len(set(hashes.tolist()))
    assert hash_texts(pa.concat_arrays([pa.array(["before"]), plain]).slice(1), KEY).tolist() == hashes.tolist()
    assert [hash_name(text or "", KEY) for text in texts] == hashes.tolist()


def test_a_hash_does_not_depend_on_its_neighbours() -> None:
    alone = hash_texts(pa.array(["x" * 13]), KEY)[0]
    assert hash_texts(pa.array(["", "y" * 200, "x" * 13, "z"]), KEY)[2] == alone


def test_another_key_gives_other_hashes() -> None:
    texts = pa.array(["a", "b", "c"])
    assert not set(hash_texts(texts, KEY).tolist()) & set(hash_texts(texts, hash_key(bytes(31) + b"1")).tolist())


def test_cases_spread_over_the_partitions() -> None:
    cases = hash_texts(pa.array([f"case-{number}" for number in range(4_000)]), KEY)
    assert np.bincount(partition_of(cases, 4)).min() > 850
