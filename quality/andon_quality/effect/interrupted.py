"""An interrupted time series: level and slope before, and what the action did to both."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray, PerSeries, blocks, by_series, plain, refuse, side_by_side
from andon_quality.effect.poisson import fit_poisson
from andon_quality.effect.student import quantile, two_sided_p
from andon_quality.effect.verdict import Direction, Effect, EffectCheck, decide, margin_from
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from andon_quality.result import Result
from andon_quality.structure.least_squares import around, factored, lag_count, long_run, products


@dataclass(frozen=True)
class Segmented(Result):
    """A fitted segmented regression, on the log scale for counts.

    coefficients, covariance: order intercept, slope, level change, (slope change), then season terms; shapes (p,) and
    (p, p), or (series, p) and (series, p, p).
    level: the level change as an Effect (for counts: of the log rate, with rate-ratio figures in `relative`);
    slope_change: (estimate, lower, upper) or None; dispersion: Pearson chi-square over degrees of freedom. Numbers for
    one series, arrays of shape (series,) for many.
    """

    coefficients: FloatArray
    covariance: FloatArray
    level: Effect
    slope_change: tuple[PerSeries, PerSeries, PerSeries] | None
    dispersion: PerSeries


@dataclass(frozen=True)
class _Fitted:
    """Coefficients, their covariance, dispersion and lag-1 autocorrelation of the residuals, of one series or many; and
    whether the fit settled on them."""

    coefficients: FloatArray
    covariance: FloatArray
    dispersion: FloatArray
    autocorrelation: FloatArray
    settled: BoolArray


@checked
def interrupted_counts(
    counts: ArrayLike,
    start: int,
    exposure: ArrayLike | None = None,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
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

    counts: shape (n,), non-negative, or (series, n) for many actions that start together; exposure: positive, the same
    shape, or (n,) for all; start: index of the first point under the action, at least 4 points on either side.
    expected, margin: on the log scale, one for all or one a series. t in periods. Assumes that the trend
    would have gone on. O(n p^2) a step and series, fewer than 10 steps. Without a trend prefer
    `before_after_proportion`, which has more power. Raises TooFew, NotFinite, OutOfRange, Inconsistent, NoSpread.
    Source: Lopez Bernal, Cummins and Gasparrini, International Journal of Epidemiology 46 (2017) 348; McCullagh and
    Nelder (1989); Newey and West, Econometrica 55 (1987) 703.

    >>> counts = [100, 102, 98, 101, 99, 100, 50, 51, 49, 50, 52, 48]
    >>> fit = interrupted_counts(counts, 6, lags=0)
    >>> round(fit.level.relative, 2), fit.level.verdict.value
    (-0.49, 'improved')
    >>> many = interrupted_counts([counts, counts[::-1]], 6, lags=0).level
    >>> many.relative.round(2).tolist(), [verdict.value for verdict in many.verdict]
    ([-0.49, 0.97], ['improved', 'worse'])
    """
    y = by_series(counts)
    y, over = side_by_side(y, np.ones(y.shape[-1]) if exposure is None else by_series(exposure))
    if over.shape != y.shape:
        raise OutOfRange("needs an exposure for each count")
    refuse(((y < 0) | (over <= 0)).any(axis=-1), OutOfRange, "needs counts of zero or more and exposures above zero")
    columns = segmented_columns(y.shape[-1], start, slope_change, season, harmonics)
    refuse(y.sum(axis=-1) == 0, NoSpread, "no events at all")
    far = lag_count(y.shape[-1], lags)
    flat, offset = (np.atleast_2d(each) for each in (y, np.log(over)))
    parts = [_counts(columns, flat[part], offset[part], far) for part in blocks(len(flat), 4 * columns.size)]
    fitted = _joined(parts, y.shape[:-1])
    refuse(~fitted.settled, Inconsistent, "the regression does not settle: a segment may hold no events")
    df = y.shape[-1] - len(columns)
    level = _level(fitted, df, direction, margin_from(expected, margin), confidence, counts=True)
    return _segmented(fitted, level, slope_change, df)


@checked
def interrupted_means(
    values: ArrayLike,
    start: int,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
    slope_change: bool = False,
    season: int | None = None,
    harmonics: int = 2,
    lags: int | None = None,
) -> Segmented:
    """The same for a measured quantity: ordinary least squares, with HAC errors.

    y_t = a + b t + c [t >= start] (+ d (t - start)[t >= start]) + Fourier season terms; `level.estimate` is c in the
    unit of `values`, and `level.relative` is None.

    values: shape (n,), or (series, n) for many actions that start together; expected, margin: in their unit, one for
    all or one a series. Other arguments and assumptions as for `interrupted_counts`, which to prefer for counts;
    lags=0 gives the classical errors. O(n p (p + lags)) a series. Raises TooFew, NotFinite, OutOfRange.
    Source: Wagner, Soumerai, Zhang and Ross-Degnan, Journal of Clinical Pharmacy and Therapeutics 27 (2002) 299.

    >>> fit = interrupted_means([1, 2, 1, 2, 1, 2, 6, 7, 6, 7, 6, 7], 6, Direction.HIGHER, lags=0)
    >>> round(fit.level.estimate, 3), fit.level.verdict.value
    (4.486, 'improved')
    """
    y = by_series(values)
    columns = segmented_columns(y.shape[-1], start, slope_change, season, harmonics)
    far = lag_count(y.shape[-1], lags)
    flat = np.atleast_2d(y)
    fitted = _joined([_means(columns, flat[part], far) for part in blocks(len(flat), 4 * columns.size)], y.shape[:-1])
    df = y.shape[-1] - len(columns)
    level = _level(fitted, df, direction, margin_from(expected, margin), confidence, counts=False)
    return _segmented(fitted, level, slope_change, df)


