"""What the windows of phase I show: centre, spread, and how windows vary when nothing is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, finite
from andon_quality.calibration.skewness import count_skewness, lognormal_skewness, share_skewness
from andon_quality.calibration.streams import Law, lag1_autocorrelation
from andon_quality.calibration.windows import BaselineProfile, Lattice
from andon_quality.control import proportion, rate, xbar_s, xmr
from andon_quality.result import Result

# Below this variance of its hits a share jumps so far from one value to the next that limits must know where.
LATTICE_BELOW = 10.0
# One-sided, of the share or mean that a baseline without an exception leaves plausible.
BOUND_CONFIDENCE = 0.95
TRIALS_OF_A_COUNT = 1e4


class ValueKind(Enum):
    """What the values of windows are, which says how skewed they are."""

    VALUES = "values"
    COUNTS = "counts"
    DURATIONS = "durations"


@dataclass(frozen=True)
class PhaseOne(Result):
    """Frozen parameters of a chart: `centre`, `sigma` and the profile that its limits are calibrated for.

    sigma: of one case for means and shares, overdispersion included, of a window's value for individuals.
    overdispersion: how many times the standard deviation that a window's own cases explain, at least 1.
    is_bound: the baseline was perfect (no hit, all hits, no count), so that centre and sigma are the worst that it
    leaves plausible: of its upper bound at 95 %.
    """

    centre: float
    sigma: float
    overdispersion: float
    profile: BaselineProfile
    is_bound: bool = False


@checked
def phase_one_of_individuals(values: ArrayLike, kind: ValueKind = ValueKind.VALUES) -> PhaseOne:
    """Of windows with one value each, shape (n,), by their standard deviation.

    Not by moving ranges, which are far too small where windows are autocorrelated. Counts that are all zero bound their
    mean: n windows without an event leave 3 / n plausible (exactly -ln .05 / n), and limits are Poisson's about that.
    O(n). Raises TooFew, NotFinite, and NoSpread for other values that are all alike.

    >>> phase_one = phase_one_of_individuals([9.0, 11.0] * 10)
    >>> phase_one.centre, phase_one.profile.lag1_autocorrelation
    (10.0, 0.0)
    """
    seen = finite(values, at_least=2)
    if kind is ValueKind.COUNTS and not seen.any():
        return _without_an_event(len(seen))
    base = xmr.baseline(seen, "standard_deviation")
    centre, sigma = float(base.centre), float(base.sigma)
    skewness = value_skewness(kind, centre, sigma, len(seen))
    profile = BaselineProfile(len(seen), float(lag1_autocorrelation(seen)), skewness, None, _law(kind))
    return PhaseOne(centre, sigma, 1.0, profile)


@checked
def phase_one_of_means(
    means: ArrayLike, sds: ArrayLike, sizes: ArrayLike, kind: ValueKind = ValueKind.VALUES
) -> PhaseOne:
    """Of windows with a mean and a standard deviation (n - 1) of `sizes` cases each, all of shape (n,).

    The spread of a case is pooled; how many times the variance that it explains the means have is the excess: queues
    make the cases of a window alike. O(n). Raises TooFew, NoSpread, NotFinite.

    >>> round(phase_one_of_means([10.0, 14.0, 10.0, 14.0], [2.0] * 4, [4.0] * 4).overdispersion, 3)
    2.262
    """
    centres, cases = finite(means), finite(sizes)
    base = xbar_s.baseline(centres, np.asarray(sds, dtype=np.float64), cases, "pooled")
    centre, sigma = float(base.centre), float(base.sigma)
    z = (centres - centre) / (sigma / np.sqrt(cases))
    excess, phi = excess_of(z), autocorrelation_beyond(z)
    skewness = mean_skewness(kind, centre, sigma, cases, excess)
    return _dispersed(centre, sigma, excess, BaselineProfile(len(z), phi, skewness, excess, _law(kind)))


def phase_one_of_shares(counts: ArrayLike, sizes: ArrayLike) -> PhaseOne:
    """Of windows with `counts` among `sizes` cases each, both of shape (n,).

    A perfect baseline bounds the share all the same: no hit among N cases leaves 1 - .05^(1 / N) plausible, and limits
    are the binomial law's about that (mirrored where all were hits). O(n). Raises TooFew, OutOfRange.

    >>> phase_one = phase_one_of_shares([20.0, 30.0, 25.0, 25.0], [100.0] * 4)
    >>> phase_one.centre, phase_one.overdispersion, phase_one.profile.lattice
    (0.25, 1.0, None)
    """
    seen, cases = finite(counts, at_least=2), finite(sizes, at_least=2)
    if seen.sum() in (0.0, cases.sum()) and (cases > 0.0).all() and ((seen == 0.0) | (seen == cases)).all():
        return _without_an_exception(float(seen.sum()) > 0.0, cases)
    base = proportion.baseline(seen, cases)
    share, size = float(base.centre), float(cases.mean())
    z = (seen / cases - share) / np.sqrt(share * (1.0 - share) / cases)
    excess, phi = excess_of(z), autocorrelation_beyond(z)
    lattice = Lattice(size * share, size) if size * share * (1.0 - share) < LATTICE_BELOW else None
    profile = BaselineProfile(len(z), phi, share_skewness(share, size, excess), excess, "gamma", lattice)
    return _dispersed(share, float(base.sigma), excess, profile)


@checked
def phase_one_of_rates(counts: ArrayLike, sizes: ArrayLike = 1.0) -> PhaseOne:
    """Of windows with `counts` events, shape (n,), in `sizes` units of exposure each, shape (n,) or one number.

    Poisson, or negative binomial where windows vary more than that explains. Windows without any event bound the rate
    all the same: N units leave 3 / N plausible (exactly -ln .05 / N). O(n). Raises TooFew, OutOfRange.

    >>> phase_one = phase_one_of_rates([20.0, 30.0, 25.0, 25.0], [10.0] * 4)
    >>> phase_one.centre, phase_one.overdispersion, round(phase_one.profile.skewness, 3)
    (2.5, 1.0, 0.2)
    """
    seen = finite(counts, at_least=2)
    units = np.broadcast_to(finite(np.atleast_1d(np.asarray(sizes, dtype=np.float64))), seen.shape)
    if not seen.any():
        whole = _without_an_event(len(seen))
        per_window = float(units.mean())
        return PhaseOne(whole.centre / per_window, whole.sigma / math.sqrt(per_window), 1.0, whole.profile, True)
    base = rate.baseline(seen, units)
    centre, mean = float(base.centre), float(base.centre) * float(units.mean())
    z = (seen / units - centre) / np.sqrt(centre / units)
    excess, phi = excess_of(z), autocorrelation_beyond(z)
    # A share of so many trials that it is Poisson's.
    lattice = Lattice(mean, TRIALS_OF_A_COUNT) if mean < LATTICE_BELOW else None
    profile = BaselineProfile(len(z), phi, count_skewness(mean, mean * excess), excess, "gamma", lattice)
    return _dispersed(centre, float(base.sigma), excess, profile)


def excess_of(z: FloatArray) -> float:
    """How many times the variance that a window's own cases explain, at least 1: sum z^2 / (n - 1), z of shape (n,).

    >>> round(excess_of(np.array([2.0, -2.0, 2.0, -2.0])), 3), excess_of(np.zeros(4))
    (5.333, 1.0)
    """
    return max(float(z @ z) / (len(z) - 1), 1.0)


def autocorrelation_beyond(z: FloatArray) -> float:
    """The lag-1 autocorrelation of z, shape (n,), at most the share 1 - 1 / excess of its variance.

    The cases of every window are new, so only what windows vary beyond them can be autocorrelated.

    >>> autocorrelation_beyond(np.repeat([0.5, -0.5], 10)), autocorrelation_beyond(np.repeat([5.0, -5.0], 10))
    (0.0, 0.9)
    """
    return min(float(lag1_autocorrelation(z)), 1.0 - 1.0 / excess_of(z))


def value_skewness(kind: ValueKind, mean: float, sd: float, cases: float = math.inf) -> float:
    """Of single values above 0, known by the mean and the sd of `cases` of them; other values count as symmetric.

    Counts: that of their mean and variance, at most the gamma law's 2 sd / mean. Durations: the lognormal law's.

    >>> value_skewness(ValueKind.COUNTS, 4.0, 2.0), value_skewness(ValueKind.VALUES, 4.0, 2.0)
    (0.5, 0.0)
    """
    if not mean > 0.0 or not sd > 0.0:
        return 0.0
    match kind:
        case ValueKind.VALUES:
            return 0.0
        case ValueKind.COUNTS:
            return min(count_skewness(mean, sd * sd), 2.0 * sd / mean)
        case ValueKind.DURATIONS:
            return lognormal_skewness(sd / mean, cases)
        case _:
            assert_never(kind)


def mean_skewness(kind: ValueKind, mean: float, sd: float, counts: FloatArray, excess: float) -> float:
    """Of means of `counts` cases (sd): third moments of what cases explain and of what windows vary beyond it.

    >>> mean_skewness(ValueKind.COUNTS, 4.0, 2.0, np.array([25.0]), 1.0)
    0.1
    """
    within = value_skewness(kind, mean, sd, float(counts.sum())) * float((1.0 / np.sqrt(counts)).mean())
    beyond = value_skewness(kind, mean, sd * math.sqrt((excess - 1.0) / float(counts.mean())))
    return float((within + beyond * (excess - 1.0) ** 1.5) / excess**1.5)


def _without_an_event(windows: int) -> PhaseOne:
    mean = -math.log(1.0 - BOUND_CONFIDENCE) / windows
    # A share of so many trials that it is Poisson's.
    lattice = Lattice(mean, TRIALS_OF_A_COUNT)
    profile = BaselineProfile(
        windows, 0.0, share_skewness(mean / lattice.size, lattice.size, 1.0), 1.0, "gamma", lattice
    )
    return PhaseOne(mean, math.sqrt(mean), 1.0, profile, is_bound=True)


def _without_an_exception(all_hits: bool, sizes: FloatArray) -> PhaseOne:
    # Clopper and Pearson's upper bound where there is none of the rarer outcome.
    rarer = 1.0 - (1.0 - BOUND_CONFIDENCE) ** (1.0 / float(sizes.sum()))
    share, size = (1.0 - rarer if all_hits else rarer), float(sizes.mean())
    profile = BaselineProfile(
        len(sizes), 0.0, share_skewness(share, size, 1.0), 1.0, "gamma", Lattice(size * share, size)
    )
    return PhaseOne(share, math.sqrt(share * (1.0 - share)), 1.0, profile, is_bound=True)


def _dispersed(centre: float, sigma: float, excess: float, profile: BaselineProfile) -> PhaseOne:
    factor = math.sqrt(excess)
    return PhaseOne(centre, sigma * factor, factor, profile)


def _law(kind: ValueKind) -> Law:
    return "lognormal" if kind is ValueKind.DURATIONS else "gamma"
