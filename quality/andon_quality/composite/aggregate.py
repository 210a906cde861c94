"""The composite of a hierarchy from its leaf scores, an interval when leaves are missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray
from andon_quality.composite.hierarchy import Hierarchy, flat
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange
from andon_quality.result import Result


@dataclass(frozen=True)
class CompositeScore(Result):
    """Bounds of the composite (equal when no leaf is missing), the weight that is missing, and the bounds per node."""

    low: FloatArray
    high: FloatArray
    missing_weight: FloatArray
    node_low: FloatArray
    node_high: FloatArray


def composite(
    scores: ArrayLike, weights: ArrayLike | Hierarchy, scale: tuple[float, float] = (0.0, 100.0)
) -> CompositeScore:
    """The weighted mean of a hierarchy from its leaves; a missing leaf widens it to an interval.

    node = sum over children of share * child; a missing leaf counts as scale[0] in `low` and scale[1] in `high`, so the
    true composite lies between them whatever the leaf turns out to be. Weights are never shifted to other leaves.
    scores: shape (..., leaves), NaN where missing, in the order of `Hierarchy.leaves`; weights: a hierarchy, or
    relative weights of shape (leaves,) for a flat one. Results have shape (...) and (..., nodes).
    Prefer it to a mean of what is there, which calls a leaf that was lost as good as the others. Cost O(nodes) per row.
    Raises Inconsistent for the wrong number of leaves, NotFinite for infinity,
    OutOfRange for a score outside the scale. Source: OECD/JRC handbook, 2008, chapter 6 (linear aggregation);
    the interval is plain interval arithmetic (Moore, 1966).

    >>> from andon_quality.composite.hierarchy import hierarchy
    >>> tree = hierarchy([-1, 0, 0], [1, 1, 3])
    >>> result = composite([[80.0, 60.0], [80.0, float("nan")]], tree)
    >>> result.low.tolist(), result.high.tolist(), result.missing_weight.tolist()
    ([65.0, 20.0], [65.0, 95.0], [0.0, 0.75])
    """
    tree = weights if isinstance(weights, Hierarchy) else flat(weights)
    given = checked_scores(scores, tree, scale)
    missing = np.isnan(given)
    node_low = roll_up(tree, np.where(missing, scale[0], given))
    node_high = roll_up(tree, np.where(missing, scale[1], given))
    root = tree.bottom_up[-1]
    missing_weight = np.asarray((missing * tree.leaf_weights).sum(axis=-1))
    return CompositeScore(node_low[..., root], node_high[..., root], missing_weight, node_low, node_high)


def contributions(
    scores: ArrayLike, weights: ArrayLike | Hierarchy, scale: tuple[float, float] = (0.0, 100.0)
) -> tuple[FloatArray, FloatArray]:
    """What each leaf brings to the low and to the high bound, in points of the composite; each sums to its bound.

    leaf weight * score; a missing leaf brings between its weight times scale[0] and times scale[1]. Any grouping of the
    leaves (by phase, by branch) adds up to the whole. Prefer `split_change` for what moved between two times.
    Shapes (..., leaves); source, cost and errors as `composite`.

    >>> low, high = contributions([80.0, float("nan")], [1, 3])
    >>> low.tolist(), high.tolist()
    ([20.0, 0.0], [20.0, 75.0])
    """
    tree = weights if isinstance(weights, Hierarchy) else flat(weights)
    given = checked_scores(scores, tree, scale)
    missing = np.isnan(given)
    low, high = (np.where(missing, end, given) * tree.leaf_weights for end in scale)
    return low, high


def checked_scores(scores: ArrayLike, tree: Hierarchy, scale: tuple[float, float]) -> FloatArray:
    """Leaf scores as an array (..., leaves), finite and within the scale, NaN where missing.

    Raises Inconsistent for another number of leaves, OutOfRange for a score off the scale, NotFinite for an infinite
    one. O(scores).

    >>> from andon_quality.composite import flat
    >>> checked_scores([80, float("nan")], flat([1, 3]), (0.0, 100.0))
    array([80., nan])
    """
    given = np.asarray(scores, dtype=np.float64)
    if given.ndim == 0 or given.shape[-1] != len(tree.leaves):
        raise Inconsistent(f"needs {len(tree.leaves)} leaf scores, got shape {given.shape}")
    if np.isinf(given).any():
        raise NotFinite("scores must be finite numbers, or NaN where missing")
    if ((given < scale[0]) | (given > scale[1])).any():
        raise OutOfRange(f"scores must lie in {scale[0]}..{scale[1]}")
    return given


def roll_up(tree: Hierarchy, leaf_scores: FloatArray) -> FloatArray:
    """Scores of all nodes (..., nodes) from those of the leaves: each node is the weighted sum of those below it. O(n).

    >>> from andon_quality.composite import flat
    >>> float(roll_up(flat([1, 3]), np.array([80.0, 40.0]))[0])
    50.0
    """
    nodes = np.zeros((*leaf_scores.shape[:-1], len(tree.names)))
    nodes[..., tree.leaves] = leaf_scores
    for node in tree.bottom_up[:-1]:
        nodes[..., tree.parents[node]] += tree.weights[node] * nodes[..., node]
    return nodes
