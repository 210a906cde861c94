"""A verification in plain language: verdict, windows, assumptions and limits, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from services.improvement.assumptions import SEASON_NAMES
from services.improvement.model import Goal, SeriesScale, Text, Verdict, Verification

_HEADS: Mapping[Verdict, Text] = {
    Verdict.IMPROVED: Text("Improved", "已改善"),
    Verdict.NO_CHANGE: Text("No relevant change", "无实质变化"),
    Verdict.WORSE: Text("Worse", "变差"),
    Verdict.UNDECIDED: Text("Undecided", "尚无定论"),
}


def statement(found: Verification, goal: Goal, scale: SeriesScale) -> Text:
    """The verdict with its figures, the windows compared, the common-cause variation and assumptions, the limits."""
    return Text(_english(found, goal, scale), _chinese(found, goal, scale))


def _english(found: Verification, goal: Goal, scale: SeriesScale) -> str:
    adjusted = f", with the {SEASON_NAMES[found.season].en} season removed," if found.season else ""
    failed = "; ".join(check.meaning.en for check in found.checks if not check.passed)
    limits = "The test cannot distinguish the action from other changes at the same time."
    if found.doubts:
        names = ", ".join(check.name for check in found.doubts)
        limits = f"Nothing is decided while an assumption that the verdict needs does not hold ({names})."
    elif found.verdict is Verdict.UNDECIDED:
        limits = f"Verify again when more windows are complete; the test is most sensitive at {goal.horizon_windows}."
    before, after = (_value(mean, scale).en for mean in (found.before_mean, found.after_mean))
    effect, upper = (_change(one, scale).en for one in (found.effect, found.upper))
    return (
        f"{_HEADS[found.verdict].en}: the mean{adjusted} went from {before} to {after},"
        f" by {effect}. The interval {_signed(found.lower, scale)} to {upper} is valid at every look"
        f" (confidence {found.confidence:.4g} per bound)."
        f" Compared: {found.after_windows} windows after the action, {found.before_windows} baseline windows"
        " (windows that opened the problem excluded)."
        f" Common-cause variation was estimated from {found.spread_windows} earlier windows."
        f" {f'Caution: {failed}.' if failed else 'All assumptions hold.'} {limits}"
    )


def _chinese(found: Verification, goal: Goal, scale: SeriesScale) -> str:
    adjusted = f"（已扣除{SEASON_NAMES[found.season].zh}规律）" if found.season else ""
    failed = "；".join(check.meaning.zh for check in found.checks if not check.passed)
    limits = "此检验不能把该措施与同时发生的其他变化区分开。"
    if found.doubts:
        limits = f"结论所需的假设不成立（{'、'.join(check.name for check in found.doubts)}），因此不作结论。"
    elif found.verdict is Verdict.UNDECIDED:
        limits = f"有更多完整窗口时请再次验证；此检验在 {goal.horizon_windows} 个窗口时最灵敏。"
    before, after = (_value(mean, scale).zh for mean in (found.before_mean, found.after_mean))
    effect, upper = (_change(one, scale).zh for one in (found.effect, found.upper))
    return (
        f"{_HEADS[found.verdict].zh}：均值{adjusted}由 {before} 变为 {after}，"
        f"变化 {effect}。区间 {_signed(found.lower, scale)} 至 {upper}，任意时刻查看均有效"
        f"（单侧置信水平 {found.confidence:.4g}）。"
        f"依据：措施后 {found.after_windows} 个窗口，基线 {found.before_windows} 个窗口"
        "（不含触发问题的窗口）。"
        f"普通原因变异由之前 {found.spread_windows} 个窗口估计。"
        f"{f'注意：{failed}。' if failed else '各项假设均成立。'}{limits}"
    )


_UNITS_ZH = {"s": "秒", "min": "分钟", "h": "小时", "d": "天", "points": "分"}


def _value(value: float, scale: SeriesScale) -> Text:
    """As people read it: "1.75 h", "29.27 %"."""
    if scale.is_share:
        return Text(f"{100 * value:.4g} %", f"{100 * value:.4g} %")
    return Text(f"{value:.4g} {scale.unit}".rstrip(), f"{value:.4g} {_UNITS_ZH.get(scale.unit, scale.unit)}".rstrip())


def _change(change: float, scale: SeriesScale) -> Text:
    """A difference of two values: "-1.75 h", "-29.27 percentage points"."""
    signed = _signed(change, scale)
    if scale.is_share:
        return Text(f"{signed} percentage points", f"{signed} 个百分点")
    return Text(f"{signed} {scale.unit}".rstrip(), f"{signed} {_UNITS_ZH.get(scale.unit, scale.unit)}".rstrip())


def _signed(change: float, scale: SeriesScale) -> str:
    return f"{100 * change if scale.is_share else change:+.4g}"
