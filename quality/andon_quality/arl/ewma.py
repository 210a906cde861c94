"""The exact run length of exponentially weighted moving average charts, with fixed or varying limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arl.design import design
from andon_quality.arl.estimated import averaged
from andon_quality.arl.estimated_run import estimated_run
from andon_quality.arl.growing_limits import asymptotic_sd, settled, varying_mean
from andon_quality.arl.krylov import Product
from andon_quality.arl.quadrature import chance_outside, nodes_for, normal_kernel, unit_nodes
from andon_quality.arl.run_length import RunLength, solved
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

Limits = Literal["fixed", "varying"]
Sided = Literal["two", "upper"]


@checked
def ewma(
    smoothing: float,
    width: float,
    shift: float = 0.0,
    limits: Limits = "fixed",
    head_start: float = 0.0,
    sided: Sided = "two",
    phase1_size: int | None = None,
) -> float:
    """The zero-state average run length of Z_t = (1 - smoothing) Z_{t-1} + smoothing X_t, X_t ~ N(shift, 1).

    smoothing in (0, 1]. width: in units of the asymptotic standard deviation sqrt(smoothing / (2 - smoothing)), or with
    limits="varying" of the standard deviation at each point, which is narrower at the start. shift: in sigma.
    head_start: Z_0, in units of the asymptotic standard deviation. sided="upper": a reflecting barrier at 0 below.
    Nystroem with Gauss-Legendre nodes on the Fredholm equation L(u) = 1 + 1/l int L(y) phi((y - (1-l) u)/l - shift) dy;
    varying limits prepend the integrals over each narrower interval for 2.4 / smoothing points, from where the rest is
    extrapolated (`wynn_epsilon`); seven digits. Otherwise ten digits; cost n^3 with n about
    10 + 2.5 width / sqrt(smoothing), and 2.4 n^2 / smoothing for varying limits: 0.1 ms and 1 ms at a smoothing of 0.1,
    0.3 ms and 4 ms at 0.01.
    phase1_size: centre and sigma are the mean and standard deviation of that many points (`estimated`; fixed limits).
    Prefer `cusum` when the shift to be found is known, `mewma` for vectors.
    Raises OutOfRange for smoothing outside (0, 1], a width that is not positive or a head start outside the limits.
    Sources: Crowder (1987), Technometrics 29, 401-407; Lucas and Saccucci (1990), Technometrics 32, 1-12;
    Knoth (2003), Sequential Analysis 22, 89-108 (varying limits).

    >>> round(ewma(0.25, 3.0, 1.0), 6)
    11.154267
    """
    _check(smoothing, width, shift, head_start)
    if phase1_size is not None:
        charts = _Baselines(smoothing, width, shift, head_start, sided, limits)
        return averaged(charts.means, phase1_size, charts.alike_at, charts.even)
    if limits == "fixed":
        return ewma_run(smoothing, width, shift, head_start, sided).mean()
    _check_varying(sided)
    return varying_mean(smoothing, width, shift, head_start)


@checked
def ewma_run(
    smoothing: float,
    width: float,
    shift: float = 0.0,
    head_start: float = 0.0,
    sided: Sided = "two",
    limits: Limits = "fixed",
    phase1_size: int | None = None,
) -> RunLength:
    """The whole distribution behind `ewma`: mean, quantiles, survival, steady state.

    Varying limits are followed for about 9 / smoothing points, until their growth is a hundred-millionth.
    phase1_size: mixed over the baselines of that many points (`estimated_run`; fixed limits).

    >>> ewma_run(0.5, 3.071).quantile(0.5)
    347
    >>> ewma_run(0.1, 2.7, limits="varying").quantile(0.1), ewma_run(0.1, 2.7).quantile(0.1)
    (33, 46)
    """
    _check(smoothing, width, shift, head_start)
    if phase1_size is not None:
        charts = _Baselines(smoothing, width, shift, head_start, sided, limits)
        return estimated_run(charts.kernels, charts.means, phase1_size, charts.alike_at, charts.even)
    kernels, escapes = _kernels(smoothing, np.array([width]), np.array([shift]), np.array([head_start]), sided)
    kernel, escape = kernels[0], escapes[0]
    if limits == "fixed":
        return RunLength(kernel, np.eye(1, len(kernel), len(kernel) - 1)[0], escape=escape)
    _check_varying(sided)
    survival, row = settled(smoothing, width, shift, head_start)
    return RunLength(kernel, np.append(row, 0.0), survival, escape=escape)


@checked
def ewma_curve(
    smoothing: float, width: float, shifts: FloatArray, head_start: float = 0.0, sided: Sided = "two"
) -> FloatArray:
    """`ewma` with fixed limits at many shifts, shape (n,): one batched solve.

    >>> ewma_curve(0.25, 3.0, np.array([0.0, 1.0])).round(6).tolist()
    [502.895169, 11.154267]
    """
    shifts = np.asarray(shifts, dtype=np.float64)
    if not np.isfinite(shifts).all():
        raise OutOfRange("every shift must be finite")
    _check(smoothing, width, 0.0, head_start)
    charts = _kernels(smoothing, np.full_like(shifts, width), shifts, np.full_like(shifts, head_start), sided)
    return solved(*charts)[:, -1]


@checked
def design_ewma(
    smoothing: float,
    requested_arl: float,
    limits: Limits = "fixed",
    head_start: float = 0.0,
    sided: Sided = "two",
    phase1_size: int | None = None,
) -> float:
    """The width at which the in-control ARL of `ewma` is the requested one.

    >>> round(design_ewma(0.5, 500.0), 3)
    3.071
    """
    lower = abs(head_start) * (1.0 + 1e-9)
    return design(
        lambda width: ewma(smoothing, width, 0.0, limits, head_start, sided, phase1_size),
        requested_arl,
        max(2.8, 1.5 * lower),
        lower,
    )


@dataclass(frozen=True)
class _Baselines:
    """One chart drawn from one baseline after another, in true units."""

    smoothing: float
    width: float
    shift: float
    head_start: float
    sided: Sided
    limits: Limits

    def __post_init__(self) -> None:
        if self.limits != "fixed":
            raise OutOfRange("varying limits are around a known centre")

    @property
    def alike_at(self) -> float | None:
        return self.shift if self.sided == "two" else None

    @property
    def even(self) -> bool:
        return self.shift == self.head_start == 0.0 and self.sided == "two"

    def means(self, centre: FloatArray, spread: FloatArray) -> FloatArray:
        return solved(*self._kernels(centre, spread))[:, -1]

    def kernels(self, centre: FloatArray, spread: FloatArray) -> tuple[Product, FloatArray]:
        kernels, _ = self._kernels(centre, spread)
        size = kernels.shape[-1]
        return lambda values: (kernels @ values[..., None])[..., 0], np.eye(1, size, size - 1)[0]

    def _kernels(self, centre: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
        return _kernels(self.smoothing, self.width * spread, self.shift - centre, self.head_start * spread, self.sided)


def _check(smoothing: float, width: float, shift: float, head_start: float) -> None:
    if not 0.0 < smoothing <= 1.0:
        raise OutOfRange(f"smoothing must lie in (0, 1], got {smoothing}")
    if not (0.0 < width < np.inf and np.isfinite(shift)):
        raise OutOfRange(f"width must be positive and shift finite, got {width}, {shift}")
    if not abs(head_start) <= width:
        raise OutOfRange(f"the head start must lie within the limits, got {head_start}")


def _check_varying(sided: Sided) -> None:
    if sided != "two":
        raise OutOfRange("varying limits are two-sided")


def _kernels(
    smoothing: float, width: FloatArray, shift: FloatArray, head_start: FloatArray, sided: Sided
) -> tuple[FloatArray, FloatArray]:
    """Kernels over the states (nodes, barrier when one-sided, start), shape (charts, n, n), all in steps' sigma.

    And the chance of an alarm from each state, shape (charts, n).
    """
    high = width * (asymptotic_sd(smoothing) / smoothing)
    low = -high if sided == "two" else np.zeros_like(high)
    nodes, weights = unit_nodes(nodes_for(float((high - low).max())))
    size, half = len(nodes), 0.5 * (high - low)[:, None]
    after = low[:, None] + half * (1.0 + nodes)
    # The start is one more state, which the chart never comes back to.
    start = (head_start * (asymptotic_sd(smoothing) / smoothing))[:, None]
    before = np.hstack([after, start] if sided == "two" else [after, np.zeros_like(start), start])
    pulled = (1.0 - smoothing) * before + shift[:, None]
    kernels = np.zeros((len(pulled), before.shape[1], before.shape[1]))
    kernels[:, :, :size] = normal_kernel(pulled, after, half * weights)
    if sided == "upper":
        kernels[:, :, size] = _below_zero(pulled)
    return kernels, chance_outside(pulled, low[:, None] if sided == "two" else -np.inf, high[:, None])


def _below_zero(means: FloatArray) -> FloatArray:
    from scipy.special import ndtr

    return np.asarray(ndtr(-means))
