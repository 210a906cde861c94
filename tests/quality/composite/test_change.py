"""A composite's change is the sum of its parts, and each part is zero when its cause is absent."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.composite import CompositeSnapshot, Hierarchy, composite, flat, hierarchy, split_change
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose


@st.composite
def snapshots(draw: st.DrawFn) -> CompositeSnapshot:
    groups = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True))
    names, parents = ["root"], [-1]
    for group in groups:
        names.append(group)
        parents.append(0)
        above = len(names) - 1
        for leaf in draw(st.lists(st.sampled_from("pqrst"), min_size=1, max_size=4, unique=True)):
            names.append(group + leaf)
            parents.append(above)
    weights = [draw(st.floats(0.01, 10.0)) for _ in names]
    tree = hierarchy(parents, weights, tuple(names))
    score = st.one_of(st.floats(0.0, 100.0), st.just(float("nan")))
    return CompositeSnapshot(tree, np.array([draw(score) for _ in tree.leaves]))


@settings(max_examples=150, deadline=None)
@given(before=snapshots(), after=snapshots(), missing_as=st.sampled_from([0.0, 50.0, 100.0]))
def test_the_parts_sum_to_the_change_of_the_composite(
    before: CompositeSnapshot, after: CompositeSnapshot, missing_as: float
) -> None:
    split = split_change(before, after, missing_as)
    values = [composite(np.nan_to_num(shot.scores, nan=missing_as), shot.tree).low for shot in (before, after)]
    assert split.total == pytest.approx(float(values[1] - values[0]), abs=1e-12)
    assert split.data + split.weight + split.structure + split.missing == pytest.approx(split.total, abs=1e-12)
    by_leaf = split.leaf_data + split.leaf_weight + split.leaf_structure + split.leaf_missing
    assert by_leaf.sum() == pytest.approx(split.total, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(before=snapshots(), after=snapshots())
def test_nothing_changes_between_a_snapshot_and_itself(before: CompositeSnapshot, after: CompositeSnapshot) -> None:
    split = split_change(before, before)
    assert (split.total, split.data, split.weight, split.structure, split.missing) == (0.0, 0.0, 0.0, 0.0, 0.0)


def tree(weights: list[float], leaves: str) -> Hierarchy:
    return flat(weights, tuple(leaves))


def test_new_scores_alone_are_all_data() -> None:
    split = split_change(
        CompositeSnapshot(tree([1, 3], "ab"), np.array([10.0, 20.0])),
        CompositeSnapshot(tree([1, 3], "ab"), np.array([30.0, 20.0])),
    )
    assert (split.data, split.weight, split.structure, split.missing) == (5.0, 0.0, 0.0, 0.0)


def test_new_weights_alone_are_all_weight() -> None:
    split = split_change(
        CompositeSnapshot(tree([1, 3], "ab"), np.array([10.0, 20.0])),
        CompositeSnapshot(tree([3, 1], "ab"), np.array([10.0, 20.0])),
    )
    assert (split.data, split.weight, split.structure, split.missing) == (0.0, -5.0, 0.0, 0.0)


def test_a_leaf_added_with_the_others_in_proportion_is_all_structure() -> None:
    before = CompositeSnapshot(tree([1, 3], "ab"), np.array([10.0, 20.0]))
    after = CompositeSnapshot(tree([1, 3, 4], "abc"), np.array([10.0, 20.0, 90.0]))
    split = split_change(before, after)
    assert_allclose([split.data, split.weight, split.missing], 0.0, atol=1e-12)
    assert split.structure == pytest.approx(36.25)


def test_a_leaf_that_goes_missing_is_all_missing() -> None:
    before = CompositeSnapshot(tree([1, 3], "ab"), np.array([10.0, 20.0]))
    split = split_change(before, CompositeSnapshot(tree([1, 3], "ab"), np.array([10.0, np.nan])))
    assert (split.data, split.weight, split.structure, split.missing) == (0.0, 0.0, 0.0, 22.5)


def test_a_leaf_moved_to_another_branch_is_structure() -> None:
    before = hierarchy([-1, 0, 0, 1, 1, 2], [1] * 6, ("root", "x", "y", "a", "b", "c"))
    after = hierarchy([-1, 0, 0, 1, 2, 2], [1] * 6, ("root", "x", "y", "a", "b", "c"))
    scores = np.array([10.0, 20.0, 30.0])
    split = split_change(CompositeSnapshot(before, scores), CompositeSnapshot(after, scores))
    assert split.data == 0.0
    assert split.structure == pytest.approx(split.total, abs=1e-12)
