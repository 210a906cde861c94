"""What is left of a run length when centre and sigma come from a baseline sample."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from andon_quality.arl.quadrature import normal_nodes
from andon_quality.arl.run_length import LARGEST
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

Charts = Callable[[FloatArray, FloatArray], FloatArray]

# How far the centre's error reaches, in its own standard deviations, and how finely it is stepped through.
REACH, STEP = 5.6, 0.29
# From this many standard deviations away the peak where the two sides are alike no longer shows.
PEAK_REACH = 6.5
# For what is a step in the run: how finely it is stepped through, in factors e of the run and in the law's own
# standard deviations.
STEP_IN_RUN, STEP_IN_LAW = 0.6, 0.9
# Nodes over the centre where the run has no peak.
PLAIN = 7
# The mean exists while the run grows more slowly with the variance than its density falls, with this much to spare.
GROWTH_MOST = 0.9
# What may be lost, of the whole, where the run is longer than can be computed.
BEYOND = 1e-6
# Nodes more over the spread for a growth that bends: rules whose run is bounded.
BENT = 36.0


def averaged(
    arl_at: Charts, phase1_size: int, alike_at: float | None = None, even: bool = False, together: bool = False
) -> float:
    """The mean of `arl_at(centre, spread)` over the baselines of `phase1_size` independent normal points.

    centre: the error of the sample mean in sigma, N(0, 1 / m); spread: the sample standard deviation (divisor m - 1)
    over sigma, chi with m - 1 degrees of freedom over its root; `arl_at` takes and gives shape (n,). alike_at: the
    error at which the two sides of the chart are alike, where the run is longest (the shift); None for one side. even:
    that peak is at zero and the run the same on either side of it, so that half the charts will do. together: ask for
    all charts at once, where narrow ones are no cheaper. The points of the future are one draw of the baseline away
    from the chart: this is the unconditional ARL, which a lucky few with wide limits inflate.

    The run grows about like exp(g s^2), so s^2 follows a gamma law of rate (m - 1) / 2 - g times a factor that hardly
    varies: four to twelve Gauss nodes of that law will do, more where the growth bends. Over the centre the run has a
    peak 1 / (1 + (c / a)^2): the trapezoidal rule in t with c = a sinh t has its nearest pole pi / 2 away, whatever a.
    Away from the peak the run is close to an exponential: seven Gauss-Hermite nodes about the law that it moves.
    Seven digits. Cost 30 to 100 charts, up to 300 for small baselines and middling shifts.
    Raises OutOfRange for fewer than 3 points, and when the mean does not exist: then the growth outruns the density.
    Sources: Quesenberry (1993), Journal of Quality Technology 25, 237-247; Jones, Champ and Rigdon (2001),
    Technometrics 43, 156-167; Jensen, Jones-Farmer, Champ and Woodall (2006), Journal of Quality Technology
    38, 349-364; Golub and Welsch (1969), Mathematics of Computation 23, 221-230, for the nodes.

    >>> round(averaged(lambda centre, spread: spread**2 + centre, 30), 6)
    1.0
    """
    half_df = half_df_of(phase1_size)
    growth, bend = growth_of(arl_at, half_df)
    if growth > GROWTH_MOST * half_df:
        raise OutOfRange(f"with limits from {phase1_size} points the mean run length has no finite value")
    variances, weights = gamma_rule(_size(phase1_size) + int(BENT * bend), half_df)
    variances = variances / (half_df - growth)
    weights = weights * np.exp(half_df * np.log(half_df / (half_df - growth)) - growth * variances)
    centres, centre_weights = centres_of(arl_at, phase1_size, (half_df / (half_df - growth)) ** 0.5, alike_at, even)
    spreads = np.sqrt(variances)
    if together:
        means = arl_at(np.tile(centres, len(spreads)), np.repeat(spreads, len(centres))).reshape(len(spreads), -1)
    else:
        # One spread after another: each has as many nodes as it needs.
        means = np.array([arl_at(centres, np.full_like(centres, spread)) for spread in spreads])
    shares = weights[:, None] * np.minimum(means, LARGEST) * centre_weights
    if shares[means >= LARGEST].sum() > BEYOND * shares.sum():
        raise OutOfRange(f"with limits from {phase1_size} points the mean run length has no finite value")
    return float(shares.sum())


@lru_cache(maxsize=256)
def gamma_rule(size: int, shape: float) -> tuple[FloatArray, FloatArray]:
    """Gauss nodes and weights of the gamma law with this shape and rate 1, shape (size,) each; the weights sum to 1.

    >>> nodes, weights = gamma_rule(4, 7.0)
    >>> round(float(weights @ nodes), 9), round(float(weights @ nodes**2), 9)
    (7.0, 56.0)
    """
    order = np.arange(size)
    off_diagonal = np.sqrt(order[1:] * (order[1:] + shape - 1.0))
    nodes, vectors = np.linalg.eigh(np.diag(2.0 * order + shape) + np.diag(off_diagonal, 1) + np.diag(off_diagonal, -1))
    return np.asarray(nodes), np.asarray(vectors[0] ** 2)


def half_df_of(phase1_size: int) -> float:
    """Half the degrees of freedom of the sample variance; raises OutOfRange for fewer than 3 points.

    >>> half_df_of(21)
    10.0
    """
    if phase1_size < 3:
        raise OutOfRange(f"a baseline needs at least 3 points, got {phase1_size}")
    return 0.5 * (phase1_size - 1)


def _size(phase1_size: int) -> int:
    return next(size for size, least in ((4, 200), (5, 80), (6, 45), (8, 25), (12, 0)) if phase1_size >= least)


def growth_of(arl_at: Charts, half_df: float) -> tuple[float, float]:
    """How fast the logarithm of the run grows with s^2 about where it counts, and how much that bends.

    >>> growth, bend = growth_of(lambda centre, spread: np.exp(2.0 * spread**2), 20.0)
    >>> round(growth, 9), round(bend, 9)
    (2.0, 0.0)
    """
    sd = half_df**-0.5
    variances = 1.0 + sd * np.arange(3.0)
    logs = np.log(np.minimum(arl_at(np.zeros(3), np.sqrt(variances)), LARGEST))
    near, far = np.diff(logs) / sd
    counts_at = half_df / max(half_df - near, 0.1 * half_df)
    return float(near if counts_at < variances[1] else far), float(abs(far - near) * sd)


def centres_of(
    arl_at: Charts, phase1_size: int, spread: float, alike_at: float | None, even: bool, is_step: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Errors of the centre and their weights for the mean of `arl_at` at this spread.

    is_step: for what falls from 1 to 0 within a factor e of the run, as well.

    >>> centres, weights = centres_of(lambda centre, spread: 1.0 + centre**2, 25, 1.0, None, False)
    >>> round(float(weights @ centres**2), 9)
    0.04
    """
    sd = phase1_size**-0.5
    peaked = alike_at is not None and abs(alike_at) < PEAK_REACH * sd
    peak = alike_at if peaked and alike_at is not None else 0.0
    offsets = (-sd if peak > 0.0 else sd) * np.array([0.0, 0.1, 0.5])
    means = np.minimum(arl_at(peak + offsets, np.full(3, spread)), LARGEST)
    if not peaked:
        growth = float(np.log(means[2] / means[0]) / offsets[2])
        return _all_through(growth, sd) if is_step else _beside_a_peak(growth, sd)
    centres, widths = _about_a_peak(peak, _peak_width(offsets, means, sd), sd, even)
    return centres, widths * np.exp(-0.5 * (centres / sd) ** 2) / (sd * (2.0 * np.pi) ** 0.5)


