"""How long a source may be silent before that is no chance: its rhythm by hour of the week, and a calibrated limit.

The number of arrivals in an hour is negative binomial: its mean depends on the hour of the week, and its variance is
mean + dispersion * mean^2, since what arrives comes in bursts. An hour is empty with the probability

    p = (1 + dispersion * mean) ** (-1 / dispersion),   exp(-mean) without dispersion

and a run of whole empty hours with the product of theirs. Silence is a run whose probability falls to a limit, which is
chosen so that false alarms are as rare as requested. Only whole hours count: when in its hour a source delivers does
not matter, so a nightly batch is no burst of silence afterwards.

Sources: J. M. Hilbe, Negative Binomial Regression (2011), ch. 8; the dispersion by moments, F. J. Anscombe, Biometrika
37 (1950) 358-382. Assumes that hours are independent given the rhythm; holidays, say, are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray
from andon_quality.errors import NotFinite, OutOfRange, TooFew
from andon_quality.result import Result

HOURS = 168
WEEKS_MIN = 2
# Further than this no limit is: exp(-700) is the smallest probability that there is.
_LOG_LEAST = -700.0
_WEEKS_MAX = 520


@dataclass(frozen=True)
class Rhythm(Result):
    """Mean arrivals by hour of the week, shape (168,), and the dispersion that the hours share, 0 or more."""

    mean: FloatArray
    dispersion: float

    @property
    def log_empty(self) -> FloatArray:
        """Logarithm of the probability that an hour is empty, shape (168,)."""
        if self.dispersion == 0:
            return -self.mean
        return np.asarray(-np.log1p(self.dispersion * self.mean) / self.dispersion)


def learn(counts: ArrayLike) -> Rhythm:
    """The rhythm of arrivals per hour. counts: shape (weeks, 168); NaN where nothing was observed.

    The mean is that of the weeks and one more without any arrival, so a short history expects less. Cost: O(weeks).
    Raises TooFew for fewer than 2 weeks, OutOfRange for negative counts or another shape.

    >>> learn(np.full((3, 168), 4.0)).mean[0].item()
    3.0
    """
    observed = np.asarray(counts, dtype=np.float64)
    if observed.ndim != 2 or observed.shape[1] != HOURS:
        raise OutOfRange(f"counts must have the shape (weeks, {HOURS})")
    known = ~np.isnan(observed)
    weeks = known.sum(axis=0)
    if observed.shape[0] < WEEKS_MIN or weeks.min() < WEEKS_MIN:
        raise TooFew(f"a rhythm takes {WEEKS_MIN} weeks")
    if np.isinf(observed).any():
        raise NotFinite("counts must be finite")
    if (observed[known] < 0).any():
        raise OutOfRange("counts must not be negative")
    totals = np.where(known, observed, 0.0).sum(axis=0)
    mean = totals / weeks
    variance = np.where(known, (observed - mean) ** 2, 0.0).sum(axis=0) / (weeks - 1)
    # E[mean of the sample squared] is the squared mean and what the sample's mean varies by.
    squared = float((mean**2 - variance / weeks).sum())
    excess = float((variance - mean).sum())
    dispersion = max(0.0, excess / squared) if squared > 0 else 0.0
    return Rhythm(totals / (weeks + 1), dispersion)


@checked
def hours_until(rhythm: Rhythm, first: int, log_limit: float) -> float:
    """How many whole empty hours from the hour `first` of the week on have at most the probability exp(log_limit).

    Infinite where no number within ten years has. Cost: O(168). Raises OutOfRange for a limit that is no logarithm of a
    probability below 1, or an hour that is none.

    >>> hours_until(Rhythm(np.full(168, 2.0), 0.0), 5, -9.0)
    5.0
    """
    if not log_limit < 0 or not 0 <= first < HOURS:
        raise OutOfRange("needs log_limit < 0 and an hour of 0 to 167")
    return float(_crossings(rhythm, np.array([first]), log_limit)[0][0])


def false_alarms(rhythm: Rhythm, log_limit: float) -> float:
    """Expected false alarms a week of a source whose rhythm is this one: each run of empty hours begins after an hour
    that is not empty, and raises one alarm if it lasts. Cost: O(168). Raises OutOfRange as `hours_until`.

    >>> round(false_alarms(Rhythm(np.full(168, 2.0), 0.0), -9.0), 4)
    0.0066
    """
    if not log_limit < 0:
        raise OutOfRange("needs log_limit < 0")
    hours, log_reached = _crossings(rhythm, np.arange(HOURS), log_limit)
    begun = -np.expm1(np.roll(rhythm.log_empty, 1))
    return float((begun * np.where(np.isinf(hours), 0.0, np.exp(log_reached))).sum())


def limit(rhythm: Rhythm, alarms_per_week: float) -> float:
    """The largest log_limit whose expected false alarms are at most so many a week. Cost: O(168). Raises OutOfRange.

    >>> rhythm = Rhythm(np.full(168, 2.0), 0.0)
    >>> false_alarms(rhythm, limit(rhythm, 0.01)) <= 0.01 < false_alarms(rhythm, limit(rhythm, 0.01) + 2.1)
    True
    """
    if not alarms_per_week > 0:
        raise OutOfRange("alarms_per_week must be positive")
    low, high = _LOG_LEAST, -1e-9
    if false_alarms(rhythm, high) <= alarms_per_week:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        if false_alarms(rhythm, middle) <= alarms_per_week:
            low = middle
        else:
            high = middle
    return low


def _crossings(rhythm: Rhythm, first: NDArray[np.int64], log_limit: float) -> tuple[FloatArray, FloatArray]:
    """Of runs that begin at those hours: how many hours it takes to the limit, and the log probability there."""
    log_empty = rhythm.log_empty
    week = float(log_empty.sum())
    # Sums over one and two weeks from each start; whole weeks before are the same for all of them.
    ahead = np.cumsum(np.concatenate([log_empty, log_empty]))
    ahead = np.concatenate([[0.0], ahead])
    whole = np.zeros(len(first)) if week == 0 else np.full(len(first), np.floor(log_limit / week))
    if week == 0 or whole[0] > _WEEKS_MAX:
        return np.full(len(first), np.inf), np.full(len(first), -np.inf)
    left = log_limit - whole * week
    sums = ahead[first[:, None] + np.arange(HOURS + 1)] - ahead[first][:, None]
    # A sum that is the limit but for rounding has reached it.
    reached = sums <= left[:, None] + 1e-9
    hours = reached.argmax(axis=1)
    return whole * HOURS + hours, whole * week + sums[np.arange(len(first)), hours]
