"""The exact run length of an individuals chart together with its moving range chart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from andon_quality.arl.design import design
from andon_quality.arl.quadrature import chance_outside, legendre, nodes_for, normal_density, unit_nodes
from andon_quality.arl.run_length import RunLength
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

# D4 d2 for ranges of two points: the usual limit of the moving range chart, in units of sigma.
USUAL_RANGE_WIDTH = 3.6863
STATES_MOST = 1_200


def individuals_range(width: float, range_width: float = USUAL_RANGE_WIDTH, shift: float = 0.0) -> float:
    """The average run length of the chart that alarms when |X_t| > width or |X_t - X_{t-1}| > range_width.

    X_t ~ N(shift, 1), independent; width, range_width and shift in units of sigma. The first point has no range.
    L(u) = 1 + int L(y) phi(y - shift) dy over the y within both limits. The ends of that interval move with u, so L
    is smooth only between the points that lie a whole number of ranges from a width: collocation by polynomials on
    each of these panels, twelve digits, six for a mean of 1e12 and
    infinite above 1e13. Cost (panels n)^3; the common limits have three panels of about 16 nodes.
    Prefer the individuals chart alone for a lasting shift: the range chart mostly adds false alarms.
    Raises OutOfRange for widths that are not positive, or a range width below a twentieth of the width.
    Source: Crowder (1987), Journal of Quality Technology 19, 98-102.

    >>> round(individuals_range(3.0, 100.0), 3)
    370.398
    """
    return individuals_range_run(width, range_width, shift).mean()


def individuals_range_run(width: float, range_width: float = USUAL_RANGE_WIDTH, shift: float = 0.0) -> RunLength:
    """The whole distribution behind `individuals_range`: mean, quantiles, survival, steady state.

    >>> individuals_range_run(3.0, 100.0).quantile(0.5)
    257
    """
    if not (0.0 < width < np.inf and range_width > 0.05 * width and np.isfinite(shift)):
        raise OutOfRange(f"widths must be positive and shift finite, got {width}, {range_width}, {shift}")
    edges = _edges(width, range_width)
    size = nodes_for(float(np.diff(edges).max()))
    if size * (len(edges) - 1) > STATES_MOST:
        raise OutOfRange(
            f"{len(edges) - 1} panels of {size} nodes are too many: choose limits that lie closer together"
        )
    panels = [legendre(low, high, size) for low, high in pairwise(edges)]
    before = np.concatenate([nodes for nodes, _ in panels])
    # The start is the state with no point before it: any range is allowed.
    lowest = np.append(np.maximum(before - range_width, -width), -width)
    highest = np.append(np.minimum(before + range_width, width), width)
    columns = [
        _within(np.clip(lowest, low, high), np.clip(highest, low, high), low, high, size, shift)
        for low, high in pairwise(edges)
    ]
    kernel = np.hstack([*columns, np.zeros((len(before) + 1, 1))])
    escape = chance_outside(np.full(len(kernel), shift), lowest, highest)
    return RunLength(kernel, np.eye(1, len(kernel), len(before))[0], escape=escape)


def design_individuals_range(requested_arl: float, range_width_ratio: float = USUAL_RANGE_WIDTH / 3.0) -> float:
    """The width of the limits on the individuals at which both charts together have the requested in-control ARL.

    range_width_ratio: the range width as a multiple of the width, the same throughout.

    >>> round(individuals_range(width := design_individuals_range(370.0), width * USUAL_RANGE_WIDTH / 3.0), 4)
    370.0
    """
    return design(lambda width: individuals_range(width, range_width_ratio * width), requested_arl)


def _edges(width: float, range_width: float) -> FloatArray:
    steps = np.arange(int(2.0 * width / range_width) + 1)
    edges = np.sort(np.concatenate([width - steps * range_width, steps * range_width - width, [-width, width]]))
    return np.asarray(edges[np.append(True, np.diff(edges) > 1e-9 * width)])


def _within(lowest: FloatArray, highest: FloatArray, low: float, high: float, size: int, shift: float) -> FloatArray:
    """What each of a panel's node values contributes to the integral over its part from `lowest` to `highest`."""
    nodes, weights = unit_nodes(size)
    half = 0.5 * (highest - lowest)[:, None]
    points = lowest[:, None] + half * (1.0 + nodes)
    local = (2.0 * points - low - high) / (high - low)
    to_coefficients = np.polynomial.legendre.legvander(nodes, size - 1).T * weights
    to_coefficients *= (np.arange(size) + 0.5)[:, None]
    interpolated = np.polynomial.legendre.legvander(local, size - 1) @ to_coefficients
    return np.asarray(np.einsum("uq,uqj->uj", half * weights * normal_density(points - shift), interpolated))
