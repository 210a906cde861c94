"""Pareto: which few causes make up most of the sum.

Assumes amounts that add up (counts, minutes, money) and causes that do not overlap.
Source: J. M. Juran, The non-Pareto principle; mea culpa, Quality Progress 8 (1975) 8-9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from andon_quality import plot
from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REST = "other"


@dataclass(frozen=True)
class Pareto(Result):
    """Causes from the largest amount down, shape (causes,); shares are fractions of 1, cumulative ends at 1.

    vital: how many of the first causes reach the share asked for.
    """

    causes: tuple[str, ...]
    amounts: FloatArray
    shares: FloatArray
    cumulative: FloatArray
    vital: int

    def plot(self, axes: Axes | None = None) -> Axes:
        """Bars from the largest down, with the cumulative share. Raises MissingExtra."""
        return plot.bars(axes, self.causes, self.amounts, self.cumulative)


@checked
def pareto(causes: Sequence[str], amounts: ArrayLike, reach: float = 0.8, at_most: int | None = None) -> Pareto:
    """Causes sorted by amount, ties by name, so the order of input does not matter.

    shares = amounts / their sum. causes, amounts: of one length, amounts in one unit, money if there is a choice.
    Prefer `contribution.additive` for what changed in place of what there is. Assumes causes that do not overlap.
    reach: the cumulative share that the vital few must reach. at_most: bars shown; the smaller causes are summed as
    "other", which comes last whatever its size and is never vital alone. Cost: O(causes log causes). Raises
    Inconsistent when lengths differ or a cause is named twice, OutOfRange for a negative amount or a reach outside (0,
    1], NoSpread when every amount is 0, TooFew without causes, NotFinite. Source: Juran, Quality Control Handbook
    (1951).

    >>> found = pareto(["price", "schedule", "supplier"], [94.0, 33.0, 73.0])
    >>> found.causes, found.cumulative, found.vital
    (('price', 'supplier', 'schedule'), array([0.47 , 0.835, 1.   ]), 2)
    """
    x = finite(amounts, at_least=1)
    _check(causes, x, reach, at_most)
    order = sorted(range(x.size), key=lambda i: (-x[i], causes[i]))
    names, sizes = [causes[i] for i in order], x[order]
    if at_most is not None and x.size > at_most:
        names = [*names[: at_most - 1], REST]
        sizes = np.append(sizes[: at_most - 1], sizes[at_most - 1 :].sum())
    shares = sizes / sizes.sum()
    cumulative = np.cumsum(shares)
    cumulative[-1] = 1.0
    # A share that equals `reach` on paper may fall short of it by a rounding.
    vital = int(np.argmax(cumulative >= reach - 1e-12)) + 1
    return Pareto(tuple(names), sizes, shares, cumulative, vital)


def _check(causes: Sequence[str], x: FloatArray, reach: float, at_most: int | None) -> None:
    if x.ndim != 1 or len(causes) != x.size:
        raise Inconsistent(f"{len(causes)} causes but amounts of shape {x.shape}")
    if len(set(causes)) != len(causes):
        raise Inconsistent("a cause is named twice")
    if (x < 0).any() or not 0 < reach <= 1:
        raise OutOfRange("needs amounts >= 0 and 0 < reach <= 1")
    if at_most is not None and at_most < 2:
        raise OutOfRange(f"at least 2 bars are needed, got {at_most}")
    if not x.sum() > 0:
        raise NoSpread("every amount is 0")
