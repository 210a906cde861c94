"""The exact run length of the Shiryaev-Roberts chart of normal points."""

from __future__ import annotations

import numpy as np

from andon_quality.arl.design import design
from andon_quality.arl.quadrature import chance_outside, legendre, nodes_for, normal_kernel
from andon_quality.arl.run_length import RunLength
from andon_quality.errors import OutOfRange


def shiryaev_roberts(k: float, threshold: float, shift: float = 0.0, head_start: float = 0.0) -> float:
    """The average run length of R = (1 + R) exp(2 k (X - k)) with an alarm at R >= threshold, X ~ N(shift, 1).

    k > 0: half the shift to be found, in sigma, as in `cusum`. head_start: R_0 >= 0. The in-control ARL is close to
    threshold exp(1.166 k): R_n - n is a martingale. Nystroem in the logarithm of R; ten digits, cost n^3 with
    n about 26 + 0.9 log(threshold) / k. Prefer it to `cusum` where an alarm's average delay matters after many quiet
    points rather than its worst. Raises OutOfRange for k or threshold not positive, or a head start outside
    [0, threshold). Sources: Roberts (1966), Technometrics 8, 411-430; Moustakides, Polunchenko and Tartakovsky (2011),
    Statistica Sinica 21, 571-596.

    >>> round(shiryaev_roberts(0.5, 200.0), 3)
    357.694
    """
    return shiryaev_roberts_run(k, threshold, shift, head_start).mean()


def shiryaev_roberts_run(k: float, threshold: float, shift: float = 0.0, head_start: float = 0.0) -> RunLength:
    """The whole distribution behind `shiryaev_roberts`: mean, quantiles, survival, steady state.

    >>> shiryaev_roberts_run(0.5, 200.0).quantile(0.5)
    250
    """
    if not (k > 0.0 and 0.0 < threshold < np.inf and np.isfinite(shift)):
        raise OutOfRange(f"k and threshold must be positive, got {k}, {threshold}")
    if not 0.0 <= head_start < threshold:
        raise OutOfRange(f"the head start must lie in [0, threshold), got {head_start}")
    sd, top = 2.0 * k, float(np.log(threshold))
    # From R = 0 the logarithm of R falls below this with a probability of 1e-19 or less.
    low = min(sd * (min(shift, 0.0) - k - 9.0), top - sd)
    nodes, weights = legendre(low, top, nodes_for((top - low) / sd))
    before = np.append(np.log1p(np.exp(nodes)), np.log1p(head_start))
    kernel = np.zeros((len(before), len(before)))
    ahead = before / sd + shift - k
    kernel[:, :-1] = normal_kernel(ahead, nodes / sd, weights / sd)
    escape = chance_outside(ahead, -np.inf, top / sd)
    return RunLength(kernel, np.eye(1, len(before), len(nodes))[0], escape=escape)


def design_shiryaev_roberts(k: float, requested_arl: float) -> float:
    """The threshold at which the in-control ARL of `shiryaev_roberts` is the requested one.

    >>> round(shiryaev_roberts(0.5, design_shiryaev_roberts(0.5, 500.0)), 6)
    500.0
    """
    return float(
        np.exp(design(lambda top: shiryaev_roberts(k, float(np.exp(top))), requested_arl, guess=4.0, lower=-9.0))
    )
