"""Equal values: the ranks that they share, and how large their groups are."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import FloatArray, IntArray


def midranks(values: FloatArray) -> FloatArray:
    """Ranks from 1 within each series, ties sharing their mean. Shape (..., n) to the same; O(n log n) a series.

    >>> midranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    order = np.argsort(values, axis=-1, kind="stable")
    first, last = _groups(np.take_along_axis(values, order, axis=-1))
    ranks: FloatArray = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2.0 + 1.0, axis=-1)
    return ranks


def tie_sizes(values: FloatArray) -> FloatArray:
    """How often each different value occurs, filled up with zeros. Shape (..., n) to the same; O(n log n) a series.

    >>> tie_sizes(np.array([3.0, 1.0, 3.0])).tolist()
    [1.0, 2.0, 0.0]
    """
    first, last = _groups(np.sort(values, axis=-1))
    sizes: FloatArray = np.where(first == np.arange(values.shape[-1]), last - first + 1.0, 0.0)
    return sizes


def _groups(ordered: FloatArray) -> tuple[IntArray, IntArray]:
    """For each place in sorted series the first and the last place with the same value."""
    place = np.arange(ordered.shape[-1])
    differs = ordered[..., 1:] != ordered[..., :-1]
    edge = np.ones((*ordered.shape[:-1], 1), dtype=np.bool_)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, differs], axis=-1), place, 0), axis=-1)
    ends = np.where(np.concatenate([differs, edge], axis=-1), place, place.size)
    last = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
    return first, last
