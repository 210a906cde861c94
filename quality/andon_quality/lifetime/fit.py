"""A distribution of lifetimes whose logarithm has a location and a scale, fitted with right-censored values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked_fields
from andon_quality.arrays import BoolArray, FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from andon_quality.inference.interval import Interval, normal_quantile
from andon_quality.plot import scatter
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Family = Literal["weibull", "lognormal"]
# log density and log survival of the standardised logarithm, with their first and second derivatives.
Law = Callable[
    [FloatArray], tuple[tuple[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]]
]
STEPS = 200


@checked_fields
@dataclass(frozen=True)
class LifetimeFit(Result):
    """log(time) = location + scale x error, with the standard smallest extreme value (Weibull) or normal error.

    first and second: the parameters as they are usually stated, with their intervals: Weibull shape (1 / scale) and
    characteristic life (exp location, in the unit of the times); lognormal mean and sd of the logarithm. covariance: of
    location and log scale, shape (2, 2), from the observed information. aic: smaller is better, between families.
    """

    family: Family
    n: int
    failures: int
    first: float
    first_interval: Interval
    second: float
    second_interval: Interval
    log_likelihood: float
    aic: float
    location: float
    scale: float
    covariance: FloatArray
    times: FloatArray = field(repr=False)
    failed: BoolArray = field(repr=False)

    def quantile(self, share: float, confidence: float = 0.95) -> tuple[float, Interval]:
        """The time by which this share is over, B10 with .1, with its interval by the delta method on its logarithm.

        In the unit of the times. Raises OutOfRange for a share outside (0, 1). Cost O(1).
        Source: Meeker and Escobar, Statistical Methods for Reliability Data (1998), 8.4.
        """
        if not 0.0 < share < 1.0:
            raise OutOfRange(f"a share must lie between 0 and 1, got {share}")
        z = self._error_quantile(share)
        gradient = np.array([1.0, self.scale * z])
        half = normal_quantile(confidence) * math.sqrt(float(gradient @ self.covariance @ gradient))
        log = self.location + self.scale * z
        return math.exp(log), Interval(math.exp(log - half), math.exp(log + half), confidence)

    def survival(self, time: float, confidence: float = 0.95) -> tuple[float, Interval]:
        """The share that is not over at this time, with its interval by the delta method on the standardised time.

        Raises OutOfRange for a time that is not positive. Cost O(1). Source: Meeker and Escobar (1998), 8.4.
        """
        if not 0.0 < time < math.inf:
            raise OutOfRange(f"a time must be positive, got {time}")
        z = (math.log(time) - self.location) / self.scale
        gradient = np.array([-1.0 / self.scale, -z])
        half = normal_quantile(confidence) * math.sqrt(float(gradient @ self.covariance @ gradient))
        low, mid, high = (self._error_survival(each) for each in (z + half, z, z - half))
        return mid, Interval(low, high, confidence)

    def plot(self, axes: Axes | None = None) -> Axes:
        """The probability plot: Kaplan-Meier's shares of the failures over time, and the fitted line. MissingExtra."""
        order = np.lexsort((~self.failed, self.times))
        at_risk = np.arange(self.n, 0, -1.0)
        survived = np.cumprod(np.where(self.failed[order], 1.0 - 1.0 / at_risk, 1.0))
        # Halfway up each step, so that the last failure has a share below 1.
        before = np.concatenate([[1.0], survived[:-1]])
        shares = (1.0 - (survived + before) / 2.0)[self.failed[order]]
        score = np.array([self._error_quantile(float(share)) for share in shares])
        times = self.times[order][self.failed[order]]
        drawn = scatter(axes, times, score, np.exp(self.location + self.scale * score), score)
        drawn.set_xscale("log")
        drawn.set_ylabel(f"{self.family} score")
        return drawn

    def _error_quantile(self, share: float) -> float:
        from scipy.special import ndtri

        return math.log(-math.log1p(-share)) if self.family == "weibull" else float(ndtri(share))

    def _error_survival(self, z: float) -> float:
        from scipy.special import ndtr

        return math.exp(-math.exp(min(z, 700.0))) if self.family == "weibull" else float(ndtr(-z))


