"""What the proof of an action assumes, looked at one by one and said in two languages."""

from __future__ import annotations

import math
from collections.abc import Sequence

from andon_quality.effect.student import quantile

from services.improvement.history import History
from services.improvement.model import Check, ProofPlan, Reading, Text
from services.improvement.season import SEASONS_MIN, has_season

# Eight weeks of days: from here on the spread is known well enough for the interval to be of use.
HISTORY_WINDOWS_GOOD = 56
DEPENDENCE_MAX = 0.8
DRIFT_CONFIDENCE = 0.99
SPREAD_RATIO_MAX = 2.0


def checks(history: History, after: Sequence[Reading], plan: ProofPlan, window: str) -> tuple[Check, ...]:
    return (
        _length(history),
        _autocorrelation(history),
        _season(history, window),
        _steadiness(history),
        _spread(history, after),
        _foresight(plan, after),
    )


def _length(history: History) -> Check:
    n = len(history.spread)
    return Check(
        "baseline_size",
        n >= HISTORY_WINDOWS_GOOD,
        float(n),
        Text(
            f"{n} windows tell how far windows vary by chance ({HISTORY_WINDOWS_GOOD} make a narrower interval)",
            f"以 {n} 个窗口估计偶然波动（{HISTORY_WINDOWS_GOOD} 个以上区间更窄）",
        ),
    )


def _autocorrelation(history: History) -> Check:
    r = history.dependence
    return Check(
        "autocorrelation",
        r < DEPENDENCE_MAX,
        r,
        Text(
            f"neighbouring windows correlate by {r:.2f} (the interval allows for it up to about {DEPENDENCE_MAX:g})",
            f"相邻窗口相关 {r:.2f}（区间已计入，约 {DEPENDENCE_MAX:g} 以下可靠）",
        ),
    )


SEASON_NAMES = {"day": Text("daily", "每日"), "week": Text("weekly", "每周"), "year": Text("yearly", "每年")}


def _season(history: History, window: str) -> Check:
    phases = float(len(history.season.offsets))
    if history.season.name:
        name = SEASON_NAMES[history.season.name]
        meaning = Text(f"the {name.en} pattern was taken out", f"已扣除{name.zh}规律")
        return Check("season", True, phases, meaning)
    if not has_season(window):
        return Check("season", True, phases, Text("none is looked for in such windows", "此类窗口不计季节"))
    meaning = Text(
        f"not taken out: the history holds fewer than {SEASONS_MIN} rounds of it",
        f"未扣除：历史不足 {SEASONS_MIN} 个周期",
    )
    return Check("season", False, phases, meaning)


def _steadiness(history: History) -> Check:
    steady = abs(history.drift) <= quantile(DRIFT_CONFIDENCE, history.df)
    return Check(
        "stationarity",
        steady,
        history.drift,
        Text(
            f"the second half of the history lies {history.drift:+.1f} standard errors from its first half",
            f"历史后半与前半相差 {history.drift:+.1f} 个标准误",
        ),
    )


def _spread(history: History, after: Sequence[Reading]) -> Check:
    values = history.season.without(after)
    ratio = float(values.var(ddof=1)) / history.marginal if values.size > 1 else 1.0
    return Check(
        "spread",
        ratio <= SPREAD_RATIO_MAX,
        ratio,
        Text(
            f"windows after vary {math.sqrt(ratio):.2f} times as widely as was taken for granted",
            f"措施后窗口的离散为预设的 {math.sqrt(ratio):.2f} 倍",
        ),
    )


def _foresight(plan: ProofPlan, after: Sequence[Reading]) -> Check:
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
