"""What the windows before an action say: the level it is compared with, and how far windows vary by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from andon_quality.effect.autocorrelation import MeanOfDependent, lag1, mean_of_dependent
from andon_quality.effect.long_run import long_run_variance
from numpy.typing import NDArray

from services.improvement.model import ProofPlan, Reading
from services.improvement.season import HISTORY_WINDOWS_MAX, Season, learn_season

# The level may rest on a few windows, for chance is judged by the history; below this it is no level.
BEFORE_WINDOWS_MIN = 4
SPREAD_WINDOWS_MIN = 8

Values = NDArray[np.float64]


class NotEnoughWindows(Exception):
    """Too few windows before or after the action, or windows that do not vary at all."""


@dataclass(frozen=True)
class History:
    """`variance`: of one window, so that a mean of n has variance / n whatever the dependence; `df` behind it.

    `dependence`: correlation of neighbours. `drift`: second half less first half of the spread windows, in standard
    errors. `scale`: how much wider windows vary at the level of before than where their spread was learnt.
    """

    before: tuple[Reading, ...]
    spread: tuple[Reading, ...]
    season: Season
    level: float
    variance: float
    df: float
    marginal: float
    dependence: float
    drift: float
    scale: float


def learn(plan: ProofPlan, window: str, readings: Sequence[Reading]) -> History:
    """Uses nothing that happened after the action began. O(n^1.5) in the windows of the history."""
    most = HISTORY_WINDOWS_MAX.get(window, len(readings))
    before = [
        one for one in readings if any(s <= one.start_us and one.end_us <= e for s, e in plan.baseline_intervals)
    ][-most:]
    if len(before) < BEFORE_WINDOWS_MIN:
        raise NotEnoughWindows(f"{len(before)} windows before the action, {BEFORE_WINDOWS_MIN} are needed")
    clean = [one for one in readings if one.end_us <= plan.spread_end_us][-most:]
    spread = clean if len(clean) >= SPREAD_WINDOWS_MIN else before
    if len(spread) < SPREAD_WINDOWS_MIN:
        raise NotEnoughWindows(f"{len(spread)} windows to learn the spread from, {SPREAD_WINDOWS_MIN} are needed")
    return _learnt(before, spread, learn_season(window, spread))


def _learnt(before: Sequence[Reading], spread: Sequence[Reading], season: Season) -> History:
    level, calm = season.without(before), season.without(spread)
    per_window, df = long_run_variance(calm, season.fitted)
    marginal = float(calm.var()) * calm.size / (calm.size - season.fitted)
    dependence = lag1([calm])
    scale, scale_degrees = _scale(before, spread, mean_of_dependent(level, dependence), marginal)
    floor = sampling_variance(before) if is_share([*before, *spread]) else 0.0
    variance = max(per_window * scale, floor)
    if variance <= 1e-24 * max(1.0, float(np.abs(calm).max()) ** 2):
        raise NotEnoughWindows("the windows before the action do not vary, so nothing tells a change from chance")
    return History(
        before=tuple(before),
        spread=tuple(spread),
        season=season,
        level=float(level.mean()),
        variance=variance,
        df=1 / (1 / df + 1 / scale_degrees),
        marginal=max(marginal * scale, floor),
        dependence=dependence,
        drift=_drift(calm, per_window),
        scale=scale,
    )


def _scale(
    before: Sequence[Reading], spread: Sequence[Reading], level: MeanOfDependent, marginal: float
) -> tuple[float, float]:
    """At another level windows vary otherwise: a share as its counts say, anything else as the windows of before show.

    Never below 1, and the degrees of freedom behind the figure.
    """
    if is_share([*before, *spread]):
        usual = sampling_variance(spread)
        return max(1.0, sampling_variance(before) / usual), math.inf
    ratio = level.variance * level.independent_points / marginal if marginal > 0 else 1.0
    return (ratio, max(level.independent_points - 1, 1.0)) if ratio > 1 else (1.0, math.inf)


def sampling_variance(readings: Sequence[Reading]) -> float:
    """p (1 - p) / n of a window, averaged; p drawn a little towards a half, so that 0 of n is not certainty."""
    cases = sum(one.count for one in readings)
    share = (sum(one.total for one in readings) + 2) / (cases + 4)
    return share * (1 - share) * sum(1 / max(one.count, 1) for one in readings) / len(readings)


def is_share(readings: Sequence[Reading]) -> bool:
    """Of zeros and ones the sum of squares is the sum."""
    return all(one.squares == one.total and one.value <= 1 for one in readings)


def _drift(calm: Values, per_window: float) -> float:
    half = calm.size // 2
    error = math.sqrt(4 * per_window / calm.size)
    return float(calm[half:].mean() - calm[:half].mean()) / error if error > 0 else 0.0
