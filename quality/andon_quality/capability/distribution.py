"""Distributions fitted by maximum likelihood to many samples at once, with the quantiles that capability needs.

Source: N. L. Johnson, S. Kotz and N. Balakrishnan, Continuous Univariate Distributions, vol. 1 (2nd ed., 1994), ch. 14,
17, 19 and 21 for the likelihood equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never, get_args

import numpy as np

from andon_quality.arrays import FloatArray, beyond_rounding
from andon_quality.errors import NoSpread, OutOfRange

Family = Literal["normal", "lognormal", "gamma", "weibull", "exponential"]
FAMILIES: tuple[Family, ...] = get_args(Family)
_NEWTON_STEPS = 60


@dataclass(frozen=True)
class DistributionFit:
    """Parameters of each row: (mean, sd) of x or of log x; (shape, scale) of gamma and Weibull; (1, mean)."""

    family: Family
    first: FloatArray
    second: FloatArray

    @property
    def parameters(self) -> int:
        """How many were estimated."""
        return 1 if self.family == "exponential" else 2


def fit(family: Family, rows: FloatArray) -> DistributionFit:
    """Maximum likelihood of each row, shape (..., n) -> (...). Cost: O(values), for gamma and Weibull per Newton step.

    Raises OutOfRange when a positive family meets values <= 0, NoSpread when every value of a row is equal.

    >>> round(float(fit("exponential", np.array([1.0, 3.0])).second), 2)
    2.0
    """
    if family != "normal" and not (rows > 0).all():
        raise OutOfRange(f"{family} needs values above 0")
    if not (beyond_rounding(np.ptp(rows, axis=-1), rows) > 0).all():
        raise NoSpread("a distribution cannot be fitted to equal values")
    match family:
        case "normal":
            return DistributionFit(family, rows.mean(axis=-1), rows.std(axis=-1))
        case "lognormal":
            return DistributionFit(family, np.log(rows).mean(axis=-1), np.log(rows).std(axis=-1))
        case "exponential":
            return DistributionFit(family, np.ones(rows.shape[:-1]), rows.mean(axis=-1))
        case "gamma":
            return _gamma(rows)
        case "weibull":
            return _weibull(rows)
        case _:
            assert_never(family)


def quantile(found: DistributionFit, probability: float) -> FloatArray:
    """The quantile of each fitted row, shape (...).

    >>> float(quantile(DistributionFit("normal", np.array(5.0), np.array(1.0)), 0.5))
    5.0
    """
    from scipy.special import gammaincinv, ndtri

    match found.family:
        case "normal":
            return np.asarray(found.first + found.second * ndtri(probability))
        case "lognormal":
            return np.asarray(np.exp(found.first + found.second * ndtri(probability)))
        case "gamma":
            return np.asarray(found.second * gammaincinv(found.first, probability))
        case "weibull" | "exponential":
            return np.asarray(found.second * np.power(-np.log1p(-probability), 1 / found.first))
        case _:
            assert_never(found.family)


def survival(found: DistributionFit, x: float) -> FloatArray:
    """P(X > x) under each fitted row, shape (...).

    >>> float(survival(DistributionFit("normal", np.array(5.0), np.array(1.0)), 5.0))
    0.5
    """
    from scipy.special import gammaincc, ndtr

    positive = max(x, 0.0)
    match found.family:
        case "normal":
            return np.asarray(ndtr((found.first - x) / found.second))
        case "lognormal":
            return np.asarray(
                ndtr((found.first - np.log(positive)) / found.second) if positive else 1.0 + 0 * found.first
            )
        case "gamma":
            return np.asarray(gammaincc(found.first, positive / found.second))
        case "weibull" | "exponential":
            return np.asarray(np.exp(-np.power(positive / found.second, found.first)))
        case _:
            assert_never(found.family)


def log_likelihood(found: DistributionFit, rows: FloatArray) -> FloatArray:
    """Log-likelihood of each row under its fit, shape (..., n) -> (...).

    >>> round(float(log_likelihood(DistributionFit("normal", np.array(0.0), np.array(1.0)), np.array([0.0]))), 4)
    -0.9189
    """
    from scipy.special import gammaln

    a, b = found.first[..., None], found.second[..., None]
    match found.family:
        case "normal":
            density = -(((rows - a) / b) ** 2) / 2 - np.log(b * np.sqrt(2 * np.pi))
        case "lognormal":
            density = -(((np.log(rows) - a) / b) ** 2) / 2 - np.log(rows * b * np.sqrt(2 * np.pi))
        case "gamma":
            density = (a - 1) * np.log(rows) - rows / b - gammaln(a) - a * np.log(b)
        case "weibull" | "exponential":
            density = np.log(a / b) + (a - 1) * np.log(rows / b) - (rows / b) ** a
        case _:
            assert_never(found.family)
    return np.asarray(density.sum(axis=-1))


def _gamma(rows: FloatArray) -> DistributionFit:
    """Shape k solves log k - digamma(k) = log(mean x) - mean(log x); scale = mean / k."""
    from scipy.special import digamma, polygamma

    mean = rows.mean(axis=-1)
    gap = np.log(mean) - np.log(rows).mean(axis=-1)
    k = np.asarray((3 - gap + np.sqrt(np.square(gap - 3) + 24 * gap)) / (12 * gap))
    # Each row rests where it arrived, whatever the others still need: together is as alone.
    done = np.zeros(k.shape, dtype=np.bool_)
    for _ in range(_NEWTON_STEPS):
        step = (np.log(k) - digamma(k) - gap) / (1 / k - polygamma(1, k))
        done |= np.abs(step) <= 1e-12 * k
        if done.all():
            break
        k = np.where(done, k, np.maximum(k - step, k / 4))
    return DistributionFit("gamma", k, mean / k)


def _weibull(rows: FloatArray) -> DistributionFit:
    """Shape c solves sum(x^c log x) / sum(x^c) - 1 / c = mean(log x); scale = mean(x^c)^(1/c)."""
    logs = np.log(rows)
    centred = logs - logs.max(axis=-1, keepdims=True)
    target = centred.mean(axis=-1)
    c = np.asarray(np.pi / np.sqrt(6) / logs.std(axis=-1))
    done = np.zeros(c.shape, dtype=np.bool_)
    for _ in range(_NEWTON_STEPS):
        power = np.exp(c[..., None] * centred)
        total = power.sum(axis=-1)
        first = (power * centred).sum(axis=-1) / total
        second = (power * centred**2).sum(axis=-1) / total
        step = (first - 1 / c - target) / (second - np.square(first) + 1 / np.square(c))
        done |= np.abs(step) <= 1e-12 * c
        if done.all():
            break
        c = np.where(done, c, np.maximum(c - step, c / 4))
    scale = np.exp(np.log(np.exp(c[..., None] * centred).mean(axis=-1)) / c + logs.max(axis=-1))
    return DistributionFit("weibull", c, scale)
