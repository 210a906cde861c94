"""The filter never rules out what it was shown, and nearly always what it was not."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.known.filter import HashFilter

HASH = st.integers(0, 2**64 - 1)


def drawn(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


@settings(deadline=None, max_examples=50)
@given(st.lists(HASH, max_size=50), st.lists(HASH, max_size=50))
def test_what_was_marked_is_never_ruled_out_even_by_its_upper_38_bits(first: list[int], later: list[int]) -> None:
    runs = [np.sort(np.array(some, dtype=np.uint64)) for some in (first, later)]
    known = HashFilter.of(runs[:1])
    known.mark(runs[1])
    for run in runs:
        assert known.maybe(run).all()
        assert known.maybe(run >> np.uint64(26) << np.uint64(26)).all()


def test_a_filter_about_to_be_outgrown_rules_out_all_but_one_new_hash_in_a_hundred_and_fifty() -> None:
    known, marked = HashFilter.of([]), np.sort(drawn(1, 262_144))
    known.mark(marked)
    assert not known.outgrown(len(marked))
    assert known.maybe(drawn(2, 1_000_000)).mean() < 1 / 150
    known.mark(marked[:1])
    assert known.outgrown(len(marked))


def test_a_new_filter_has_room_for_as_many_again() -> None:
    known = HashFilter.of([np.sort(drawn(3, 100_000))])
    known.mark(np.sort(drawn(4, 100_000)))
    assert not known.outgrown(200_000)
