"""Single sampling plans by variables: accept where the mean lies at least k standard deviations within the limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.acceptance.risks import check_risks
from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.plot import curve
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_MAX = 1_000_000


@checked_fields
@dataclass(frozen=True)
class VariablesPlan(Result):
    """Measure n units; accept where (upper - mean) / sd >= k, or (mean - lower) / sd >= k, whichever limit there is.

    is_sd_known: with the standard deviation of the process, else with that of the sample (the k method).
    Raises OutOfRange for fewer than 1 unit (2 with an unknown standard deviation).
    """

    n: int
    k: float
    is_sd_known: bool = False

    def __post_init__(self) -> None:
        if self.n < (1 if self.is_sd_known else 2) or not math.isfinite(self.k):
            raise OutOfRange(f"needs n >= {1 if self.is_sd_known else 2} and a finite k, got {self.n} and {self.k}")

    def acceptance(self, defective: ArrayLike) -> FloatArray:
        """The operating characteristic: the probability to accept lots with this share beyond the limit, any shape.

        Known: Phi(sqrt(n) (z - k)), z the normal quantile of 1 - p; unknown: noncentral t, exact. Assumes normal
        values: far in the tails a share of defectives rests on it. Raises NotFinite, OutOfRange outside 0..1.
        Source: Montgomery, Introduction to Statistical Quality Control, 7th ed., 16.2.

        >>> VariablesPlan(40, 1.9).acceptance([0.01, 0.06]).round(3).tolist()
        [0.948, 0.105]
        """
        from scipy.special import ndtr, ndtri
        from scipy.stats import nct

        p = finite(defective)
        if ((p < 0.0) | (p > 1.0)).any():
            raise OutOfRange("the share defective lies in 0..1")
        inside = np.clip(p, 1e-300, 1.0 - 1e-16)
        z, root = -ndtri(inside), math.sqrt(self.n)
        found = ndtr(root * (z - self.k)) if self.is_sd_known else nct.sf(root * self.k, self.n - 1, root * z)
        return np.asarray(np.where(p == 0.0, 1.0, np.where(p == 1.0, 0.0, found)))

    def accepts(
        self, values: ArrayLike, lower: float | None = None, upper: float | None = None, sd: float | None = None
    ) -> bool:
        """Whether a lot with these measurements, shape (n,), is accepted; exactly one limit, in their unit.

        sd: of the process, where the plan knows it. Raises Inconsistent for another number of values, both limits or
        none, or an sd where none belongs; NoSpread, NotFinite.

        >>> VariablesPlan(4, 1.5).accepts([9.0, 10.0, 11.0, 10.0], upper=12.0)
        True
        """
        x = finite(values)
        if x.shape != (self.n,):
            raise Inconsistent(f"the plan measures {self.n} units, got shape {x.shape}")
        if (lower is None) == (upper is None):
            raise Inconsistent("needs one limit, lower or upper")
        if (sd is not None) != self.is_sd_known:
            raise Inconsistent("needs the sd of the process where, and only where, the plan knows it")
        spread = float(x.std(ddof=1)) if sd is None else sd
        if not spread > 0.0:
            raise NoSpread("every value is equal")
        distance = upper - float(x.mean()) if upper is not None else float(x.mean()) - (lower or 0.0)
        return distance / spread >= self.k

    def plot(self, axes: Axes | None = None, defective_max: float | None = None) -> Axes:
        """The operating characteristic curve, up to `defective_max` (or where it has fallen). Raises MissingExtra."""
        from scipy.special import ndtr

        end = defective_max or float(ndtr(3.0 * math.sqrt((1.0 + self.k**2 / 2.0) / self.n) - self.k))
        shares = np.linspace(0.0, end, 201)
        return curve(axes, shares, self.acceptance(shares), "share defective", "probability of acceptance")


@checked
def find_variables_plan(
    aql: float, ltpd: float, producer_risk: float = 0.05, consumer_risk: float = 0.1, is_sd_known: bool = False
) -> VariablesPlan:
    """The plan with the smallest sample that accepts good lots and rejects bad ones as asked, one limit.

    Known sd: n = ((z_a + z_b) / (z_1 - z_2))^2 rounded up; unknown: the smallest n at which the k that just holds for
    the consumer holds for the producer too, by noncentral t. k is halfway between what either needs, so that rounding n
    up helps both. Arguments as `find_attributes_plan`, which needs no normal values and many more of them. Cost some
    forty quantiles. Raises OutOfRange, Inconsistent.
    Source: Lieberman and Resnikoff, 1955, Journal of the American Statistical Association 50:457.

    >>> found = find_variables_plan(0.05, 0.15, 0.05, 0.075, is_sd_known=True)
    >>> found.n, round(found.k, 3)
    (26, 1.321)
    """
    from scipy.special import ndtri

    check_risks(aql, ltpd, producer_risk, consumer_risk)
    good, bad = -float(ndtri(aql)), -float(ndtri(ltpd))
    known = ((float(ndtri(producer_risk)) + float(ndtri(consumer_risk))) / (good - bad)) ** 2
    low, high = 1, max(math.ceil(known), 2)
    if is_sd_known:
        n = math.ceil(known - 1e-9)
        least, most = (
            bad - float(ndtri(consumer_risk)) / math.sqrt(n),
            good + float(ndtri(producer_risk)) / math.sqrt(n),
        )
        return VariablesPlan(n, (least + most) / 2.0, True)
    # The estimate of the standard deviation costs about 1 + k^2 / 2 times the units.
    while not _reaches(high, good, bad, producer_risk, consumer_risk):
        low, high = high, 2 * high
        if high > SIZE_MAX:
            raise OutOfRange(f"more than {SIZE_MAX:,} units are needed: the shares are too close")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _reaches(middle, good, bad, producer_risk, consumer_risk) else (middle, high)
    return VariablesPlan(high, sum(_ends(high, good, bad, producer_risk, consumer_risk)) / 2.0)


def _reaches(n: int, good: float, bad: float, producer_risk: float, consumer_risk: float) -> bool:
    least, most = _ends(n, good, bad, producer_risk, consumer_risk)
    return least <= most


def _ends(n: int, good: float, bad: float, producer_risk: float, consumer_risk: float) -> tuple[float, float]:
    """The k that the consumer needs at least, and the producer at most."""
    from scipy.stats import nct

    root = math.sqrt(n)
    return (
        float(nct.isf(consumer_risk, n - 1, root * bad)) / root,
        float(nct.ppf(producer_risk, n - 1, root * good)) / root,
    )
