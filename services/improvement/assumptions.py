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

SEASON_NAMES = {"day": Text("daily", "每日"), "week": Text("weekly", "每周"), "year": Text("yearly", "每年")}
# What the figures that the library judges by mean.
_MEANINGS: Mapping[str, Callable[[float], Text]] = {
    "baseline_size": lambda windows: Text(
        f"common-cause variation was estimated from {windows:.0f} windows"
        f" ({BASELINE_SIZE_GOOD} make a narrower interval)",
        f"以 {windows:.0f} 个窗口估计偶然波动（{BASELINE_SIZE_GOOD} 个以上区间更窄）",
    ),
    "autocorrelation": lambda r: Text(
        f"neighbouring windows correlate by {r:.2f} (the interval allows for it up to about {AUTOCORRELATION_MAX:g})",
        f"相邻窗口相关 {r:.2f}（区间已计入，约 {AUTOCORRELATION_MAX:g} 以下可靠）",
    ),
    "stationarity": lambda drift: Text(
        f"the second half of the history lies {drift:+.1f} standard errors from its first half",
        f"历史后半与前半相差 {drift:+.1f} 个标准误",
    ),
    "spread": lambda ratio: Text(
        f"windows after vary {math.sqrt(ratio):.2f} times as widely as was taken for granted",
        f"措施后窗口的离散为预设的 {math.sqrt(ratio):.2f} 倍",
    ),
}


def checks(history: History, after: Sequence[Reading], plan: ProofPlan, window: str) -> tuple[Check, ...]:
    found = [
        Check(figure.name, bool(figure.passed), float(figure.value), _MEANINGS[figure.name](float(figure.value)))
        for figure in figures(history.baseline, history.adjusted(after))
    ]
    return (*found[:2], _season(history, window), *found[2:], _preregistered(plan, after))


def _season(history: History, window: str) -> Check:
    phases = float(len(history.season.offsets))
    if history.season.cycle is not None:
        name = SEASON_NAMES[history.season.cycle.name]
        meaning = Text(f"the {name.en} pattern was taken out", f"已扣除{name.zh}规律")
        return Check("season", True, phases, meaning)
    if not has_season(window):
        return Check("season", True, phases, Text("none is looked for in such windows", "此类窗口不计季节"))
    meaning = Text(
        f"not taken out: the history holds fewer than {ROUNDS_MIN} rounds of it",
        f"未扣除：历史不足 {ROUNDS_MIN} 个周期",
    )
    return Check("season", False, phases, meaning)


def _preregistered(plan: ProofPlan, after: Sequence[Reading]) -> Check:
    late_s = (plan.fixed_us - after[0].end_us) / 1e6
    return Check(
        "preregistered",
        late_s < 0,
        max(late_s, 0.0),
        Text("the start was entered before the first window after it had ended", "开始时间在其后首个窗口结束前登记")
        if late_s < 0
        else Text(
            "the start was entered when windows after it could already be seen", "登记开始时间时，其后的窗口已可见"
        ),
    )
