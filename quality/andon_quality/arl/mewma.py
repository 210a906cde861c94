"""The exact run length of the multivariate exponentially weighted moving average chart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from andon_quality.arl.design import design
from andon_quality.arl.ewma import ewma, ewma_run
from andon_quality.arl.krylov import gmres
from andon_quality.arl.quadrature import legendre, nodes_for, normal_density
from andon_quality.arl.run_length import RunLength
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

DIMENSIONS_MOST = 60


def mewma(smoothing: float, limit: float, dimensions: int, shift: float = 0.0) -> float:
    """The zero-state average run length of Z = (1 - smoothing) Z + smoothing X, alarm when T^2 of Z exceeds the limit.

    X ~ N(mu, S) in `dimensions` dimensions, T^2 = Z' S^-1 Z (2 - smoothing) / smoothing with the asymptotic covariance;
    shift: the length of mu in the metric of S, sqrt(mu' S^-1 mu), on which alone the run length depends.
    In control the length of Z is a Markov process: Nystroem in one dimension, ten digits. Shifted, the state is the
    part of Z along the shift and the length of the rest: Nystroem in two, with the noncentral chi density as its
    Poisson series, so that the kernel is a product and GMRES never forms it; seven digits. One dimension is `ewma`.
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
    return _planar(smoothing, limit, dimensions, shift).mean()


def mewma_run(smoothing: float, limit: float, dimensions: int, shift: float = 0.0) -> RunLength:
    """The whole distribution behind `mewma`: mean, quantiles, survival, steady state (the shift in any one direction).

    Forms the kernel over both dimensions of the state; tens of milliseconds.

    >>> mewma_run(0.1, 12.73, 4, 1.0).quantile(0.5)
    11
    """
    _check(smoothing, limit, dimensions, shift)
    if dimensions == 1:
        return ewma_run(smoothing, float(np.sqrt(limit)), shift)
    return _planar(smoothing, limit, dimensions, shift).run()


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


def _radial(smoothing: float, limit: float, dimensions: int) -> RunLength:
    """In control: the length of Z in units of smoothing, whose next value is noncentral chi."""
    from scipy.special import ive

    radius = float(np.sqrt(limit / (smoothing * (2.0 - smoothing))))
    nodes, weights = legendre(0.0, radius, nodes_for(radius))
    order, pull = 0.5 * dimensions - 1.0, (1.0 - smoothing) * nodes[:, None]
    kernel = np.zeros((len(nodes) + 1, len(nodes) + 1))
    if smoothing < 1.0:
        bessel = ive(order, pull * nodes) * (nodes / pull) ** order
        kernel[:-1, :-1] = nodes * bessel * np.exp(-0.5 * (nodes - pull) ** 2) * weights
    else:
        kernel[:-1, :-1] = _chi_density(nodes, dimensions) * weights
    kernel[-1, :-1] = _chi_density(nodes, dimensions) * weights
    return RunLength(kernel, np.eye(1, len(kernel), len(nodes))[0])


def _chi_density(length: FloatArray, dimensions: int) -> FloatArray:
    return np.asarray(np.exp(_chi_series(length, dimensions, np.zeros(1))[0]))


def _chi_series(length: FloatArray, dimensions: int, terms: FloatArray) -> FloatArray:
    """Log densities of central chi variables with dimensions + 2 terms degrees of freedom, shape (terms, lengths)."""
    from scipy.special import gammaln

    half = 0.5 * dimensions + terms[:, None]
    return np.asarray(
        (2.0 * half - 1.0) * np.log(length) - 0.5 * length**2 - (half - 1.0) * np.log(2.0) - gammaln(half)
    )


@dataclass(frozen=True)
class _Plane:
    """Shifted: (part along the shift, length of the rest) in units of smoothing, inside the half disc.

    along: (i, j), density of the next part along the shift times its weight. mixing: (i, a, l), the Poisson weights of
    the chi series at each state. chi: (l, j, b), the series' densities times their weights. The last i is the start.
    """

    along: FloatArray
    mixing: FloatArray
    chi: FloatArray

    def mean(self) -> float:
        _, rows, columns = self.chi.shape

        def escape(means: FloatArray) -> FloatArray:
            values = means.reshape(rows, columns)
            return np.asarray((values - self._ahead(values)[:-1]).ravel())

        means = gmres(escape, np.ones(rows * columns))
        return float(1.0 + self._ahead(means.reshape(rows, columns))[-1, 0])

    def run(self) -> RunLength:
        _, rows, columns = self.chi.shape
        kernel = np.einsum("ij,ial,ljb->iajb", self.along, self.mixing, self.chi, optimize=True)
        kernel = kernel.reshape((rows + 1) * columns, rows * columns)[: rows * columns + 1]
        kernel = np.column_stack([kernel, np.zeros(len(kernel))])
        return RunLength(kernel, np.eye(1, len(kernel), len(kernel) - 1)[0])

    def _ahead(self, values: FloatArray) -> FloatArray:
        """The mean of `values` one point on, shape (i, a): never forms the kernel."""
        series = np.matmul(self.chi.transpose(1, 0, 2), values[:, :, None])[:, :, 0]
        return np.asarray(np.matmul(self.mixing, (self.along @ series)[:, :, None])[:, :, 0])


def _planar(smoothing: float, limit: float, dimensions: int, shift: float) -> _Plane:
    from scipy.special import gammaln, xlogy

    radius = float(np.sqrt(limit / (smoothing * (2.0 - smoothing))))
    angles, angle_weights = legendre(-0.5 * np.pi, 0.5 * np.pi, 4 * int(np.ceil(2.5 + 0.95 * radius)))
    shares, share_weights = legendre(0.0, 1.0, 2 * int(np.ceil(3.0 + 0.55 * radius)))
    parts, heights = radius * np.sin(angles), radius * np.cos(angles)
    lengths = heights[:, None] * shares
    pull = (1.0 - smoothing) * np.append(parts, 0.0)
    along = normal_density(parts - pull[:, None] - shift) * heights * angle_weights
    half = 0.5 * (1.0 - smoothing) ** 2 * np.vstack([lengths, np.zeros(len(shares))])[..., None] ** 2
    highest = float(half.max())
    terms = np.arange(np.ceil(highest + 7.0 * np.sqrt(highest) + 12.0))
    mixing = np.exp(xlogy(terms, half) - half - gammaln(terms + 1.0))
    chi = np.exp(_chi_series(lengths.ravel(), dimensions - 1, terms)).reshape(len(terms), *lengths.shape)
    return _Plane(along, mixing, chi * heights[:, None] * share_weights)
