"""The kernel of charts whose state moves up by a scaled sample variance, by collocation on smooth panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise

import numpy as np

from andon_quality.arl.quadrature import unit_nodes
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

# Nodes of the integral over the next variance, within where it is not negligible.
ANGLES = 64
# What of the next variance is left out at either end.
UNREACHED = 1e-20
STATES_MOST = 800


@dataclass(frozen=True)
class Panel:
    """Where the mean run length L is a polynomial of degree size - 1 in the root of the distance to the right end."""

    low: float
    high: float
    size: int

    def states(self) -> FloatArray:
        """The states of the panel, shape (size,): quadratically denser at the right end."""
        roots = 0.5 * (1.0 + unit_nodes(self.size)[0])
        return np.asarray(self.high - (self.high - self.low) * roots**2)


def panels(edges: Sequence[float], df: int, step_sd: float, fineness: int = 1) -> tuple[Panel, ...]:
    """Panels between rising edges, at each of which L is df / 2 times more often differentiable than at the one before.

    Those beyond where that no longer shows are one. step_sd: the standard deviation of one rise; L has boundary layers
    of that width, which nodes denser at the ends resolve with the root of the ratio. fineness: times as many nodes
    in the last, where L bends within it as well.

    >>> [panel.size for panel in panels([0.0, 1.0, 2.0], 4, 0.5)]
    [16, 16]
    """
    rough = 1 + int(np.ceil(10.5 / df**0.5))
    kept = [*edges[: min(rough, len(edges) - 1)], edges[-1]]
    sizes = [10 + 2 * int(np.ceil(1.7 * (width / step_sd) ** 0.5)) for width in np.diff(kept)]
    # As many in each but the last, so that they are one batch.
    sizes = [max(sizes[:-1], default=0)] * (len(sizes) - 1) + [fineness * sizes[-1]]
    if sum(sizes) > STATES_MOST:
        raise OutOfRange(
            f"{sum(sizes)} states, more than {STATES_MOST}: choose a larger smoothing, k or narrower limits"
        )
    return tuple(Panel(low, high, size) for (low, high), size in zip(pairwise(kept), sizes, strict=True))


def rise_kernel(parts: Sequence[Panel], base: FloatArray, rise: float, df: int, sigma: float) -> FloatArray:
    """The mass of each panel state next, shape (len(base), states of all parts), when the next is base + rise S^2.

    df S^2 / sigma^2 is chi-square with df degrees of freedom; base: shape (n,), rise > 0.
    A polynomial in the root of the distance is exact for the half powers that the density leaves at the right end; the
    integral over x = S^2 uses x = x_end sin^2(angle), smooth at both ends even for df = 1, where the density is
    infinite at zero, and ends where less than 1e-16 is left. Source: Knoth (2006), Computational Statistics and Data
    Analysis 51, 499-512, for the panels; Knoth (2005), Statistics and Computing 15, 341-352.

    >>> kernel = rise_kernel([Panel(0.0, 5.0, 12)], np.array([0.0]), 1.0, 4, 1.0)
    >>> from scipy.stats import chi2
    >>> bool(abs(kernel.sum() - chi2.cdf(20.0, 4)) < 1e-9)
    True
    """
    nearest, furthest = _within_reach(df, sigma)
    blocks = []
    for size, alike in groupby(parts, lambda panel: panel.size):
        edges = np.array([(panel.low, panel.high) for panel in alike])
        block = np.zeros((len(base), len(edges), size))
        end = (edges[:, 1] - base[:, None]) / rise
        begin = np.maximum((edges[:, 0] - base[:, None]) / rise, nearest)
        reached = (end > nearest) & (begin < furthest)
        widths = np.broadcast_to((edges[:, 1] - edges[:, 0]) / rise, end.shape)
        spans = _Spans(begin[reached], np.minimum(end[reached], furthest), end[reached], widths[reached])
        block[reached] = _moments(*spans.masses(df, sigma), size) @ _interpolation(size)
        blocks.append(block.reshape(len(base), -1))
    return np.hstack(blocks)


@dataclass(frozen=True)
class _Spans:
    """Values of S^2 that lead into a panel: from `begin` to `last`, which is its end or where nothing is left."""

    begin: FloatArray
    last: FloatArray
    end: FloatArray
    width: FloatArray

    def masses(self, df: int, sigma: float) -> tuple[FloatArray, FloatArray]:
        """Chances at the quadrature points, and these in the panel's own variable from -1 to 1, shape (n, ANGLES)."""
        from scipy.special import gammaln

        angles, weights = unit_nodes(ANGLES)
        half_df, last = 0.5 * df, self.last[:, None]
        first = np.arcsin(np.sqrt(np.minimum(self.begin[:, None] / last, 1.0)))
        half = 0.5 * (0.5 * np.pi - first)
        angle = first + half * (1.0 + angles)
        sine, cosine = np.sin(angle), np.cos(angle)
        scale = last * half_df / sigma**2
        # x^(df/2 - 1) dx = 2 last^(df/2) sin^(df - 1) cos d(angle)
        density = 2.0 * np.exp(half_df * np.log(scale) - gammaln(half_df) - scale * sine**2)
        # last cos^2 and not last - x, which would lose the digits next to the end.
        distance = (self.end[:, None] - last + last * cosine**2) / self.width[:, None]
        return density * sine ** (df - 1) * cosine * half * weights, 2.0 * np.sqrt(np.minimum(distance, 1.0)) - 1.0