def _beside_a_peak(growth: float, sd: float) -> tuple[FloatArray, FloatArray]:
    """There the run is close to exp(growth c), which moves the normal law and keeps its width."""
    nodes, weights = normal_nodes(PLAIN)
    moved = float(np.clip(growth * sd, -4.0, 4.0))
    return sd * (moved + nodes), weights * np.exp(-moved * (nodes + 0.5 * moved))


def _all_through(growth: float, sd: float) -> tuple[FloatArray, FloatArray]:
    """The trapezoidal rule, as far as the law reaches, moved by the growth or not, and as fine as a step needs."""
    moved = float(np.clip(growth * sd, -4.0, 4.0))
    low, high = sd * (min(moved, 0.0) - REACH), sd * (max(moved, 0.0) + REACH)
    step = min(STEP_IN_RUN / max(abs(growth), 1e-9), STEP_IN_LAW * sd)
    at = np.linspace(low, high, int(np.ceil((high - low) / step)) + 1)
    return at, np.exp(-0.5 * (at / sd) ** 2) * ((at[1] - at[0]) / (sd * (2.0 * np.pi) ** 0.5))


def _peak_width(offsets: FloatArray, means: FloatArray, sd: float) -> float:
    """Where 1 / (1 + (c / a)^2) has fallen to a half: the distance of the poles from the real axis."""
    fallen = np.maximum(means[0] / means[1:] - 1.0, 1e-12)
    return float(min((np.abs(offsets[1:]) / np.sqrt(fallen)).min(), 2.0 * sd))


def _about_a_peak(peak: float, width: float, sd: float, even: bool) -> tuple[FloatArray, FloatArray]:
    low, high = np.arcsinh((np.array([-REACH, REACH]) * sd - peak) / width)
    # The normal law has to be resolved as well, where it is centred.
    step = min(STEP, 2.0 * STEP * sd / np.hypot(width, peak))
    if even:
        steps = int(np.ceil(high / step))
        at = np.linspace(0.0, high, steps + 1)
        widths = np.full(steps + 1, 2.0 * at[1])
        widths[0] = at[1]
    else:
        at = np.linspace(low, high, int(np.ceil((high - low) / step)) + 1)
        widths = np.full(len(at), at[1] - at[0])
    return peak + width * np.sinh(at), widths * width * np.cosh(at)
