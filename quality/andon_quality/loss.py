"""Taguchi's quality loss in money: every deviation costs, not only the ones beyond a limit.

Assumes that loss grows with the square of the deviation; where it does not (a fixed fee for lateness, say), count the
money directly. Source: G. Taguchi, Introduction to Quality Engineering (1986); M. S. Phadke, Quality Engineering Using
Robust Design (1989), ch. 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import OutOfRange
from andon_quality.result import Result


@dataclass(frozen=True)
class Loss(Result):
    """Average loss per unit of each series, in the money of `k`, shape (...); per_unit = off_target + spread.

    off_target is what moving the mean would save, spread what steadying the process would.
    """

    per_unit: FloatArray
    off_target: FloatArray
    spread: FloatArray

    def total(self, units: ArrayLike) -> FloatArray:
        """Loss of so many units, shape (...) or one number for all, in money. O(series). Raises NotFinite.

        >>> smaller(3.0, 1.0, 2.0).total(10).item()
        200.0
        """
        return np.asarray(self.per_unit * finite(units))


def coefficient(cost: float, tolerance: float) -> float:
    """k = cost / tolerance^2: money lost at a deviation of `tolerance`, spread over the square of the deviation.

    cost: money; tolerance: in the unit of the value. For `larger` the same cost at the smallest acceptable value y
    gives k = cost * y^2: prefer `coefficient_larger` there. Assumes a loss that grows with the square. Cost: O(1).
    Raises OutOfRange for a negative cost or a tolerance that is not positive. Source: Taguchi (1986).

    >>> coefficient(100.0, 15.0).__round__(3)
    0.444
    """
    if cost < 0 or not tolerance > 0:
        raise OutOfRange("needs cost >= 0 and tolerance > 0")
    return cost / tolerance**2


def coefficient_larger(cost: float, smallest: float) -> float:
    """k = cost * smallest^2: money lost by a value as small as `smallest`, for the larger-the-better loss.

    Units as `coefficient`, which to prefer for the other losses. Assumes a loss that falls with the square. Cost: O(1).
    Raises OutOfRange as it does. Source: Phadke (1989) ch. 2.

    >>> coefficient_larger(2.0, 3.0)
    18.0
    """
    if cost < 0 or not smallest > 0:
        raise OutOfRange("needs cost >= 0 and a smallest value > 0")
    return cost * smallest**2


def nominal(mean: ArrayLike, sd: ArrayLike, target: ArrayLike, k: float) -> Loss:
    """Nominal the better: k ((mean - target)^2 + sd^2), from the mean and sd of each series; shapes broadcast to (...).

    Prefer `nominal_of` where the values are at hand. sd is the overall one, with n in its denominator if the loss of
    just these units is meant. k: money per unit^2. Assumes a loss that grows with the square. Raises OutOfRange for a
    negative sd or k, NotFinite. Cost: O(series). Source: Phadke (1989) ch. 2.

    >>> found = nominal(115.0, 2.0, 115.0, 0.444)
    >>> round(float(found.per_unit), 3)
    1.776
    """
    m, s, t = np.broadcast_arrays(finite(mean), finite(sd), finite(target))
    _not_negative(s, k)
    return _split(k * (m - t) ** 2, k * s**2)


def smaller(mean: ArrayLike, sd: ArrayLike, k: float) -> Loss:
    """Smaller the better (waiting time): k (mean^2 + sd^2), the nominal loss with target 0.

    Shapes, units, assumption, cost, errors and source as `nominal`; prefer `smaller_of` where the values are at hand.

    >>> float(smaller(3.0, 1.0, 2.0).per_unit)
    20.0
    """
    return nominal(mean, sd, 0.0, k)


def larger(mean: ArrayLike, sd: ArrayLike, k: float) -> Loss:
    """Larger the better (satisfaction): k E[1 / y^2], by its second-order form k / mean^2 (1 + 3 sd^2 / mean^2).

    Good for sd below about a fifth of the mean; with the values at hand prefer `larger_of`, which is exact.
    Shapes as `nominal`; k: money times unit^2. Assumes a loss that falls with the square. Raises OutOfRange for a mean
    that is not positive, a negative sd or k, NotFinite. Cost: O(series). Source: Phadke (1989) ch. 2.

    >>> round(float(larger(10.0, 1.0, 100.0).per_unit), 2)
    1.03
    """
    m, s = np.broadcast_arrays(finite(mean), finite(sd))
    _not_negative(s, k)
    if (m <= 0).any():
        raise OutOfRange("larger the better needs positive values")
    level = k / np.square(m)
    return _split(level, 3.0 * level * np.square(s / m))


def nominal_of(values: ArrayLike, target: ArrayLike, k: float) -> Loss:
    """Mean of k (y - target)^2 over values of shape (..., n), exact; prefer `nominal` where only moments are kept.

    Units, assumption and source as `nominal`; target: one, or one a series. Cost: O(values). Raises TooFew without
    values, NotFinite.

    >>> float(nominal_of([1.0, 3.0], 1.0, 1.0).per_unit)
    2.0
    """
    y = np.ascontiguousarray(finite(values, at_least=1))
    return nominal(y.mean(axis=-1), y.std(axis=-1), target, k)


def smaller_of(values: ArrayLike, k: float) -> Loss:
    """Mean of k y^2 over values of shape (..., n), exact; prefer `smaller` where only moments are kept.

    Units, assumption and source as `nominal`. Cost: O(values). Raises TooFew without values, NotFinite.

    >>> float(smaller_of([1.0, 3.0], 1.0).per_unit)
    5.0
    """
    return nominal_of(values, 0.0, k)


def larger_of(values: ArrayLike, k: float) -> Loss:
    """Mean of k / y^2 over values of shape (..., n), exact; off_target is k / mean^2 and spread the rest.

    Prefer `larger` where only moments are kept. Units and source as there. Assumes a loss that falls with the square.
    Raises OutOfRange for a value that is not positive, TooFew without values, NotFinite. Cost: O(values).

    >>> float(larger_of([1.0, 2.0], 4.0).per_unit)
    2.5
    """
    y = np.ascontiguousarray(finite(values, at_least=1))
    if (y <= 0).any() or k < 0:
        raise OutOfRange("larger the better needs positive values and k >= 0")
    per_unit, level = k * (1.0 / np.square(y)).mean(axis=-1), k / np.square(y.mean(axis=-1))
    return Loss(np.asarray(per_unit), np.asarray(level), np.asarray(per_unit - level))


def _split(off_target: FloatArray, spread: FloatArray) -> Loss:
    return Loss(np.asarray(off_target + spread), np.asarray(off_target), np.asarray(spread))


def _not_negative(sd: FloatArray, k: float) -> None:
    if (sd < 0).any() or k < 0:
        raise OutOfRange("needs sd >= 0 and k >= 0")