def lifetimes(times: ArrayLike, failed: ArrayLike | None) -> tuple[FloatArray, BoolArray]:
    """Times and whether each is over, both of shape (n,). Raises TooFew for fewer than two failures at two times.

    >>> lifetimes([2.0, 3.0], None)[1].tolist()
    [True, True]
    """
    found = finite(times, at_least=2)
    if found.ndim != 1:
        raise Inconsistent(f"needs times of shape (n,), got {found.shape}")
    if not (found > 0.0).all():
        raise OutOfRange("times must be positive")
    over = np.ones(found.shape, dtype=np.bool_) if failed is None else np.asarray(failed)
    if over.shape != found.shape:
        raise Inconsistent(f"needs failed for every one of {found.size} times, got shape {over.shape}")
    if not np.isin(over, (0, 1)).all():
        raise OutOfRange("failed must be true or false, 1 or 0")
    over = over.astype(np.bool_)
    if over.sum() < 2:
        raise TooFew(f"needs at least 2 failures, got {int(over.sum())}")
    if not np.ptp(found[over]) > 0.0 and not (found[~over] > found[over].max()).any():
        raise NoSpread("every failure is at the same time")
    return found, over


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is highest. log_likelihood: of the times; covariance: of location and log scale."""

    times: FloatArray
    failed: BoolArray
    location: float
    scale: float
    log_likelihood: float
    covariance: FloatArray

    def halves(self, confidence: float) -> list[float]:
        """Half the widths of the normal intervals of location and of log scale."""
        z = normal_quantile(confidence)
        return [z * math.sqrt(float(variance)) for variance in np.diag(self.covariance)]

    def fit(
        self, family: Family, first: float, first_interval: Interval, second: float, second_interval: Interval
    ) -> LifetimeFit:
        return LifetimeFit(
            family=family,
            n=self.times.size,
            failures=int(self.failed.sum()),
            first=first,
            first_interval=first_interval,
            second=second,
            second_interval=second_interval,
            log_likelihood=self.log_likelihood,
            aic=4.0 - 2.0 * self.log_likelihood,
            location=self.location,
            scale=self.scale,
            covariance=self.covariance,
            times=self.times,
            failed=self.failed,
        )


def maximised(law: Law, times: FloatArray, failed: BoolArray) -> Maximum:
    """By damped Newton.

    Raises NoSpread where the likelihood has no maximum. Cost O(n) a step, some ten steps.
    """
    logs = np.log(times)
    location, log_scale = float(logs[failed].mean()), math.log(max(float(logs.std()), 1e-3))
    value, gradient, hessian = _likelihood(law, logs, failed, location, log_scale)
    for _ in range(STEPS):
        # Away from the maximum the curvature may be of the wrong sign: bent until a step goes up.
        bent = -hessian
        least = float(np.linalg.eigvalsh(bent)[0])
        if least <= 0.0:
            bent = bent + (1e-3 * float(np.abs(bent).max()) - least) * np.eye(2)
        step = np.linalg.solve(bent, gradient)
        size = min(1.0, 1.0 / max(float(np.abs(step[1])), 1e-300))
        while True:
            tried = _likelihood(law, logs, failed, location + size * step[0], log_scale + size * step[1])
            if tried[0] >= value - 1e-12 * abs(value) or size < 1e-12:
                break
            size /= 2.0
        location, log_scale = location + size * float(step[0]), log_scale + size * float(step[1])
        value, gradient, hessian = tried
        if float(np.abs(size * step).max()) < 1e-12 * max(1.0, abs(location)):
            break
    scale = math.exp(log_scale)
    if not scale > 1e-9:
        raise NoSpread("every failure is at the same time")
    covariance = np.asarray(np.linalg.inv(-hessian), dtype=np.float64)
    return Maximum(times, failed, location, scale, value - float(logs[failed].sum()), covariance)


def _likelihood(
    law: Law, logs: FloatArray, failed: BoolArray, location: float, log_scale: float
) -> tuple[float, FloatArray, FloatArray]:
    """The log-likelihood of the logarithms, its gradient and its curvature in location and log scale."""
    scale = math.exp(log_scale)
    z = (logs - location) / scale
    dense, beyond = law(z)
    value, slope, bend = (np.where(failed, one, other) for one, other in zip(dense, beyond, strict=True))
    gradient = np.array([-slope.sum() / scale, -(slope * z).sum() - failed.sum()])
    mixed = ((slope + bend * z) / scale).sum()
    hessian = np.array([[bend.sum() / scale**2, mixed], [mixed, (slope * z + bend * z * z).sum()]])
    return float(value.sum()) - float(failed.sum()) * log_scale, gradient, hessian
