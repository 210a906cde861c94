"""The season of windows that need not be complete: which phase each falls into, and what each phase adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, OutOfRange, TooFew

# With fewer rounds of a cycle, the phase means would add more variance than the season they take away.
ROUNDS_MIN = 4


@dataclass(frozen=True)
class Cycle:
    """What returns: `phases` windows, each `step` after the one before, in the unit of the windows' starts."""

    name: str
    phases: int
    step: float


@dataclass(frozen=True)
class Season:
    """`offsets`: the mean of each phase less the mean of the phases seen, in the unit of the values.

    cycle: None without a season, and then there is one phase, at 0. anchor: the start of the first window, from which
    phases are counted. fitted: how many means were estimated, the level included.
    """

    cycle: Cycle | None
    anchor: float
    offsets: tuple[float, ...]
    fitted: int

    def without(self, starts: ArrayLike, values: ArrayLike) -> FloatArray:
        """The values, each less what its phase adds; both of shape (n,). O(n). Raises NotFinite, Inconsistent.

        >>> Season(Cycle("pair", 2, 1.0), 0.0, (-1.0, 1.0), 2).without([0, 1, 3], [4.0, 6.0, 7.0]).tolist()
        [5.0, 5.0, 6.0]
        """
        began, seen = _windows(starts, values)
        if self.cycle is None:
            return seen
        return np.asarray(seen - np.array(self.offsets)[_phases(began, self.anchor, self.cycle)])


@checked
def fit_season(
    starts: ArrayLike, values: ArrayLike, length: float, cycles: Sequence[Cycle] = (), rounds: int = ROUNDS_MIN
) -> Season:
    """Phase means of the first of `cycles` of which the windows hold `rounds`; no season where they hold none.

    starts, values: shape (n,), n >= 1, ascending, in any one unit of time; windows may be missing, and a start may be
    up to half a step early or late (months differ, clocks change): phases are counted from the first window, by
    rounding. length: of a window, in the same unit. cycles: the longest first. A phase that no window falls into has
    the offset 0. Assumes that the season adds to the level. O(n + phases). Prefer `trend.seasonal_trend` for complete
    series whose season moves. Raises TooFew, NotFinite, Inconsistent, OutOfRange.

    >>> fit_season(range(8), [1.0, 3.0] * 4, 1.0, [Cycle("pair", 2, 1.0)]).offsets
    (-1.0, 1.0)
    """
    began, seen = _windows(starts, values)
    if began.size == 0:
        raise TooFew("a season is fitted to at least one window")
    if (np.diff(began) < 0).any():
        raise Inconsistent("windows must be given in the order of their starts")
    span = float(began[-1] - began[0]) + length
    for cycle in cycles:
        if cycle.phases < 2 or not cycle.step > 0:
            raise OutOfRange(f"a cycle has at least two phases and a positive step, got {cycle}")
        # Part of a window is forgiven, since clocks change.
        if span + 0.5 * cycle.step >= rounds * cycle.phases * cycle.step:
            return _fitted(cycle, began, seen)
    return Season(None, float(began[0]), (0.0,), 1)


def _fitted(cycle: Cycle, began: FloatArray, seen: FloatArray) -> Season:
    phase = _phases(began, began[0], cycle)
    count = np.bincount(phase, minlength=cycle.phases)
    means = np.bincount(phase, seen, cycle.phases) / np.maximum(count, 1)
    known = count > 0
    offsets = np.where(known, means - means[known].mean(), 0.0)
    return Season(cycle, float(began[0]), tuple(offsets.tolist()), int(known.sum()))


def _phases(began: FloatArray, anchor: float, cycle: Cycle) -> NDArray[np.intp]:
    return np.rint((began - anchor) / cycle.step).astype(np.intp) % cycle.phases


def _windows(starts: ArrayLike, values: ArrayLike) -> tuple[FloatArray, FloatArray]:
    began, seen = finite(starts), finite(values)
    if began.ndim != 1 or began.shape != seen.shape:
        raise Inconsistent(f"needs one start for each value, got shapes {began.shape} and {seen.shape}")
    return began, seen
