"""Linear regression with errors that suit the data: classic, robust to unequal spread, or to autocorrelation too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.inference.interval import tail
from andon_quality.structure.table import cases


class Errors(Enum):
    """What the standard errors allow for."""

    CLASSIC = "classic"
    HC3 = "hc3"
    HAC = "hac"


@dataclass(frozen=True)
class Fit:
    """Coefficients (the constant first), their standard errors, t, p and interval ends; shape (1 + columns,). `f` tests
    all slopes at once with the same errors. Durbin-Watson near 2 says that neighbours are uncorrelated."""

    coefficients: FloatArray
    errors: FloatArray
    t: FloatArray
    p: FloatArray
    low: FloatArray
    high: FloatArray
    covariance: FloatArray
    r2: float
    r2_adjusted: float
    f: float
    f_p: float
    residual_sd: float
    freedom: int
    durbin_watson: float
    residuals: FloatArray


def regress(
    y: ArrayLike, x: ArrayLike, errors: Errors = Errors.CLASSIC, lags: int | None = None, confidence: float = 0.95
) -> Fit:
    """Ordinary least squares of y on the columns of x with a constant; by QR, after scaling the columns.

    y: shape (n,); x: shape (n, columns) or (n,); n > columns + 1. Assumes a linear mean. CLASSIC assumes equal spread
    and independence; HC3 drops the first (MacKinnon and White, 1985), HAC both (Newey and West, 1987, Bartlett kernel,
    with the factor n / (n - columns - 1)). lags: for HAC, default floor(4 (n / 100)^(2/9)); rows must stand in the
    order of time. Prefer `drivers` where columns go together. p and intervals by Student's t with n - columns - 1. Cost
    O(n columns^2 (1 + lags)); scipy is imported on use. Raises TooFew, NotFinite, NoSpread when y does not vary,
    Inconsistent for dependent columns, OutOfRange.

    >>> fit = regress([1.1, 2.9, 5.2, 6.8, 9.1], [0.0, 1.0, 2.0, 3.0, 4.0])
    >>> fit.coefficients.round(4).tolist(), round(fit.r2, 4)
    ([1.04, 1.99], 0.9973)
    """
    from scipy.special import fdtrc, stdtr, stdtrit

    design, target = _design(y, x)
    n, width = design.shape
    scale = np.sqrt((design**2).sum(axis=0))
    q, r = np.linalg.qr(design / scale)
    if np.abs(np.diag(r)).min() < 1e-10:
        raise Inconsistent("columns are linearly dependent")
    inverse = np.linalg.inv(r) / scale[:, None]
    beta = inverse @ (q.T @ target)
    residuals = target - design @ beta
    squares, centred = float((residuals**2).sum()), float(((target - target.mean()) ** 2).sum())
    freedom = n - width
    covariance = inverse @ _middle(q, residuals, freedom, errors, lags) @ inverse.T
    deviation = np.sqrt(np.diag(covariance))
    t = beta / np.where(deviation > 0.0, deviation, np.nan)
    half = float(stdtrit(freedom, 1.0 - tail(confidence))) * deviation
    wald = float(beta[1:] @ np.linalg.solve(covariance[1:, 1:], beta[1:])) / (width - 1) if squares > 0.0 else np.inf
    steps = float((np.diff(residuals) ** 2).sum())
    return Fit(
        coefficients=beta,
        errors=deviation,
        t=t,
        p=np.asarray(2.0 * stdtr(freedom, -np.abs(t))),
        low=beta - half,
        high=beta + half,
        covariance=covariance,
        r2=1.0 - squares / centred,
        r2_adjusted=1.0 - squares / centred * (n - 1) / freedom,
        f=wald,
        f_p=float(fdtrc(width - 1, freedom, wald)),
        residual_sd=float(np.sqrt(squares / freedom)),
        freedom=freedom,
        durbin_watson=steps / squares if squares > 0.0 else np.nan,
        residuals=residuals,
    )


def _design(y: ArrayLike, x: ArrayLike) -> tuple[FloatArray, FloatArray]:
    columns, target = finite(x), finite(y)
    columns = columns[:, None] if columns.ndim == 1 else columns
    table = cases(columns, rows_min=columns.shape[-1] + 2)
    if target.shape != (len(table),):
        raise Inconsistent("y and x need the same number of rows")
    if target.min() == target.max():
        raise NoSpread("y does not vary")
    return np.column_stack([np.ones(len(table)), table]), target


def _middle(q: FloatArray, residuals: FloatArray, freedom: int, errors: Errors, lags: int | None) -> FloatArray:
    """The covariance of the coefficients in the basis q."""
    if errors is Errors.CLASSIC:
        return np.eye(q.shape[1]) * float((residuals**2).sum()) / freedom
    if errors is Errors.HC3:
        scores = q * (residuals / np.maximum(1.0 - (q**2).sum(axis=1), 1e-12))[:, None]
        return np.asarray(scores.T @ scores, dtype=np.float64)
    if errors is Errors.HAC:
        scores = q * residuals[:, None]
        return long_run(scores, lag_count(len(q), lags)) * len(q) / freedom
    assert_never(errors)


def lag_count(n: int, lags: int | None = None) -> int:
    """`lags`, or floor(4 (n / 100)^(2/9)); raises OutOfRange outside 0..n - 1.

    >>> lag_count(100), lag_count(30), lag_count(30, 0)
    (4, 3, 0)
    """
    chosen = int(np.floor(4.0 * (n / 100.0) ** (2.0 / 9.0))) if lags is None else lags
    if not 0 <= chosen < n:
        raise OutOfRange(f"lags must lie in 0..{n - 1}")
    return chosen


def long_run(scores: FloatArray, lags: int) -> FloatArray:
    """Sum of autocovariances of the rows with Bartlett weights 1 - l / (lags + 1); shape (columns, columns).

    >>> long_run(np.array([[1.0], [-1.0], [1.0]]), 1).tolist()
    [[1.0]]
    """
    total = scores.T @ scores
    for lag in range(1, lags + 1):
        cross = scores[lag:].T @ scores[:-lag]
        total = total + (1.0 - lag / (lags + 1.0)) * (cross + cross.T)
    return np.asarray(total, dtype=np.float64)


def variance_inflation(x: ArrayLike) -> FloatArray:
    """How many times the other columns blow up the variance of each slope: 1 / (1 - R^2 on the others).

    x: shape (n > columns + 1, columns >= 2). Above 5 to 10, slopes can hardly be told apart: prefer `drivers`.
    Cost O(n columns^2 + columns^3). Raises TooFew, NotFinite, NoSpread, Inconsistent for dependent columns.
    Source: Marquardt, 1970, Technometrics 12:591.

    >>> variance_inflation([[1, 2], [2, 1], [3, 4], [4, 3], [5, 5]]).round(4).tolist()
    [2.7778, 2.7778]
    """
    from andon_quality.structure.adequacy import independent_correlations

    table = cases(x, rows_min=3, columns_min=2)
    return np.asarray(np.diag(np.linalg.inv(independent_correlations(table))), dtype=np.float64)
