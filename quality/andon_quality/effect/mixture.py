"""A weighted mixture of Student distributions, or one for each of many series."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from andon_quality.arrays import FloatArray, IntArray
from andon_quality.effect.student import tail

# A quantile is settled once it moves by less than this share of the mixture's spread.
CLOSE = 1e-12
STEPS_MAX = 100


@dataclass(frozen=True)
class Mixture:
    """Means, spreads and weights of the components, shape (series, components), the weights of a series adding to 1."""

    means: FloatArray
    spreads: FloatArray
    weights: FloatArray
    df: float

    def middle(self) -> FloatArray:
        """The mean of each mixture, shape (series,). O(components) each."""
        return np.asarray((self.weights * self.means).sum(axis=-1))

    def spread(self) -> FloatArray:
        """The scale of a Student distribution with the mixture's first two moments, shape (series,)."""
        away = np.square(self.means - self.middle()[..., None])
        return np.asarray(np.sqrt((self.weights * (np.square(self.spreads) + away)).sum(axis=-1)))

    def below(self, points: FloatArray) -> FloatArray:
        """P(X <= point) for a point a series, shape (series,). O(components) each; scipy is imported on use.

        >>> one = Mixture(np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1)), 5.0)
        >>> one.below(np.zeros(1)).tolist()
        [0.5]
        """
        return np.asarray((self.weights * tail(self._standardised(points), self.df)).sum(axis=-1))

    def quantile(self, share: float) -> FloatArray:
        """The points with P(X <= point) = share, shape (series,): Newton's steps, halving where they leave the bracket.

        Each series takes the steps that it takes alone. 0 < share < 1. O(components) a step, fewer than ten steps
        mostly; scipy is imported on use. Source: Press et al., Numerical Recipes, 3rd ed. (2007) 9.4.

        >>> one = Mixture(np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1)), 10.0)
        >>> one.quantile(0.975).round(6).tolist()
        [2.228139]
        """
        from scipy.special import stdtrit

        far = -float(stdtrit(self.df, min(share, 1 - share) / 50)) * self.spreads.max(axis=-1)
        low, high = self.means.min(axis=-1) - far, self.means.max(axis=-1) + far
        spread = self.spread()
        points = self.middle() + float(stdtrit(self.df, share)) * spread
        moving: IntArray = np.arange(len(points))
        for _ in range(STEPS_MAX):
            part, at = self._of(moving), points[moving]
            over = part.below(at) - share
            low[moving], high[moving] = np.where(over < 0, at, low[moving]), np.where(over < 0, high[moving], at)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                to = at - over / part._density(at)
            inside = (to >= low[moving]) & (to <= high[moving])
            points[moving] = np.where(inside, to, (low[moving] + high[moving]) / 2)
            moving = moving[np.abs(points[moving] - at) > CLOSE * spread[moving]]
            if moving.size == 0:
                break
        return points

    def _standardised(self, points: FloatArray) -> FloatArray:
        return np.asarray((points[..., None] - self.means) / self.spreads)

    def _density(self, points: FloatArray) -> FloatArray:
        v = self.df
        factor = math.exp(math.lgamma((v + 1) / 2) - math.lgamma(v / 2)) / math.sqrt(v * math.pi)
        heights = np.exp(-(v + 1) / 2 * np.log1p(np.square(self._standardised(points)) / v)) / self.spreads
        return np.asarray(factor * (self.weights * heights).sum(axis=-1))

    def _of(self, series: IntArray) -> Mixture:
        return Mixture(self.means[series], self.spreads[series], self.weights[series], self.df)
