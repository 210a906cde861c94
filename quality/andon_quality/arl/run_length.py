"""The distribution of the time to the first alarm, from the kernel of the states that have not alarmed yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from andon_quality.arl.subtraction_free import until_alarm
from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, OutOfRange

# Beyond this, 1 - the kernel's eigenvalue is made of rounding errors.
LARGEST = 1e13
# A mean beyond this has lost the last of its ten digits: where the alarm's own chances are known they give it back.
DIGITS_LOST = 1e5


@dataclass(frozen=True)
class RunLength:
    """The number of points up to and including the first alarm of a chart whose state is a Markov chain.

    kernel: shape (n, n), substochastic: the probability (or quadrature weight times density) of going from state i
    to state j without an alarm. start: shape (n,), the distribution of the state before the first point.
    early: shape (t,), the survival after 0, 1, ... t - 1 points of a chart that settles only then (limits that still
    grow); `start` is what is left of the mass after t points.
    Limits from a sample are a mixture of charts: kernel of shape (charts, n, n) and start of shape (charts, 1, n),
    whose sums are the weights. moments: how many of the mean and the second moment exist; the others are infinite.
    escape: shape (n,), the chance of an alarm from each state, to as many digits as it has: with it a mean keeps its
    digits as far as a double reaches; without it, or with a kernel that is not a matrix of chances, they end where the
    mean times 1e-16 shows, and above 1e13 it is inf.
    Exact for a finite chain; for a continuous state the nodes are those of a quadrature rule (Nystroem), whose error
    falls exponentially with their number. A signed kernel will do as long as start @ kernel^n @ 1 is the survival
    function. Sources: Brook and Evans (1972), Biometrika 59, 539-549;
    Champ and Rigdon (1991), Communications in Statistics B 20, 191-204.

    >>> coin = RunLength(np.array([[0.75]]), np.array([1.0]))
    >>> float(coin.mean()), coin.quantile(0.5), round(coin.survival(2), 4)
    (4.0, 3, 0.5625)
    """

    kernel: FloatArray
    start: FloatArray
    early: FloatArray = field(default_factory=lambda: np.zeros(0))
    moments: int = 2
    escape: FloatArray | None = None

    def from_each_state(self) -> FloatArray:
        """The mean run length from every state, shape (..., n): the solution of L = 1 + K L. Cost n^3 / 3.

        Infinite where the alarm is so rare that a double does not hold the mean, or the kernel without `escape` cannot
        be distinguished from a stochastic one.
        """
        return self._weighed(np.ones(self.kernel.shape[:-1]))

    def mean(self) -> float:
        """The average run length (ARL). Cost n^3 / 3."""
        return float(self.early.sum()) + self._from_start(self.from_each_state()) if self.moments > 0 else np.inf

    def sd(self) -> float:
        """The standard deviation of the run length: E[T(T+1)] = 2 (I - K)^-2 1. Cost n^3; infinite with the mean."""
        first = self.from_each_state()
        if self.moments < 2 or np.isinf(first).any():
            return np.inf
        points = len(self.early)
        mean = float(self.early.sum()) + self._from_start(first)
        if mean > 1e100:
            # Its square is beyond what doubles hold, and the run geometric to all digits.
            return mean
        later = self._from_start(self._weighed(first) + points * first)
        square = float((np.arange(points) + 1.0) @ self.early) + later
        return float(np.sqrt(max(2.0 * square - mean - mean * mean, 0.0)))

    def survival(self, points: int) -> float:
        """P(no alarm in the first `points` points), points >= 0. Cost n^3 log points."""
        if points < 0:
            raise OutOfRange(f"points must be at least 0, got {points}")
        if points < len(self.early):
            return float(self.early[points])
        return float((self.start @ np.linalg.matrix_power(self.kernel, points - len(self.early))).sum())

    def quantile(self, probability: float) -> int:
        """The smallest number of points by which an alarm has come with at least this probability, in (0, 1).

        Doubles the horizon by squaring the kernel, then descends: cost n^3 log(quantile), whatever the quantile.
        """
        if not 0.0 < probability < 1.0:
            raise OutOfRange(f"probability must lie in (0, 1), got {probability}")
        if self.start.sum() <= 1.0 - probability:
            return int(np.argmax(np.append(self.early, 0.0) <= 1.0 - probability))
        powers = self._powers_until(1.0 - probability)
        survived, row = len(self.early), self.start
        for exponent in reversed(range(len(powers))):
            ahead = row @ powers[exponent]
            if ahead.sum() > 1.0 - probability:
                survived, row = survived + 2**exponent, ahead
        return survived + 1

    def quasi_stationary(self) -> FloatArray:
        """The distribution of the state long after the start, given no alarm yet: the kernel's left Perron vector.

        Raises Inconsistent where there is none, as over baselines, of which only the widest limits would be left.
        """
        if self.kernel.ndim > 2:
            raise Inconsistent("a mixture over baselines does not settle: the widest limits outlast all others")
        row, power = self.start / self.start.sum(), self.kernel
        for _ in range(64):
            ahead = row @ power
            ahead = ahead / ahead.sum()
            if np.abs(ahead - row).sum() < 1e-13:
                return np.asarray(ahead)
            row, power = ahead, power @ power
            power = power / np.abs(power).max()
        raise Inconsistent("the chart does not settle: its state has no unique long-run distribution")

    def _weighed(self, right: FloatArray) -> FloatArray:
        """(I - K)^-1 right, for a right side that is not negative; infinite where it is not known."""
        size = right.shape[-1]
        try:
            found = np.asarray(np.linalg.solve(np.eye(size) - self.kernel, right[..., None])[..., 0])
            from_start = self._from_start(found)
        except np.linalg.LinAlgError:
            found, from_start = np.full(right.shape, np.inf), np.inf
        scale = float(np.abs(right).max())
        if self.escape is not None and not 0.0 < from_start < DIGITS_LOST * scale:
            precise = until_alarm(self.kernel, self.escape, right)
            # With weights of either sign, as those of collocation, differences come back in.
            if self.kernel.min() >= 0.0 or 0.0 < self._from_start(precise) < LARGEST * scale:
                return precise
            return np.full(right.shape, np.inf)
        return found if 0.0 < from_start < LARGEST * scale else np.full(right.shape, np.inf)

    def _from_start(self, values: FloatArray) -> float:
        return np.inf if np.isinf(values).any() else float((self.start @ values[..., None]).sum())

    def _powers_until(self, survival: float) -> list[FloatArray]:
        powers = [self.kernel]
        while (self.start @ powers[-1]).sum() > survival:
            if len(powers) > 60:
                raise OutOfRange("the run length is beyond 2^60 points")
            powers.append(powers[-1] @ powers[-1])
        return powers


def solved(kernels: FloatArray, escapes: FloatArray, points: FloatArray | None = None) -> FloatArray:
    """Mean run lengths of many charts from each of their states, shape (charts, n) for kernels (charts, n, n).

    escapes: shape (charts, n), the chance of an alarm from each state. points: how many each visit to a state counts,
    shape (charts, n), one unless given. Infinite beyond what a double holds.

    >>> solved(np.array([[[0.5]], [[1.0]]]), np.array([[0.5], [1e-200]])).tolist()
    [[2.0], [1e+200]]
    """
    size = kernels.shape[-1]
    right = np.ones(kernels.shape[:-1]) if points is None else points
    try:
        means = np.linalg.solve(np.eye(size) - kernels, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        # At least one is singular to machine precision.
        means = np.full(kernels.shape[:-1], np.inf)
    rare = ~((means > 0.0) & (means < DIGITS_LOST)).all(axis=1)
    if rare.any():
        means[rare] = until_alarm(kernels[rare], escapes[rare], right[rare])
    return np.asarray(means)


def steady_state_delay(before: RunLength, after: RunLength) -> float:
    """The mean number of points to the alarm when the process shifts long after a quiet start.

    D = lim E[T - tau + 1 | T >= tau]: the quasi-stationary distribution of `before` (usually shift 0) weighs the
    mean run lengths of `after` over the same states. Points count from the first shifted one. Cost n^3 log n.
    Raises Inconsistent when the two do not share their states. Source: Crosier (1986), Technometrics 28, 187-194;
    Knoth (2006), in Frontiers in Statistical Quality Control 8, 46-59.

    >>> quiet, shifted = RunLength(np.array([[0.99]]), np.ones(1)), RunLength(np.array([[0.5]]), np.ones(1))
    >>> round(steady_state_delay(quiet, shifted), 6)
    2.0
    """
    if before.kernel.shape != after.kernel.shape:
        raise Inconsistent(f"the states differ: {before.kernel.shape[0]} before, {after.kernel.shape[0]} after")
    return float(before.quasi_stationary() @ after.from_each_state())
