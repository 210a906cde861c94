"""Clusters: the same whatever the order, as good as scikit-learn's, silhouettes equal to its."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from andon_quality.structure import choose_clusters, cluster, silhouettes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_samples


def blobs(seed: int, n: int = 90) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [6.0, 1.0], [2.0, 7.0]])
    return centres[random.integers(0, 3, n)] + random.normal(size=(n, 2))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 500), k=st.integers(1, 5))
def test_permuting_the_rows_permutes_the_labels_and_nothing_else(seed: int, k: int) -> None:
    table = blobs(seed, 40)
    order = np.random.default_rng(seed).permutation(40)
    plain, permuted = cluster(table, k, seed, restarts=3), cluster(table[order], k, seed, restarts=3)
    assert (permuted.labels == plain.labels[order]).all()
    assert (permuted.centres == plain.centres).all()
    assert permuted.inertia == plain.inertia


@pytest.mark.parametrize("seed", range(3))
def test_the_inertia_is_as_small_as_that_of_scikit_learn(seed: int) -> None:
    table = blobs(seed)
    theirs = KMeans(3, n_init=20, random_state=0, tol=0).fit(table)
    assert cluster(table, 3).inertia <= theirs.inertia_ * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_silhouettes_agree_with_scikit_learn(seed: int) -> None:
    table = blobs(seed, 1500)
    labels = cluster(table, 4, restarts=1).labels
    assert_allclose(silhouettes(table, labels), silhouette_samples(table, labels), atol=1e-10)


def test_shift_and_unit_do_not_change_the_labels() -> None:
    table = blobs(5)
    plain = cluster(table, 3)
    assert (cluster(table * 4.0 + 32.0, 3).labels == plain.labels).all()


def test_three_blobs_are_found_to_be_three() -> None:
    choice = choose_clusters(blobs(1), k_max=6)
    assert len(choice.clusters.centres) == 3
    assert choice.silhouette > 0.5
    assert [k for k, _ in choice.tried] == [2, 3, 4, 5, 6]


def test_the_same_seed_gives_the_same_clusters() -> None:
    table = blobs(2)
    assert (cluster(table, 5, seed=3).labels == cluster(table, 5, seed=3).labels).all()


def test_every_row_its_own_cluster_leaves_no_distance() -> None:
    assert cluster([[1.0], [2.0], [2.0], [5.0]], 3).inertia == 0.0


def test_what_cannot_be_clustered_is_refused() -> None:
    with pytest.raises(TooFew):
        cluster([[1.0], [1.0]], 2)
    with pytest.raises(OutOfRange):
        cluster([[1.0], [2.0]], 0)
    with pytest.raises(TooFew):
        silhouettes([[1.0], [2.0]], [0, 0])
    with pytest.raises(Inconsistent):
        silhouettes([[1.0], [2.0]], [0])
    with pytest.raises(TooFew):
        choose_clusters([[1.0], [1.0], [1.0]])
