"""The exact run length of one- and two-sided cumulative sums of normal points."""

from __future__ import annotations

from typing import Literal

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arl.design import design
from andon_quality.arl.estimated import averaged
from andon_quality.arl.estimated_run import estimated_run
from andon_quality.arl.krylov import Product
from andon_quality.arl.quadrature import chance_outside, nodes_for, normal_kernel, unit_nodes
from andon_quality.arl.run_length import RunLength, solved
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

Sided = Literal["one", "two"]


@checked
def cusum(
    k: float,
    h: float,
    shift: float = 0.0,
    head_start: float = 0.0,
    sided: Sided = "two",
    phase1_size: int | None = None,
) -> float:
    """The zero-state average run length of C+ = max(0, C+ + X - k) and C- = max(0, C- - X - k) with an alarm above h.

    X ~ N(shift, 1); k, h, head_start and shift in units of sigma. sided="one": only C+. head_start: where each sum
    starts, 0 for none (h / 2 is the fast initial response); two-sided at most h / 2 + k.
    One side by Nystroem with Gauss-Legendre nodes on L(s) = 1 + L(0) Phi(k - s - shift) + int_0^h L(y) phi(y + k - s -
    shift) dy. Two sides cannot be above zero and alarm at once (k >= 0), so that, exactly,
    L = [L+(s) L-(0) + L-(s) L+(0) - L+(0) L-(0)] / [L+(0) + L-(0)]. Ten digits; cost n^3 with n about 10 + 1.75 h.
    phase1_size: centre and sigma are the mean and standard deviation of that many points (`estimated`: 1 to 8 ms).
    Prefer `ewma` when the size of the shift is not known, `shewhart` for large isolated ones.
    Raises OutOfRange for h <= 0, k < 0 with two sides, or a head start outside its range.
    Sources: Page (1954), Biometrika 41, 100-115; van Dobben de Bruyn (1968), Cumulative Sum Tests;
    Lucas and Crosier (1982), Technometrics 24, 199-205; Vance (1986), Journal of Quality Technology 18, 189-193.

    >>> round(cusum(0.5, 4.0), 5), round(cusum(0.5, 3.0, sided="one"), 4)
    (167.68379, 117.5957)
    """
    _check(k, h, shift, head_start, sided)
    many = two_sided_means if sided == "two" else one_sided_means
    if phase1_size is None:
        return float(many(*(np.array([value]) for value in (k, h, shift, head_start)))[0])
    # In true units the chart has k s, h s and a shift less the centre's error.
    return averaged(
        lambda centre, s: many(k * s, h * s, shift - centre, head_start * s),
        phase1_size,
        shift if sided == "two" else None,
        even=shift == 0.0 and sided == "two",
    )


@checked
def cusum_run(
    k: float,
    h: float,
    shift: float = 0.0,
    head_start: float = 0.0,
    sided: Sided = "two",
    phase1_size: int | None = None,
) -> RunLength:
    """The whole distribution behind `cusum`: mean, quantiles, survival, steady state.

    Two sides are exact too, in one signed kernel: since a sum that alarms leaves the other at zero, the mass of either
    sum's state before the first alarm is what it would be alone, less what it would be after the other's alarm.
    phase1_size: mixed over the baselines of that many points (`estimated_run`).

    >>> cusum_run(0.5, 4.0).quantile(0.5), cusum_run(0.5, 4.0, phase1_size=50).quantile(0.5)
    (118, 83)
    """
    _check(k, h, shift, head_start, sided)
    kernels_of, start_of = (_kernels, _start) if sided == "one" else (_two_sided_kernels, _two_sided_start)
    if phase1_size is None:
        kernels, escapes = kernels_of(*(np.array([value]) for value in (k, h, shift, head_start)))
        # The kernel of two sides is signed, so that its differences cannot be done without.
        escape = escapes[0] if sided == "one" else None
        return RunLength(kernels[0], start_of(kernels.shape[-1]), escape=escape)

    def kernels_at(centre: FloatArray, s: FloatArray) -> tuple[Product, FloatArray]:
        kernels, _ = kernels_of(k * s, h * s, shift - centre, head_start * s)
        return lambda values: (kernels @ values[..., None])[..., 0], start_of(kernels.shape[-1])

    many = two_sided_means if sided == "two" else one_sided_means
    return estimated_run(
        kernels_at,
        lambda centre, s: many(k * s, h * s, shift - centre, head_start * s),
        phase1_size,
        shift if sided == "two" else None,
        even=shift == 0.0 and sided == "two",
    )


@checked
def cusum_curve(k: float, h: float, shifts: FloatArray, head_start: float = 0.0, sided: Sided = "two") -> FloatArray:
    """`cusum` at many shifts, shape (n,): one batched solve.

    >>> cusum_curve(0.5, 4.0, np.array([0.0, 1.0])).round(5).tolist()
    [167.68379, 8.38313]
    """
    shifts = np.asarray(shifts, dtype=np.float64)
    if not np.isfinite(shifts).all():
        raise OutOfRange("every shift must be finite")
    _check(k, h, 0.0, head_start, sided)
    many = two_sided_means if sided == "two" else one_sided_means
    return many(np.full_like(shifts, k), np.full_like(shifts, h), shifts, np.full_like(shifts, head_start))


