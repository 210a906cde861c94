"""Many p values at once: what remains significant when all of them were looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import OutOfRange


def holm(p_values: ArrayLike) -> FloatArray:
    """Adjusted p values against any false finding: max over smaller p of (m - rank + 1) p, at most 1.

    p_values: shape (m,), in any order; the answer is in the same order. Holds under every dependence. Compare with the
    level wanted. Prefer `benjamini_hochberg` when some false findings among many are acceptable. Cost O(m log m).
    Raises NotFinite, OutOfRange outside 0..1. Source: Holm, 1979, Scandinavian Journal of Statistics 6:65.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values, order = _ordered(p_values)
    steps = np.arange(len(values), 0, -1)
    return _back(np.minimum(np.maximum.accumulate(steps * values[order]), 1.0), order)


def benjamini_hochberg(p_values: ArrayLike) -> FloatArray:
    """Adjusted p values that keep the share of false among all findings: min over larger p of m p / rank, at most 1.

    p_values: shape (m,), in any order; the answer is in the same order. Assumes independent or positively dependent
    tests; prefer `holm` where one false finding is one too many. Cost O(m log m). Raises NotFinite, OutOfRange
    outside 0..1. Source: Benjamini and Hochberg, 1995, Journal of the Royal Statistical Society B 57:289.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(6).tolist()
    [0.03, 0.04, 0.04]
    """
    values, order = _ordered(p_values)
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _back(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), order)


def _ordered(p_values: ArrayLike) -> tuple[FloatArray, np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    values = finite(p_values).ravel()
    if ((values < 0.0) | (values > 1.0)).any():
        raise OutOfRange("a p value lies in 0..1")
    return values, np.argsort(values, kind="stable")


def _back(adjusted: FloatArray, order: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> FloatArray:
    answer = np.empty_like(adjusted)
    answer[order] = adjusted
    return answer
