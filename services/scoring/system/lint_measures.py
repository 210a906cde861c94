"""Checks of measures and of the moments in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
    Rework,
)
from services.scoring.system.lint_findings import Finding, error, names, titles, warning
from services.scoring.system.model import SystemSpec


def measures(spec: SystemSpec) -> Iterator[Finding]:
    yield from names("measures", (measure.name for measure in spec.measures))
    yield from titles("measures", ((measure.name, measure.title) for measure in spec.measures))
    known = {measure.name: measure for measure in spec.measures}
    used = {indicator.measure for indicator in spec.indicators}
    used |= {m.kind.condition.measure for m in spec.measures if is_above(m)}  # type: ignore[union-attr]
    for place, measure in enumerate(spec.measures):
        field = f"measures[{place}]"
        if measure.name not in used:
            en, zh = f"no indicator uses {measure.name}", f"没有指标使用 {measure.name}"
            yield warning(f"{field}.name", "unused_measure", en, zh)
        yield from _kind(spec, field, measure, known)


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
        case AttributeTime() | Opened() | Closed():
            pass
        case _:
            assert_never(given)


def activity_names(spec: SystemSpec, field: str, activities: tuple[str, ...]) -> Iterator[Finding]:
    """Where steps are given, every activity belongs to one."""
    known = {activity for step in spec.steps for activity in step.activities}
    for activity in activities if known else ():
        if activity not in known:
            en, zh = f"activity {activity} belongs to no step", f"活动 {activity} 不属于任何步骤"
            yield warning(field, "activity_without_step", en, zh)


def _kind(spec: SystemSpec, field: str, measure: Measure, known: dict[str, Measure]) -> Iterator[Finding]:
    match measure.kind:
        case None:
            yield error(
                field, "kind_missing", f"{measure.name} says not what it measures", f"{measure.name} 未说明度量方式"
            )
        case Elapsed(start, end, business_time):
            yield from moment(spec, f"{field}.duration.from", start)
            yield from moment(spec, f"{field}.duration.to", end)
            if business_time and spec.calendar.hours == ():
                en, zh = "business time without working hours runs around the clock", "未定义工作时间，按全天计算"
                yield warning(f"{field}.duration.business_time", "around_the_clock", en, zh)
        case Count(activities):
            yield from activity_names(spec, f"{field}.count.activities", activities)
        case Rework(activities):
            yield from activity_names(spec, f"{field}.rework.activities", activities)
        case NumberAttribute(attribute, _, resolution):
            yield from _reading(f"{field}.value", attribute, resolution)
        case Flag():
            yield from _flag(spec, f"{field}.flag", measure, known)
        case Handover():
            pass
        case _:
            assert_never(measure.kind)


def _reading(field: str, attribute: str, resolution: float) -> Iterator[Finding]:
    if not attribute:
        yield error(f"{field}.attribute", "attribute_missing", "an attribute is needed", "缺少属性名")
    if not (math.isfinite(resolution) and resolution > 0):
        yield error(
            f"{field}.resolution", "resolution_not_positive", "the resolution must be above 0", "resolution 须大于 0"
        )


def _flag(spec: SystemSpec, field: str, measure: Measure, known: dict[str, Measure]) -> Iterator[Finding]:
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
        case Above(name, limit):
            yield from _above(f"{field}.above", measure.name, name, limit, known)
        case Occurred(activities):
            yield from activity_names(spec, f"{field}.occurred.activities", activities)
        case _:
            assert_never(condition)


def _above(field: str, own: str, name: str, limit: float, known: dict[str, Measure]) -> Iterator[Finding]:
    if name not in known:
        yield error(f"{field}.measure", "unknown_measure", f"no measure {name}", f"没有度量 {name}")
    if not math.isfinite(limit):
        yield error(f"{field}.limit", "not_finite", "a limit is a finite number", "limit 须为有限数")
    seen = {own}
    while name in known and name not in seen and is_above(known[name]):
        seen.add(name)
        name = known[name].kind.condition.measure  # type: ignore[union-attr]
    if name in seen:
        yield error(f"{field}.measure", "circular_measure", "a measure rests on itself", "度量依赖自身")
