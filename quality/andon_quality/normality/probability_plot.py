"""The probability plot: ordered values against where a distribution would have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.inference.interval import tail
from andon_quality.normality.normality_test import ordered
from andon_quality.plot import scatter
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PlotFamily = Literal["normal", "lognormal"]
SIZE_MAX = 1_000_000


@dataclass(frozen=True)
class ProbabilityPlot(Result):
    """Points and line of a probability plot, each of shape (n,), in rising order.

    values as given; share: the plotting positions (i - 3/8) / (n + 1/4); score: their normal quantiles. fitted: where
    the line of the mean and standard deviation (lognormal: of logarithms) has that score; lower, upper: between which
    each ordered value lies with the confidence asked for if that line is true, one at a time. beyond: outside of that.
    """

    family: str
    location: float
    scale: float
    confidence: float
    values: FloatArray
    share: FloatArray
    score: FloatArray
    fitted: FloatArray
    lower: FloatArray
    upper: FloatArray

    @property
    def beyond(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return np.asarray((self.values < self.lower) | (self.values > self.upper))

    def plot(self, axes: Axes | None = None) -> Axes:
        """Normal scores over values (lognormal: on a logarithmic scale), with line and band. Raises MissingExtra."""
        drawn = scatter(axes, self.values, self.score, self.fitted, self.score)
        for end in (self.lower, self.upper):
            drawn.plot(end, self.score, linestyle="--", linewidth=1)
        if self.family == "lognormal":
            drawn.set_xscale("log")
        drawn.set_ylabel("normal score")
        return drawn


@checked
def probability_plot(values: ArrayLike, family: PlotFamily = "normal", confidence: float = 0.95) -> ProbabilityPlot:
    """Ordered values against normal scores: normal values lie on a line, and where they do not, it shows how.

    Bent at one end: skewed; an S: heavy or light tails; steps: rounded. The band is that of order statistics, whose
    shares are Beta(i, n + 1 - i), about the fitted line. values: shape (n >= 3,), positive for "lognormal". A test of
    the same plot is `ryan_joiner`. Cost O(n log n). Raises TooFew, NotFinite, NoSpread, OutOfRange, Inconsistent for
    many series.
    Source: Chambers, Cleveland, Kleiner and Tukey, Graphical Methods for Data Analysis (1983), 6.

    >>> found = probability_plot([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> found.score.round(3).tolist(), found.fitted.round(3).tolist()
    ([-1.18, -0.497, 0.0, 0.497, 1.18], [1.135, 2.214, 3.0, 3.786, 4.865])
    """
    from scipy.special import betaincinv, ndtri

    x = ordered(values, 3, SIZE_MAX)
    if x.ndim != 1:
        raise Inconsistent(f"a plot shows one series, got shape {x.shape}: take one of them")
    if family == "lognormal" and not x[0] > 0.0:
        raise OutOfRange("lognormal values are positive")
    on_line = np.log(x) if family == "lognormal" else x
    location, scale = float(on_line.mean()), float(on_line.std(ddof=1))
    place, n = np.arange(1.0, x.size + 1.0), x.size
    share, outside = (place - 0.375) / (n + 0.25), tail(confidence)
    shares = (share, betaincinv(place, n + 1.0 - place, outside), betaincinv(place, n + 1.0 - place, 1.0 - outside))
    lines = [location + scale * ndtri(each) for each in shares]
    fitted, lower, upper = (np.exp(line) for line in lines) if family == "lognormal" else lines
    return ProbabilityPlot(family, location, scale, confidence, x, share, ndtri(share), fitted, lower, upper)
