"""What a stretch of a series costs under each idea of what stays the same within it."""

from __future__ import annotations

from enum import Enum
from typing import Protocol, assert_never

import numpy as np

from andon_quality.arrays import BoolArray, FloatArray, IntArray, beyond_rounding, refuse
from andon_quality.errors import NoSpread
from andon_quality.structure.least_squares import along, combined

# A noise of less than this share of the whole variance is taken for rounding, not for knowledge.
NOISE_FLOOR = 1e-3
NOISE_WINDOW = 30
# Added to the noise of a stretch, in units of the typical noise of the series: a few points that happen to lie close
# together are no stretch of their own.
OWN_NOISE_MIN = 0.3
# What running sums of standardised values round off: a noise below it, as of a series that is constant after its first
# point, is none.
ROUNDING = 1e-10
# A whisper of ridge keeps constant stretches solvable.
RIDGE = 1e-9


class SegmentModel(Enum):
    """What stays the same between two change points.

    MEAN and TREND take the noise to be of one size in all of a series; the other two let each stretch have its own.
    """

    MEAN = "mean"
    MEAN_AND_VARIANCE = "mean and variance"
    TREND = "trend"
    AUTOREGRESSIVE_TREND = "autoregressive trend"


class SegmentCost(Protocol):
    """Cost of the stretches [start, end) of the series numbered `series`, elementwise for as many as are asked for.

    `free` is the number of parameters of a stretch, `shortest` the fewest points that tell them.
    """

    free: int
    shortest: int

    def __call__(self, series: IntArray, starts: IntArray, ends: IntArray | int) -> FloatArray: ...


class GaussianCost:
    """n log(variance) of a stretch: twice the negative log-likelihood, mean and variance its own.

    values: shape (series, n). O(values) to make, O(1) a stretch.
    """

    free = 2
    shortest = 2

    def __init__(self, values: FloatArray) -> None:
        self.sums = _Sums([values, values * values])

    def __call__(self, series: IntArray, starts: IntArray, ends: IntArray | int) -> FloatArray:
        n = (ends - starts).astype(np.float64)
        total, squares = self.sums.between(series, starts, ends)
        mean = total / n
        variance = squares / n - mean * mean
        cost: FloatArray = n * np.log(np.maximum(variance, 0.0) + NOISE_FLOOR)
        return cost


class RegressionCost:
    """Residual squares of a stretch's own regression over the noise variance.

    columns: shape (p, n), or (series, p, n) for a design of each; values: (series, n). O(values p^2) to make, O(p^3) a
    stretch: the last pivot of its sums of products, eliminated one by one.
    """

    def __init__(self, columns: FloatArray, values: FloatArray) -> None:
        self.free = columns.shape[-2]
        self.shortest = self.free + 1
        self.noise_variance = np.maximum(noise_variance(columns, values), ROUNDING)
        rows = [*(columns[..., i, :] for i in range(self.free)), values]
        shape = values.shape
        self.sums = _Sums([np.broadcast_to(a * b, shape) for i, a in enumerate(rows) for b in rows[i:]])

    def __call__(self, series: IntArray, starts: IntArray, ends: IntArray | int) -> FloatArray:
        found = iter(self.sums.between(series, starts, ends))
        size = self.free + 1
        left = {(i, j): next(found) for i in range(size) for j in range(i, size)}
        trace = np.add.reduce([left[i, i] for i in range(self.free)])
        ridge = RIDGE * np.maximum(trace, 1e-9) / self.free
        for pivot in range(self.free):
            whole = left[pivot, pivot] + ridge
            for i in range(pivot + 1, size):
                share = left[pivot, i] / whole
                for j in range(i, size):
                    left[i, j] = left[i, j] - share * left[pivot, j]
        rest: FloatArray = np.maximum(left[self.free, self.free], 0.0) / self.noise_variance[series]
        return rest


class OwnNoiseCost(RegressionCost):
    """n log(residual squares / (n noise) + 0.3) of a stretch: a regression with a noise variance of its own.

    Twice the negative log-likelihood but for a constant, with the variance of a stretch raised by 0.3 of `noise`, the
    typical one of the series. Arguments and costs as for `RegressionCost`.
    """

    def __call__(self, series: IntArray, starts: IntArray, ends: IntArray | int) -> FloatArray:
        n = (ends - starts).astype(np.float64)
        cost: FloatArray = n * np.log(super().__call__(series, starts, ends) / n + OWN_NOISE_MIN)
        return cost


