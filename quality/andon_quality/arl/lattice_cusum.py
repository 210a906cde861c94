"""The exact run length of cumulative sums of counts, which live on a lattice: a finite Markov chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arl.run_length import DIGITS_LOST, RunLength
from andon_quality.arl.subtraction_free import until_alarm_of_band
from andon_quality.arrays import FloatArray, IntArray
from andon_quality.errors import OutOfRange

Side = Literal["upper", "lower"]
LARGEST_DENOMINATOR = 1000
LARGEST_CHAIN, LARGEST_DENSE_CHAIN = 4000, 1500
# States times counts: a table of so many numbers takes a hundred megabytes and some tenths of a second.
LARGEST_TABLE = 8_000_000
# Above this many states a sparse factorisation is faster than a dense one.
SPARSE_ABOVE = 120
# States times steps up times steps down that are taken out without a difference, in half a second; for more the mean
# comes from the sparse factors alone, which have six digits up to here.
LARGEST_WORK, SPARSE_DIGITS_END = 2e8, 1e9
NEGLIGIBLE = 1e-18
ROUNDING = 1e-14


@checked
def poisson_cusum(k: float, h: float, mean: float, head_start: float = 0.0, side: Side = "upper") -> float:
    """The average run length of a CUSUM of Poisson counts with this mean: C = max(0, C + X - k), alarm at C >= h.

    side="lower": C = max(0, C + k - X). k, h, head_start and mean in counts; k is taken as the nearest fraction with a
    denominator up to 1000, h and the head start as the lattice points at or above and nearest to them.
    Exact: the sums lie on the lattice of that fraction, and L = (I - Q)^-1 1: a sparse solve, 0.2 ms for tens of
    states, 4 ms for 4,000; a mean beyond 1e5 without a difference (`until_alarm`), to ten digits as far as a double
    reaches. Chains too long for that (over 600 states with a drift over 300) answer up to 1e9, beyond it inf.
    For the distribution prefer k with a small denominator, as k = (mean_1 - mean_0) / ln(mean_1 / mean_0) rounded to
    quarters: `..._run` is dense, cost (h x denominator)^3.
    Raises OutOfRange for k, h or mean not positive, a head start outside [0, h), or a chain of more than 4,000 states.
    Source: Lucas (1985), Technometrics 27, 129-144.

    >>> round(poisson_cusum(0.25, 10.0, 0.25)), round(poisson_cusum(0.25, 10.0, 0.25, 5.0))
    (438, 333)
    """
    return _lattice(_poisson(mean, h + k), k, h, head_start, side).mean()


@checked
def poisson_cusum_run(k: float, h: float, mean: float, head_start: float = 0.0, side: Side = "upper") -> RunLength:
    """The whole distribution behind `poisson_cusum`: mean, quantiles, survival, steady state.

    >>> poisson_cusum_run(0.25, 10.0, 0.25).quantile(0.5)
    329
    """
    return lattice_run(_poisson(mean, h + k), k, h, head_start, side)


@checked
def binomial_cusum(k: float, h: float, n: int, p: float, head_start: float = 0.0, side: Side = "upper") -> float:
    """The average run length of a CUSUM of the defectives among n items, each defective with probability p.

    As `poisson_cusum` in everything else; n = 1 is the Bernoulli CUSUM, one item a point.
    Raises OutOfRange also for n < 1 or p outside (0, 1).
    Sources: Gan (1993), Journal of Applied Statistics 20, 451-460; Reynolds and Stoumbos (1999), Journal of Quality
    Technology 31, 87-108.

    >>> round(binomial_cusum(1.5, 5.0, 20, 0.05), 2)
    342.41
    """
    return _lattice(_binomial(n, p), k, h, head_start, side).mean()


@checked
def binomial_cusum_run(
    k: float, h: float, n: int, p: float, head_start: float = 0.0, side: Side = "upper"
) -> RunLength:
    """The whole distribution behind `binomial_cusum`: mean, quantiles, survival, steady state.

    >>> binomial_cusum_run(1.5, 5.0, 20, 0.05).quantile(0.5)
    239
    """
    return lattice_run(_binomial(n, p), k, h, head_start, side)


@checked
def design_poisson_cusum(k: float, requested_arl: float, mean: float, side: Side = "upper") -> float:
    """The smallest h on the lattice at which the ARL at `mean` is at least the requested one.

    >>> h = design_poisson_cusum(0.5, 500.0, 0.25)
    >>> h, round(poisson_cusum(0.5, h, 0.25)), round(poisson_cusum(0.5, h - 0.5, 0.25))
    (3.5, 509, 264)
    """
    return _design(lambda h: poisson_cusum(k, h, mean, 0.0, side), k, requested_arl)


@checked
def design_binomial_cusum(k: float, requested_arl: float, n: int, p: float, side: Side = "upper") -> float:
    """The smallest h on the lattice at which the ARL at `p` is at least the requested one.

    >>> design_binomial_cusum(1.5, 500.0, 20, 0.05)
    5.5
    """
    return _design(lambda h: binomial_cusum(k, h, n, p, 0.0, side), k, requested_arl)


@checked
def lattice_run(
    probabilities: FloatArray, k: float, h: float, head_start: float = 0.0, side: Side = "upper"
) -> RunLength:
    """The CUSUM of any counts: probabilities[x] = P(X = x), shape (largest count + 1,), the rest being larger yet.

    >>> lattice_run(np.array([0.5, 0.5]), 0.5, 1.0).mean()
    6.0
    """
    chain = _lattice(probabilities, k, h, head_start, side)
    if chain.states > LARGEST_DENSE_CHAIN:
        raise OutOfRange(f"{chain.states} states are more than the {LARGEST_DENSE_CHAIN} of a whole distribution")
    return chain.run()


@dataclass(frozen=True)
class _Lattice:
    """The sum as a chain: a step of `unit` lattice points a count less `drift`, or with `falls` the other way round.

    probabilities: shape (counts,), of each count. beyond: the chance of a larger one, which alarms, or leads to zero.
    """

    states: int
    start: int
    unit: int
    drift: int
    falls: bool
    probabilities: FloatArray
    beyond: float

    def run(self) -> RunLength:
        kernel, escape = self._dense()
        return RunLength(kernel, np.eye(1, self.states, self.start)[0], escape=escape)

    def mean(self) -> float:
        if self.states <= SPARSE_ABOVE:
            return self.run().mean()
        likely = self._sparse_mean()
        if 0.0 < likely < DIGITS_LOST:
            return likely
        furthest = min(self.unit * (len(self.probabilities) - 1), self.states)
        up, down = (self.drift, furthest) if self.falls else (furthest, self.drift)
        if self.states * up * min(down, self.states) > LARGEST_WORK:
            return likely if 0.0 < likely < SPARSE_DIGITS_END else np.inf
        kernel, escape = self._dense()
        return float(until_alarm_of_band(kernel, escape, up, down)[self.start])

    def _sparse_mean(self) -> float:
        """Without the least likely counts, which show in the chance of a rare alarm alone."""
        from scipy.sparse import csc_array, eye_array
        from scipy.sparse.linalg import splu

        counts = np.flatnonzero(self.probabilities > NEGLIGIBLE)
        reached, weights = self._reached(counts), self.probabilities[counts]
        to_zero = max(1.0 - float(weights.sum()), 0.0) if self.falls else 0.0
        # What leads to zero from everywhere would fill the matrix: L = M^-1 1 + to_zero L(0) M^-1 1.
        live = reached < self.states
        rows = np.broadcast_to(np.arange(self.states)[:, None], live.shape)[live]
        kernel = csc_array(
            (np.broadcast_to(weights, live.shape)[live], (rows, reached[live])), shape=(self.states, self.states)
        )
        try:
            means = splu(eye_array(self.states, format="csc") - kernel).solve(np.ones(self.states))
        except RuntimeError:
            # Singular to machine precision: without the least likely counts it never alarms.
            return np.inf
        return float(means[self.start] * (1.0 + to_zero * means[0] / (1.0 - to_zero * means[0])))

    def _dense(self) -> tuple[FloatArray, FloatArray]:
        """The kernel, shape (states, states), and the chance of an alarm from each state."""
        states = self.states
        reached = self._reached(np.arange(len(self.probabilities)))
        flat = (np.arange(states)[:, None] * (states + 1) + reached).ravel()
        spread = np.broadcast_to(self.probabilities, reached.shape).ravel()
        counted = np.bincount(flat, spread, minlength=states * (states + 1)).astype(np.float64)
        square = counted.reshape(states, states + 1)
        square[:, 0 if self.falls else states] += self.beyond
        return square[:, :states].copy(), square[:, states].copy()

    def _reached(self, counts: IntArray) -> IntArray:
        """Where each count leads, shape (states, counts), `states` for the alarm."""
        steps = self.unit * counts - self.drift
        return np.asarray(np.clip(np.arange(self.states)[:, None] + (-steps if self.falls else steps), 0, self.states))


def _lattice(probabilities: FloatArray, k: float, h: float, head_start: float, side: Side) -> _Lattice:
    if not (k > 0.0 and 0.0 < h < np.inf and 0.0 <= head_start < h):
        raise OutOfRange(f"k and h must be positive and the head start in [0, h), got {k}, {h}, {head_start}")
    per_count = Fraction(k).limit_denominator(LARGEST_DENOMINATOR)
    unit, drift = per_count.denominator, per_count.numerator
    states = int(np.ceil(h * unit - 1e-9))
    if states > LARGEST_CHAIN:
        raise OutOfRange(f"{states} states, more than {LARGEST_CHAIN}: choose k with a smaller denominator")
    # From the last count that a double holds; a sum of chances is one to its last digits.
    probabilities = probabilities[: int(np.flatnonzero(probabilities > 0.0)[-1]) + 1]
    beyond = 1.0 - float(probabilities.sum())
    if states * len(probabilities) > LARGEST_TABLE:
        raise OutOfRange(f"{states} states of {len(probabilities)} counts each are too many to compute")
    start = min(round(head_start * unit), states - 1)
    return _Lattice(states, start, unit, drift, side == "lower", probabilities, beyond if beyond > ROUNDING else 0.0)


def _poisson(mean: float, furthest: float) -> FloatArray:
    from scipy.special import gammaln

    if not 0.0 < mean < np.inf:
        raise OutOfRange(f"the mean must be positive, got {mean}")
    # Past where every count alarms, so far that the rest of the tail does not show next to it.
    last = max(furthest, mean) + 12.0 * np.sqrt(max(furthest, mean)) + 20.0
    counts = np.arange(_listed(last) + 1)
    return np.asarray(np.exp(counts * np.log(mean) - mean - gammaln(counts + 1.0)))


def _binomial(n: int, p: float) -> FloatArray:
    from scipy.special import gammaln, xlog1py

    if n < 1 or not 0.0 < p < 1.0:
        raise OutOfRange(f"n must be at least 1 and p in (0, 1), got {n}, {p}")
    counts = np.arange(_listed(n) + 1.0)
    ways = gammaln(n + 1.0) - gammaln(counts + 1.0) - gammaln(n - counts + 1.0)
    return np.asarray(np.exp(ways + counts * np.log(p) + xlog1py(n - counts, -p)))


def _listed(counts: float) -> int:
    if not counts <= LARGEST_TABLE:
        raise OutOfRange(f"{counts:.4g} counts are too many to compute, at most {LARGEST_TABLE}")
    return int(counts)


def _design(arl_at: Callable[[float], float], k: float, requested_arl: float) -> float:
    """The ARL is a staircase in h: double the number of steps until it is enough, then bisect."""
    step = 1.0 / Fraction(k).limit_denominator(LARGEST_DENOMINATOR).denominator
    if not 1.0 < requested_arl < np.inf:
        raise OutOfRange(f"the requested ARL must be above 1 and finite, got {requested_arl}")
    short, enough = 0, 1
    while arl_at(enough * step) < requested_arl:
        short, enough = enough, 2 * enough
    while enough - short > 1:
        middle = (short + enough) // 2
        if arl_at(middle * step) < requested_arl:
            short = middle
        else:
            enough = middle
    return enough * step
