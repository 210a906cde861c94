"""What a gauge study finds: where variation comes from, and whether the measurement system can tell parts apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked_fields
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.inference.interval import Interval, tail
from andon_quality.plot import grouped_bars
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of AIAG: the gauge's share of the study variation.
ACCEPTABLE_BELOW, CONDITIONAL_UP_TO = 0.1, 0.3
DRAWS = 10_000


class GaugeGrade(Enum):
    """By the gauge's share of the study variation: below 10 %, up to 30 %, above (AIAG, chapter II, section D)."""

    ACCEPTABLE = "acceptable"
    CONDITIONAL = "conditional"
    UNACCEPTABLE = "unacceptable"


@dataclass(frozen=True)
class AnovaRow(Result):
    """One source of variation: degrees of freedom, sum and mean of squares, F and p; None where nothing is tested."""

    source: str
    df: int
    sum_of_squares: float
    mean_square: float
    f: float | None
    p_value: float | None


@dataclass(frozen=True)
class VarianceComponent(Result):
    """The variance of one source, in the squared unit of the values, and what it is of all of it, in shares of 1.

    contribution_share: of the total variance; study_variation: `study_sigmas` standard deviations; study_share: of the
    total study variation (these do not sum to 1); tolerance_share: study_variation / tolerance, None without one.
    """

    variance: float
    sd: float
    contribution_share: float
    study_variation: float
    study_share: float
    tolerance_share: float | None


@checked_fields
@dataclass(frozen=True)
class GaugeStudy(Result):
    """Variance components of a measurement system; gauge = repeatability + reproducibility, total = gauge + part.

    reproducibility = operator + interaction; interaction is None where the design cannot show it, or where it was
    pooled with repeatability. gauge_sd, gauge_study_share: the intervals of these two figures of the gauge.
    distinct_categories: how many groups of parts the gauge separates, floor(sqrt(2) part sd / gauge sd), at least 1;
    AIAG asks for 5. None where the gauge showed no variation at all.
    """

    gauge: VarianceComponent
    repeatability: VarianceComponent
    reproducibility: VarianceComponent
    operator: VarianceComponent
    interaction: VarianceComponent | None
    part: VarianceComponent
    total: VarianceComponent
    gauge_sd: Interval
    gauge_study_share: Interval
    distinct_categories: int | None
    grade: GaugeGrade
    anova: tuple[AnovaRow, ...]

    def plot(self, axes: Axes | None = None) -> Axes:
        """The shares of gauge, repeatability, reproducibility and part as bars. Raises MissingExtra."""
        shown = {name: getattr(self, name) for name in ("gauge", "repeatability", "reproducibility", "part")}
        heights = {
            "contribution": np.array([each.contribution_share for each in shown.values()]),
            "study variation": np.array([each.study_share for each in shown.values()]),
        }
        return grouped_bars(axes, list(shown), heights)


@dataclass(frozen=True)
class Variances:
    """The variance of each source, all of one shape; interaction None where the design has none."""

    repeatability: FloatArray
    operator: FloatArray
    interaction: FloatArray | None
    part: FloatArray

    def reproducibility(self) -> FloatArray:
        return self.operator if self.interaction is None else np.asarray(self.operator + self.interaction)

    def gauge(self) -> FloatArray:
        return np.asarray(self.repeatability + self.reproducibility())


Components = Callable[[Sequence[FloatArray]], Variances]


def arranged(parts: Sequence[str], operators: Sequence[str], values: ArrayLike) -> FloatArray:
    """Measurements as they are listed, put into the table (parts, operators, repeats) that `crossed` takes.

    parts, operators: who measured what, a name for each of values, shape (n,); rows and columns come in the order of
    names. Repeats stay in the order given. Cost O(n log n). Raises NotFinite, Inconsistent unless every operator has
    measured every part equally often.

    >>> arranged(["a", "b", "a", "b"], ["x", "x", "y", "y"], [1.0, 2.0, 3.0, 4.0]).tolist()
    [[[1.0], [3.0]], [[2.0], [4.0]]]
    """
    measured = finite(values)
    if measured.shape != (len(parts),) or len(parts) != len(operators):
        raise Inconsistent("needs a part and an operator for every value")
    (part_names, at_part), (operator_names, at_operator) = (
        np.unique(np.asarray(names, dtype=str), return_inverse=True) for names in (parts, operators)
    )
    cells = at_part * len(operator_names) + at_operator
    times = np.bincount(cells, minlength=len(part_names) * len(operator_names))
    if (times != times[0]).any() or not times[0]:
        raise Inconsistent("every operator must measure every part equally often")
    order = np.argsort(cells, kind="stable")
    return measured[order].reshape(len(part_names), len(operator_names), times[0])


