"""The constants of control charts (c4, d2, d3, A2, ...), computed for any subgroup size instead of looked up.

All assume independent normal values. `width` is the multiple of sigma at which limits lie; 3 gives the printed table.
R's qcc, JASP and Minitab use a table of d2 with three decimals (2.326 for d2(5) = 2.325929), which shows in the fourth
digit of limits made from ranges: table="printed" gives theirs, for comparison. Their other constants are exact.
Source: ASTM Manual on Presentation of Data and Control Chart Analysis (MNL 7, 2010), table 49; H. L. Harter, Tables of
Range and Studentized Range, Annals of Mathematical Statistics 31 (1960) 1122-1147, for the integrals of d2 and d3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

Table = Literal["exact", "printed"]
# Above this size log-gamma cancels more digits than the asymptotic series leaves out.
_SERIES_FROM = 200
# Terms of gamma(x + 1/2) / gamma(x) = sqrt(x) * sum(a_k / x^k); Tricomi & Erdelyi, Pacific J. Math. 1 (1951) 133-142.
_GAMMA_RATIO = (1.0, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144, 869 / 4194304)


@checked
@lru_cache(maxsize=4096)
def c4(n: int) -> float:
    """Expected sample standard deviation of n normal values, in sigma: sqrt(2/(n-1)) gamma(n/2) / gamma((n-1)/2).

    Exact to 1e-12 for every n >= 2. Raises OutOfRange for n < 2.

    >>> round(c4(5), 6)
    0.939986
    """
    _at_least_two(n)
    if n < _SERIES_FROM:
        return math.sqrt(2.0 / (n - 1)) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2))
    x = (n - 1) / 2
    return math.fsum(a / x**k for k, a in enumerate(_GAMMA_RATIO))


@checked
@lru_cache(maxsize=4096)
def d2(n: int, table: Table = "exact") -> float:
    """Expected range of n normal values, in sigma: integral of 1 - Phi(x)^n - (1 - Phi(x))^n over the line.

    Absolute error below 1e-10 (trapezoid rule, exponentially convergent here); table="printed": to three decimals.
    Raises OutOfRange for n < 2.

    >>> round(d2(5), 6), d2(5, "printed")
    (2.325929, 2.326)
    """
    from scipy.special import log_ndtr

    _at_least_two(n)
    match table:
        case "exact":
            pass
        case "printed":
            return round(d2(n), 3)
        case _:
            assert_never(table)
    x, step = np.linspace(-14.0, 14.0, 1401, retstep=True)
    return float(step * np.sum(-np.expm1(n * log_ndtr(x)) - np.exp(n * log_ndtr(-x))))


@checked
@lru_cache(maxsize=4096)
def d3(n: int) -> float:
    """Standard deviation of the range of n normal values, in sigma: sqrt(E W^2 - d2^2), E W^2 = 2 int w P(W > w) dw.

    Absolute error below 1e-9. Cost: 0.1 million evaluations of Phi, once per n. Raises OutOfRange for n < 2.

    >>> round(d3(5), 6)
    0.864082
    """
    mean = d2(n)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    edges = np.linspace(0.0, 20.0, 11)
    half = np.diff(edges)[:, None] / 2
    w = (edges[:-1, None] + half * (1 + nodes)).ravel()
    square = 2.0 * np.sum((half * weights).ravel() * w * _range_survival(w, n))
    return math.sqrt(square - mean * mean)


def _range_survival(w: FloatArray, n: int) -> FloatArray:
    """P(W > w) = 1 - n int phi(x) (Phi(x + w) - Phi(x))^(n-1) dx, for the range W of n normal values."""
    from scipy.special import log_ndtr

    # Conditioned on the smallest value x, whose density is n phi(x) (1 - Phi(x))^(n-1) and integrates to 1:
    # all others lie within x + w unless one of them is above, each with probability r.
    x, step = np.linspace(-14.0, 10.0, 601, retstep=True)
    log_above = log_ndtr(-x)
    smallest = n * np.exp(-x * x / 2 + (n - 1) * log_above) / math.sqrt(2 * math.pi)
    r = np.exp(log_ndtr(-x - w[:, None]) - log_above)
    with np.errstate(divide="ignore"):  # r rounds to 1 for w next to 0, and log(0) is the limit wanted
        survival: FloatArray = step * (-np.expm1((n - 1) * np.log1p(-r)) @ smallest)
    return survival


@checked
def a(n: int, width: float = 3.0) -> float:
    """A = width / sqrt(n): limits of a mean from a known sigma.

    >>> round(a(4), 6)
    1.5
    """
    return width / math.sqrt(n)


@checked
def a2(n: int, width: float = 3.0, table: Table = "exact") -> float:
    """A2 = width / (d2 sqrt(n)): limits of a mean from the average range.

    >>> round(a2(5), 6)
    0.576819
    """
    return width / (d2(n, table) * math.sqrt(n))


@checked
def a3(n: int, width: float = 3.0) -> float:
    """A3 = width / (c4 sqrt(n)): limits of a mean from the average standard deviation.

    >>> round(a3(5), 6)
    1.427299
    """
    return width / (c4(n) * math.sqrt(n))


@checked
def b3(n: int, width: float = 3.0) -> float:
    """B3 = max(0, 1 - width sqrt(1 - c4^2) / c4): lower limit of s from the average s.

    >>> b3(5), round(b3(6), 4)
    (0.0, 0.0304)
    """
    return max(0.0, 1.0 - width * _s_spread(n) / c4(n))


@checked
def b4(n: int, width: float = 3.0) -> float:
    """B4 = 1 + width sqrt(1 - c4^2) / c4: upper limit of s from the average s.

    >>> round(b4(5), 6)
    2.088998
    """
    return 1.0 + width * _s_spread(n) / c4(n)


@checked
def b5(n: int, width: float = 3.0) -> float:
    """B5 = max(0, c4 - width sqrt(1 - c4^2)): lower limit of s from a known sigma.

    >>> round(b5(10), 3)
    0.276
    """
    return max(0.0, c4(n) - width * _s_spread(n))


@checked
def b6(n: int, width: float = 3.0) -> float:
    """B6 = c4 + width sqrt(1 - c4^2): upper limit of s from a known sigma.

    >>> round(b6(10), 3)
    1.669
    """
    return c4(n) + width * _s_spread(n)


@checked
def big_d1(n: int, width: float = 3.0, table: Table = "exact") -> float:
    """D1 = max(0, d2 - width d3): lower limit of the range from a known sigma.

    >>> round(big_d1(10), 3)
    0.686
    """
    return max(0.0, d2(n, table) - width * d3(n))


@checked
def big_d2(n: int, width: float = 3.0, table: Table = "exact") -> float:
    """D2 = d2 + width d3: upper limit of the range from a known sigma.

    >>> round(big_d2(5), 3)
    4.918
    """
    return d2(n, table) + width * d3(n)


@checked
def big_d3(n: int, width: float = 3.0, table: Table = "exact") -> float:
    """D3 = max(0, 1 - width d3 / d2): lower limit of the range from the average range.

    >>> big_d3(5), round(big_d3(10), 3)
    (0.0, 0.223)
    """
    return max(0.0, 1.0 - width * d3(n) / d2(n, table))


@checked
def big_d4(n: int, width: float = 3.0, table: Table = "exact") -> float:
    """D4 = 1 + width d3 / d2: upper limit of the range from the average range.

    >>> round(big_d4(5), 6)
    2.114499
    """
    return 1.0 + width * d3(n) / d2(n, table)


@checked
def e2(n: int, width: float = 3.0, table: Table = "exact") -> float:
    """E2 = width / d2: limits of individuals from the average (moving) range of n.

    >>> round(e2(2), 4)
    2.6587
    """
    return width / d2(n, table)


@checked
def e3(n: int, width: float = 3.0) -> float:
    """E3 = width / c4: limits of individuals from the average standard deviation of n.

    >>> round(e3(5), 4)
    3.1915
    """
    return width / c4(n)


def each(constant: Callable[[int], float], sizes: ArrayLike) -> FloatArray:
    """`constant` at every subgroup size; NaN where the size is missing (NaN) or below 2; one call per distinct size.

    >>> each(c4, [5, 1]).round(4)
    array([0.94,  nan])
    """
    array = np.asarray(sizes, dtype=np.float64)
    distinct, where = np.unique(array, return_inverse=True)
    values = np.array([constant(int(n)) if n >= 2 else math.nan for n in distinct], dtype=np.float64)
    return values[where].reshape(array.shape)


def _s_spread(n: int) -> float:
    """Standard deviation of s in sigma: sqrt(1 - c4^2)."""
    return math.sqrt(1.0 - c4(n) ** 2)


def _at_least_two(n: int) -> None:
    if n < 2:
        raise OutOfRange(f"a subgroup needs at least 2 values to have spread, got {n}")
