"""The exact run length of an exponentially weighted moving average of sample variances."""

from __future__ import annotations

from typing import Literal

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arl.chi_square import chance_below, chance_beyond, panels, rise_kernel
from andon_quality.arl.design import design
from andon_quality.arl.run_length import RunLength
from andon_quality.errors import OutOfRange

Sided = Literal["upper", "two"]

# In asymptotic standard deviations: an average in control is not seen further down.
DEPTH = 9.0
# Times the nodes of a CUSUM: the mean run bends with the average's own standard deviation too.
FINENESS = 2
# More edges than `panels` tells apart.
EDGES_MOST = 16


@checked
def s2_ewma(df: int, smoothing: float, width: float, sigma: float = 1.0, sided: Sided = "upper") -> float:
    """The average run length of Z = (1 - smoothing) Z + smoothing S^2, Z_0 = 1, for variances of normal subgroups.

    df: degrees of freedom of S^2. width: around 1, in units of the asymptotic standard deviation
    sqrt(smoothing / (2 - smoothing)) sqrt(2 / df). sigma: the actual standard deviation in units of the in-control one.
    sided="two" adds the mirrored lower limit. Collocation (`chi_square`), seven digits, six for a mean of 1e12 and
    infinite above 1e13; cost n^3 with n about 20 + 7 sqrt((width + 9) / sqrt(2 smoothing)) for the upper limit, and 5
    to 13 panels of about 16 for two: 1 to 7 ms.
    Prefer `s2_cusum` where the increase to be found is known.
    Raises OutOfRange for df < 1, smoothing outside (0, 1] or below some 1e-6, sigma or width not positive, or a lower
    width below zero.
    Source: Knoth (2005), Statistics and Computing 15, 341-352.

    >>> round(s2_ewma(4, 0.1, 2.4), 2) > 100
    True
    """
    return s2_ewma_run(df, smoothing, width, sigma, sided).mean()


@checked
def s2_ewma_run(df: int, smoothing: float, width: float, sigma: float = 1.0, sided: Sided = "upper") -> RunLength:
    """The whole distribution behind `s2_ewma`: mean, quantiles, survival, steady state.

    >>> s2_ewma_run(4, 0.1, 2.4).survival(0)
    1.0
    """
    if df < 1 or not (0.0 < smoothing <= 1.0 and width > 0.0 and sigma > 0.0):
        raise OutOfRange(f"outside the domain: df {df}, smoothing {smoothing}, width {width}, sigma {sigma}")
    reach = width * float(np.sqrt(smoothing / (2.0 - smoothing) * 2.0 / df))
    if sided == "two" and reach >= 1.0:
        raise OutOfRange(f"the lower limit would lie at {1.0 - reach:.4g}, below zero: choose the upper side only")
    # Below what the average ever sinks to L is level; a polynomial from zero would spend its nodes there.
    lowest = max(min(sigma**2, 1.0) - DEPTH * sigma**2 * reach / width, 0.0)
    edges = _edges(1.0 - reach, 1.0 + reach, smoothing) if sided == "two" else [lowest, 1.0 + reach]
    parts = panels(edges, df, smoothing * min(sigma**2, 1.0) * (2.0 / df) ** 0.5, FINENESS)
    before = np.concatenate([*(panel.states() for panel in parts), [1.0]])
    kernel = np.zeros((len(before), len(before)))
    pulled = (1.0 - smoothing) * before
    kernel[:, :-1] = rise_kernel(parts, pulled, smoothing, df, sigma)
    escape = chance_beyond((1.0 + reach - pulled) / smoothing, df, sigma)
    if sided == "two":
        escape += chance_below((1.0 - reach - pulled) / smoothing, df, sigma)
    return RunLength(kernel, np.eye(1, len(before), len(before) - 1)[0], escape=escape)


@checked
def design_s2_ewma(df: int, smoothing: float, requested_arl: float, sided: Sided = "upper") -> float:
    """The width at which the in-control ARL of `s2_ewma` is the requested one.

    >>> round(s2_ewma(4, 0.1, design_s2_ewma(4, 0.1, 250.0)), 5)
    250.0
    """
    highest = np.inf if sided == "upper" else 0.999999 / float(np.sqrt(smoothing / (2.0 - smoothing) * 2.0 / df))
    return design(
        lambda width: s2_ewma(df, smoothing, width, 1.0, sided), requested_arl, min(2.5, 0.9 * highest), 0.0, highest
    )


def _edges(low: float, high: float, smoothing: float) -> list[float]:
    """The lower limit and what decays onto it in one, two, ... points: there L is not smooth."""
    edges = [low]
    while smoothing < 1.0 and len(edges) < EDGES_MOST and edges[-1] / (1.0 - smoothing) < high * (1.0 - 1e-9):
        edges.append(edges[-1] / (1.0 - smoothing))
    return [*edges, high]
