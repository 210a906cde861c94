"""Bias of a gauge at parts of known value, and whether it changes over the range: linearity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from andon_quality.inference.interval import Interval
from andon_quality.inference.means import one_mean
from andon_quality.plot import scatter
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class BiasAt(Result):
    """The mean deviation from one reference value, in the unit of the values, its interval and two-sided p."""

    reference: float
    n: int
    bias: float
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True)
class Linearity(Result):
    """bias = intercept + slope x reference, and the mean bias at each reference; in the unit of the values.

    slope and intercept with their intervals and two-sided p against 0; residual_sd: repeatability about the line;
    r2: share of the variation of deviations that the line explains. linearity: |slope| x process variation, and
    linearity_share = |slope|, bias_share = |mean bias| / process variation, None without it. is_linear: whether the
    line of no bias lies within the band of the fitted line at every reference, as AIAG judges.
    """

    slope: float
    slope_interval: Interval
    slope_p_value: float
    intercept: float
    intercept_interval: Interval
    intercept_p_value: float
    residual_sd: float
    r2: float
    bias: float
    linearity: float | None
    linearity_share: float
    bias_share: float | None
    is_linear: bool
    parts: tuple[BiasAt, ...]
    references: FloatArray
    deviations: FloatArray

    def plot(self, axes: Axes | None = None) -> Axes:
        """Deviations over references with the fitted line and the line of no bias. Raises MissingExtra."""
        ends = np.array([self.references.min(), self.references.max()])
        drawn = scatter(axes, self.references, self.deviations, ends, self.intercept + self.slope * ends)
        drawn.axhline(0.0, linestyle="--", linewidth=1)
        drawn.set_xlabel("reference")
        drawn.set_ylabel("bias")
        return drawn


@checked
def linearity(
    references: ArrayLike,
    measurements: Sequence[ArrayLike],
    process_variation: float | None = None,
    confidence: float = 0.95,
) -> Linearity:
    """The bias of a gauge at each of some parts of known value, and the line of bias over the reference value.

    references: shape (parts >= 2,), not all alike; measurements: for each part its repeated values, 2 or more, in the
    same unit. process_variation: study variation of the process, 6 sd say. Least squares on every deviation; Student
    intervals. Assumes independent, roughly normal errors of one spread, and references known without error. For the
    bias at one reference alone take `inference.one_mean(values, reference)`. Cost O(values).
    Raises TooFew, NotFinite, NoSpread, Inconsistent, OutOfRange for a process variation that is not positive.
    Source: AIAG, Measurement Systems Analysis, 4th ed. (2010), III B.

    >>> found = linearity([2.0, 4.0], [[2.1, 2.3], [4.0, 3.8]])
    >>> round(found.slope, 3), round(found.bias, 3), [round(part.bias, 2) for part in found.parts]
    (-0.15, 0.05, [0.2, -0.1])
    """
    from scipy.special import stdtr, stdtrit

    known, repeated = finite(references, at_least=2), [finite(values, at_least=2) for values in measurements]
    if known.ndim != 1 or len(repeated) != known.size or any(values.ndim != 1 for values in repeated):
        raise Inconsistent("needs one list of measurements for each reference value")
    if process_variation is not None and not process_variation > 0.0:
        raise OutOfRange(f"process_variation must be positive, got {process_variation}")
    x = np.repeat(known, [values.size for values in repeated])
    y = np.concatenate(repeated) - x
    n, away = x.size, x - x.mean()
    squares = float(np.square(away).sum())
    if n < 3:
        raise TooFew("needs at least three measurements")
    if not squares > 0.0:
        raise NoSpread("the reference values are all the same")
    slope = float((away * y).sum()) / squares
    intercept = float(y.mean()) - slope * float(x.mean())
    residuals, total = y - intercept - slope * x, float(np.square(y - y.mean()).sum())
    residual_ss = float(np.square(residuals).sum())
    sd = (residual_ss / (n - 2)) ** 0.5
    if not sd > 0.0:
        raise NoSpread("the measurements lie on a line, so nothing can be said about their error")
    t = float(stdtrit(n - 2, 0.5 + confidence / 2.0))
    errors = (sd / squares**0.5, sd * (1.0 / n + float(x.mean()) ** 2 / squares) ** 0.5)
    p_values = [
        2.0 * float(stdtr(n - 2, -abs(of / error))) for of, error in zip((slope, intercept), errors, strict=True)
    ]
    band = t * sd * np.sqrt(1.0 / n + np.square(known - x.mean()) / squares)
    bias = float(y.mean())
    return Linearity(
        slope=slope,
        slope_interval=Interval(slope - t * errors[0], slope + t * errors[0], confidence),
        slope_p_value=p_values[0],
        intercept=intercept,
        intercept_interval=Interval(intercept - t * errors[1], intercept + t * errors[1], confidence),
        intercept_p_value=p_values[1],
        residual_sd=sd,
        r2=1.0 - residual_ss / total,
        bias=bias,
        linearity=None if process_variation is None else abs(slope) * process_variation,
        linearity_share=abs(slope),
        bias_share=None if process_variation is None else abs(bias) / process_variation,
        is_linear=bool((np.abs(intercept + slope * known) <= band).all()),
        parts=tuple(_bias_at(float(r), values, confidence) for r, values in zip(known, repeated, strict=True)),
        references=x,
        deviations=y,
    )


def _bias_at(reference: float, values: FloatArray, confidence: float) -> BiasAt:
    found = one_mean(values, reference, confidence)
    ends = found.interval
    return BiasAt(reference, values.size, found.effect, ends.lower, ends.upper, found.p_value)
