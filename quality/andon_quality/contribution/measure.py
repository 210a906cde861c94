"""Which measures can be split over the values of a dimension, and why the others cannot."""

from __future__ import annotations

from enum import Enum

from andon_quality.errors import QualityError


class NotAdditive(QualityError):
    """The parts of this measure do not add up to the whole."""


class MeasureType(Enum):
    """How a figure is made from its events."""

    SUM = "sum"
    COUNT = "count"
    RATIO = "ratio"
    MEAN = "mean"
    DISTINCT_COUNT = "distinct count"
    MEDIAN = "median"
    QUANTILE = "quantile"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SPREAD = "spread"


REASONS = {
    MeasureType.DISTINCT_COUNT: "one thing may be counted under several values, so the parts exceed the whole",
    MeasureType.MEDIAN: "the median of the whole is no sum or weighted mean of the medians of its parts",
    MeasureType.QUANTILE: "a quantile of the whole is no sum or weighted mean of the quantiles of its parts",
    MeasureType.MINIMUM: "the minimum belongs to one part; others cannot share in it",
    MeasureType.MAXIMUM: "the maximum belongs to one part; others cannot share in it",
    MeasureType.SPREAD: "the spread of the whole also holds the distance between the parts",
}


def refuse_unless_additive(measure: MeasureType) -> None:
    """Raises NotAdditive with the reason unless contributions to `measure` can add up. O(1).

    Assumes values that do not overlap for a sum and a count: whether they do, `additive` sees by its `totals`.

    >>> refuse_unless_additive(MeasureType.MAXIMUM)
    Traceback (most recent call last):
    andon_quality.contribution.measure.NotAdditive: maximum: the maximum belongs to one part; others cannot share in it
    """
    if measure in REASONS:
        raise NotAdditive(f"{measure.value}: {REASONS[measure]}")
