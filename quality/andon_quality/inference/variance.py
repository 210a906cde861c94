"""Several groups at once: whether their means or their spreads differ."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import NoSpread, TooFew
from andon_quality.inference.comparison import Check, Comparison
from andon_quality.inference.interval import Interval, normal_quantile
from andon_quality.inference.noncentral import f_range


def anova(groups: Sequence[ArrayLike], confidence: float = 0.95) -> Comparison:
    """Whether the means of k groups differ: effect eta^2, the share of variance between groups.

    F = (SSB / (k - 1)) / (SSW / (N - k)); the interval inverts the noncentral F, eta^2 = nc / (nc + N).
    groups: k >= 2 samples of n >= 2. Assumes independent values and equal spreads (checked); sums are
    taken about the grand mean, which keeps stiff data exact to 1e-9. Prefer `kruskal` when tails or spreads are
    unequal, `welch` for two.
    Cost O(N); scipy is imported on use. Raises TooFew, NotFinite, NoSpread when no group varies, OutOfRange.
    Source: Fisher, 1925, Statistical Methods for Research Workers; Steiger, 2004, Psychological Methods 9:164.

    >>> result = anova([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [5.0, 6.0, 7.0]])
    >>> round(result.statistic, 6), result.freedom, round(result.p, 6), round(result.effect, 4)
    (13.0, (2.0, 6.0), 0.006592, 0.8125)
    """
    samples = samples_checked(groups)
    spread = _f_test([np.abs(sample - np.median(sample)) for sample in samples])
    equal = Check("spreads are equal", spread is None or spread[1] >= 0.05, _spread_evidence(spread))
    return _effect_of_groups("share of variance between groups", samples, confidence, (equal,))


def brown_forsythe(groups: Sequence[ArrayLike], confidence: float = 0.95) -> Comparison:
    """Whether the spreads of k groups differ: the analysis of variance of |x - group median|.

    effect: eta^2 of those distances. groups: k >= 2 samples of n >= 2, independent; robust to tails.
    Prefer `compare_spread` for two groups: it tells how many times. Cost O(N log N). Raises as `anova`.
    Source: Brown and Forsythe, 1974, Journal of the American Statistical Association 69:364.

    >>> round(brown_forsythe([[1.0, 2.0, 3.0, 4.0], [0.0, 5.0, 10.0, 15.0]]).p, 4)
    0.0348
    """
    distances = [np.abs(sample - np.median(sample)) for sample in samples_checked(groups)]
    return _effect_of_groups("share of variance of the distances from the median", distances, confidence, ())


def samples_checked(groups: Sequence[ArrayLike]) -> list[FloatArray]:
    """Each group as a flat float array; raises TooFew for fewer than two groups or two values, NotFinite.

    >>> len(samples_checked([[1, 2], [3, 4]]))
    2
    """
    if len(groups) < 2:
        raise TooFew("needs at least two groups")
    return [finite(group, at_least=2).ravel() for group in groups]


def _effect_of_groups(
    effect_is: str, samples: list[FloatArray], confidence: float, checks: tuple[Check, ...]
) -> Comparison:
    tested = _f_test(samples)
    if tested is None:
        raise NoSpread("no group varies within itself")
    f, p, eta, freedom = tested
    total = sum(len(sample) for sample in samples)
    low, high = (size / (size + total) for size in f_range(f, *freedom, confidence))
    return Comparison(effect_is, eta, Interval(low, max(high, eta), confidence), f, freedom, p, checks)


def _f_test(samples: list[FloatArray]) -> tuple[float, float, float, tuple[float, float]] | None:
    from scipy.special import fdtrc

    grand = float(np.concatenate(samples).mean())
    moved = [sample - grand for sample in samples]
    total = sum(len(sample) for sample in moved)
    centre = sum(float(sample.sum()) for sample in moved) / total
    between = sum(len(sample) * (float(sample.mean()) - centre) ** 2 for sample in moved)
    within = sum(float(((sample - sample.mean()) ** 2).sum()) for sample in moved)
    if not within > 0.0:
        return None
    freedom = float(len(samples) - 1), float(total - len(samples))
    f = (between / freedom[0]) / (within / freedom[1])
    return f, float(fdtrc(*freedom, f)), between / (between + within), freedom


def _spread_evidence(tested: tuple[float, float, float, tuple[float, float]] | None) -> str:
    return "distances from the medians do not vary" if tested is None else f"Brown-Forsythe p {tested[1]:.3g}"


def compare_spread(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Comparison:
    """How many times the standard deviation of `first` is that of `second`; p by Brown and Forsythe's test.

    The interval is Bonett's, with pooled kurtosis about trimmed means: it holds for tails that are not normal, where
    the classical F interval does not. first, second: n >= 5 each, independent. Cost O(n log n).
    Raises TooFew, NotFinite, NoSpread when either does not vary, OutOfRange.
    Source: Bonett, 2006, Applied Psychological Measurement 30:432.

    >>> result = compare_spread([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0, 4.0, 6.0, 8.0, 10.0, 12.0])
    >>> round(result.effect, 6), result.interval.contains(0.5)
    (0.5, True)
    """
    samples = [finite(sample, at_least=5).ravel() for sample in (first, second)]
    if any(sample.min() == sample.max() for sample in samples):
        raise NoSpread("a sample does not vary")
    z = normal_quantile(confidence)
    sizes = [len(sample) for sample in samples]
    kurtosis = _pooled_kurtosis(samples)
    error = math.sqrt(sum(max(kurtosis - (n - 3) / n, 0.0) / (n - 1) for n in sizes))
    ratio = float(samples[0].var(ddof=1) / samples[1].var(ddof=1))
    correction = (sizes[0] / (sizes[0] - z)) / (sizes[1] / (sizes[1] - z))
    low, high = (math.sqrt(correction * ratio * math.exp(sign * z * error)) for sign in (-1.0, 1.0))
    tested = _f_test([np.abs(sample - np.median(sample)) for sample in samples])
    f, p = (0.0, 1.0) if tested is None else tested[:2]
    freedom = 1.0, float(sum(sizes) - 2)
    return Comparison(
        "ratio of standard deviations", math.sqrt(ratio), Interval(low, high, confidence), f, freedom, p, ()
    )


def _pooled_kurtosis(samples: list[FloatArray]) -> float:
    fourth = sum(float(((sample - _trimmed_mean(sample)) ** 4).sum()) for sample in samples)
    second = sum(float(((sample - sample.mean()) ** 2).sum()) for sample in samples)
    return sum(len(sample) for sample in samples) * fourth / second**2


def _trimmed_mean(sample: FloatArray) -> float:
    cut = int(len(sample) / (2.0 * math.sqrt(len(sample) - 4)))
    ordered = np.sort(sample)
    kept = ordered[cut : len(ordered) - cut]
    return float(kept.mean()) if len(kept) else float(np.median(sample))