@checked
def design_cusum(
    k: float,
    requested_arl: float,
    head_start_share: float = 0.0,
    sided: Sided = "two",
    phase1_size: int | None = None,
) -> float:
    """The decision interval h at which the in-control ARL of `cusum` is the requested one.

    head_start_share: the head start as a share of h, so 0.5 for the fast initial response.

    >>> round(design_cusum(0.5, 500.0), 4)
    5.0707
    """

    def arl_at(h: float) -> float:
        return cusum(k, h, 0.0, head_start_share * h, sided, phase1_size)

    return design(arl_at, requested_arl, _siegmund(k, requested_arl if sided == "one" else 2.0 * requested_arl))


def one_sided_means(k: FloatArray, h: FloatArray, shift: FloatArray, head_start: FloatArray) -> FloatArray:
    """`cusum` with one side for many charts at once, all of shape (n,): one batched solve.

    >>> np.round(one_sided_means(*np.array([[0.5], [3.0], [0.0], [0.0]])), 4).tolist()
    [117.5957]
    """
    return solved(*_kernels(k, h, shift, head_start))[:, -1]


def two_sided_means(k: FloatArray, h: FloatArray, shift: FloatArray, head_start: FloatArray) -> FloatArray:
    """`cusum` with two sides for many charts at once, all of shape (n,): one batched solve.

    >>> np.round(two_sided_means(*np.array([[0.5, 0.5], [4.0, 5.0], [0.0, 0.0], [0.0, 0.0]])), 3).tolist()
    [167.684, 465.444]
    """
    size = len(k)
    both = [np.concatenate([value, value]) for value in (k, h, head_start)]
    means = solved(*_kernels(both[0], both[1], np.concatenate([shift, -shift]), both[2]))[:, -2:]
    zero, start = means[:, 0], means[:, 1]
    up, down, up_start, down_start = zero[:size], zero[size:], start[:size], start[size:]
    # Written with the smaller mean, since the other side's may be infinite.
    up_first = up <= down
    near, far = np.where(up_first, up, down), np.where(up_first, down, up)
    near_start, far_start = np.where(up_first, up_start, down_start), np.where(up_first, down_start, up_start)
    with np.errstate(invalid="ignore"):
        share = np.where(np.isinf(far), 0.0, near / far)
        gained = np.where(np.isinf(far), 0.0, near * (far_start / far - 1.0))
    return np.asarray((near_start + gained) / (1.0 + share))


def _siegmund(k: float, requested_arl: float) -> float:
    """About the h of one side: with b = h + 1.166 the ARL is (exp(2 k b) - 1 - 2 k b) / (2 k^2), Siegmund (1985)."""
    drift = max(abs(k), 1e-3)
    run = 2.0 * drift**2 * max(requested_arl, 1.0)
    at = float(np.sqrt(2.0 * run))
    for _ in range(4):
        at = float(np.log1p(run + at))
    return max(at / (2.0 * drift) - 1.166, 0.5)


def _check(k: float, h: float, shift: float, head_start: float, sided: Sided) -> None:
    if not (0.0 < h < np.inf and np.isfinite(k) and np.isfinite(shift)):
        raise OutOfRange(f"h must be positive, k and shift finite, got {h}, {k}, {shift}")
    if sided == "two" and k < 0.0:
        raise OutOfRange(f"a two-sided CUSUM needs k >= 0, got {k}")
    highest = h if sided == "one" else 0.5 * h + k
    if not 0.0 <= head_start <= highest:
        raise OutOfRange(f"the head start must lie in [0, {highest:g}], got {head_start}")


def _start(size: int) -> FloatArray:
    return np.asarray(np.eye(1, size, size - 1)[0])


def _two_sided_start(size: int) -> FloatArray:
    return np.asarray(0.5 * (np.eye(1, size, size // 2 - 1)[0] + np.eye(1, size, size - 1)[0]))


def _kernels(k: FloatArray, h: FloatArray, shift: FloatArray, head_start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Kernels of C+ over the states (nodes in (0, h), zero, head start), shape (charts, n + 2, n + 2).

    And the chance of an alarm from each state, shape (charts, n + 2).
    """
    from scipy.special import ndtr

    nodes, weights = unit_nodes(nodes_for(float(h.max())))
    size, drift = len(nodes), (k - shift)[:, None]
    after = 0.5 * h[:, None] * (1.0 + nodes)
    before = np.column_stack([after, np.zeros(len(h)), head_start])
    kernels = np.zeros((len(h), size + 2, size + 2))
    kernels[:, :, :size] = normal_kernel(before - drift, after, 0.5 * h[:, None] * weights)
    kernels[:, :, size] = ndtr(drift - before)
    return kernels, chance_outside(before - drift, -np.inf, h[:, None])


def _two_sided_kernels(
    k: FloatArray, h: FloatArray, shift: FloatArray, head_start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The signed kernels over the states of C+ and those of C-, shape (charts, 2 n, 2 n), and each one's alarms."""
    (upper, alarms_up), (lower, alarms_down) = _kernels(k, h, shift, head_start), _kernels(k, h, -shift, head_start)
    size = upper.shape[-1]
    kernels = np.zeros((len(k), 2 * size, 2 * size))
    kernels[:, :size, :size], kernels[:, size:, size:] = upper, lower
    upper_zero, lower_zero = size - 2, 2 * size - 2
    kernels[:, :size, lower_zero] = upper.sum(axis=2) - 1.0
    kernels[:, size:, upper_zero] = lower.sum(axis=2) - 1.0
    # The mode (1, -1) keeps its size for ever, and no start ever has any of it: taken out, the kernel is contracting.
    mode = np.repeat([0.5, -0.5], size)
    kernels[..., upper_zero] -= mode
    kernels[..., lower_zero] += mode
    return kernels, np.hstack([alarms_up, alarms_down])
