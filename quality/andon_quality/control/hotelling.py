"""Hotelling's T2: several correlated measures watched by one statistic, as individuals or as subgroup means.

Assumes independent, roughly multivariate normal vectors; needs clearly more points than measures. T2 finds large shifts
in any direction; for small lasting ones prefer `mewma`, and for few nearly uncorrelated measures one chart for each.
Source: H. Hotelling, Multivariate quality control (1947); N. D. Tracy, J. C. Young and R. L. Mason, Multivariate
control charts for individual observations, Journal of Quality Technology 24 (1992) 88-95; J. H. Sullivan and W. H.
Woodall, A comparison of multivariate control charts for individual observations, same journal 28 (1996) 398-408.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import DUST, BoolArray, FloatArray, IntArray
from andon_quality.control.chart import Chart, Memoryless, StatisticKind, points, tail_of
from andon_quality.control.subgroups import sizes_of
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew

Method = Literal["sample", "successive"]
Phase = Literal["I", "II"]


@checked_fields
@dataclass(frozen=True)
class VectorBaseline:
    """Frozen mean vector and covariance of p measures.

    centre: (..., p). covariance: (..., p, p), of a single vector. whitener: (..., p, p), the inverse of its lower
    Cholesky factor. points: vectors or subgroups, values: vectors in all of them, df: degrees of freedom of the
    covariance, all of shape (...).
    """

    kind: StatisticKind
    centre: FloatArray
    covariance: FloatArray
    whitener: FloatArray
    points: IntArray
    values: FloatArray
    df: FloatArray
    method: str


@checked
def baseline(vectors: ArrayLike, method: Method = "sample") -> VectorBaseline:
    """From individual vectors, shape (..., time, p); a vector with any NaN is missing.

    "sample": the ordinary covariance, df m - 1; "successive": half the mean product of successive differences
    (missing vectors closed up), which a shift inside the baseline hardly inflates, with the effective df
    2 (m-1)^2 / (3m - 4) of Sullivan and Woodall. Cost: O(m p^2 + p^3) per series.
    Raises TooFew unless df >= p, NoSpread for a singular covariance, NotFinite for infinity.

    >>> frozen = baseline([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    >>> frozen.covariance.round(3).tolist()
    [[0.667, 0.0], [0.0, 0.667]]
    """
    x = _vectors(vectors, 2)
    there = ~np.isnan(x[..., 0])
    m = there.sum(axis=-1)
    if (m < 2).any():
        raise TooFew("a covariance needs at least 2 vectors")
    centre = np.where(there[..., None], x, 0.0).sum(axis=-2) / m[..., None]
    match method:
        case "sample":
            df = m - 1.0
            covariance = _products(x - centre[..., None, :], there) / df[..., None, None]
        case "successive":
            df = 2.0 * (m - 1.0) ** 2 / (3.0 * m - 4.0)
            covariance = _successive(x, there) / (2.0 * (m - 1.0))[..., None, None]
        case _:
            assert_never(method)
    return _frozen(centre, covariance, m, m.astype(np.float64), df, method)


def baseline_of_subgroups(vectors: ArrayLike) -> VectorBaseline:
    """From raw subgroups, shape (..., time, n, p): grand mean and pooled within-subgroup covariance.

    A vector with any NaN is absent, so subgroups may differ in size. df = sum(n - 1). Cost: O(values p).
    Raises TooFew unless df >= p, NoSpread for a singular covariance, NotFinite for infinity.

    >>> frozen = baseline_of_subgroups([[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [[4.0, 4.0], [5.0, 4.0], [4.0, 5.0]]])
    >>> float(frozen.df)
    4.0
    """
    x = _vectors(vectors, 3)
    there = ~np.isnan(x[..., 0])
    means, n = subgroup_means(x)
    total = n.sum(axis=-1)
    centre = np.nansum(n[..., None] * np.where(n[..., None] > 0, means, 0.0), axis=-2) / total[..., None]
    df = np.maximum(n - 1.0, 0.0).sum(axis=-1)
    scatter = _products(x - means[..., None, :], there).sum(axis=-3)
    if (df < 1).any():
        raise TooFew("a pooled covariance needs a subgroup of at least 2 vectors")
    return _frozen(centre, scatter / df[..., None, None], (n > 0).sum(axis=-1), total, df, "pooled")


def subgroup_means(vectors: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Mean vectors (..., time, p) and sizes (..., time) of raw subgroups (..., time, n, p).

    >>> subgroup_means([[[1.0, 3.0], [3.0, 5.0]]])[0].tolist()
    [[2.0, 4.0]]
    """
    x = _vectors(vectors, 3)
    there = ~np.isnan(x[..., 0])
    n = there.sum(axis=-1).astype(np.float64)
    total = np.where(there[..., None], x, 0.0).sum(axis=-2)
    return np.where(n[..., None] > 0, total / np.maximum(n, 1.0)[..., None], np.nan), n


@checked
def chart(
    baseline: VectorBaseline, vectors: ArrayLike, sizes: ArrayLike = 1.0, width: float = 3.0, phase: Phase = "II"
) -> Chart:
    """T2 = n (x - centre)' S^-1 (x - centre) against its upper limit; the lower limit is 0, centre its expected value.

    vectors: (..., time, p), individuals or means of `sizes` vectors each. The limit has the same false-alarm
    probability per point as a two-sided Shewhart chart of that width: 0.27 % at 3 (`width_for` converts).
    Phase "II" judges new points, factor (1 + n/N) p f / (f - p + 1) on F(p, f - p + 1); phase "I" the points of the
    baseline themselves, with (1 - n/N) for subgroups and (m-1)^2/m Beta(p/2, (f - p)/2) for individuals.
    Cost: O(p^2) per point. Raises Inconsistent when the number of measures differs, OutOfRange for a bad width.

    >>> frozen = baseline(np.random.default_rng(1).normal(size=(50, 2)))
    >>> chart(frozen, [[0.0, 0.0], [9.0, -9.0]]).beyond
    array([False,  True])
    """
    whitened = whiten(baseline, vectors)
    n = sizes_of(sizes, whitened[..., 0])
    statistic = n * _squares(whitened)
    upper = _limit(baseline, n, whitened.shape[-1], 2.0 * tail_of(width), phase)
    zero = np.zeros(statistic.shape)
    centre = zero + whitened.shape[-1]
    return Chart(
        StatisticKind.T2, np.where(n > 0, statistic, np.nan), centre, zero, upper, np.full(zero.shape, np.nan), width
    )


def contributions(baseline: VectorBaseline, vectors: ArrayLike, sizes: ArrayLike = 1.0) -> FloatArray:
    """How much of T2 each measure adds to all others: T2 - T2 without it, shape (..., time, p).

    n (S^-1 d)_j^2 / (S^-1)_jj: the conditional terms of the decomposition; a large one names the measure that broke
    the pattern. Source: R. L. Mason, N. D. Tracy and J. C. Young, Journal of Quality Technology 27 (1995) 99-108.

    >>> frozen = baseline([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    >>> contributions(frozen, [[2.0, 0.0]]).round(6).tolist()
    [[6.0, 0.0]]
    """
    whitened = whiten(baseline, vectors)
    n = sizes_of(sizes, whitened[..., 0])
    back = np.swapaxes(baseline.whitener, -1, -2)
    weighted = np.einsum("...ij,...tj->...ti", back, whitened)
    diagonal = np.einsum("...ij,...ij->...i", back, back)
    return np.asarray(n[..., None] * weighted**2 / diagonal[..., None, :])


def start(baseline: VectorBaseline) -> Memoryless:
    """The state before the first vector: none, as no point depends on another.

    >>> start(baseline(np.random.default_rng(1).normal(size=(50, 2))))
    Memoryless()
    """
    return Memoryless()


def advance(
    baseline: VectorBaseline, state: Memoryless, vectors: ArrayLike, sizes: ArrayLike = 1.0, width: float = 3.0
) -> tuple[Memoryless, Chart]:
    """The next vectors, shape (..., m, p), in phase II; the same bits in any split into calls.

    >>> frozen = baseline(np.random.default_rng(1).normal(size=(50, 2)))
    >>> advance(frozen, start(frozen), [[9.0, -9.0]])[1].beyond
    array([ True])
    """
    return state, chart(baseline, vectors, sizes, width)


def width_for(alpha: float) -> float:
    """The width at which a limit is crossed with probability alpha per point: Phi^-1(1 - alpha / 2).

    >>> round(width_for(0.0026998), 4)
    3.0
    """
    from scipy.special import ndtri

    if not 0 < alpha < 1:
        raise OutOfRange(f"alpha must lie between 0 and 1, got {alpha}")
    return float(-ndtri(alpha / 2.0))


def whiten(baseline: VectorBaseline, vectors: ArrayLike) -> FloatArray:
    """Vectors less the centre, in coordinates with unit variance and no correlation; shape (..., time, p).

    Summed in a fixed order, measure by measure, so that a point has the same bits in any batch.

    >>> frozen = baseline([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]])
    >>> whiten(frozen, [[4.0, 0.0]]).round(4).tolist()
    [[2.4495, 0.0]]
    """
    x = _vectors(vectors, 2)
    p = baseline.centre.shape[-1]
    if x.shape[-1] != p:
        raise Inconsistent(f"the baseline has {p} measures, the vectors {x.shape[-1]}")
    deviation = x - baseline.centre[..., None, :]
    factor = baseline.whitener[..., None, :, :]
    columns = [sum(factor[..., i, j] * deviation[..., j] for j in range(i + 1)) for i in range(p)]
    return np.stack(columns, axis=-1)


def _squares(whitened: FloatArray) -> FloatArray:
    return np.asarray(sum(whitened[..., i] ** 2 for i in range(whitened.shape[-1])))


def _limit(baseline: VectorBaseline, n: FloatArray, p: int, alpha: float, phase: Phase) -> FloatArray:
    from scipy.special import betaincinv, fdtri

    df, total = baseline.df[..., None], baseline.values[..., None]
    exact = p * df / (df - p + 1.0) * fdtri(p, df - p + 1.0, 1.0 - alpha)
    match phase:
        case "II":
            return np.asarray((1.0 + n / total) * exact)
        case "I" if baseline.method == "pooled":
            return np.asarray((1.0 - n / total) * exact)
        case "I":
            if (df <= p).any():
                raise TooFew("phase I of individuals needs more degrees of freedom than measures")
            limit = (total - 1.0) ** 2 / total * betaincinv(p / 2.0, (df - p) / 2.0, 1.0 - alpha)
            return np.broadcast_to(limit, n.shape)
        case _:
            assert_never(phase)


def _frozen(
    centre: FloatArray, covariance: FloatArray, m: IntArray, values: FloatArray, df: FloatArray, method: str
) -> VectorBaseline:
    p = centre.shape[-1]
    if (df < p).any():
        raise TooFew(f"{p} measures need at least {p} degrees of freedom, got {float(np.min(df)):.3g}")
    scale = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    if not (scale > DUST * np.abs(centre)).all():
        raise NoSpread("a measure is constant in the baseline")
    correlation = covariance / (scale[..., :, None] * scale[..., None, :])
    if (np.linalg.eigvalsh(correlation)[..., 0] < 1e-12).any():
        raise NoSpread("the measures are linearly dependent")
    whitener = np.linalg.inv(np.linalg.cholesky(correlation)) / scale[..., None, :]
    return VectorBaseline(StatisticKind.T2, centre, covariance, whitener, np.asarray(m), values, df, method)


def _products(deviation: FloatArray, there: BoolArray) -> FloatArray:
    kept = np.where(there[..., None], deviation, 0.0)
    return np.asarray(np.einsum("...ti,...tj->...ij", kept, kept))


def _successive(x: FloatArray, there: BoolArray) -> FloatArray:
    """Products of differences between each vector and the one present before it."""
    p = x.shape[-1]
    rows, present = x.reshape(-1, x.shape[-2], p), there.reshape(-1, x.shape[-2])
    steps = [np.diff(row[seen], axis=0) for row, seen in zip(rows, present, strict=True)]
    return np.stack([step.T @ step for step in steps]).reshape(*x.shape[:-2], p, p)


def _vectors(vectors: ArrayLike, axes: int) -> FloatArray:
    """float64 vectors, all measures NaN where any is."""
    x = points(vectors)
    if x.ndim < axes:
        raise Inconsistent(f"needs shape (..., {'time, n, p' if axes == 3 else 'time, p'}), got {x.shape}")
    return np.where(np.isnan(x).any(axis=-1, keepdims=True), np.nan, x)
