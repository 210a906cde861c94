"""What a stretch of a series costs under each idea of what stays the same within it."""

from __future__ import annotations

from enum import Enum
from typing import Protocol, assert_never

import numpy as np

from andon_quality.arrays import FloatArray, IntArray
from andon_quality.errors import NoSpread

# A noise of less than this share of the whole variance is taken for rounding, not for knowledge.
NOISE_FLOOR = 1e-3
NOISE_WINDOW = 30


class SegmentModel(Enum):
    """What stays the same between two change points."""

    MEAN = "mean"
    MEAN_AND_VARIANCE = "mean and variance"
    TREND = "trend"
    AUTOREGRESSIVE_TREND = "autoregressive trend"


class SegmentCost(Protocol):
    """Cost of the stretches [start, end) for many starts at once; `free` is the number of parameters of a stretch."""

    free: int
    shortest: int

    def __call__(self, starts: IntArray, end: int) -> FloatArray: ...


class GaussianCost:
    """n log(variance) of a stretch: twice the negative log-likelihood, mean and variance its own. O(1) a stretch."""

    free = 2
    shortest = 2

    def __init__(self, values: FloatArray) -> None:
        self.sums = np.concatenate([[0.0], np.cumsum(values)])
        self.squares = np.concatenate([[0.0], np.cumsum(values * values)])

    def __call__(self, starts: IntArray, end: int) -> FloatArray:
        n = (end - starts).astype(np.float64)
        mean = (self.sums[end] - self.sums[starts]) / n
        variance = (self.squares[end] - self.squares[starts]) / n - mean * mean
        cost: FloatArray = n * np.log(np.maximum(variance, 0.0) + NOISE_FLOOR)
        return cost


class RegressionCost:
    """Residual squares of a stretch's own regression over the noise variance. O(columns^3) a stretch."""

    def __init__(self, design: FloatArray, values: FloatArray) -> None:
        rows = np.column_stack([design, values])
        products = np.einsum("ti,tj->tij", rows, rows).cumsum(axis=0)
        self.grams = np.concatenate([np.zeros((1, *products.shape[1:])), products])
        self.noise_variance = noise_variance(design, values)
        self.free = design.shape[1]
        self.shortest = design.shape[1] + 1

    def __call__(self, starts: IntArray, end: int) -> FloatArray:
        gram = self.grams[end] - self.grams[starts]
        p = self.free
        inner, cross, squares = gram[:, :p, :p], gram[:, :p, p], gram[:, p, p]
        # A whisper of ridge keeps constant stretches solvable.
        ridge = 1e-9 * np.maximum(np.trace(inner, axis1=1, axis2=2), 1e-9) / p
        solved = np.linalg.solve(inner + ridge[:, None, None] * np.eye(p), cross[..., None])[..., 0]
        rest: FloatArray = np.maximum(squares - np.einsum("ij,ij->i", cross, solved), 0.0) / self.noise_variance
        return rest


def noise_variance(design: FloatArray, values: FloatArray) -> float:
    """The residual variance of a regression, told apart from the changes: the median over windows of 30 points.

    Windows overlap by half, so changes spoil few of them. Series shorter than two windows take half the squared
    median-based spread of the differences, or the whole regression's when that is larger but at most twice as large.
    Floored at 0.1 % of the variance of `values`. design: (n, p), values: (n,). O(n p^2).
    Source: the differences follow Rice, Annals of Statistics 12 (1984) 1215, with medians for means.

    >>> alternating = np.array([0.0, 1.0] * 50)
    >>> round(noise_variance(np.ones((100, 1)), alternating), 4)
    0.2586
    """
    floor = NOISE_FLOOR * float(np.var(values))
    if values.size < 2 * NOISE_WINDOW:
        differences = _median_spread(np.diff(values)) / 2
        whole = _median_spread(_residuals(design, values))
        return max(differences, min(whole, 2 * differences), floor)
    starts = range(0, values.size - NOISE_WINDOW + 1, NOISE_WINDOW // 2)
    rests = [_residuals(design[i : i + NOISE_WINDOW], values[i : i + NOISE_WINDOW]) for i in starts]
    typical = float(np.median([float(rest @ rest) for rest in rests]))
    return max(typical / (NOISE_WINDOW - len(design[0])), floor)


def _residuals(design: FloatArray, values: FloatArray) -> FloatArray:
    rest: FloatArray = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return rest


def _median_spread(values: FloatArray) -> float:
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    return spread * spread


def standardised(values: FloatArray) -> FloatArray:
    """`values` with mean 0 and standard deviation 1. O(n). Raises NoSpread.

    >>> standardised(np.array([1.0, 3.0]))
    array([-1.,  1.])
    """
    spread = float(values.std())
    if spread <= 1e-12 * max(1.0, float(np.abs(values).max())):
        raise NoSpread("a constant series has no change points")
    result: FloatArray = (values - values.mean()) / spread
    return result


def cost_of(values: FloatArray, model: SegmentModel) -> tuple[SegmentCost, int]:
    """The cost of `model` on standardised values, and how many first points it uses up as lags. O(n).

    >>> cost_of(np.array([0.0, 1.0, 0.0, 1.0]), SegmentModel.AUTOREGRESSIVE_TREND)[1]
    1
    """
    time = np.linspace(-1.0, 1.0, values.size)
    level = np.ones(values.size)
    match model:
        case SegmentModel.MEAN:
            return RegressionCost(level[:, None], values), 0
        case SegmentModel.MEAN_AND_VARIANCE:
            return GaussianCost(values), 0
        case SegmentModel.TREND:
            return RegressionCost(np.column_stack([level, time]), values), 0
        case SegmentModel.AUTOREGRESSIVE_TREND:
            design = np.column_stack([level[1:], values[:-1], time[1:]])
            return RegressionCost(design, values[1:]), 1
        case _:
            assert_never(model)
