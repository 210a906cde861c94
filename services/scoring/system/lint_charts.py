"""Checks of charts: what cannot be drawn, and what can be known of their limits before there are any windows."""

from __future__ import annotations

from collections.abc import Iterator

from andon_quality.calibration import BaselineProfile, Sides, calibrate_windows, detection

from services.scoring.system.case_model import Measure, Ratio
from services.scoring.system.chart_scheme import DEFAULT_RULES, LIMIT, RULES, SHIFT, WITHIN, scheme_of, textbook_arl
from services.scoring.system.lint_findings import Finding, error, warning
from services.scoring.system.model import Aggregate, ChartKind, ChartRule, Direction, Indicator, SystemSpec, Window

# So many different settings of one document are simulated; a chart itself says what it can detect.
SETTINGS_MAX = 8
SIMULATED_WINDOWS_MAX = 200
EIGHT = "WE4"


def charts(spec: SystemSpec) -> Iterator[Finding]:
    settings: set[tuple[object, ...]] = set()
    for place, indicator in enumerate(spec.indicators):
        field, rule = f"indicators[{place}].chart", indicator.chart
        if rule is None:
            en, zh = f"{indicator.name} is not charted, so it never alarms", f"{indicator.name} 未绘制控制图，不会报警"
            yield warning(field, "no_chart", en, zh)
            continue
        malformed = list(_form(spec, field, indicator, rule))
        yield from malformed
        # What `lint_sizes` refuses is in range, and phase I is a number of windows.
        in_range = 2 <= rule.baseline_windows <= SIMULATED_WINDOWS_MAX and 0.01 <= rule.smoothing <= 1.0
        asked = rule.requested_arl0 == 0.0 or 2.0 <= rule.requested_arl0 <= 1e9
        counted = rule.baseline_start_us is None and rule.baseline_end_us is None
        if not malformed and in_range and asked and counted:
            yield from _sight(field, indicator, rule, settings)


def _form(spec: SystemSpec, field: str, indicator: Indicator, rule: ChartRule) -> Iterator[Finding]:
    if set(indicator.windows) == {Window.ALL}:
        yield error(
            field, "nothing_to_chart", "all time is one window; a chart needs many", "全时段仅一个窗口，无法绘图"
        )
    if rule.kind is ChartKind.P and indicator.aggregate is not Aggregate.SHARE:
        yield error(f"{field}.kind", "chart_does_not_fit", "a p chart shows shares", "p 图只适用于占比")
    if indicator.aggregate in (Aggregate.MINIMUM, Aggregate.MAXIMUM):
        en = "the most extreme case moves with the number of cases, so that a busy window may signal; chart a quantile"
        zh = "最极端的案例随案例数变化，繁忙的窗口可能误报；请改为绘制分位数"
        yield warning(field, "extreme_of_many", en, zh)
    if rule.kind is ChartKind.XBAR_S and indicator.aggregate is not Aggregate.MEAN:
        yield error(f"{field}.kind", "chart_does_not_fit", "an Xbar-S chart shows means", "Xbar-S 图只适用于均值")
    measure = spec.measure_by_name.get(indicator.measure)
    ratio = measure.kind if measure is not None and isinstance(measure.kind, Ratio) else None
    if rule.kind is ChartKind.XBAR_S and ratio is not None and not ratio.squares:
        en, zh = "an Xbar-S chart of a ratio needs its squares", "比率的 Xbar-S 图需要平方和"
        yield error(f"{field}.kind", "chart_does_not_fit", en, zh)
    if rule.kind is ChartKind.U and not (
        ratio is not None and indicator.aggregate is Aggregate.MEAN and _counts(spec.measure_by_name.get(ratio.of))
    ):
        en = "a u chart shows the mean of a ratio whose `of` counts events: with the resolution 1"
        yield error(f"{field}.kind", "chart_does_not_fit", en, "u 图只适用于比率的均值，且其 `of` 须为分辨率 1 的计数")
    if rule.kind is ChartKind.C and not (indicator.aggregate is Aggregate.SUM and _counts(measure)):
        en = "a c chart shows sums of counts: of a measure with the resolution 1"
        yield error(f"{field}.kind", "chart_does_not_fit", en, "c 图只适用于计数之和：度量的分辨率须为 1")
    allowed = (LIMIT,) if rule.kind is ChartKind.EWMA else tuple(RULES)
    for place, name in enumerate(rule.rules):
        if name not in allowed:
            en, zh = f"rules are {', '.join(allowed)}", f"规则须为 {', '.join(allowed)}"
            yield error(f"{field}.rules[{place}]", "unknown_rule", en, zh)
    start_us, end_us = rule.baseline_start_us, rule.baseline_end_us
    if start_us is not None and end_us is None:
        en = "without an end the interval of phase I is never complete, and nothing is judged"
        yield warning(f"{field}.baseline_interval", "baseline_never_ends", en, "基线期区间没有终点，永远不会开始判断")
    elif start_us is not None and end_us is not None and start_us >= end_us:
        en, zh = "the interval of phase I ends before it begins", "基线期区间的终点早于起点"
        yield error(f"{field}.baseline_interval", "baseline_empty", en, zh)


def _counts(measure: Measure | None) -> bool:
    return measure is not None and not measure.is_duration and measure.resolution == 1.0


def _sight(field: str, indicator: Indicator, rule: ChartRule, settings: set[tuple[object, ...]]) -> Iterator[Finding]:
    """What a chart of independent normal windows, the best case, can reach and detect."""
    one_side = indicator.direction in (Direction.LOWER_IS_BETTER, Direction.HIGHER_IS_BETTER) and not rule.both_sides
    sides = Sides.UPPER if one_side else Sides.BOTH
    smoothing = rule.smoothing if rule.kind is ChartKind.EWMA else None
    names = (LIMIT,) if smoothing is not None else tuple(rule.rules or DEFAULT_RULES)
    if EIGHT in names:
        eight = textbook_arl((EIGHT,), None, sides)
        if rule.requested_arl0 > eight:
            en = f"WE4 alone gives one false alarm in {eight:.0f} windows, and no limits change that"
            zh = f"无论控制限多宽，仅 WE4 就平均每 {eight:.0f} 个窗口误报一次：无法达到要求"
            yield warning(f"{field}.requested_arl0", "arl_out_of_reach", en, zh)
        return
    setting = (names, smoothing, sides, rule.baseline_windows, rule.requested_arl0)
    if setting not in settings and len(settings) == SETTINGS_MAX:
        return
    settings.add(setting)
    profile, scheme = BaselineProfile(rule.baseline_windows), scheme_of(names, smoothing, sides)
    requested = rule.requested_arl0 or textbook_arl(names, smoothing, sides)
    width = calibrate_windows(scheme, profile, requested).width
    seen = detection(scheme, profile, width, SHIFT, WITHIN)
    if not seen.detects:
        en = (
            f"with a phase I of {rule.baseline_windows} windows and one false alarm in {requested:.0f}, the limits lie "
            f"{width:.3g} sigma away: the chart cannot detect a shift of {SHIFT:g} sigma within {WITHIN} windows"
        )
        zh = (
            f"基线期 {rule.baseline_windows} 个窗口、每 {requested:.0f} 个窗口误报一次时，"
            f"控制限距中心线 {width:.3g} 倍标准差：无法在 {WITHIN} 个窗口内检出 {SHIFT:g} 倍标准差的偏移"
        )
        yield warning(field, "chart_is_blind", en, zh)