def chance_beyond(values: FloatArray, df: int, sigma: float) -> FloatArray:
    """The chance that S^2 is larger than each of `values`, with all its digits however small.

    >>> chance_beyond(np.array([-1.0, 3.0]), 2, 1.0).round(9).tolist()
    [1.0, 0.049787068]
    """
    from scipy.special import gammaincc

    return np.asarray(gammaincc(0.5 * df, 0.5 * df * np.maximum(values, 0.0) / sigma**2))


def chance_below(values: FloatArray, df: int, sigma: float) -> FloatArray:
    """The chance that S^2 is smaller than each of `values`.

    >>> chance_below(np.array([-1.0, 3.0]), 2, 1.0).round(9).tolist()
    [0.0, 0.950212932]
    """
    from scipy.special import gammainc

    return np.asarray(gammainc(0.5 * df, 0.5 * df * np.maximum(values, 0.0) / sigma**2))


@lru_cache(maxsize=128)
def _within_reach(df: int, sigma: float) -> tuple[float, float]:
    """Between which values of S^2 all but `UNREACHED` of it lies on either side."""
    from scipy.special import gammainccinv, gammaincinv

    half_df = 0.5 * df
    low, high = gammaincinv(half_df, UNREACHED), gammainccinv(half_df, UNREACHED)
    return float(low * sigma**2 / half_df), float(high * sigma**2 / half_df)


def _moments(mass: FloatArray, at: FloatArray, size: int) -> FloatArray:
    """The integrals of the Legendre polynomials, shape (n, size), never all of them at all points."""
    before, now, ahead = np.zeros_like(at), np.ones_like(at), np.empty_like(at)
    moments = np.empty((size, len(at)))
    for degree in range(size):
        np.einsum("nq,nq->n", mass, now, out=moments[degree])
        np.multiply(at, now, out=ahead)
        ahead *= (2.0 * degree + 1.0) / (degree + 1.0)
        before *= -degree / (degree + 1.0)
        ahead += before
        before, now, ahead = now, ahead, before
    return moments.T


@lru_cache(maxsize=128)
def _interpolation(size: int) -> FloatArray:
    """From values at the nodes to Legendre coefficients, shape (size, size)."""
    nodes, weights = unit_nodes(size)
    return np.asarray(np.polynomial.legendre.legvander(nodes, size - 1).T * weights * (np.arange(size) + 0.5)[:, None])
