"""What the latest windows of one series say together: common cause or a change, and whether its target is in reach.

Source of variation and assurance as two questions, each with its own answer: NHS England, Making data count (2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from andon_quality import rules
from andon_quality.control import chart as control
from andon_quality.control import proportion, xmr
from andon_quality.errors import NoSpread

from services.scoring.scores.results import Score, ScoreState, Signal
from services.scoring.system.case_model import Text
from services.scoring.system.chart_scheme import RULES
from services.scoring.system.model import Aggregate, Direction, Indicator, Target

POINTS_ENOUGH = 12
# One point beyond 3 sigma, or eight on one side.
SCREENING = (RULES["WE1"], RULES["WE4"])


class Variation(Enum):
    UNKNOWN = "unknown"
    COMMON_CAUSE = "common cause"
    IMPROVING = "improving"
    WORSENING = "worsening"
    SHIFTED = "shifted"


class Assurance(Enum):
    UNKNOWN = "unknown"
    MET = "consistently met"
    MISSED = "consistently missed"
    HIT_OR_MISS = "hit or miss"


@dataclass(frozen=True)
class ProcessLimits:
    centre: float
    lower: float
    upper: float


@dataclass(frozen=True)
class SeriesSummary:
    """latest, previous: complete windows with enough data. limits None: too few points."""

    latest: Score | None
    previous: Score | None
    variation: Variation
    assurance: Assurance
    limits: ProcessLimits | None
    explanation: Text


def summary_of(scores: Sequence[Score], signals: Sequence[Signal], indicator: Indicator | None) -> SeriesSummary:
    """scores: the latest windows in order of time. signals: active in them. indicator None: a composite."""
    points = [
        one for one in scores if one.complete and one.value is not None and one.state is not ScoreState.NOT_ENOUGH_DATA
    ]
    latest, previous = (points[-place] if len(points) >= place else None for place in (1, 2))
    direction = Direction.HIGHER_IS_BETTER if indicator is None else indicator.direction
    alarms = [one for one in signals if latest is not None and one.window == latest.window]
    if latest is None or len(points) < POINTS_ENOUGH:
        variation = Variation.UNKNOWN
        words = Text(
            f"{len(points)} complete windows with enough data; {POINTS_ENOUGH} are needed.",
            f"有足够数据的完整窗口为 {len(points)} 个；至少需要 {POINTS_ENOUGH} 个。",
        )
        if alarms:
            variation, words = _alarmed(alarms)
        return SeriesSummary(latest, previous, variation, Assurance.UNKNOWN, None, words)
    charted = process_chart(points, indicator)
    if charted is None:
        centre = float(points[-1].value or 0.0)
        limits = ProcessLimits(centre, centre, centre)
        variation, words = Variation.COMMON_CAUSE, Text("All windows are alike.", "各窗口均相同。")
    else:
        limits = ProcessLimits(*(float(side[-1]) for side in (charted.centre, charted.lower, charted.upper)))
        variation, words = screened(charted, direction, indicator.target if indicator else None)
    if alarms:
        variation, words = _alarmed(alarms)
    target = None if indicator is None else indicator.target
    return SeriesSummary(latest, previous, variation, assurance_of(limits, direction, target), limits, words)


def process_chart(points: Sequence[Score], indicator: Indicator | None) -> control.Chart | None:
    """Of these windows alone, none of them frozen. None: all are alike."""
    try:
        if indicator is not None and indicator.aggregate is Aggregate.SHARE:
            counts = np.array([float(one.total or 0) for one in points])
            sizes = np.array([float(one.count) for one in points])
            is_more = bool(proportion.is_overdispersed(counts, sizes))
            made = proportion.chart(proportion.baseline(counts, sizes, laney=is_more), counts, sizes)
            return control.bounded(made, 0.0, 1.0)
        values = np.array([one.value for one in points], dtype=np.float64)
        return xmr.chart(xmr.baseline(values), values)
    except NoSpread:
        return None


def screened(charted: control.Chart, direction: Direction, target: Target | None) -> tuple[Variation, Text]:
    """Whether the latest point completes a pattern that chance seldom makes."""
    beyond, run = (bool(hits[-1]) for hits in rules.judge(SCREENING, charted).values())
    if not (beyond or run):
        words = Text("Chance explains the latest windows.", "最近各窗口可由随机变异解释。")
        return Variation.COMMON_CAUSE, words
    value, centre = float(charted.statistic[-1]), float(charted.centre[-1])
    if beyond:
        words = Text("The latest window lies beyond the process limits.", "最近的窗口超出过程限。")
    else:
        words = Text("Eight windows in a row lie on one side of their mean.", "连续八个窗口位于均值同侧。")
    return change_of(direction, target, value, centre), words


def change_of(direction: Direction, target: Target | None, value: float, centre: float) -> Variation:
    match direction:
        case Direction.LOWER_IS_BETTER:
            is_better = value < centre
        case Direction.HIGHER_IS_BETTER:
            is_better = value > centre
        case Direction.TARGET_IS_BETTER | Direction.UNSPECIFIED:
            if target is None:
                return Variation.SHIFTED
            is_better = abs(value - target.value) < abs(centre - target.value)
        case _:
            assert_never(direction)
    return Variation.IMPROVING if is_better else Variation.WORSENING


def assurance_of(limits: ProcessLimits, direction: Direction, target: Target | None) -> Assurance:
    """Whether all, none or some of what the process does by chance reaches the target."""
    if target is None:
        return Assurance.UNKNOWN
    match direction:
        case Direction.LOWER_IS_BETTER:
            all_met, none_met = limits.upper <= target.value, limits.lower > target.value
        case Direction.HIGHER_IS_BETTER:
            all_met, none_met = limits.lower >= target.value, limits.upper < target.value
        case Direction.TARGET_IS_BETTER:
            low = target.value if target.lower is None else target.lower
            high = target.value if target.upper is None else target.upper
            all_met, none_met = (
                low <= limits.lower and limits.upper <= high,
                limits.upper < low or limits.lower > high,
            )
        case Direction.UNSPECIFIED:
            return Assurance.UNKNOWN
        case _:
            assert_never(direction)
    return Assurance.MET if all_met else Assurance.MISSED if none_met else Assurance.HIT_OR_MISS


def _alarmed(alarms: Sequence[Signal]) -> tuple[Variation, Text]:
    names = ", ".join(sorted({one.rule for one in alarms}))
    is_adverse = any(one.adverse for one in alarms)
    words = Text(
        f"The control chart has a signal in the latest window ({names}).", f"控制图在最近的窗口有信号（{names}）。"
    )
    return Variation.WORSENING if is_adverse else Variation.IMPROVING, words