def study(
    rows: Sequence[AnovaRow],
    components: Components,
    tolerance: float | None,
    study_sigmas: float,
    confidence: float,
    seed: int,
) -> GaugeStudy:
    """The study of these mean squares, and its intervals by generalised inference.

    components: the variances that mean squares mean, those that come out negative as 0; it is used on the mean squares
    found and, for the intervals, on 10,000 draws of df x mean square / chi-square(df) of each. tolerance: upper minus
    lower specification limit. Cost O(rows), a millisecond. Raises OutOfRange, NoSpread where nothing varies.
    Source: Hamada and Weerahandi, 2000, Journal of Quality Technology 32:241.

    >>> row = tested("repeatability", 10, 10.0, None)
    >>> alone = lambda squares: Variances(squares[0], 0.0 * squares[0], None, 3.0 * squares[0])
    >>> found = study([row], alone, None, 6.0, 0.95, 0)
    >>> found.distinct_categories, round(found.gauge.sd, 3)
    (2, 1.0)
    """
    if not (study_sigmas > 0.0 and (tolerance is None or tolerance > 0.0)):
        raise OutOfRange("study_sigmas and tolerance must be positive")
    found = components([np.asarray(row.mean_square) for row in rows])
    gauge, total = float(found.gauge()), float(found.gauge() + found.part)
    if not total > 0.0:
        raise NoSpread("every measurement is the same")
    random = np.random.default_rng(seed)
    drawn = components([row.mean_square * row.df / random.chisquare(row.df, DRAWS) for row in rows])
    sds, shares = np.sqrt(drawn.gauge()), np.sqrt(drawn.gauge() / (drawn.gauge() + drawn.part))

    def component(value: FloatArray) -> VarianceComponent:
        variance = float(value)
        sd = math.sqrt(variance)
        spread = study_sigmas * sd
        share = spread / tolerance if tolerance is not None else None
        return VarianceComponent(variance, sd, variance / total, spread, sd / math.sqrt(total), share)

    share = math.sqrt(gauge / total)
    beyond = GaugeGrade.CONDITIONAL if share <= CONDITIONAL_UP_TO else GaugeGrade.UNACCEPTABLE
    return GaugeStudy(
        gauge=component(found.gauge()),
        repeatability=component(found.repeatability),
        reproducibility=component(found.reproducibility()),
        operator=component(found.operator),
        interaction=None if found.interaction is None else component(found.interaction),
        part=component(found.part),
        total=component(found.gauge() + found.part),
        gauge_sd=_between(sds, confidence),
        gauge_study_share=_between(shares, confidence),
        distinct_categories=max(int(math.sqrt(2.0 * float(found.part) / gauge)), 1) if gauge > 0.0 else None,
        grade=GaugeGrade.ACCEPTABLE if share < ACCEPTABLE_BELOW else beyond,
        anova=tuple(rows),
    )


def _between(drawn: FloatArray, confidence: float) -> Interval:
    outside = tail(confidence)
    lower, upper = np.quantile(drawn, [outside, 1.0 - outside])
    return Interval(float(lower), float(upper), confidence)


def tested(source: str, df: int, sum_of_squares: float, against: AnovaRow | None) -> AnovaRow:
    """A row of the analysis of variance, its F against the mean square of another.

    >>> tested("part", 2, 12.0, tested("repeatability", 6, 12.0, None)).f
    3.0
    """
    from scipy.special import fdtrc

    mean_square = sum_of_squares / df
    if against is None or not against.mean_square > 0.0:
        return AnovaRow(source, df, sum_of_squares, mean_square, None, None)
    f = mean_square / against.mean_square
    return AnovaRow(source, df, sum_of_squares, mean_square, f, float(fdtrc(df, against.df, f)))
