"""Several groups at once: whether their means or their spreads differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, beyond_rounding, by_series, plain, refuse, side_by_side
from andon_quality.errors import NoSpread, TooFew
from andon_quality.inference.comparison import AssumptionCheck, Comparison
from andon_quality.inference.interval import Interval, normal_quantile
from andon_quality.inference.noncentral import f_range


def anova(groups: Sequence[ArrayLike], confidence: float = 0.95) -> Comparison:
    """Whether the means of k groups differ: effect eta^2, the share of variance between groups.

    F = (SSB / (k - 1)) / (SSW / (N - k)); the interval inverts the noncentral F, eta^2 = nc / (nc + N).
    groups: k >= 2 samples of n >= 2, each of shape (n,), or (series, n) for many comparisons at once. Assumes
    independent values and equal spreads (checked); sums are taken about the grand mean, which keeps stiff data exact
    to 1e-9. Prefer `kruskal` when tails or spreads are unequal, `welch` for two.
    Cost O(values), and a hundred evaluations of the noncentral F a comparison; scipy is imported on use.
    Raises TooFew, NotFinite, Inconsistent, NoSpread when no group varies, OutOfRange.
    Source: Fisher, 1925, Statistical Methods for Research Workers; Steiger, 2004, Psychological Methods 9:164.

    >>> result = anova([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [5.0, 6.0, 7.0]])
    >>> round(result.statistic, 6), result.df, round(result.p_value, 6), round(result.effect, 4)
    (13.0, (2.0, 6.0), 0.006592, 0.8125)
    """
    samples = samples_checked(groups)
    p = plain(_f_test(_from_medians(samples), samples).p_value)
    equal = AssumptionCheck("spreads are equal", plain(np.asarray(p) >= 0.05), "Brown-Forsythe p {:.3g}", (p,))
    return _effect_of_groups("share of variance between groups", samples, confidence, (equal,))


def brown_forsythe(groups: Sequence[ArrayLike], confidence: float = 0.95) -> Comparison:
    """Whether the spreads of k groups differ: the analysis of variance of |x - group median|.

    effect: eta^2 of those distances. groups: k >= 2 samples of n >= 2, each of shape (n,) or (series, n), independent;
    robust to tails. Prefer `compare_spread` for two groups: it tells how many times. Cost O(N log N) a comparison.
    Raises as `anova`. Source: Brown and Forsythe, 1974, Journal of the American Statistical Association 69:364.

    >>> round(brown_forsythe([[1.0, 2.0, 3.0, 4.0], [0.0, 5.0, 10.0, 15.0]]).p_value, 4)
    0.0348
    """
    samples = samples_checked(groups)
    distances = _from_medians(samples)
    return _effect_of_groups("share of variance of the distances from the median", distances, confidence, (), samples)


def samples_checked(groups: Sequence[ArrayLike]) -> list[FloatArray]:
    """Each group as (n,), or all as (series, n); raises TooFew for fewer than two groups or two values, NotFinite.

    >>> len(samples_checked([[1, 2], [3, 4]]))
    2
    """
    if len(groups) < 2:
        raise TooFew("needs at least two groups")
    return list(side_by_side(*(by_series(group, at_least=2) for group in groups)))


@dataclass(frozen=True)
class _F:
    """An F test of each series: f and p are 0 and 1 where nothing varies within the groups."""

    f: FloatArray
    p_value: FloatArray
    eta: FloatArray
    varies: FloatArray
    df: tuple[float, float]


def _effect_of_groups(
    effect_is: str,
    samples: list[FloatArray],
    confidence: float,
    checks: tuple[AssumptionCheck, ...],
    scale: list[FloatArray] | None = None,
) -> Comparison:
    tested = _f_test(samples, scale)
    refuse(~(tested.varies > 0.0), NoSpread, "no group varies within itself")
    total = sum(sample.shape[-1] for sample in samples)
    low, high = (size / (size + total) for size in f_range(tested.f, *tested.df, confidence))
    interval = Interval(plain(low), plain(np.maximum(high, tested.eta)), confidence)
    return Comparison(effect_is, plain(tested.eta), interval, plain(tested.f), tested.df, plain(tested.p_value), checks)


def _f_test(samples: list[FloatArray], scale: list[FloatArray] | None = None) -> _F:
    from scipy.special import fdtrc

    grand = np.concatenate(samples, axis=-1).mean(axis=-1, keepdims=True)
    moved = [sample - grand for sample in samples]
    total = sum(sample.shape[-1] for sample in moved)
    centre = np.asarray(sum(sample.sum(axis=-1) for sample in moved)) / total
    between = np.asarray(sum(sample.shape[-1] * np.square(sample.mean(axis=-1) - centre) for sample in moved))
    within = np.asarray(sum(((s - s.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) for s in moved))
    within = np.square(beyond_rounding(np.sqrt(within / total), *(scale or samples))) * total
    df = float(len(samples) - 1), float(total - len(samples))
    known = within > 0.0
    f = np.divide(between / df[0], within / df[1], out=np.zeros(within.shape), where=known)
    eta = np.divide(between, between + within, out=np.zeros(within.shape), where=known)
    return _F(f, np.where(known, fdtrc(*df, f), 1.0), eta, within, df)


def _from_medians(samples: list[FloatArray]) -> list[FloatArray]:
    return [np.abs(sample - np.median(sample, axis=-1, keepdims=True)) for sample in samples]


def compare_spread(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Comparison:
    """How many times the standard deviation of `first` is that of `second`; p by Brown and Forsythe's test.

    The interval is Bonett's, with pooled kurtosis about trimmed means: it holds for tails that are not normal, where
    the classical F interval does not. first, second: shape (n,), n >= 5 each, independent, or (series, n) for many
    comparisons at once. Prefer `brown_forsythe` for more than two. Cost O(n log n) a comparison.
    Raises TooFew, NotFinite, Inconsistent, NoSpread when either does not vary, OutOfRange.
    Source: Bonett, 2006, Applied Psychological Measurement 30:432.

    >>> result = compare_spread([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0, 4.0, 6.0, 8.0, 10.0, 12.0])
    >>> round(result.effect, 6), result.interval.contains(0.5)
    (0.5, True)
    """
    samples = list(side_by_side(by_series(first, at_least=5), by_series(second, at_least=5)))
    for sample in samples:
        refuse(beyond_rounding(np.ptp(sample, axis=-1), sample) == 0.0, NoSpread, "a sample does not vary")
    z = normal_quantile(confidence)
    n, m = (sample.shape[-1] for sample in samples)
    kurtosis = _pooled_kurtosis(samples)
    error = np.sqrt(
        np.maximum(kurtosis - (n - 3) / n, 0.0) / (n - 1) + np.maximum(kurtosis - (m - 3) / m, 0.0) / (m - 1)
    )
    ratio = samples[0].var(axis=-1, ddof=1) / samples[1].var(axis=-1, ddof=1)
    correction = (n / (n - z)) / (m / (m - z))
    low, high = (plain(np.sqrt(correction * ratio * np.exp(sign * z * error))) for sign in (-1.0, 1.0))
    tested = _f_test(_from_medians(samples), samples)
    interval = Interval(low, high, confidence)
    name = "ratio of standard deviations"
    return Comparison(name, plain(np.sqrt(ratio)), interval, plain(tested.f), tested.df, plain(tested.p_value), ())


def _pooled_kurtosis(samples: list[FloatArray]) -> FloatArray:
    fourth = np.asarray(sum(((sample - _trimmed_mean(sample)) ** 4).sum(axis=-1) for sample in samples))
    second = np.asarray(sum(((s - s.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) for s in samples))
    return np.asarray(sum(sample.shape[-1] for sample in samples) * fourth / np.square(second))


def _trimmed_mean(sample: FloatArray) -> FloatArray:
    n = sample.shape[-1]
    cut = int(n / (2.0 * math.sqrt(n - 4)))
    kept = np.ascontiguousarray(np.sort(sample, axis=-1)[..., cut : n - cut])
    centre = kept.mean(axis=-1, keepdims=True) if kept.shape[-1] else np.median(sample, axis=-1, keepdims=True)
    return np.asarray(centre)