def segmented_columns(points: int, start: int, slope_change: bool, season: int | None, harmonics: int) -> FloatArray:
    """Rows 1, t, step, (ramp), then sine and cosine pairs of the season: shape (p, points). Raises TooFew, OutOfRange.

    >>> segmented_columns(8, 4, True, None, 2)[:, 5].tolist()
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
    if points <= len(columns) + 1:
        raise TooFew("needs more points than terms")
    return np.stack(columns)


def _counts(columns: FloatArray, y: FloatArray, offset: FloatArray, lags: int) -> _Fitted:
    coefficients, mean, settled = fit_poisson(columns, y, offset)
    # An unsettled series is refused once all are fitted, so that it goes by its own number.
    mean = np.where(settled[:, None], mean, 1.0)
    bread: FloatArray = np.linalg.inv(products(columns * mean[:, None, :], columns)).astype(np.float64)
    p, n = columns.shape
    pearson = (y - mean) / np.sqrt(mean)
    dispersion = np.square(pearson).sum(axis=-1) / (n - p)
    model = bread * np.maximum(dispersion, 1e-12)[:, None, None]
    scores = columns * (y - mean)[:, None, :]
    covariance = model if lags == 0 else _wider(model, around(bread, long_run(scores, lags) * (n / (n - p))))
    return _Fitted(coefficients, covariance, dispersion, _lag1(pearson), settled)


def _means(columns: FloatArray, y: FloatArray, lags: int) -> _Fitted:
    design = factored(columns)
    p, n = columns.shape
    coefficients, rest = design.fit(y)
    dispersion = np.square(rest).sum(axis=-1) / (n - p)
    model = design.covariance(np.eye(p)) * dispersion[:, None, None]
    scores = design.basis * rest[:, None, :]
    covariance = model if lags == 0 else _wider(model, design.covariance(long_run(scores, lags) * (n / (n - p))))
    return _Fitted(coefficients, covariance, dispersion, _lag1(rest), np.ones(len(y), dtype=np.bool_))


def _wider(model: FloatArray, robust: FloatArray) -> FloatArray:
    """Of each series the covariance with the larger variance of the level change."""
    return np.where(robust[:, 2:3, 2:3] > model[:, 2:3, 2:3], robust, model)


def _lag1(residuals: FloatArray) -> FloatArray:
    squares = np.square(residuals).sum(axis=-1)
    lagged = (residuals[:, 1:] * residuals[:, :-1]).sum(axis=-1)
    return np.asarray(np.divide(lagged, squares, out=np.zeros(squares.shape), where=squares > 0))


def _joined(parts: list[_Fitted], shape: tuple[int, ...]) -> _Fitted:
    """What was fitted block by block, as series of `shape`: () for one alone, (series,) for many."""
    whole = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(_Fitted))
    return _Fitted(*(each.reshape((*shape, *each.shape[1:])) for each in whole))


def _level(
    fitted: _Fitted,
    df: int,
    direction: Direction,
    margin: PerSeries | None,
    confidence: float,
    counts: bool,
) -> Effect:
    estimate, lower, upper = _interval(fitted, 2, df, confidence)
    error = np.sqrt(fitted.covariance[..., 2, 2])
    known, checks = error > 0, _checks(fitted, counts)
    p = two_sided_p(np.divide(estimate, error, out=np.zeros(np.shape(error)), where=known), df)
    change, least, most = (plain(np.expm1(end)) if counts else None for end in (estimate, lower, upper))
    return Effect(
        estimate,
        lower,
        upper,
        change,
        least,
        most,
        plain(np.where(known, p, np.asarray(estimate) == 0)),
        decide(lower, upper, direction, margin, checks),
        checks,
        "segmented quasi-Poisson regression" if counts else "segmented least squares with HAC errors",
        confidence,
        margin,
    )


def _interval(fitted: _Fitted, term: int, df: int, confidence: float) -> tuple[PerSeries, PerSeries, PerSeries]:
    estimate = fitted.coefficients[..., term].copy()
    reach = quantile(confidence, df) * np.sqrt(fitted.covariance[..., term, term])
    return plain(estimate), plain(estimate - reach), plain(estimate + reach)


def _segmented(fitted: _Fitted, level: Effect, slope_change: bool, df: int) -> Segmented:
    slope = _interval(fitted, 3, df, level.confidence) if slope_change else None
    return Segmented(fitted.coefficients, fitted.covariance, level, slope, plain(fitted.dispersion))


def _checks(fitted: _Fitted, counts: bool) -> tuple[EffectCheck, ...]:
    lag = fitted.autocorrelation
    beyond = fitted.dispersion if counts else np.ones(fitted.dispersion.shape)
    return (
        EffectCheck("autocorrelation", plain(lag < 0.6), plain(lag), "lag-1 autocorrelation of the residuals", True),
        EffectCheck(
            "overdispersion", plain(beyond < 10), plain(beyond), "residual variance over that of a Poisson count"
        ),
    )
