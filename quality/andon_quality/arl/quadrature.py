"""Nodes and weights for the integral equations of run lengths, computed once per size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

# The standard normal density at zero.
HIGHEST_DENSITY = 0.3989422804014327
# The longest interval, in standard deviations of one step: 710 nodes, about a tenth of a second.
LENGTH_MOST = 400.0


@lru_cache(maxsize=256)
def unit_nodes(size: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on [-1, 1], shape (size,) each, read-only.

    >>> nodes, weights = unit_nodes(8)
    >>> round(float(weights @ nodes**2), 12)
    0.666666666667
    """
    nodes, weights = np.polynomial.legendre.leggauss(size)
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def legendre(low: float, high: float, size: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on [low, high].

    >>> nodes, weights = legendre(0.0, 3.0, 8)
    >>> round(float(weights @ nodes**2), 12)
    9.0
    """
    nodes, weights = unit_nodes(size)
    return low + 0.5 * (high - low) * (1.0 + nodes), 0.5 * (high - low) * weights


@lru_cache(maxsize=256)
def jacobi(size: int, right: float, left: float) -> tuple[FloatArray, FloatArray]:
    """Gauss-Jacobi nodes and weights for (1 - x)^right (1 + x)^left on [-1, 1], shape (size,) each, read-only.

    Source: Golub and Welsch (1969), Mathematics of Computation 23, 221-230.

    >>> nodes, weights = jacobi(8, 0.5, 0.5)
    >>> round(float(weights.sum()), 9), round(float(weights @ nodes**2), 9)
    (1.570796327, 0.392699082)
    """
    from scipy.special import roots_jacobi

    nodes, weights = roots_jacobi(size, right, left)
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


@lru_cache(maxsize=16)
def normal_nodes(size: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Hermite nodes and weights of the standard normal law, shape (size,) each, read-only; the weights sum to 1.

    >>> nodes, weights = normal_nodes(4)
    >>> round(float(weights @ nodes**4), 9)
    3.0
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(size)
    weights = weights / weights.sum()
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def normal_density(z: FloatArray) -> FloatArray:
    """The standard normal density.

    >>> round(float(normal_density(np.array([0.0]))[0]), 6)
    0.398942
    """
    return np.asarray(np.exp(-0.5 * z * z) * HIGHEST_DENSITY)


def normal_kernel(means: FloatArray, nodes: FloatArray, weights: FloatArray) -> FloatArray:
    """The densities of N(means, 1) at the nodes times the weights of these, shape (..., m, n).

    means: shape (..., m); nodes and weights: shape (..., n). In place, since large batches spend their time on memory.

    >>> normal_kernel(np.array([0.0, 1.0]), np.array([0.0]), np.array([2.0])).round(6).tolist()
    [[0.797885], [0.483941]]
    """
    kernel = nodes[..., None, :] - means[..., :, None]
    kernel *= kernel
    kernel *= -0.5
    np.exp(kernel, out=kernel)
    kernel *= (weights * HIGHEST_DENSITY)[..., None, :]
    return np.asarray(kernel)


def chance_outside(means: FloatArray, low: FloatArray | float, high: FloatArray | float) -> FloatArray:
    """The chance that N(means, 1) lies below `low` or above `high`, with all its digits however small.

    >>> [float(f"{chance:.8g}") for chance in chance_outside(np.array([0.0]), -10.0, 10.0)]
    [1.5239706e-23]
    """
    from scipy.special import ndtr

    return np.asarray(ndtr(low - means) + ndtr(means - high))


def nodes_for(length_in_sds: float) -> int:
    """How many nodes resolve a normal kernel to ten digits over an interval of this many of its standard deviations.

    Rounded up to multiples of four so that few rules are ever built.

    Raises OutOfRange beyond `LENGTH_MOST`, from where one chart takes seconds: its cost is cubic in the nodes.

    >>> nodes_for(6.0), nodes_for(40.0)
    (24, 80)
    """
    if not length_in_sds <= LENGTH_MOST:
        raise OutOfRange(
            f"between the limits lie {length_in_sds:.4g} standard deviations of one step, more than {LENGTH_MOST:g}: "
            "choose narrower limits or a larger smoothing"
        )
    return 4 * int(np.ceil((10.0 + 1.75 * length_in_sds) / 4.0))
