"""The exact run length of a cumulative sum of sample variances."""

from __future__ import annotations

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arl.chi_square import chance_below, chance_beyond, panels, rise_kernel
from andon_quality.arl.design import design
from andon_quality.arl.run_length import RunLength
from andon_quality.errors import OutOfRange


@checked
def s2_cusum(df: int, k: float, h: float, sigma: float = 1.0, head_start: float = 0.0) -> float:
    """The average run length of C = max(0, C + S^2 - k), alarm above h, for variances of normal subgroups.

    df: degrees of freedom of S^2 (subgroup size - 1). k, h, head_start in units of the in-control variance; sigma: the
    actual standard deviation in units of the in-control one. The best k for finding sigma_1 is
    ln(sigma_1^2) / (1 - 1 / sigma_1^2).
    Collocation on panels of width k, between whose ends the mean run length is smooth (`chi_square`); eight digits
    up to a mean of 1e13, beyond which it is infinite.
    Cost: one solve of some 14 states a panel, of which there are at most 13; 1 to 5 ms. Prefer `s2_ewma` where the size
    of the change is not known.
    Raises OutOfRange for df < 1, k, h or sigma not positive, h / k > 60 or a head start outside [0, h].
    Source: Knoth (2006), Computational Statistics and Data Analysis 51, 499-512.

    >>> round(s2_cusum(1, 1.46, 10.0), 4)
    260.7369
    """
    return s2_cusum_run(df, k, h, sigma, head_start).mean()


@checked
def s2_cusum_run(df: int, k: float, h: float, sigma: float = 1.0, head_start: float = 0.0) -> RunLength:
    """The whole distribution behind `s2_cusum`: mean, quantiles, survival, steady state.

    >>> s2_cusum_run(1, 1.46, 10.0).quantile(0.5)
    182
    """
    if df < 1 or not (k > 0.0 and 0.0 < h <= 60.0 * k and sigma > 0.0 and 0.0 <= head_start <= h):
        raise OutOfRange(f"outside the domain: df {df}, k {k}, h {h}, sigma {sigma}, head start {head_start}")
    parts = panels([*np.arange(0.0, h * (1.0 - 1e-12), k), h], df, min(sigma**2, 1.0) * (2.0 / df) ** 0.5)
    before = np.concatenate([*(panel.states() for panel in parts), [0.0, head_start]])
    kernel = np.zeros((len(before), len(before)))
    kernel[:, :-2] = rise_kernel(parts, before - k, 1.0, df, sigma)
    kernel[:, -2] = chance_below(k - before, df, sigma)
    escape = chance_beyond(h + k - before, df, sigma)
    return RunLength(kernel, np.eye(1, len(before), len(before) - 1)[0], escape=escape)


@checked
def design_s2_cusum(df: int, k: float, requested_arl: float) -> float:
    """The decision interval h at which the in-control ARL of `s2_cusum` is the requested one.

    >>> round(design_s2_cusum(1, 1.46, 260.7369), 4)
    10.0
    """
    return design(lambda h: s2_cusum(df, k, h), requested_arl, guess=4.0 * k, upper=60.0 * k)
