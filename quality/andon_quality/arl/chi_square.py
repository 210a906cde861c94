"""The kernel of charts whose state moves up by a scaled sample variance, by collocation on smooth panels."""

from __future__ import annotations

import numpy as np

from andon_quality.arl.quadrature import unit_nodes
from andon_quality.arrays import FloatArray


def panel_states(edges: FloatArray, size: int) -> FloatArray:
    """`size` states a panel, shape (panels * size,): quadratically denser at each right end, as there L has a root.

    >>> panel_states(np.array([0.0, 1.0]), 8).max() > 0.99
    np.True_
    """
    roots = 0.5 * (1.0 + unit_nodes(size)[0])
    return np.asarray((edges[1:, None] - np.diff(edges)[:, None] * roots**2).ravel())


def rise_kernel(edges: FloatArray, size: int, base: FloatArray, rise: float, df: int, sigma: float) -> FloatArray:
    """The chance of each panel state next, shape (len(base), panels * size), when the next is base + rise S^2.

    df S^2 / sigma^2 is chi-square with df degrees of freedom; base: shape (n,), rise > 0.
    On each panel L is a polynomial in the root of the distance to the right end, which is exact for the half powers
    that the density leaves there; the integral over x = S^2 uses x = x_end sin^2(angle), smooth at both ends even
    for df = 1, where the density is infinite at zero. Source: Knoth (2006), Computational Statistics and Data
    Analysis 51, 499-512, for the panels; Knoth (2005), Statistics and Computing 15, 341-352.

    >>> kernel = rise_kernel(np.array([0.0, 5.0]), 12, np.array([0.0]), 1.0, 4, 1.0)
    >>> from scipy.stats import chi2
    >>> bool(abs(kernel.sum() - chi2.cdf(20.0, 4)) < 1e-9)
    True
    """
    from scipy.special import gammaln

    nodes, weights = unit_nodes(size)
    interpolate = np.polynomial.legendre.legvander(nodes, size - 1).T * weights * (np.arange(size) + 0.5)[:, None]
    angles, spans = unit_nodes(size + 8)
    low, high = edges[:-1], edges[1:]
    half_df = 0.5 * df
    ends = np.maximum((high - base[:, None]) / rise, 0.0)
    begins = np.clip((low - base[:, None]) / rise, 0.0, ends)
    with np.errstate(invalid="ignore", divide="ignore"):
        first = np.where(ends > 0.0, np.arcsin(np.sqrt(np.minimum(begins / ends, 1.0))), 0.5 * np.pi)
    half = 0.5 * (0.5 * np.pi - first)[..., None]
    angle = first[..., None] + half * (1.0 + angles)
    sine, cosine, end = np.sin(angle), np.cos(angle), ends[..., None]
    scale = end * half_df / sigma**2
    # x^(df/2 - 1) dx = 2 end^(df/2) sin^(df - 1) cos d(angle)
    density = 2.0 * np.exp(half_df * np.log(np.maximum(scale, 1e-300)) - gammaln(half_df) - scale * sine**2)
    mass = density * sine ** (df - 1) * cosine * half * spans
    distance = end * rise * cosine**2 / (high - low)[:, None]
    local = 2.0 * np.sqrt(np.minimum(distance, 1.0)) - 1.0
    shape = np.polynomial.legendre.legvander(local, size - 1)
    return np.asarray((np.einsum("upq,upqm->upm", mass, shape) @ interpolate).reshape(len(base), -1))
