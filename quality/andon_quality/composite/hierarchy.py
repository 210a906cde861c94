"""A weighted tree of indicators: shares among siblings, and what each leaf weighs in the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, IntArray, finite
from andon_quality.errors import Inconsistent, OutOfRange

ROOT = -1


@dataclass(frozen=True)
class Hierarchy:
    """A tree of indicators: `parents[i]` is the index of node i's parent (-1 for the root), `weights[i]` its share
    among its siblings (shares of siblings sum to 1; the root's is 1). Build it with `hierarchy`, which checks."""

    names: tuple[str, ...]
    parents: IntArray
    weights: FloatArray

    @cached_property
    def leaves(self) -> IntArray:
        """Indices of the nodes without children, ascending: the order in which scores are given."""
        return np.setdiff1d(np.arange(len(self.names)), self.parents).astype(np.int64)

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """For each node, its indices from itself up to the root."""
        return tuple(_path(self.parents, node) for node in range(len(self.names)))

    @cached_property
    def bottom_up(self) -> tuple[int, ...]:
        """Nodes ordered so that children come before their parent."""
        return tuple(sorted(range(len(self.names)), key=lambda node: (-len(self.paths[node]), node)))

    @cached_property
    def leaf_weights(self) -> FloatArray:
        """Each leaf's share of the root: the product of the shares on its path; sums to 1."""
        return np.array([math.prod(self.weights[list(self.paths[leaf])]) for leaf in self.leaves])


def hierarchy(parents: ArrayLike, weights: ArrayLike, names: tuple[str, ...] | None = None) -> Hierarchy:
    """A checked hierarchy; weights are relative among siblings and are brought to sum 1 under each parent.

    parents: shape (nodes,), index of the parent, -1 for the one root, in any order. weights: shape (nodes,), >= 0, not
    all zero under a parent. names: unique; default "0", "1", ... Prefer `flat` for a single level. Cost O(nodes *
    depth). Raises NotFinite, TooFew for no nodes, OutOfRange for a negative weight, Inconsistent for a cycle, a missing
    or second root, or names that repeat.

    >>> tree = hierarchy([-1, 0, 0, 2, 2], [1, 1, 3, 1, 1])
    >>> tree.leaf_weights.tolist()
    [0.25, 0.375, 0.375]
    """
    above = np.asarray(parents, dtype=np.int64)
    relative = finite(weights, at_least=1)
    labels = names if names is not None else tuple(str(node) for node in range(len(above)))
    if not len(above) == len(relative) == len(labels) == len(set(labels)):
        raise Inconsistent("parents, weights and names must have one entry per node, and names must be unique")
    if (relative < 0).any():
        raise OutOfRange("a weight is never negative")
    if (above == ROOT).sum() != 1 or (above < ROOT).any() or (above >= len(above)).any():
        raise Inconsistent("there must be exactly one root, and every parent must be a node")
    for node in range(len(above)):
        _path(above, node)
    return Hierarchy(labels, above, _shares(above, relative))


def _path(parents: IntArray, node: int) -> tuple[int, ...]:
    path = [node]
    while parents[path[-1]] != ROOT:
        path.append(int(parents[path[-1]]))
        if len(path) > len(parents):
            raise Inconsistent(f"node {node} is its own ancestor")
    return tuple(path)


def _shares(parents: IntArray, relative: FloatArray) -> FloatArray:
    totals = np.bincount(parents + 1, weights=relative, minlength=len(parents) + 1)[parents + 1]
    if (totals <= 0).any():
        raise OutOfRange("the weights under a parent must not all be zero")
    return np.asarray(relative / totals, dtype=np.float64)


def flat(weights: ArrayLike, names: tuple[str, ...] | None = None) -> Hierarchy:
    """A hierarchy of one level: leaves straight under the root, weights relative.

    weights: shape (leaves,); names: those of the leaves; the root is called "composite". Prefer `hierarchy` for more
    levels. Cost and errors as there.

    >>> flat([1, 3]).leaf_weights.tolist()
    [0.25, 0.75]
    """
    relative = finite(weights, at_least=1)
    labels = names if names is not None else tuple(str(leaf) for leaf in range(len(relative)))
    return hierarchy([ROOT] + [0] * len(relative), [1.0, *relative], ("composite", *labels))
