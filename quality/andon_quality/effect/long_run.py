"""The variance that counts for means of dependent points, without a model of the dependence."""

from __future__ import annotations

import math

import numpy as np

from andon_quality.arrays import FloatArray, PerSeries, plain
from andon_quality.errors import TooFew


def long_run_variance(values: FloatArray, fitted: int = 1) -> tuple[PerSeries, float]:
    """n Var(mean) for large n, by Bartlett weights, and the degrees of freedom of that estimate.

    s^2 max(1, (1 + 2 sum w_k r_k) / (1 - (L + 1) / n)) with w_k = 1 - k / (L + 1) and L = floor(sqrt(n)); the division
    makes up for the fitted mean. Degrees of freedom 1.5 n / L (fixed-bandwidth theory). Never below the variance of
    independent points. values: shape (n,), n >= 8, or (series, n), of which `fitted` parameters were estimated.
    O(n^1.5) a series. Raises TooFew. Source: Newey and West, Econometrica 55 (1987) 703; Lazarus, Lewis, Stock and
    Watson, Journal of Business and Economic Statistics 36 (2018) 541.

    >>> variance, df = long_run_variance(np.array([1.0, -1.0] * 50))
    >>> round(variance, 4), df
    (1.0101, 15.0)
    """
    n = values.shape[-1]
    if n < 8 or n <= fitted + 1:
        raise TooFew("needs at least 8 points to judge their dependence")
    centred = values - values.mean(axis=-1, keepdims=True)
    squares = (centred * centred).sum(axis=-1)
    lags = math.isqrt(n)
    weighted = np.zeros(squares.shape)
    for k in range(1, lags + 1):
        weighted = weighted + (1 - k / (lags + 1)) * (centred[..., k:] * centred[..., :-k]).sum(axis=-1)
    correlations = np.divide(weighted, squares, out=np.zeros(squares.shape), where=squares > 0)
    inflation = (1 + 2 * correlations) / (1 - (lags + 1) / n)
    return plain(squares / (n - fitted) * np.maximum(inflation, 1.0)), 1.5 * n / lags
