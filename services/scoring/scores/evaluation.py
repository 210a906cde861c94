"""Evaluates the exact statistics of windows: value, state and points, and the roll-up over the hierarchy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from andon_quality import composite as rollup
from andon_quality.errors import QualityError
from andon_quality.normalisation import target_score

from services.scoring.scores.results import Score, ScoreState
from services.scoring.scores.statistics import PartStats
from services.scoring.system.hierarchy import Tree
from services.scoring.system.model import Aggregate, Direction, Indicator, IndicatorSystem, Target, Window
from services.scoring.system.series import SeriesKey, series_key
from services.scoring.system.windows import WindowId

FULL = 100.0
# Shares of weights such as 1/3 do not sum to exactly 1.
ROUNDING = 1e-9
Bounds = tuple[float | None, float | None, float | None]
UNDECIDED: tuple[ScoreState, Bounds] = (ScoreState.NOT_ENOUGH_DATA, (None, 0.0, FULL))


def value_of(indicator: Indicator, stats: PartStats, resolution: float) -> float | None:
    """The aggregate in the reported unit. None: nothing was observed."""
    if stats.count == 0:
        return None
    match indicator.aggregate:
        case Aggregate.MEAN | Aggregate.SHARE | Aggregate.UNSPECIFIED:
            return stats.mean(resolution)
        case Aggregate.SUM:
            return stats.sum(resolution)
        case Aggregate.MEDIAN:
            return stats.median(resolution)
        case Aggregate.QUANTILE:
            return stats.quantile(indicator.quantile, resolution)
        case Aggregate.MINIMUM:
            return stats.quantile(0.0, resolution)
        case Aggregate.MAXIMUM:
            return stats.quantile(1.0, resolution)
        case _:
            assert_never(indicator.aggregate)


def is_met(direction: Direction, target: Target, value: float) -> bool:
    match direction:
        case Direction.LOWER_IS_BETTER:
            return value <= target.value
        case Direction.HIGHER_IS_BETTER:
            return value >= target.value
        case Direction.TARGET_IS_BETTER:
            low, high = _range(target)
            return low <= value <= high
        case Direction.UNSPECIFIED:
            raise ValueError("without a direction nothing is met")
        case _:
            assert_never(direction)


def points_of(direction: Direction, target: Target, values: Sequence[float]) -> list[float]:
    """0 (worst) to 100 (target met); all or nothing where `worst` leaves no room."""
    try:
        points: list[float] = target_score(values, *_goal(direction, target)).tolist()
    except QualityError:
        return [FULL if is_met(direction, target, value) else 0.0 for value in values]
    return points


def _goal(direction: Direction, target: Target) -> tuple[float | tuple[float, float], float | tuple[float, float]]:
    if direction is Direction.TARGET_IS_BETTER:
        reach = abs(target.value) if target.worst is None else abs(target.worst - target.value)
        return _range(target), (target.value - reach, target.value + reach)
    if target.worst is not None:
        return target.value, target.worst
    return target.value, 2.0 * target.value if direction is Direction.LOWER_IS_BETTER else 0.0


def _range(target: Target) -> tuple[float, float]:
    low = target.value if target.lower is None else target.lower
    return low, target.value if target.upper is None else target.upper


@dataclass(frozen=True, slots=True)
class Observed:
    """What all partitions together observed of one series in one window."""

    series: SeriesKey
    window: WindowId
    stats: PartStats
    complete: bool


def evaluate(system: IndicatorSystem, indicator: Indicator, observed: Sequence[Observed]) -> list[Score]:
    """The scores of series of one indicator, at their first revision."""
    resolution = system.spec.resolution(indicator)
    values = [value_of(indicator, one.stats, resolution) for one in observed]
    return [
        Score(
            series=one.series,
            window=one.window,
            value=value,
            count=one.stats.count,
            unobserved=one.stats.unobserved,
            state=state,
            points=points,
            points_low=low,
            points_high=high,
            complete=one.complete,
            version=system.version,
            total=one.stats.total,
            squares=one.stats.squares,
            resolution=resolution,
        )
        for one, value, (state, (points, low, high)) in zip(
            observed, values, _verdicts(indicator, observed, values), strict=True
        )
    ]


def _verdicts(
    indicator: Indicator, observed: Sequence[Observed], values: Sequence[float | None]
) -> list[tuple[ScoreState, Bounds]]:
    enough = [
        None if value is None or one.stats.count < indicator.count_min else value
        for one, value in zip(observed, values, strict=True)
    ]
    if indicator.target is None or not indicator.has_points:
        states = (ScoreState.NOT_ENOUGH_DATA if value is None else ScoreState.NO_TARGET for value in enough)
        return [(state, (None, None, None)) for state in states]
    target, direction = indicator.target, indicator.direction
    points = iter(points_of(direction, target, [value for value in enough if value is not None]))
    verdicts: list[tuple[ScoreState, Bounds]] = []
    for value in enough:
        if value is None:
            verdicts.append(UNDECIDED)
        else:
            here = next(points)
            state = ScoreState.MET if is_met(direction, target, value) else ScoreState.MISSED
            verdicts.append((state, (here, here, here)))
    return verdicts


def composites_of(
    system: IndicatorSystem, tree: Tree, window: Window, at: WindowId, leaves: Mapping[str, Score], complete: bool
) -> list[Score]:
    """The score of every composite in one window, from the whole scores of its indicators."""
    present = [leaves.get(leaf.name) for leaf in tree.leaves]
    given = [float("nan") if score is None or score.points is None else score.points for score in present]
    rolled = rollup.composite(given, tree.weights)
    count = max((score.count for score in present if score), default=0)
    scores: list[Score] = []
    for index, node in tree.composites:
        low, high = min(float(rolled.node_low[index]), FULL), min(float(rolled.node_high[index]), FULL)
        exact = low if low == high else None
        if exact is None:
            state = ScoreState.NOT_ENOUGH_DATA
        else:
            state = ScoreState.MET if exact >= FULL - ROUNDING else ScoreState.MISSED
        series = series_key(system, node.name, window)
        scores.append(Score(series, at, exact, count, state, exact, low, high, complete, system.version))
    return scores
