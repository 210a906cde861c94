"""What the proof of an action assumes, checked one by one and explained in two languages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from andon_quality.effect import checks as figures
from andon_quality.effect.baseline_level import AUTOCORRELATION_MAX, BASELINE_SIZE_GOOD
from andon_quality.effect.season import ROUNDS_MIN

from services.improvement.history import History
from services.improvement.model import Check, ProofPlan, Reading, Text
from services.improvement.window_kinds import has_season

# Where one of these is seen to fail, the interval is not valid, so that the verdict rests on nothing: idle actions on
# streams that wander were called improvements by it. The others make an interval wider, or are for a reader to weigh.
NEEDED = frozenset({"autocorrelation", "stationarity", "spread"})
SEASON_NAMES = {"day": Text("daily", "每日"), "week": Text("weekly", "每周"), "year": Text("yearly", "每年")}
# What the figures that the library judges by mean.
_MEANINGS: Mapping[str, Callable[[float], Text]] = {
    "baseline_size": lambda windows: Text(
        f"common-cause variation was estimated from {windows:.0f} windows"
        f" ({BASELINE_SIZE_GOOD} make a narrower interval)",
        f"以 {windows:.0f} 个窗口估计普通原因变异（{BASELINE_SIZE_GOOD} 个以上区间更窄）",
    ),
    "autocorrelation": lambda r: Text(
        f"lag-1 autocorrelation {r:.2f} (the interval allows for up to about {AUTOCORRELATION_MAX:g})",
        f"一阶自相关 {r:.2f}（区间已计入，约 {AUTOCORRELATION_MAX:g} 以下可靠）",
    ),
    "stationarity": lambda drift: Text(
        f"the two halves of the history differ by {drift:+.1f} standard errors",
        f"历史后半与前半相差 {drift:+.1f} 个标准误",
    ),
    "spread": lambda ratio: Text(
        f"the standard deviation after the action is {math.sqrt(ratio):.2f} times the estimated one",
        f"措施后的标准差为估计值的 {math.sqrt(ratio):.2f} 倍",
    ),
}


def checks(history: History, after: Sequence[Reading], plan: ProofPlan, window: str) -> tuple[Check, ...]:
    found = [
        Check(
            figure.name,
            bool(figure.passed),
            float(figure.value),
            _MEANINGS[figure.name](float(figure.value)),
            is_needed=figure.name in NEEDED,
        )
        for figure in figures(history.baseline, history.adjusted(after))
    ]
    return (*found[:2], _season(history, window), *found[2:], _preregistered(plan, after))


def _season(history: History, window: str) -> Check:
    phases = float(len(history.season.offsets))
    if history.season.cycle is not None:
        name = SEASON_NAMES[history.season.cycle.name]
        meaning = Text(f"the {name.en} season was removed", f"已扣除{name.zh}规律")
        return Check("season", True, phases, meaning)
    if not has_season(window):
        return Check("season", True, phases, Text("windows of this width have no season", "此类窗口不计季节"))
    meaning = Text(
        f"not removed: the history has fewer than {ROUNDS_MIN} cycles",
        f"未扣除：历史不足 {ROUNDS_MIN} 个周期",
    )
    return Check("season", False, phases, meaning)


def _preregistered(plan: ProofPlan, after: Sequence[Reading]) -> Check:
    late_s = (plan.fixed_us - after[0].end_us) / 1e6
    return Check(
        "preregistered",
        late_s < 0,
        max(late_s, 0.0),
        Text("the start was entered before the first window after it ended", "开始时间在其后首个窗口结束前登记")
        if late_s < 0
        else Text(
            "the start was entered when windows after it were already visible", "登记开始时间时，其后的窗口已可见"
        ),
    )
