"""Checks of measures and of the moments in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from services.scoring.system.case_model import (
    Above,
    AttributeIs,
    AttributeTime,
    Closed,
    Count,
    Elapsed,
    FirstOf,
    Flag,
    Handover,
    LastOf,
    Measure,
    Milestone,
    NumberAttribute,
    Occurred,
    Opened,
    Paused,
    Ratio,
    Rework,
    Succession,
    Work,
    bounds_of,
)
from services.scoring.system.decimals import exact
from services.scoring.system.lint_findings import Finding, error, names, titles, warning
from services.scoring.system.model import SystemSpec


def measures(spec: SystemSpec) -> Iterator[Finding]:
    yield from names("measures", (measure.name for measure in spec.measures))
    yield from titles("measures", ((measure.name, measure.title) for measure in spec.measures))
    known = spec.measure_by_name
    rests_on_itself = _circular(known)
    used = {indicator.measure for indicator in spec.indicators}
    used |= {m.kind.condition.measure for m in spec.measures if is_above(m)}  # type: ignore[union-attr]
    used |= {name for m in spec.measures if isinstance(m.kind, Ratio) for name in m.kind.parts}
    for place, measure in enumerate(spec.measures):
        field = f"measures[{place}]"
        if measure.name not in used:
            en, zh = f"no indicator uses {measure.name}", f"没有指标使用 {measure.name}"
            yield warning(f"{field}.name", "unused_measure", en, zh)
        yield from _kind(spec, field, measure, rests_on_itself)


def is_above(measure: Measure) -> bool:
    return isinstance(measure.kind, Flag) and isinstance(measure.kind.condition, Above)


def moment(spec: SystemSpec, field: str, given: Milestone | None) -> Iterator[Finding]:
    match given:
        case None:
            yield error(field, "moment_missing", "a moment is needed", "缺少时刻")
        case AttributeTime(""):
            yield error(field, "attribute_missing", "an attribute is needed", "缺少属性名")
        case Closed() if spec.case_rule.closed is None:
            en, zh = "the case rule does not say when a case is closed", "案例规则未定义何时关闭"
            yield error(field, "never_closed", en, zh)
        case FirstOf(activities) | LastOf(activities):
            yield from activity_names(spec, field, activities)
            yield from _bounds(spec, f"{field}.{'first' if isinstance(given, FirstOf) else 'last'}", given)
        case AttributeTime() | Opened() | Closed():
            pass
        case _:
            assert_never(given)


def _bounds(spec: SystemSpec, field: str, bounded: FirstOf | LastOf | Count | Occurred) -> Iterator[Finding]:
    for name, bound in bounds_of(bounded):
        yield from moment(spec, f"{field}.{name}", bound)
    if bounded.after is not None and bounded.after == bounded.before:
        en, zh = "nothing lies both after and before one moment", "没有事件既晚于又早于同一时刻"
        yield error(f"{field}.before", "bounds_empty", en, zh)


def activity_names(spec: SystemSpec, field: str, activities: tuple[str, ...]) -> Iterator[Finding]:
    """Where steps are given, every activity belongs to one."""
    for activity in activities if spec.step_activities else ():
        if activity not in spec.step_activities:
            en, zh = f"activity {activity} belongs to no step", f"活动 {activity} 不属于任何步骤"
            yield warning(field, "activity_without_step", en, zh)


def _kind(spec: SystemSpec, field: str, measure: Measure, rests_on_itself: frozenset[str]) -> Iterator[Finding]:
    match measure.kind:
        case None:
            yield error(
                field, "kind_missing", f"{measure.name} says not what it measures", f"{measure.name} 未说明度量方式"
            )
        case Elapsed(start, end, business_time, paused):
            yield from moment(spec, f"{field}.duration.from", start)
            yield from moment(spec, f"{field}.duration.to", end)
            if business_time:
                yield from _working_hours(spec, f"{field}.duration.business_time")
            if paused is not None:
                yield from _paused(spec, f"{field}.duration.paused", paused)
        case Count(activities):
            yield from activity_names(spec, f"{field}.count.activities", activities)
            yield from _bounds(spec, f"{field}.count", measure.kind)
        case Succession(activities, by):
            yield from activity_names(spec, f"{field}.followed.activities", activities)
            yield from activity_names(spec, f"{field}.followed.by", by)
            if not activities and not by:
                en, zh = (
                    "anything followed by anything is every event but the first",
                    "两侧都不限定等于除首个外的全部事件",
                )
                yield error(f"{field}.followed", "activities_missing", en, zh)
        case Rework(activities):
            yield from activity_names(spec, f"{field}.rework.activities", activities)
        case Work(activities, business_time, unmatched):
            yield from activity_names(spec, f"{field}.work.activities", activities)
            if business_time and unmatched is not None:
                en, zh = "what has no partner is counted, not timed", "未配对的事件只计数，不计时"
                yield error(f"{field}.work.business_time", "business_time_of_count", en, zh)
            elif business_time:
                yield from _working_hours(spec, f"{field}.work.business_time")
        case NumberAttribute(attribute):
            if not attribute:
                yield error(f"{field}.value.attribute", "attribute_missing", "an attribute is needed", "缺少属性名")
        case Flag():
            yield from _flag(spec, f"{field}.flag", measure, rests_on_itself)
        case Handover():
            pass
        case Ratio():
            yield from _ratio(spec, f"{field}.ratio", measure.kind)
        case _:
            assert_never(measure.kind)


def _ratio(spec: SystemSpec, field: str, ratio: Ratio) -> Iterator[Finding]:
    for key, name in (("of", ratio.of), ("per", ratio.per), ("squares", ratio.squares)):
        measure = spec.measure_by_name.get(name)
        if key == "squares" and not name:
            continue
        if measure is None:
            yield error(f"{field}.{key}", "unknown_measure", f"no measure {name}", f"没有度量 {name}")
            return
        if isinstance(measure.kind, Ratio):
            en, zh = "the parts of a ratio are sums, and no ratios", "比率的各部分须为可求和的度量，不能是比率"
            yield error(f"{field}.{key}", "ratio_of_ratio", en, zh)
            return
    of, per = (exact(spec.measure_by_name[name].resolution) for name in (ratio.of, ratio.per))
    if exact(float(of / per)) != of / per:
        en = "the resolution of one over that of the other is no exact number: make one a multiple of the other"
        yield error(f"{field}.per", "ratio_inexact", en, "两个分辨率之商不是精确数：请使其中一个为另一个的整数倍")
    if ratio.squares and exact(spec.measure_by_name[ratio.squares].resolution) != of * of:
        en = f"the resolution of squares must be that of {ratio.of}, squared: {float(of * of):g}"
        zh = f"平方和的分辨率须为 {ratio.of} 分辨率的平方：{float(of * of):g}"
        yield error(f"{field}.squares", "squares_resolution", en, zh)


def _paused(spec: SystemSpec, field: str, paused: Paused) -> Iterator[Finding]:
    if not paused.states:
        en, zh = "at least one state is needed in which the clock stands still", "至少需要一个暂停计时的状态"
        yield error(f"{field}.states", "states_missing", en, zh)
    for name in sorted(set(paused.states) & set(paused.until)):
        en, zh = f"{name} cannot both stop the clock and let it go on", f"{name} 不能既暂停又恢复计时"
        yield error(f"{field}.until", "state_in_both", en, zh)
    if not paused.attribute:
        yield from activity_names(spec, f"{field}.states", paused.states)
        yield from activity_names(spec, f"{field}.until", paused.until)


def _working_hours(spec: SystemSpec, field: str) -> Iterator[Finding]:
    if not all(calendar.hours for calendar in spec.calendars):
        en, zh = "business time without working hours runs around the clock", "未定义工作时间，按全天计算"
        yield warning(field, "around_the_clock", en, zh)


def _flag(spec: SystemSpec, field: str, measure: Measure, rests_on_itself: frozenset[str]) -> Iterator[Finding]:
    condition = measure.kind.condition if isinstance(measure.kind, Flag) else None
    match condition:
        case None:
            yield error(field, "condition_missing", "a flag needs a condition", "标志缺少条件")
        case AttributeIs(attribute, equals, _):
            if not attribute:
                yield error(f"{field}.attribute.attribute", "attribute_missing", "an attribute is needed", "缺少属性名")
            if not equals:
                yield error(
                    f"{field}.attribute.equals", "values_missing", "at least one value is needed", "至少需要一个值"
                )
        case Above(name):
            if name not in spec.measure_by_name:
                yield error(f"{field}.above.measure", "unknown_measure", f"no measure {name}", f"没有度量 {name}")
            elif isinstance(spec.measure_by_name[name].kind, Ratio):
                en, zh = "a ratio has no value of one case to compare", "比率没有可比较的单个案例取值"
                yield error(f"{field}.above.measure", "above_of_ratio", en, zh)
            if measure.name in rests_on_itself:
                en, zh = "a measure rests on itself", "度量依赖自身"
                yield error(f"{field}.above.measure", "circular_measure", en, zh)
        case Occurred(activities):
            yield from activity_names(spec, f"{field}.occurred.activities", activities)
            yield from _bounds(spec, f"{field}.occurred", condition)
        case _:
            assert_never(condition)


def _circular(known: Mapping[str, Measure]) -> frozenset[str]:
    """Measures whose chain of conditions never ends; each link is followed once."""
    ends: dict[str, bool] = {}
    for first in known:
        chain: dict[str, None] = {}
        name = first
        while name in known and name not in ends and name not in chain and is_above(known[name]):
            chain[name] = None
            name = known[name].kind.condition.measure  # type: ignore[union-attr]
        ends.update(dict.fromkeys(chain, name not in chain and ends.get(name, True)))
    return frozenset(name for name, ending in ends.items() if not ending)
