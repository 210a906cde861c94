"""Checks of indicators: what they rest on, how they are judged and explained."""

from __future__ import annotations

from collections.abc import Iterator

from services.scoring.system.case_model import Flag, Ratio
from services.scoring.system.lint_findings import Finding, error, names, titles, warning
from services.scoring.system.lint_losses import losses
from services.scoring.system.lint_measures import moment
from services.scoring.system.model import (
    SECONDS_BY_UNIT,
    Aggregate,
    Direction,
    Indicator,
    Observe,
    Phase,
    SystemSpec,
)

CROSSED_MAX = 2


def indicators(spec: SystemSpec) -> Iterator[Finding]:
    yield from names("indicators", (indicator.name for indicator in spec.indicators))
    yield from titles("indicators", ((indicator.name, indicator.title) for indicator in spec.indicators))
    for place, indicator in enumerate(spec.indicators):
        field = f"indicators[{place}]"
        for check in (_measure, losses, _windows, _judgement, _slices, _references):
            yield from check(spec, field, indicator)


def _measure(spec: SystemSpec, field: str, indicator: Indicator) -> Iterator[Finding]:
    measure = spec.measure_by_name.get(indicator.measure)
    if measure is None:
        en, zh = f"no measure {indicator.measure}", f"没有度量 {indicator.measure}"
        yield error(f"{field}.measure", "unknown_measure", en, zh)
        return
    if indicator.aggregate is Aggregate.UNSPECIFIED:
        yield error(f"{field}.aggregate", "aggregate_missing", "an aggregate is needed", "缺少汇总方式")
    if isinstance(measure.kind, Ratio):
        yield from _ratio(spec, field, indicator, measure.kind)
    elif indicator.aggregate is Aggregate.SHARE and not isinstance(measure.kind, Flag):
        en, zh = "a share is taken of a flag or of a ratio", "占比只适用于标志类或比率类度量"
        yield error(f"{field}.aggregate", "share_of_no_flag", en, zh)
    if indicator.aggregate is Aggregate.QUANTILE and not 0 < indicator.quantile < 1:
        yield error(f"{field}.quantile", "quantile_out_of_range", "0 < quantile < 1", "quantile 须在 0 与 1 之间")
    if measure.is_duration and indicator.unit not in SECONDS_BY_UNIT:
        yield error(f"{field}.unit", "unknown_unit", "a duration is in s, min, h or d", "时长单位须为 s、min、h 或 d")


def _ratio(spec: SystemSpec, field: str, indicator: Indicator, ratio: Ratio) -> Iterator[Finding]:
    if indicator.aggregate not in (Aggregate.SHARE, Aggregate.MEAN, Aggregate.UNSPECIFIED):
        en, zh = "of a ratio there is a share or a mean", "比率只能取占比或均值"
        yield error(f"{field}.aggregate", "aggregate_of_ratio", en, zh)
    if indicator.aggregate is Aggregate.SHARE:
        for name in (ratio.of, ratio.per):
            measure = spec.measure_by_name.get(name)
            if measure is not None and measure.resolution != 1.0:
                en, zh = (
                    f"a share counts whole numbers: {name} needs the resolution 1",
                    f"占比须为整数计数：{name} 的分辨率须为 1",
                )
                yield error(f"{field}.measure", "share_of_fractions", en, zh)


def _windows(spec: SystemSpec, field: str, indicator: Indicator) -> Iterator[Finding]:
    if not indicator.windows:
        yield error(f"{field}.windows", "window_missing", "a window is needed", "缺少窗口")
    if len(set(indicator.windows)) < len(indicator.windows):
        yield error(f"{field}.windows", "window_twice", "windows must be unique", "窗口重复")
    if indicator.anchor is not None:
        yield from moment(spec, f"{field}.anchor", indicator.anchor)
    if indicator.observe is Observe.WHEN_CLOSED and spec.case_rule.closed is None:
        en, zh = "the case rule does not say when a case is closed", "案例规则未定义何时关闭"
        yield error(f"{field}.observe", "never_closed", en, zh)


def _judgement(spec: SystemSpec, field: str, indicator: Indicator) -> Iterator[Finding]:
    if indicator.target is None:
        en, zh = f"{indicator.name} has no target, so it earns no points", f"{indicator.name} 没有目标，不计分"
        yield warning(f"{field}.target", "no_target", en, zh)
    else:
        target, worst = indicator.target, indicator.target.worst
        if worst is not None and (
            (indicator.direction is Direction.LOWER_IS_BETTER and worst <= target.value)
            or (indicator.direction is Direction.HIGHER_IS_BETTER and worst >= target.value)
        ):
            en, zh = "worst lies on the bad side of value", "worst 须在 value 的较差一侧"
            yield error(f"{field}.target.worst", "worst_is_better", en, zh)
        low, high = target.lower, target.upper
        if indicator.direction is Direction.TARGET_IS_BETTER and (low is None or high is None or not low < high):
            en, zh = "a target in the middle needs lower < upper", "居中型目标须给出 lower < upper"
            yield error(f"{field}.target", "range_missing", en, zh)
    if indicator.direction is Direction.UNSPECIFIED and (indicator.target or indicator.chart):
        en, zh = "without a direction neither target nor chart can judge", "缺少方向，目标与控制图无法判断"
        yield error(f"{field}.direction", "direction_missing", en, zh)


def _slices(spec: SystemSpec, field: str, indicator: Indicator) -> Iterator[Finding]:
    seen: set[frozenset[str]] = set()
    for place, sliced in enumerate(indicator.slices):
        here = f"{field}.slices[{place}]"
        for name in sliced.dimensions:
            if name not in spec.dimension_names:
                yield error(here, "unknown_dimension", f"no dimension {name}", f"没有维度 {name}")
        if not sliced.dimensions or len(set(sliced.dimensions)) < len(sliced.dimensions):
            en, zh = "a slice names one or more dimensions, each once", "切片须含一个或多个不重复的维度"
            yield error(here, "slice_malformed", en, zh)
        if frozenset(sliced.dimensions) in seen:
            yield error(here, "slice_twice", "slices must be unique", "切片重复")
        seen.add(frozenset(sliced.dimensions))
        if len(sliced.dimensions) > CROSSED_MAX:
            en, zh = "more than two crossed dimensions leave few cases in each", "交叉维度过多，各切片案例过少"
            yield warning(here, "slice_too_fine", en, zh)


def _references(spec: SystemSpec, field: str, indicator: Indicator) -> Iterator[Finding]:
    if indicator.parent and indicator.parent not in spec.composite_names:
        en, zh = f"no composite {indicator.parent}", f"没有组合 {indicator.parent}"
        yield error(f"{field}.parent", "unknown_parent", en, zh)
    for place, name in enumerate(indicator.symptom_of):
        if name not in spec.indicator_by_name or name == indicator.name:
            en, zh = f"no other indicator {name}", f"没有其他指标 {name}"
            yield error(f"{field}.symptom_of[{place}]", "unknown_indicator", en, zh)
    if indicator.phase is Phase.UNSPECIFIED:
        en, zh = f"{indicator.name} belongs to no phase", f"{indicator.name} 未指明阶段"
        yield warning(f"{field}.phase", "phase_missing", en, zh)
    if not indicator.owner:
        en, zh = f"nobody answers for {indicator.name}", f"{indicator.name} 无人负责"
        yield warning(f"{field}.owner", "no_owner", en, zh)
