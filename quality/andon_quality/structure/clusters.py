"""Groups of similar cases: seeded, the same whatever the order of the rows, and judged by their silhouette."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, IntArray
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from andon_quality.result import Result
from andon_quality.structure.table import cases

STEPS = 300
ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Clusters(Result):
    """Label per row (clusters numbered by their centres, in order of the columns), centres (k, columns), and the sum of
    squared distances to them."""

    labels: IntArray
    centres: FloatArray
    inertia: float


@checked
def cluster(values: ArrayLike, k: int, seed: int = 0, restarts: int = 10) -> Clusters:
    """k-means with k-means++ starts; the best of `restarts`.

    Rows are sorted before anything is drawn or summed, so permuting them permutes the labels and changes nothing else.
    values: shape (n, columns), at least k different rows; scale the columns first (`standardised`), distances are
    plain. Assumes compact, roundish groups; prefer `choose_clusters` when k is not known. Deterministic for a seed.
    Cost O(restarts * steps * n * k * columns). Raises TooFew, NotFinite, OutOfRange. Sources: Lloyd, 1982, IEEE
    Transactions on Information Theory 28:129; Arthur and Vassilvitskii, 2007, SODA.

    >>> found = cluster([[9.0], [1.0], [1.2], [9.1]], k=2)
    >>> found.labels.tolist(), found.centres.ravel().tolist()
    ([1, 0, 0, 1], [1.1, 9.05])
    """
    table = cases(values, rows_min=1)
    if k < 1 or restarts < 1:
        raise OutOfRange("needs at least one cluster and one start")
    order = np.lexsort(table.T[::-1])
    rows = np.ascontiguousarray(table[order])
    distinct = np.unique(rows, axis=0)
    if len(distinct) < k:
        raise TooFew(f"{len(distinct)} different rows cannot make {k} clusters")
    random = np.random.default_rng(seed)
    runs = [_settled(rows, _start(distinct, k, random)) for _ in range(restarts)]
    inertia, centres = min(runs, key=lambda run: run[0])
    centres = centres[np.lexsort(centres.T[::-1])]
    labels = np.empty(len(rows), dtype=np.int64)
    labels[order] = _nearest(rows, centres)[0]
    return Clusters(labels, centres, inertia)


def _start(distinct: FloatArray, k: int, random: np.random.Generator) -> FloatArray:
    chosen = [int(random.integers(len(distinct)))]
    nearest = ((distinct - distinct[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < k:
        chosen.append(int(random.choice(len(distinct), p=nearest / nearest.sum())))
        nearest = np.minimum(nearest, ((distinct - distinct[chosen[-1]]) ** 2).sum(axis=1))
    return distinct[chosen]


def _settled(rows: FloatArray, centres: FloatArray) -> tuple[float, FloatArray]:
    labels, squared = _nearest(rows, centres)
    for _ in range(STEPS):
        centres = _moved(rows, labels, squared, centres)
        before = labels
        labels, squared = _nearest(rows, centres)
        if (labels == before).all():
            break
    return float(squared.sum()), centres


def _nearest(rows: FloatArray, centres: FloatArray) -> tuple[IntArray, FloatArray]:
    distance = np.stack([((rows - centre) ** 2).sum(axis=1) for centre in centres])
    return np.argmin(distance, axis=0).astype(np.int64), np.asarray(distance.min(axis=0), dtype=np.float64)


def _moved(rows: FloatArray, labels: IntArray, squared: FloatArray, centres: FloatArray) -> FloatArray:
    counts = np.bincount(labels, minlength=len(centres))
    sums = np.column_stack([np.bincount(labels, weights=column, minlength=len(centres)) for column in rows.T])
    moved = sums / np.maximum(counts, 1)[:, None]
    # A cluster that lost all its rows starts again at the row that is worst off.
    for empty, row in zip(np.flatnonzero(counts == 0), np.argsort(-squared, kind="stable"), strict=False):
        moved[empty] = rows[row]
    return np.asarray(moved, dtype=np.float64)


def silhouettes(values: ArrayLike, labels: ArrayLike) -> FloatArray:
    """How well each row sits in its cluster: (b - a) / max(a, b), -1..1; 0 for a cluster of one.

    a: mean distance to the other rows of its cluster; b: the smallest mean distance to another cluster's rows.
    values: shape (n, columns), columns scaled alike; labels: shape (n,), integers 0..k - 1, each of k >= 2 in use.
    Assumes roundish groups. Prefer the mean over rows to compare ways of clustering. Cost O(n^2 columns) time, O(1000
    n) memory. Raises TooFew, NotFinite, Inconsistent.
    Source: Rousseeuw, 1987, Journal of Computational and Applied Mathematics 20:53.

    >>> silhouettes([[0.0], [1.0], [10.0]], [0, 0, 1]).round(3).tolist()
    [0.9, 0.889, 0.0]
    """
    table, group = cases(values, rows_min=2), np.asarray(labels, dtype=np.int64)
    if group.shape != (len(table),) or (group < 0).any():
        raise Inconsistent("needs one label from 0 on per row")
    counts = np.bincount(group)
    if len(counts) < 2 or (counts == 0).any():
        raise TooFew("needs at least two clusters, none of them empty")
    member = (group[:, None] == np.arange(len(counts))).astype(np.float64)
    parts = [table[start : start + ROWS_AT_ONCE] for start in range(0, len(table), ROWS_AT_ONCE)]
    total = np.vstack([_distances(part, table) @ member for part in parts])
    here = np.arange(len(table)), group
    inside = total[here] / np.maximum(counts[group] - 1, 1)
    mean = total / counts
    mean[here] = np.inf
    outside = mean.min(axis=1)
    largest = np.maximum(inside, outside)
    alone = (counts[group] == 1) | (largest <= 0.0)
    return np.where(alone, 0.0, (outside - inside) / np.where(largest > 0.0, largest, 1.0))


def _distances(part: FloatArray, table: FloatArray) -> FloatArray:
    squared = np.zeros((len(part), len(table)))
    for column in range(table.shape[1]):
        squared += (part[:, column, None] - table[:, column]) ** 2
    return np.sqrt(squared)


@dataclass(frozen=True)
class Choice(Result):
    """The clustering with the best mean silhouette, that silhouette, and the mean silhouette of every k tried."""

    clusters: Clusters
    silhouette: float
    tried: tuple[tuple[int, float], ...]


@checked
def choose_clusters(values: ArrayLike, k_max: int = 8, seed: int = 0) -> Choice:
    """The number of clusters, from 2 to k_max, with the largest mean silhouette; the smaller one when they tie.

    values: shape (n, columns), as `cluster` takes them, which to prefer when k is known. A best silhouette below about
    .25 says that there are no clusters to speak of. Costs as `cluster` and
    `silhouettes` for each k. Raises TooFew, NotFinite, OutOfRange for k_max < 2.
    Source: Kaufman and Rousseeuw, 1990, Finding Groups in Data.

    >>> choice = choose_clusters([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0], [9.1]], k_max=4)
    >>> len(choice.clusters.centres), round(choice.silhouette, 2)
    (3, 0.97)
    """
    if k_max < 2:
        raise OutOfRange("k_max must be at least 2")
    table = cases(values, rows_min=3)
    k_most = min(k_max, len(np.unique(table, axis=0)))
    if k_most < 2:
        raise TooFew("all rows are equal")
    found = [cluster(table, k, seed) for k in range(2, k_most + 1)]
    # The mean of sorted values does not depend on the order of the rows.
    means = [float(np.sort(silhouettes(table, one.labels)).mean()) for one in found]
    best = int(np.argmax(means))
    tried = tuple((len(one.centres), mean) for one, mean in zip(found, means, strict=True))
    return Choice(found[best], means[best], tried)
