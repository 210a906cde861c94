"""The exact run length of the multivariate exponentially weighted moving average chart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arl.design import design
from andon_quality.arl.ewma import ewma, ewma_run
from andon_quality.arl.krylov import gmres
from andon_quality.arl.quadrature import jacobi, legendre, nodes_for, normal_kernel
from andon_quality.arl.run_length import DIGITS_LOST, RunLength
from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, OutOfRange

DIMENSIONS_MOST = 60
TAIL, TAIL_NODES = 9.0, 40
# Shifted: the mean that six digits reach to.
SHIFTED_MOST = 1e9
# Shifted: unknowns of the mean (some tenths of a second), and states of a whole distribution (the same).
STATES_MOST, DENSE_MOST = 14_000, 2_000


@checked
def mewma(smoothing: float, limit: float, dimensions: int, shift: float = 0.0) -> float:
    """The zero-state average run length of Z = (1 - smoothing) Z + smoothing X, alarm when T^2 of Z exceeds the limit.

    X ~ N(mu, S) in `dimensions` dimensions, T^2 = Z' S^-1 Z (2 - smoothing) / smoothing with the asymptotic covariance;
    shift: the length of mu in the metric of S, sqrt(mu' S^-1 mu), on which alone the run length depends.
    In control the length of Z is a Markov process: Nystroem in one dimension, ten digits. Shifted, the state is the
    part of Z along the shift and the length of the rest: Nystroem in two, at the nodes of Gauss and Jacobi for the
    ball, with the noncentral chi density expanded in polynomials of either length, so that the kernel is a product and
    GMRES never forms it; seven digits, six for a mean of 1e7 and five up to 1e9, beyond which it is infinite, and is
    not computed where the settled statistic's own chances say so (in control digits end with doubles). One
    dimension is `ewma`.
    Cost 0.2 ms in control; shifted 1 to 3 ms at a smoothing of 0.1, about as 1 / smoothing below; some ten times that
    for a mean beyond 1e5. Raises OutOfRange where more than 14,000 unknowns are needed: a smoothing below some 0.002.
    Raises OutOfRange for smoothing outside (0, 1], a limit not positive, dimensions outside 1 to 60, a negative shift.
    Sources: Lowry, Woodall, Champ and Rigdon (1992), Technometrics 34, 46-53; Rigdon (1995), Journal of Statistical
    Computation and Simulation 52, 351-365; Knoth (2017), ACM Transactions on Mathematical Software 43, 40.

    >>> round(mewma(0.1, 12.73, 4), 3), round(mewma(0.1, 12.73, 4, 1.0), 4)
    (200.5, 12.153)
    """
    _check(smoothing, limit, dimensions, shift)
    if dimensions == 1:
        return ewma(smoothing, float(np.sqrt(limit)), shift)
    if shift == 0.0:
        return _radial(smoothing, limit, dimensions).mean()
    if _chance_beyond(smoothing, limit, dimensions, shift) * SHIFTED_MOST < 0.5:
        # P(T <= t) <= t times that chance, so that the mean is at least half of one over it.
        return np.inf
    return _planar(smoothing, limit, dimensions, shift, STATES_MOST).mean()


@checked
def mewma_run(smoothing: float, limit: float, dimensions: int, shift: float = 0.0) -> RunLength:
    """The whole distribution behind `mewma`: mean, quantiles, survival, steady state (the shift in any one direction).

    Forms the kernel over both dimensions of the state; tens of milliseconds, and OutOfRange beyond 2,000 states.

    >>> mewma_run(0.1, 12.73, 4, 1.0).quantile(0.5)
    11
    """
    _check(smoothing, limit, dimensions, shift)
    if dimensions == 1:
        return ewma_run(smoothing, float(np.sqrt(limit)), shift)
    return _planar(smoothing, limit, dimensions, shift, DENSE_MOST).run()


@checked
def design_mewma(smoothing: float, requested_arl: float, dimensions: int) -> float:
    """The limit on T^2 at which the in-control ARL of `mewma` is the requested one.

    >>> round(mewma(0.1, design_mewma(0.1, 200.0, 4), 4), 6)
    200.0
    """
    return design(lambda limit: mewma(smoothing, limit, dimensions), requested_arl, guess=6.0 + 2.0 * dimensions)


def _check(smoothing: float, limit: float, dimensions: int, shift: float) -> None:
    if not (0.0 < smoothing <= 1.0 and 0.0 < limit < np.inf):
        raise OutOfRange(f"smoothing must lie in (0, 1] and the limit be positive, got {smoothing}, {limit}")
    if not (1 <= dimensions <= DIMENSIONS_MOST and 0.0 <= shift < np.inf):
        raise OutOfRange(f"needs 1 to {DIMENSIONS_MOST} dimensions and a shift >= 0, got {dimensions}, {shift}")


def _chance_beyond(smoothing: float, limit: float, dimensions: int, shift: float) -> float:
    """The chance that T^2 of a settled Z exceeds the limit, noncentral chi-square; of one that begins at 0, no more."""
    from scipy.special import chndtr

    return float(1.0 - chndtr(limit, dimensions, shift**2 * (2.0 - smoothing) / smoothing))


def _radial(smoothing: float, limit: float, dimensions: int) -> RunLength:
    """In control: the length of Z in units of smoothing, whose next value is noncentral chi."""
    radius = float(np.sqrt(limit / (smoothing * (2.0 - smoothing))))
    nodes, weights = legendre(0.0, radius, nodes_for(radius))
    kernel = np.zeros((len(nodes) + 1, len(nodes) + 1))
    pulled = (1.0 - smoothing) * np.append(nodes, 0.0)
    kernel[:, :-1] = _length_density(pulled, nodes, dimensions) * weights
    escape = _chance_outside(pulled, radius, dimensions)
    return RunLength(kernel, np.eye(1, len(kernel), len(nodes))[0], escape=escape)


def _chance_outside(pulled: FloatArray, radius: float, dimensions: int) -> FloatArray:
    """The chance that the next length is beyond the radius, with all its digits however small, shape (len(pulled),)."""
    # Beyond this a length is less likely by a factor of 1e-18 than at the rim, from wherever it comes.
    outside, weights = legendre(radius, radius + TAIL + float(np.sqrt(dimensions)), TAIL_NODES)
    return np.asarray(_length_density(pulled, outside, dimensions) @ weights)


def _length_density(pulled: FloatArray, lengths: FloatArray, dimensions: int) -> FloatArray:
    """The density of the next length (noncentral chi) after each pulled one, shape (len(pulled), len(lengths))."""
    from scipy.special import gammaln, ive

    order = 0.5 * dimensions - 1.0
    central = (2.0 * order + 1.0) * np.log(lengths) - 0.5 * lengths**2 - order * np.log(2.0) - gammaln(order + 1.0)
    density = np.tile(np.exp(central), (len(pulled), 1))
    moved = pulled > 0.0
    before = pulled[moved, None]
    bessel = ive(order, before * lengths) * (lengths / before) ** order
    density[moved] = lengths * bessel * np.exp(-0.5 * (lengths - before) ** 2)
    return density


@dataclass(frozen=True)
class _Plane:
    """Shifted: (part along the shift, length of the rest) in units of smoothing, inside the half disc.

    Parts come in pairs on either side of the centre, whose lengths are alike. along: (i, j), density of the next part
    along the shift times its weight, the last i for the start. before: (pair, l, a), even polynomials of each length,
    as it is pulled; after: (pair, m, a), polynomials of each times its weight. lengths: (l, m), the density of the
    next length in both. escape: gives the chance of an alarm from each state but the start, shape (states,).
    """

    along: FloatArray
    before: FloatArray
    after: FloatArray
    lengths: FloatArray
    escape: Callable[[], FloatArray]

    def mean(self) -> float:
        pairs, _, heights = self.after.shape
        ones = np.ones(2 * pairs * heights)
        mean = self._mean(0.0, ones)
        if 0.0 < mean < DIGITS_LOST:
            return mean
        # Rows of the kernel sum to what the chance of an alarm leaves but for 1e-12; so much next to it would show.
        missing = 1.0 - self.escape() - self._ahead(ones)
        mean = self._mean(missing, ones)
        return mean if 0.0 < mean < SHIFTED_MOST else np.inf

    def _mean(self, missing: FloatArray | float, ones: FloatArray) -> float:
        try:
            means = gmres(lambda means: means - self._ahead(means) - missing * means, ones, error=1e-8)
        except Inconsistent:
            return np.inf
        return float(1.0 + self._series(means)[-1] @ self._at_zero())

    def _ahead(self, means: FloatArray) -> FloatArray:
        """The mean of `means` one point on, after each state."""
        pairs = len(self.after)
        return np.asarray((self._series(means)[:-1].reshape(pairs, 2, -1) @ self.before).ravel())

    def run(self) -> RunLength:
        lengths = np.einsum("pla,lm,qmb->paqb", self.before, self.lengths, self.after, optimize=True)
        lengths = np.repeat(np.repeat(lengths, 2, axis=0), 2, axis=2)
        states = lengths.shape[0] * lengths.shape[1]
        kernel = np.zeros((states + 1, states + 1))
        kernel[:-1, :-1] = (lengths * self.along[:-1, None, :, None]).reshape(states, states)
        start = np.repeat(self._at_zero() @ self.lengths @ self.after, 2, axis=0)
        kernel[-1, :-1] = (start * self.along[-1][:, None]).ravel()
        # As in `mean`: what the rows lack of the chance to stay.
        kernel[np.diag_indices(states)] += 1.0 - self.escape() - kernel[:-1].sum(axis=1)
        return RunLength(kernel, np.eye(1, states + 1, states)[0])

    def _series(self, means: FloatArray) -> FloatArray:
        """Of the mean of `means` one point on, the polynomials in the length before, shape (i, l)."""
        pairs, _, heights = self.after.shape
        after = means.reshape(pairs, 2, heights) @ self.after.swapaxes(1, 2)
        return np.asarray(self.along @ (after.reshape(2 * pairs, -1) @ self.lengths.T))

    def _at_zero(self) -> FloatArray:
        return np.asarray(1.0 - 2.0 * (np.arange(len(self.lengths)) % 2))


def _planar(smoothing: float, limit: float, dimensions: int, shift: float, most: int) -> _Plane:
    radius = float(np.sqrt(limit / (smoothing * (2.0 - smoothing))))
    states = _parts_for(radius, dimensions) * _heights_for(radius, dimensions)
    if states > most:
        raise OutOfRange(f"a smoothing of {smoothing:g} with these limits needs {states} states, more than {most}")
    shares, widths = jacobi(_parts_for(radius, dimensions), 0.5 * (dimensions - 1), 0.5 * (dimensions - 1))
    squares, square_weights = jacobi(_heights_for(radius, dimensions), 0.0, 0.5 * (dimensions - 3))
    one_side = len(shares) // 2
    shares, widths = shares[one_side:], widths[one_side:]
    # The rules are Gauss's for a function of the part and of the square of the rest, as weights of both themselves.
    slope, rest = np.sqrt(1.0 - shares**2), np.sqrt(0.5 * (1.0 + squares))
    part_weights = radius**2 * widths * slope ** (2 - dimensions)
    rest_weights = 0.5 ** (0.5 * (dimensions + 1)) * square_weights * rest ** (2 - dimensions)
    parts = radius * np.column_stack([-shares, shares]).ravel()
    pulled = (1.0 - smoothing) * np.append(parts, 0.0)
    along = normal_kernel(pulled + shift, parts, np.repeat(part_weights, 2))
    heights = slope[:, None] * rest
    # Interpolation of a normal density takes more nodes than its integral.
    size = int(np.ceil(9.0 + 2.4 * radius + 2.7 * dimensions**0.5))
    lengths = _lengths_ahead(radius, (1.0 - smoothing) * radius, dimensions - 1, size)
    before = _parity_polynomials(heights, size, 0)
    after = before if dimensions % 2 == 0 else _parity_polynomials(heights, size, 1)
    rests = radius * np.repeat(heights, 2, axis=0)

    def escape() -> FloatArray:
        away = np.hypot(pulled[:-1, None] + shift, (1.0 - smoothing) * rests)
        return _chance_outside(away.ravel(), radius, dimensions)

    return _Plane(along, before, after * rest_weights, lengths, escape)


def _parts_for(radius: float, dimensions: int) -> int:
    """Nodes along the shift: more dimensions leave less room far along it."""
    return 2 * int(np.ceil(2.0 + 1.52 * radius - 0.14 * (dimensions - 4)))


def _heights_for(radius: float, dimensions: int) -> int:
    return 2 * int(np.ceil(1.2 + 0.75 * radius + 0.13 * dimensions))


def _lengths_ahead(radius: float, pulled: float, dimensions: int, size: int) -> FloatArray:
    """The density of the next length, noncentral chi, as coefficients of polynomials, shape (size, size).

    Rows: even polynomials of the length before over `radius`, which becomes `pulled` at most; columns: polynomials of
    the length after, with the density's own parity: it is length^(dimensions - 1) times an even function.
    """
    nodes = np.cos(0.5 * np.pi * (np.arange(size) + 0.5) / size)
    density = _length_density(pulled * nodes, radius * nodes, dimensions)
    before, after = _to_coefficients(nodes, 0), _to_coefficients(nodes, 1 - dimensions % 2)
    return np.asarray(before @ density @ after.T)


def _to_coefficients(nodes: FloatArray, odd: int) -> FloatArray:
    """From values at Chebyshev's nodes above zero to the coefficients of the polynomials of one parity."""
    to_coefficients = _parity_polynomials(nodes, len(nodes), odd) * (2.0 / len(nodes))
    if not odd:
        to_coefficients[0] *= 0.5
    return to_coefficients


def _parity_polynomials(at: FloatArray, size: int, odd: int) -> FloatArray:
    """The first even (or odd) Chebyshev polynomials at (..., n), shape (..., size, n)."""
    twice = 4.0 * at * at - 2.0
    values = np.empty((*at.shape[:-1], size, at.shape[-1]))
    before, now = (at, at) if odd else (0.5 * twice, np.ones_like(at))
    for degree in range(size):
        values[..., degree, :] = now
        before, now = now, twice * now - before
    return values
