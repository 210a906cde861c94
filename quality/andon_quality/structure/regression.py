"""Linear regression with errors that suit the data: classic, robust to unequal spread, or to autocorrelation too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, PerSeries, blocks, by_series, finite, plain, refuse
from andon_quality.errors import Inconsistent, NoSpread
from andon_quality.inference.interval import tail
from andon_quality.result import Result
from andon_quality.structure.least_squares import Design, factored, lag_count, long_run
from andon_quality.structure.table import cases


class Errors(Enum):
    """What the standard errors allow for."""

    CLASSIC = "classic"
    HC3 = "hc3"
    HAC = "hac"


@dataclass(frozen=True)
class RegressionFit(Result):
    """Coefficients (the constant first), their standard errors, t, p and interval ends; shape (1 + columns,). `f` tests
    all slopes at once with the same errors. Durbin-Watson near 2 says that neighbours are uncorrelated.

    Of many responses every array has them in its first axis, and every number is an array of shape (series,).
    """

    coefficients: FloatArray
    errors: FloatArray
    t: FloatArray
    p_value: FloatArray
    lower: FloatArray
    upper: FloatArray
    covariance: FloatArray
    r2: PerSeries
    r2_adjusted: PerSeries
    f: PerSeries
    f_p_value: PerSeries
    residual_sd: PerSeries
    df: int
    durbin_watson: PerSeries
    residuals: FloatArray


@checked
def regress(
    y: ArrayLike, x: ArrayLike, errors: Errors = Errors.CLASSIC, lags: int | None = None, confidence: float = 0.95
) -> RegressionFit:
    """Ordinary least squares of y on the columns of x with a constant; by QR, after scaling the columns.

    y: shape (n,), or (series, n) for many responses on the one design; x: shape (n, columns) or (n,); n > columns + 1.
    A coefficient is in units of y per unit of its column. Assumes a linear mean. CLASSIC assumes equal spread
    and independence; HC3 drops the first (MacKinnon and White, 1985), HAC both (Newey and West, 1987, Bartlett kernel,
    with the factor n / (n - columns - 1)). lags: for HAC, default floor(4 (n / 100)^(2/9)); rows must be in the
    order of time. Prefer `drivers` where columns go together. p and intervals by Student's t with n - columns - 1. Cost
    O(n columns^2), and as much again for each response; scipy is imported on use. Raises TooFew, NotFinite, NoSpread
    when y does not vary, Inconsistent for dependent columns, OutOfRange.
    Source: Golub and Van Loan, Matrix Computations, 4th ed. (2013) 5.3.

    >>> fit = regress([1.1, 2.9, 5.2, 6.8, 9.1], [0.0, 1.0, 2.0, 3.0, 4.0])
    >>> fit.coefficients.round(4).tolist(), round(fit.r2, 4)
    ([1.04, 1.99], 0.9973)
    >>> regress([[1.0, 3.0, 5.0, 8.0], [4.0, 3.0, 2.0, 2.0]], [0.0, 1.0, 2.0, 3.0]).coefficients.round(4).tolist()
    [[0.8, 2.3], [3.8, -0.7]]
    """
    from scipy.special import fdtrc, stdtr, stdtrit

    design, target = _design(y, x)
    width, n = design.columns.shape
    beta, residuals = design.fit(target)
    squares = np.square(residuals).sum(axis=-1)
    unexplained = squares / np.square(target - target.mean(axis=-1, keepdims=True)).sum(axis=-1)
    df = n - width
    covariance = design.covariance(_middle(design.basis, residuals, df, errors, lags))
    deviation = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    t = beta / np.where(deviation > 0.0, deviation, np.nan)
    half = float(stdtrit(df, 1.0 - tail(confidence))) * deviation
    wald = _wald(beta, covariance, squares)
    steps = np.square(np.diff(residuals, axis=-1)).sum(axis=-1)
    return RegressionFit(
        coefficients=beta,
        errors=deviation,
        t=t,
        p_value=np.asarray(2.0 * stdtr(df, -np.abs(t))),
        lower=beta - half,
        upper=beta + half,
        covariance=covariance,
        r2=plain(1.0 - unexplained),
        r2_adjusted=plain(1.0 - unexplained * (n - 1) / df),
        f=plain(wald),
        f_p_value=plain(fdtrc(width - 1, df, wald)),
        residual_sd=plain(np.sqrt(squares / df)),
        df=df,
        durbin_watson=plain(np.divide(steps, squares, out=np.full(np.shape(squares), np.nan), where=squares > 0.0)),
        residuals=residuals,
    )


def _design(y: ArrayLike, x: ArrayLike) -> tuple[Design, FloatArray]:
    columns, target = finite(x), by_series(y)
    columns = columns[:, None] if columns.ndim == 1 else columns
    table = cases(columns, rows_min=columns.shape[-1] + 2)
    if target.shape[-1] != len(table):
        raise Inconsistent("y and x need the same number of rows")
    refuse(target.min(axis=-1) == target.max(axis=-1), NoSpread, "y does not vary")
    return factored(np.vstack([np.ones(len(table)), table.T])), target


def _middle(basis: FloatArray, residuals: FloatArray, df: int, errors: Errors, lags: int | None) -> FloatArray:
    """The covariance of the coefficients in the design's orthonormal basis."""
    p, n = basis.shape
    match errors:
        case Errors.CLASSIC:
            variance = np.square(residuals).sum(axis=-1) / df
            return np.asarray(np.eye(p) * variance[..., None, None])
        case Errors.HC3:
            far, factor, kept = 0, 1.0, np.maximum(1.0 - np.square(basis).sum(axis=0), 1e-12)
        case Errors.HAC:
            far, factor, kept = lag_count(n, lags), n / df, np.ones(n)
        case _:
            assert_never(errors)
    flat = np.atleast_2d(residuals / kept)
    parts = [long_run(basis * flat[part, None, :], far) for part in blocks(len(flat), 3 * basis.size)]
    return np.concatenate(parts).reshape((*residuals.shape[:-1], p, p)) * factor


def _wald(beta: FloatArray, covariance: FloatArray, squares: FloatArray) -> FloatArray:
    """The F statistic of all slopes; infinite where the fit is exact."""
    slopes, known = beta[..., 1:], np.asarray(squares) > 0.0
    inner = np.where(known[..., None, None], covariance[..., 1:, 1:], np.eye(slopes.shape[-1]))
    wald = (slopes * np.linalg.solve(inner, slopes[..., None])[..., 0]).sum(axis=-1) / slopes.shape[-1]
    return np.where(known, wald, np.inf)


def variance_inflation(x: ArrayLike) -> FloatArray:
    """How many times the other columns blow up the variance of each slope: 1 / (1 - R^2 on the others).

    x: shape (n > columns + 1, columns >= 2). Above 5 to 10, slopes can hardly be separated: prefer `drivers`.
    Units do not matter. Assumes straight lines between columns. Cost O(n columns^2 + columns^3). Raises TooFew,
    NotFinite, NoSpread, Inconsistent for dependent columns.
    Source: Marquardt, 1970, Technometrics 12:591.

    >>> variance_inflation([[1, 2], [2, 1], [3, 4], [4, 3], [5, 5]]).round(4).tolist()
    [2.7778, 2.7778]
    """
    from andon_quality.structure.adequacy import independent_correlations

    table = cases(x, rows_min=3, columns_min=2)
    return np.asarray(np.diag(np.linalg.inv(independent_correlations(table))), dtype=np.float64)
