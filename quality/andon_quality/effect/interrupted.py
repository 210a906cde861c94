"""An interrupted time series: level and slope before, and what the action did to both."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.effect.student import quantile, two_sided_p
from andon_quality.effect.verdict import Check, Direction, Effect, decide, margin_from
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew

STEPS_MAX = 50


@dataclass(frozen=True)
class Segmented:
    """A fitted segmented regression, on the log scale for counts.

    coefficients, covariance: order intercept, slope, level change, (slope change), then season terms;
    level: the level change as an Effect (for counts: of the log rate, with rate-ratio figures in `relative`);
    slope_change: (estimate, lower, upper) or None; dispersion: Pearson chi-square over degrees of freedom.
    """

    coefficients: FloatArray
    covariance: FloatArray
    level: Effect
    slope_change: tuple[float, float, float] | None
    dispersion: float


def interrupted_counts(
    counts: ArrayLike,
    start: int,
    exposure: ArrayLike | None = None,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
    *,
    margin: float | None = None,
    slope_change: bool = False,
    season: int | None = None,
    harmonics: int = 2,
    lags: int | None = None,
) -> Segmented:
    """A quasi-Poisson segmented regression of counts, with errors robust to autocorrelation (HAC) if `lags` > 0.

    log E(y_t) = log exposure_t + a + b t + c [t >= start] (+ d (t - start)[t >= start]) + Fourier season terms.
    Covariance: dispersion times the Poisson one for lags=0; Newey-West sandwich with `lags` otherwise (None picks
    floor(4 (n / 100)^(2/9))), with n / (n - p) correction; the wider of the two for the level change is reported.
    `level.estimate` is c; `level.relative` is exp(c) - 1, the rate ratio less one, with its interval.

    counts: shape (n,), non-negative; exposure: positive, the same shape; start: index of the first point under the
    action, at least 4 points on either side. expected, margin: on the log scale. t in periods. Assumes that the trend
    would have gone on. O(n p^2) a step, fewer than 10 steps. Without a trend prefer `before_after_proportion`, which
    has more power. Raises TooFew, NotFinite, OutOfRange, Inconsistent.
    Source: Lopez Bernal, Cummins and Gasparrini, International Journal of Epidemiology 46 (2017) 348; McCullagh and
    Nelder (1989); Newey and West, Econometrica 55 (1987) 703.

    >>> counts = [100, 102, 98, 101, 99, 100, 50, 51, 49, 50, 52, 48]
    >>> fit = interrupted_counts(counts, 6, lags=0)
    >>> round(fit.level.relative, 2), fit.level.verdict.value
    (-0.49, 'improved')
    """
    y = finite(counts)
    over = np.ones(y.size) if exposure is None else finite(exposure)
    if (y < 0).any() or (over <= 0).any() or over.shape != y.shape:
        raise OutOfRange("counts must not be negative, and exposures must be positive and as many")
    design = segmented_design(y.size, start, slope_change, season, harmonics)
    if y.sum() == 0:
        raise NoSpread("no events at all")
    coefficients, mean = _poisson_fit(design, y, np.log(over))
    bread: FloatArray = np.linalg.inv(design.T @ (design * mean[:, None])).astype(np.float64)
    degrees = y.size - design.shape[1]
    dispersion = float(np.sum((y - mean) ** 2 / mean)) / degrees
    model = bread * max(dispersion, 1e-12)
    robust = sandwich(design, y - mean, bread, _lags(y.size, lags))
    covariance = model if lags == 0 or model[2, 2] >= robust[2, 2] else robust
    level = _level(coefficients, covariance, degrees, direction, margin_from(expected, margin), confidence, True)
    checks = _checks((y - mean) / np.sqrt(mean), dispersion)
    return _segmented(coefficients, covariance, _with(level, checks), slope_change, degrees, dispersion)


def interrupted_means(
    values: ArrayLike,
    start: int,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
    *,
    margin: float | None = None,
    slope_change: bool = False,
    season: int | None = None,
    harmonics: int = 2,
    lags: int | None = None,
) -> Segmented:
    """The same for a measured quantity: ordinary least squares, with HAC errors.

    y_t = a + b t + c [t >= start] (+ d (t - start)[t >= start]) + Fourier season terms; `level.estimate` is c in the
    unit of `values`, and `level.relative` is None. Arguments, assumptions, cost, errors and sources as for
    `interrupted_counts`; lags=0 gives the classical errors.

    >>> fit = interrupted_means([1, 2, 1, 2, 1, 2, 6, 7, 6, 7, 6, 7], 6, Direction.HIGHER, lags=0)
    >>> round(fit.level.estimate, 3), fit.level.verdict.value
    (4.486, 'improved')
    """
    y = finite(values)
    design = segmented_design(y.size, start, slope_change, season, harmonics)
    coefficients: FloatArray = np.linalg.lstsq(design, y, rcond=None)[0].astype(np.float64)
    rest = y - design @ coefficients
    degrees = y.size - design.shape[1]
    dispersion = float(rest @ rest) / degrees
    bread: FloatArray = np.linalg.inv(design.T @ design).astype(np.float64)
    model, robust = bread * dispersion, sandwich(design, rest, bread, _lags(y.size, lags))
    covariance = model if lags == 0 or model[2, 2] >= robust[2, 2] else robust
    level = _level(coefficients, covariance, degrees, direction, margin_from(expected, margin), confidence, False)
    return _segmented(coefficients, covariance, _with(level, _checks(rest, 1.0)), slope_change, degrees, dispersion)


def segmented_design(points: int, start: int, slope_change: bool, season: int | None, harmonics: int) -> FloatArray:
    """Columns 1, t, step, (ramp), then sine and cosine pairs of the season. Raises TooFew, OutOfRange.

    >>> segmented_design(8, 4, True, None, 2)[5].tolist()
    [1.0, 5.0, 1.0, 1.0]
    """
    if start < 4 or points - start < 4:
        raise TooFew("needs at least four points before and four after the start")
    time = np.arange(points, dtype=np.float64)
    after = (time >= start).astype(np.float64)
    columns = [np.ones(points), time, after]
    if slope_change:
        columns.append((time - start) * after)
    if season is not None:
        if season < 2 or harmonics < 1:
            raise OutOfRange("a season has at least two phases and one harmonic")
        for k in range(1, min(harmonics, season // 2) + 1):
            angle = 2 * math.pi * k * time / season
            columns += [np.cos(angle)] if 2 * k == season else [np.sin(angle), np.cos(angle)]
    design: FloatArray = np.column_stack(columns)
    if points <= design.shape[1] + 1:
        raise TooFew("needs more points than terms")
    return design


def sandwich(design: FloatArray, residuals: FloatArray, bread: FloatArray, lags: int) -> FloatArray:
    """The Newey-West covariance: bread times Bartlett-weighted score products times bread, n / (n - p). O(n p^2 lags).

    >>> sandwich(np.ones((4, 1)), np.array([1.0, -1.0, 1.0, -1.0]), np.array([[0.25]]), 0).round(4).tolist()
    [[0.3333]]
    """
    scores = design * residuals[:, None]
    middle = scores.T @ scores
    for lag in range(1, lags + 1):
        product = scores[lag:].T @ scores[:-lag]
        middle = middle + (1 - lag / (lags + 1)) * (product + product.T)
    n, p = design.shape
    result: FloatArray = bread @ middle @ bread * (n / (n - p))
    return result


def _lags(points: int, lags: int | None) -> int:
    chosen = math.floor(4 * (points / 100) ** (2 / 9)) if lags is None else lags
    if not 0 <= chosen < points:
        raise OutOfRange("lags must be zero or more, and fewer than the points")
    return chosen


def _poisson_fit(design: FloatArray, y: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean = np.maximum(y, 0.5 * max(float(y.mean()), 1e-3))
    linear = np.log(mean)
    coefficients: FloatArray = np.zeros(design.shape[1])
    for _ in range(STEPS_MAX):
        working = linear - offset + (y - mean) / mean
        weighted = design * mean[:, None]
        before = coefficients
        coefficients = np.linalg.solve(weighted.T @ design, weighted.T @ working).astype(np.float64)
        linear = np.clip(design @ coefficients + offset, -700.0, 700.0)
        mean = np.exp(linear)
        if float(np.max(np.abs(coefficients - before))) < 1e-12 * max(1.0, float(np.max(np.abs(coefficients)))):
            return coefficients, mean
    if float(np.max(np.abs(coefficients - before))) < 1e-6:
        return coefficients, mean
    raise Inconsistent("the regression does not settle: a segment may hold no events")


def _level(
    coefficients: FloatArray,
    covariance: FloatArray,
    degrees: int,
    direction: Direction,
    margin: float | None,
    confidence: float,
    logarithmic: bool,
) -> Effect:
    estimate, error = float(coefficients[2]), math.sqrt(float(covariance[2, 2]))
    reach = quantile(confidence, degrees) * error
    lower, upper = estimate - reach, estimate + reach
    relative: tuple[float | None, float | None, float | None] = (None, None, None)
    if logarithmic:
        relative = (math.expm1(estimate), math.expm1(lower), math.expm1(upper))
    p = two_sided_p(estimate / error, degrees) if error > 0 else float(estimate == 0)
    method = "segmented quasi-Poisson regression" if logarithmic else "segmented least squares with HAC errors"
    return Effect(
        estimate, lower, upper, *relative, p, decide(lower, upper, direction, margin), (), method, confidence, margin
    )


def _with(effect: Effect, checks: tuple[Check, ...]) -> Effect:
    return replace(effect, checks=checks)


def _segmented(
    coefficients: FloatArray,
    covariance: FloatArray,
    level: Effect,
    slope_change: bool,
    degrees: int,
    dispersion: float,
) -> Segmented:
    slope = None
    if slope_change:
        estimate = float(coefficients[3])
        reach = quantile(level.confidence, degrees) * math.sqrt(float(covariance[3, 3]))
        slope = (estimate, estimate - reach, estimate + reach)
    return Segmented(coefficients, covariance, level, slope, dispersion)


def _checks(residuals: FloatArray, dispersion: float) -> tuple[Check, ...]:
    squares = float(residuals @ residuals)
    lag = float(residuals[1:] @ residuals[:-1]) / squares if squares > 0 else 0.0
    return (
        Check("autocorrelation", abs(lag) < 0.6, lag, "lag-1 autocorrelation of the residuals"),
        Check("overdispersion", dispersion < 10, dispersion, "residual variance over that of a Poisson count"),
    )
