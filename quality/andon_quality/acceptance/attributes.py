"""Single sampling plans by attributes: inspect n, accept up to c defective units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.acceptance.risks import check_risks
from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import OutOfRange
from andon_quality.plot import curve
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Law = Literal["binomial", "poisson"]
SIZE_MAX, CURVE_POINTS = 1_000_000, 2001


@checked_fields
@dataclass(frozen=True)
class AttributesPlan(Result):
    """Inspect n units, accept the lot with at most `acceptance_number` defective ones.

    lot: units of a lot, drawn from without replacement (hypergeometric); None: a stream of lots, or a lot at least ten
    times n. law without a lot: "binomial" for defective units, "poisson" for defects per unit.
    Raises OutOfRange for n < 1, an acceptance number outside 0..n - 1, or n beyond the lot.
    """

    n: int
    acceptance_number: int
    lot: int | None = None
    law: Law = "binomial"

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.acceptance_number < self.n:
            raise OutOfRange(f"needs n >= 1 and 0 <= acceptance_number < n, got {self.n} and {self.acceptance_number}")
        if self.lot is not None and self.n > self.lot:
            raise OutOfRange(f"n {self.n} is more than the lot of {self.lot}")

    def acceptance(self, defective: ArrayLike) -> FloatArray:
        """The operating characteristic: the probability to accept lots with this share defective, any shape.

        Of a finite lot the number of defective units is rounded. Raises NotFinite, OutOfRange outside 0..1 (Poisson: a
        mean per unit, not negative). Cost O(size).
        Source: Montgomery, Introduction to Statistical Quality Control, 7th ed., 15.2.

        >>> AttributesPlan(89, 2).acceptance([0.01, 0.06]).round(4).tolist()
        [0.9397, 0.0919]
        """
        from scipy.special import bdtr, pdtr

        p = finite(defective)
        if (p < 0.0).any() or (self.law == "binomial" and (p > 1.0).any()):
            raise OutOfRange("the share defective lies in 0..1")
        if self.lot is not None:
            return _hypergeometric(self.acceptance_number, self.lot, np.rint(p * self.lot), self.n)
        if self.law == "poisson":
            return np.asarray(pdtr(self.acceptance_number, self.n * p))
        return np.asarray(bdtr(self.acceptance_number, self.n, p))

    def outgoing(self, defective: ArrayLike, lot: int) -> FloatArray:
        """AOQ: the average share defective that leaves when rejected lots are screened and repaired.

        Pa p (N - n) / N for lots of N. Shapes and errors as `acceptance`.

        >>> AttributesPlan(89, 2).outgoing(0.01, 10_000).round(4).item()
        0.0093
        """
        return np.asarray(self.acceptance(defective) * finite(defective) * (lot - self.n) / lot)

    def outgoing_limit(self, lot: int) -> float:
        """AOQL: the worst average outgoing share, over all incoming ones; to about six digits.

        >>> round(AttributesPlan(89, 2).outgoing_limit(10_000), 4)
        0.0152
        """
        top = 1.0
        for _ in range(3):
            shares = np.linspace(0.0, top, CURVE_POINTS)
            found = self.outgoing(shares, lot)
            top = min(2.0 * float(shares[int(found.argmax())]) + 1e-12, 1.0)
        return float(found.max())

    def inspected(self, defective: ArrayLike, lot: int) -> FloatArray:
        """ATI: how many units of a lot of N are inspected on average, n + (1 - Pa) (N - n), screening rejected lots.

        >>> AttributesPlan(89, 2).inspected(0.01, 10_000).round().item()
        687.0
        """
        return np.asarray(self.n + (1.0 - self.acceptance(defective)) * (lot - self.n))

    def plot(self, axes: Axes | None = None, defective_max: float | None = None) -> Axes:
        """The operating characteristic curve, up to `defective_max` (or where it has fallen). Raises MissingExtra."""
        end = defective_max or min(4.0 * (self.acceptance_number + 1.5) / self.n, 1.0)
        shares = np.linspace(0.0, end, 201)
        return curve(axes, shares, self.acceptance(shares), "share defective", "probability of acceptance")


@checked
def find_attributes_plan(
    aql: float,
    ltpd: float,
    producer_risk: float = 0.05,
    consumer_risk: float = 0.1,
    lot: int | None = None,
    law: Law = "binomial",
) -> AttributesPlan:
    """The plan with the smallest sample that accepts good lots and rejects bad ones as asked.

    P(accept) >= 1 - producer_risk at a share `aql`, and <= consumer_risk at `ltpd` (also called RQL). For each
    acceptance number from 0 on the smallest n that holds for the consumer is found by bisection, until it holds for the
    producer too: exact, no nomograph. lot, law: as `AttributesPlan`; of a lot aql is rounded down and ltpd up to whole
    units. Cost O(c log n). Raises OutOfRange, also where more than a million units, or more than the lot, are needed.
    Source: Guenther, 1969, Journal of Quality Technology 1:100.

    >>> find_attributes_plan(0.01, 0.06)
    AttributesPlan(n=110, acceptance_number=3, lot=None, law='binomial')
    """
    check_risks(aql, ltpd, producer_risk, consumer_risk)
    if lot is not None:
        aql, ltpd = np.floor(aql * lot + 1e-9) / lot, np.ceil(ltpd * lot - 1e-9) / lot
    most = SIZE_MAX if lot is None else lot
    n = 1
    for accepted in range(most):
        n = max(n, accepted + 1)

        def consumer_holds(size: int, accepted: int = accepted) -> bool:
            return float(AttributesPlan(size, accepted, lot, law).acceptance(ltpd)) <= consumer_risk

        found = _first(consumer_holds, n, most)
        if found is None:
            break
        n = found
        plan = AttributesPlan(n, accepted, lot, law)
        if float(plan.acceptance(aql)) >= 1.0 - producer_risk:
            return plan
    raise OutOfRange(f"no plan of at most {most:,} units meets both risks: inspect every unit")


def _first(holds: Callable[[int], bool], low: int, most: int) -> int | None:
    """The smallest number from `low` on that holds, where all above it do; None where none up to `most` does."""
    if low > most:
        return None
    if holds(low):
        return low
    high = low
    while not holds(high):
        if high == most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _hypergeometric(accepted: int, lot: int, bad: FloatArray, n: int) -> FloatArray:
    from scipy.stats import hypergeom

    return np.asarray(hypergeom.cdf(accepted, lot, bad.astype(np.int64), n))