class _Sums:
    """Running sums of some quantities, each of shape (series, n), to be asked for what lies between two points."""

    def __init__(self, quantities: list[FloatArray]) -> None:
        series, n = quantities[0].shape
        running = np.zeros((len(quantities), series, n + 1))
        for place, quantity in enumerate(quantities):
            np.cumsum(quantity, axis=-1, out=running[place, :, 1:])
        self.running, self.width = running.reshape(len(quantities), -1), n + 1

    def between(self, series: IntArray, starts: IntArray, ends: IntArray | int) -> FloatArray:
        """Shape (quantities, stretches)."""
        row = series * self.width
        found: FloatArray = self.running.take(row + ends, axis=1) - self.running.take(row + starts, axis=1)
        return found


def noise_variance(columns: FloatArray, values: FloatArray) -> FloatArray:
    """The residual variance of a regression, separated from the changes: the median over windows of 30 points.

    Windows overlap by half, so changes spoil few of them. Series shorter than two windows take half the squared
    median-based spread of the differences, or the whole regression's when that is larger but at most twice as large.
    Floored at 0.1 % of the variance of `values`. columns: shape (p, n), or (series, p, n); values: (n,) or (series, n);
    the answer () or (series,), in the squared unit of the values. Assumes that most windows hold no change. O(n p^2) a
    series. Source: the differences follow Rice, Annals of Statistics 12 (1984) 1215, with medians for means.

    >>> alternating = np.array([0.0, 1.0] * 50)
    >>> round(float(noise_variance(np.ones((1, 100)), alternating)), 4)
    0.2586
    """
    n = values.shape[-1]
    floor = NOISE_FLOOR * values.var(axis=-1)
    if n < 2 * NOISE_WINDOW:
        differences = _median_spread(np.diff(values, axis=-1)) / 2
        whole = _median_spread(_residuals(columns, values))
        return np.asarray(np.maximum(np.maximum(differences, np.minimum(whole, 2 * differences)), floor))
    parts = [slice(i, i + NOISE_WINDOW) for i in range(0, n - NOISE_WINDOW + 1, NOISE_WINDOW // 2)]
    designs = np.stack([columns[..., part] for part in parts], axis=-3)
    rests = _residuals(designs, np.stack([values[..., part] for part in parts], axis=-2))
    typical = np.median(np.square(rests).sum(axis=-1), axis=-1)
    return np.asarray(np.maximum(typical / (NOISE_WINDOW - columns.shape[-2]), floor))


def _residuals(columns: FloatArray, values: FloatArray) -> FloatArray:
    """What least squares leaves, columns that repeat each other counted once; (..., p, n) and (..., n) to (..., n)."""
    _, sizes, basis = np.linalg.svd(columns, full_matrices=False)
    known = sizes > sizes.max(axis=-1, keepdims=True) * np.finfo(np.float64).eps * columns.shape[-1]
    basis = np.where(known[..., None], basis, 0.0)
    return np.asarray(values - combined(along(basis, values), basis))


def _median_spread(values: FloatArray) -> FloatArray:
    away = np.abs(values - np.median(values, axis=-1, keepdims=True))
    return np.square(1.4826 * np.median(away, axis=-1))


def varies(values: FloatArray) -> BoolArray:
    """Whether a series is more than a constant and its rounding; shape (..., n) to (...). O(n) a series.

    >>> varies(np.array([[1.0, 3.0], [2.0, 2.0]])).tolist()
    [True, False]
    """
    return np.asarray(beyond_rounding(values.std(axis=-1), values) > 0.0)


def standardised(values: FloatArray) -> FloatArray:
    """`values`, shape (..., n), with mean 0 and standard deviation 1: (x - mean) / s. O(n) a series. Raises NoSpread.

    >>> standardised(np.array([1.0, 3.0]))
    array([-1.,  1.])
    """
    refuse(~varies(values), NoSpread, "a constant series has no change points")
    result: FloatArray = (values - values.mean(axis=-1, keepdims=True)) / values.std(axis=-1, keepdims=True)
    return result


def cost_of(values: FloatArray, model: SegmentModel) -> tuple[SegmentCost, int]:
    """The cost of `model` on standardised values, shape (series, n), and how many first points it uses up as lags.

    O(n) a series.

    >>> cost_of(np.array([[0.0, 1.0, 0.0, 1.0]]), SegmentModel.AUTOREGRESSIVE_TREND)[1]
    1
    """
    n = values.shape[-1]
    level, time = np.ones(n), np.linspace(-1.0, 1.0, n)
    match model:
        case SegmentModel.MEAN:
            return RegressionCost(level[None], values), 0
        case SegmentModel.MEAN_AND_VARIANCE:
            return GaussianCost(values), 0
        case SegmentModel.TREND:
            return RegressionCost(np.stack([level, time]), values), 0
        case SegmentModel.AUTOREGRESSIVE_TREND:
            before = values[:, :-1]
            columns = np.stack(np.broadcast_arrays(level[1:], before, time[1:]), axis=-2)
            return OwnNoiseCost(columns, np.ascontiguousarray(values[:, 1:])), 1
        case _:
            assert_never(model)
