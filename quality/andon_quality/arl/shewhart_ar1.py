"""The exact run length of a Shewhart chart on points that depend on the one before."""

from __future__ import annotations

import numpy as np

from andon_quality.arl.design import design
from andon_quality.arl.quadrature import chance_outside, legendre, nodes_for, normal_density, normal_kernel
from andon_quality.arl.run_length import RunLength
from andon_quality.errors import OutOfRange


def shewhart_ar1(phi: float, width: float, shift: float = 0.0) -> float:
    """The average run length of the chart |X_t| > width on a stationary AR(1) process around `shift`.

    X_t = shift + phi (X_{t-1} - shift) + e_t with a standard deviation of 1 for X (not for e); phi in (-1, 1); width
    and shift in units of that standard deviation. The first point is drawn from the stationary law around the shift.
    Nystroem on L(x) = 1 + int_-c^c L(y) f(y | x) dy, ten digits; cost n^3, n about 10 + 3.5 width / sqrt(1 - phi^2).
    This is what happens to a known sigma. Limits from moving ranges are narrower by sqrt(1 - phi), so pass that width.
    Prefer a chart of the residuals where phi is large: it finds sudden shifts sooner.
    Raises OutOfRange for phi outside (-1, 1) or a width that is not positive. Source: Schmid (1995), Statistical
    Papers 36, 111-130; Kramer and Schmid (2000), Statistical Papers 41, 173-200.

    >>> round(shewhart_ar1(0.4, 3.09023), 2)
    515.45
    """
    return shewhart_ar1_run(phi, width, shift).mean()


def shewhart_ar1_run(phi: float, width: float, shift: float = 0.0) -> RunLength:
    """The whole distribution behind `shewhart_ar1`: mean, quantiles, survival, steady state.

    >>> shewhart_ar1_run(0.4, 3.09023).quantile(0.5)
    357
    """
    if not -1.0 < phi < 1.0:
        raise OutOfRange(f"phi must lie in (-1, 1), got {phi}")
    if not (0.0 < width < np.inf and np.isfinite(shift)):
        raise OutOfRange(f"width must be positive and shift finite, got {width}, {shift}")
    step_sd = float(np.sqrt(1.0 - phi * phi))
    nodes, weights = legendre(-width, width, nodes_for(2.0 * width / step_sd))
    kernel = np.zeros((len(nodes) + 1, len(nodes) + 1))
    steps = (nodes - shift) / step_sd
    kernel[:-1, :-1] = normal_kernel(phi * steps, steps, weights / step_sd)
    kernel[-1, :-1] = normal_density(nodes - shift) * weights
    # The first point is drawn from the stationary law, which is as wide as the process.
    escape = np.append(
        chance_outside(phi * steps, (-width - shift) / step_sd, (width - shift) / step_sd),
        chance_outside(np.array([shift]), -width, width),
    )
    return RunLength(kernel, np.eye(1, len(kernel), len(nodes))[0], escape=escape)


def design_shewhart_ar1(phi: float, requested_arl: float) -> float:
    """The width, in standard deviations of the process, at which the in-control ARL is the requested one.

    >>> round(design_shewhart_ar1(0.4, 515.44), 4)
    3.0902
    """
    return design(lambda width: shewhart_ar1(phi, width), requested_arl)
