"""The windows before an action: which of them it is compared with, which show how windows vary, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from andon_quality.effect import BaselineLevel, Season, ShareCounts, baseline_level, fit_season
from andon_quality.errors import NoSpread, TooFew
from numpy.typing import NDArray

from services.improvement.model import ProofPlan, Reading
from services.improvement.window_kinds import CYCLES, HISTORY_WINDOWS_MAX

# The level may rest on a few windows, since the variation is learnt from the history; below this it is no level.
BEFORE_WINDOWS_MIN = 4
SPREAD_WINDOWS_MIN = 8
# In the size of the values.
ROUNDING = 1e-12


class NotEnoughWindows(Exception):
    """Too few windows before or after the action, or windows that do not vary at all."""


@dataclass(frozen=True)
class History:
    """`season`: of the windows that the variation is learnt from; `baseline`: what an action is compared with."""

    before: tuple[Reading, ...]
    season: Season
    baseline: BaselineLevel

    def adjusted(self, readings: Sequence[Reading]) -> NDArray[np.float64]:
        """The values, seasonally adjusted."""
        return self.season.without(*_columns(readings))


def learn(plan: ProofPlan, window: str, readings: Sequence[Reading]) -> History:
    """Uses nothing that happened after the action began. O(n^1.5) in the windows of the history."""
    most = HISTORY_WINDOWS_MAX.get(window, len(readings))
    before = [
        one
        for one in readings
        if any(start_us <= one.start_us and one.end_us <= end_us for start_us, end_us in plan.baseline_intervals)
    ][-most:]
    if len(before) < BEFORE_WINDOWS_MIN:
        raise NotEnoughWindows(f"{len(before)} windows before the action, {BEFORE_WINDOWS_MIN} are needed")
    clean = [one for one in readings if one.end_us <= plan.spread_end_us][-most:]
    spread = clean if len(clean) >= SPREAD_WINDOWS_MIN else before
    if len(spread) < SPREAD_WINDOWS_MIN:
        raise NotEnoughWindows(f"{len(spread)} windows to learn the spread from, {SPREAD_WINDOWS_MIN} are needed")
    length_us = spread[-1].end_us - spread[-1].start_us
    season = fit_season(*_columns(spread), length_us, CYCLES.get(window, ()))
    levels, calm = season.without(*_columns(before)), season.without(*_columns(spread))
    hits: tuple[ShareCounts | None, ShareCounts | None] = (None, None)
    if all(map(_is_share, (*before, *spread))):
        hits = _hits(before), _hits(spread)
    try:
        baseline = baseline_level(levels, calm, season.fitted, *hits)
    except (NoSpread, TooFew) as error:
        raise NotEnoughWindows(str(error)) from error
    if np.ptp(calm) <= ROUNDING * max(1.0, float(np.abs(calm).max())):
        # Windows that do not vary neither hang together nor drift: what is computed of rounding says nothing.
        baseline = replace(baseline, lag1_autocorrelation=0.0, drift=0.0)
    return History(tuple(before), season, baseline)


def _is_share(one: Reading) -> bool:
    """Of zeros and ones the sum of squares is the sum. What has a value without a case is a sum."""
    return one.count > 0 and one.squares == one.total and one.value <= 1


def _hits(readings: Sequence[Reading]) -> ShareCounts:
    totals, counts = [one.total for one in readings], [one.count for one in readings]
    return ShareCounts(np.array(totals, dtype=np.float64), np.array(counts, dtype=np.float64))


def _columns(readings: Sequence[Reading]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and values. A microsecond of a time after 1970 needs 51 bits of the 53 that a float64 has."""
    starts, values = [one.start_us for one in readings], [one.value for one in readings]
    return np.array(starts, dtype=np.float64), np.array(values, dtype=np.float64)
