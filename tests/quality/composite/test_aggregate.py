"""Composites equal the recomputation from their leaves, and missing leaves widen them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from andon_quality.composite import Hierarchy, composite, contributions, flat, hierarchy
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose


@st.composite
def trees(draw: st.DrawFn) -> Hierarchy:
    nodes = draw(st.integers(2, 12))
    parents = [-1] + [draw(st.integers(0, node - 1)) for node in range(1, nodes)]
    weights = [draw(st.floats(0.05, 10.0)) for _ in range(nodes)]
    order = draw(st.permutations(range(nodes)))
    place = {old: new for new, old in enumerate(order)}
    return hierarchy(
        [-1 if parents[old] < 0 else place[parents[old]] for old in order], [weights[old] for old in order]
    )


def recomputed(tree: Hierarchy, node: int, leaf_scores: dict[int, float]) -> float:
    children = [child for child in range(len(tree.names)) if tree.parents[child] == node]
    if not children:
        return leaf_scores[node]
    return math.fsum(tree.weights[child] * recomputed(tree, child, leaf_scores) for child in children)


@settings(max_examples=60, deadline=None)
@given(tree=trees(), seed=st.integers(0, 1000))
def test_a_composite_equals_its_recomputation_from_the_leaves(tree: Hierarchy, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(0, 100, len(tree.leaves))
    result = composite(scores, tree)
    root = int(np.flatnonzero(tree.parents == -1)[0])
    expected = recomputed(tree, root, dict(zip(tree.leaves.tolist(), scores.tolist(), strict=True)))
    assert_allclose([result.low, result.high, tree.leaf_weights @ scores], expected, rtol=0, atol=1e-12)
    assert abs(tree.leaf_weights.sum() - 1.0) < 1e-12


@settings(max_examples=60, deadline=None)
@given(tree=trees(), seed=st.integers(0, 1000))
def test_the_interval_of_missing_leaves_holds_the_composite_of_the_full_leaves(tree: Hierarchy, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.uniform(0, 100, len(tree.leaves))
    gone = random.random(len(tree.leaves)) < 0.4
    seen = composite(np.where(gone, np.nan, scores), tree)
    full = composite(scores, tree)
    assert seen.low - 1e-12 <= full.low <= seen.high + 1e-12
    assert_allclose(seen.high - seen.low, 100.0 * tree.leaf_weights[gone].sum(), atol=1e-10)
    assert_allclose(seen.missing_weight, tree.leaf_weights[gone].sum(), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(tree=trees(), seed=st.integers(0, 1000))
def test_contributions_sum_to_the_bounds_and_by_branch_to_the_branches(tree: Hierarchy, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.uniform(0, 100, len(tree.leaves))
    scores[random.random(len(scores)) < 0.3] = np.nan
    low, high = contributions(scores, tree)
    whole = composite(scores, tree)
    assert_allclose([low.sum(), high.sum()], [whole.low, whole.high], atol=1e-11)
    for node in range(len(tree.names)):
        below = [place for place, leaf in enumerate(tree.leaves) if node in tree.paths[leaf]]
        share = math.prod(tree.weights[list(tree.paths[node])])
        assert low[below].sum() == pytest.approx(share * whole.node_low[node], abs=1e-11)


def test_many_rows_at_once_equal_row_by_row() -> None:
    tree = hierarchy([-1, 0, 0, 1, 1, 2], [1, 2, 3, 1, 1, 1])
    rows = np.array([[50.0, 60.0, np.nan], [1.0, 2.0, 3.0]])
    together = composite(rows, tree)
    assert together.node_low.shape == (2, 6)
    for row, scores in enumerate(rows):
        assert composite(scores, tree).low == together.low[row]
        assert composite(scores, tree).high == together.high[row]


def test_nothing_known_is_the_whole_scale_and_never_a_number() -> None:
    result = composite([np.nan, np.nan], [1.0, 2.0])
    assert (float(result.low), float(result.high), float(result.missing_weight)) == pytest.approx(
        (0.0, 100.0, 1.0), abs=1e-12
    )


@pytest.mark.parametrize("parents", [[-1, 2, 1], [-1, -1, 0], [0, 0, 0], [-1, 0, 9], [-1, 0, 1, 5, 4, 3]])
def test_what_is_not_one_tree_is_refused(parents: list[int]) -> None:
    with pytest.raises(Inconsistent):
        hierarchy(parents, [1.0] * len(parents))


def test_names_that_repeat_and_weights_that_make_no_sense_are_refused() -> None:
    with pytest.raises(Inconsistent):
        flat([1, 1], ("same", "same"))
    with pytest.raises(OutOfRange):
        flat([1, -1])
    with pytest.raises(OutOfRange):
        flat([0, 0])
    with pytest.raises(NotFinite):
        flat([1, np.nan])


def test_scores_off_the_scale_or_of_another_number_of_leaves_are_refused() -> None:
    with pytest.raises(OutOfRange):
        composite([101.0, 0.0], [1, 1])
    with pytest.raises(Inconsistent):
        composite([1.0, 2.0, 3.0], [1, 1])
    with pytest.raises(NotFinite):
        composite([np.inf, 0.0], [1, 1])
