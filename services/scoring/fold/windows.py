"""What observations add to windows and take from them: exact signed sums by slice and window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from andon_quality.describe.moments import grouped_moments
from numpy.typing import NDArray

from services.scoring.fold.batch import MISSING, IntArray
from services.scoring.scores.statistics import Histogram, PartStats

Floats = NDArray[np.float64]
LIMB_BITS = 32
EXACT = 2**53
"""Below this float64 holds every integer, so sums by `bincount` are exact."""
ROWS_MAX = 1 << 20
DENSE_MIN = 4_096


@dataclass(frozen=True)
class Many:
    """What each observation of a ratio represents: the size of its denominator, and its sum of squares (0: unknown)."""

    per: IntArray
    squares: IntArray

    def of(self, places: IntArray) -> Many:
        return Many(self.per[places], self.squares[places])

    def followed_by(self, other: Many) -> Many:
        return Many(np.concatenate([self.per, other.per]), np.concatenate([self.squares, other.squares]))


@dataclass
class Amounts:
    """Values that observations bring (sign 1) or take (sign -1); sign None: all bring. Weighed once for all windows.

    MISSING as a value: the case belongs to the window, and has none. many None: each observation is one.
    """

    value: IntArray
    sign: IntArray | None
    many: Many | None = None

    def of(self, places: IntArray | None) -> Amounts:
        """Some of them; None: all."""
        if places is None:
            return self
        sign, many = self.sign, self.many
        return Amounts(
            self.value[places], None if sign is None else sign[places], None if many is None else many.of(places)
        )

    @cached_property
    def seen(self) -> IntArray | None:
        """Rows with a value; None: all."""
        seen = self.value != MISSING
        return None if seen.all() else np.flatnonzero(seen)

    @cached_property
    def known(self) -> Amounts:
        """Those with a value."""
        return self.of(self.seen)

    @cached_property
    def missing(self) -> tuple[IntArray, IntArray | None]:
        """Rows without a value, and their signs."""
        rows = np.flatnonzero(self.value == MISSING)
        return rows, None if self.sign is None else self.sign[rows]

    @cached_property
    def range(self) -> tuple[int, int]:
        return int(self.value.min(initial=0)), int(self.value.max(initial=0))

    @cached_property
    def magnitude(self) -> int:
        return max(map(abs, self.range))

    @property
    def is_long(self) -> bool:
        """Whether sums in float64 could round."""
        rows = len(self.value)
        return self.magnitude * rows >= EXACT or self.magnitude >= 1 << LIMB_BITS or rows >= ROWS_MAX

    @property
    def are_flags(self) -> bool:
        return self.range[0] >= 0 and self.range[1] <= 1

    @cached_property
    def signed(self) -> Floats:
        return self._with_sign(self.value)

    @cached_property
    def square_limbs(self) -> list[Floats]:
        """Low and, where it is needed, high half of the squares."""
        square = self.value.astype(np.uint64) ** 2
        if self.magnitude**2 * len(self.value) < EXACT:
            return [self._with_sign(square)]
        halves = square & np.uint64(2**LIMB_BITS - 1), square >> np.uint64(LIMB_BITS)
        return [self._with_sign(half) for half in halves]

    def _with_sign(self, weights: NDArray[np.generic]) -> Floats:
        floats: Floats = weights.astype(np.float64)
        return floats if self.sign is None else floats * self.sign


@dataclass
class Groups:
    """Rows by (slice, window): the group of each row, and slice code and window number of each group that occurs."""

    group: IntArray
    code: IntArray
    number: IntArray

    def __len__(self) -> int:
        return len(self.code)


def grouped(code: IntArray, number: IntArray) -> Groups:
    """Groups in order of (code, number). Without sorting where codes and numbers are dense."""
    low = int(number.min())
    width = int(number.max()) - low + 1
    cells = width * (int(code.max()) + 1)
    if cells > max(DENSE_MIN, 4 * len(code)):
        return _sorted_groups(code, number)
    key = code * width + (number - low)
    places = np.flatnonzero(np.bincount(key, minlength=cells))
    renumbered = np.empty(cells, dtype=np.int64)
    renumbered[places] = np.arange(len(places))
    return Groups(renumbered[key], places // width, places % width + low)


def _sorted_groups(code: IntArray, number: IntArray) -> Groups:
    order = np.lexsort((number, code))
    code, number = code[order], number[order]
    first = np.append(True, (code[1:] != code[:-1]) | (number[1:] != number[:-1]))
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(first) - 1
    return Groups(group, code[first], number[first])


def deltas(groups: Groups, amounts: Amounts, histograms: bool) -> list[PartStats]:
    """Signed count, sum and sum of squares of each group, and the cases without a value; Python integers, exact.

    The count of observations that represent many is the sum of their denominators.
    """
    size, group, known = len(groups), groups.group, amounts.known
    unobserved = [0] * size
    if amounts.seen is not None:
        rows, sign = amounts.missing
        unobserved = _sums(group[rows], sign, size)
        group = group[amounts.seen]
    totals, squares = signed_moments(group, known, size)
    if known.many is None:
        counts = _sums(group, known.sign, size)
    else:
        counts, _ = signed_moments(group, Amounts(known.many.per, known.sign), size)
        squares, _ = signed_moments(group, Amounts(known.many.squares, known.sign), size)
    spreads = signed_histograms(group, known, size) if histograms else [None] * size
    return [PartStats(*one) for one in zip(counts, totals, squares, spreads, unobserved, strict=True)]


def _sums(group: IntArray, weights: NDArray[np.generic] | None, size: int) -> list[int]:
    sums: list[int] = np.bincount(group, weights, minlength=size).astype(np.int64).tolist()
    return sums


def signed_moments(group: IntArray, amounts: Amounts, size: int) -> tuple[list[int], list[int]]:
    """Sums and sums of squares per group: squares in two limbs, values beyond 32 bits by `grouped_moments`."""
    if amounts.is_long:
        return _long_moments(group, amounts, size)
    totals = _sums(group, amounts.signed, size)
    if amounts.are_flags:
        return totals, totals
    low, *high = (_sums(group, limb, size) for limb in amounts.square_limbs)
    if not high:
        return totals, low
    return totals, [(upper << LIMB_BITS) + lower for lower, upper in zip(low, *high, strict=True)]


def _long_moments(group: IntArray, amounts: Amounts, size: int) -> tuple[list[int], list[int]]:
    value, sign = amounts.value, amounts.sign
    if sign is None:
        moments = grouped_moments(group, value, size)
    else:
        enter, leave = sign > 0, sign < 0
        moments = grouped_moments(group[enter], value[enter], size) - grouped_moments(group[leave], value[leave], size)
    return moments.totals().tolist(), moments.sums_of_squares().tolist()


def signed_histograms(group: IntArray, amounts: Amounts, size: int) -> list[Histogram]:
    """Distinct values and signed counts of each group; counts that cancel are left out."""
    if not len(group):
        return [(group[:0], group[:0])] * size
    order = np.lexsort((amounts.value, group))
    group, value = group[order], amounts.value[order]
    first = np.flatnonzero(np.append(True, (group[1:] != group[:-1]) | (value[1:] != value[:-1])))
    if amounts.sign is None:
        counts = np.diff(np.append(first, len(order)))
    else:
        counts = np.add.reduceat(amounts.sign[order], first)
    kept = counts != 0
    group, value, counts = group[first][kept], value[first][kept], counts[kept]
    edges = np.searchsorted(group, np.arange(size + 1)).tolist()
    return [(value[a:b], counts[a:b]) for a, b in pairwise(edges)]
