"""Checks of an indicator system: what cannot work, and what falls short of the five principles.

Comprehensive: every phase of the service is covered. Objective: units and directions are stated.
Measurable: what is named exists. Practical: someone answers for it. Dynamic: it has a target and is charted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from services.scoring.system.case_model import Calendar, CalendarBy, Closed, Milestone, Opened, mentions
from services.scoring.system.lint_charts import charts
from services.scoring.system.lint_findings import Finding as Finding
from services.scoring.system.lint_findings import Severity as Severity
from services.scoring.system.lint_findings import error, names, titles, warning
from services.scoring.system.lint_indicators import indicators
from services.scoring.system.lint_measures import measures, moment
from services.scoring.system.lint_sizes import budget, calendars, counts, numbers, texts
from services.scoring.system.model import Phase, SystemSpec

PHASES = (Phase.BEFORE, Phase.DURING, Phase.AFTER)


def lint(spec: SystemSpec) -> list[Finding]:
    """Errors first, each in the order of the document. Linear in its size; too large a one is not looked at further."""
    too_many = list(counts(spec))
    if too_many:
        return too_many
    findings = [
        *texts(spec),
        *numbers(spec),
        *_time(spec),
        *_case_rule(spec),
        *_steps(spec),
        *measures(spec),
        *_dimensions(spec),
        *indicators(spec),
        *charts(spec),
        *_composites(spec),
        *_coverage(spec),
        *budget(spec),
    ]
    return sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)


def _time(spec: SystemSpec) -> Iterator[Finding]:
    try:
        ZoneInfo(spec.time_zone)
    except (ValueError, OSError, KeyError):
        yield error("time_zone", "unknown_time_zone", f"no time zone {spec.time_zone}", f"没有时区 {spec.time_zone}")
    for field, calendar in calendars(spec):
        yield from _calendar(field, calendar)
    if spec.calendar_by is not None:
        yield from _calendar_by(spec.calendar_by)


def _calendar_by(chosen: CalendarBy) -> Iterator[Finding]:
    if not chosen.attribute:
        yield error("calendar_by.attribute", "attribute_missing", "an attribute is needed", "缺少属性名")
    if not chosen.choices:
        yield error("calendar_by.choices", "values_missing", "at least one choice is needed", "至少需要一个选项")
    seen: set[str] = set()
    for place, choice in enumerate(chosen.choices):
        field = f"calendar_by.choices[{place}]"
        if not choice.values:
            yield error(f"{field}.values", "values_missing", "at least one value is needed", "至少需要一个值")
        for value in choice.values:
            if value in seen:
                en, zh = f"{value} chooses two calendars", f"{value} 对应了两个日历"
                yield error(f"{field}.values", "value_twice", en, zh)
            seen.add(value)


def _calendar(field: str, calendar: Calendar) -> Iterator[Finding]:
    for place, hours in enumerate(calendar.hours):
        start, end = hours.start_minute, hours.end_minute
        if not (1 <= hours.weekday <= 7 and 0 <= start < 1440 and start < end <= min(2880, start + 1440)):
            en = "weekday is 1 to 7, start_minute below 1440 and end_minute after it, at most a day later"
            zh = "weekday 为 1 至 7，start_minute 小于 1440，end_minute 在其后且相差至多一天"
            yield error(f"{field}.hours[{place}]", "hours_malformed", en, zh)
    for place, text in enumerate(calendar.holidays):
        try:
            well_formed = date.fromisoformat(text).isoformat() == text
        except ValueError:
            well_formed = False
        if not well_formed:
            en, zh = "a holiday is a date such as 2026-01-01", "假日须为日期，如 2026-01-01"
            yield error(f"{field}.holidays[{place}]", "holiday_malformed", en, zh)


def _case_rule(spec: SystemSpec) -> Iterator[Finding]:
    """A case's begin and end must not be explained by themselves or by each other."""
    rule = spec.case_rule
    for field, given in (("case_rule.opened", rule.opened), ("case_rule.closed", rule.closed)):
        own = mentions(given, Opened if field == "case_rule.opened" else Closed)
        both = mentions(rule.opened, Closed) and mentions(rule.closed, Opened)
        if own or (both and isinstance(given, Milestone)):
            yield error(field, "circular_moment", "a moment cannot be defined by itself", "时刻不能由自身定义")
        if given is not None:
            yield from moment(spec, field, given)


def _steps(spec: SystemSpec) -> Iterator[Finding]:
    yield from names("steps", (step.name for step in spec.steps))
    yield from titles("steps", ((step.name, step.title) for step in spec.steps))
    owner: dict[str, str] = {}
    for place, step in enumerate(spec.steps):
        if not step.activities:
            en, zh = f"step {step.name} has no activity", f"步骤 {step.name} 没有活动"
            yield warning(f"steps[{place}].activities", "step_without_activity", en, zh)
        for activity in step.activities:
            if owner.setdefault(activity, step.name) != step.name:
                en = f"activity {activity} belongs to {owner[activity]} as well"
                zh = f"活动 {activity} 同时属于 {owner[activity]}"
                yield warning(f"steps[{place}].activities", "activity_in_two_steps", en, zh)


def _dimensions(spec: SystemSpec) -> Iterator[Finding]:
    yield from names("dimensions", (dimension.name for dimension in spec.dimensions))
    yield from titles("dimensions", ((dimension.name, dimension.title) for dimension in spec.dimensions))
    for place, dimension in enumerate(spec.dimensions):
        if not dimension.attribute:
            yield error(f"dimensions[{place}].attribute", "attribute_missing", "an attribute is needed", "缺少属性名")


def _composites(spec: SystemSpec) -> Iterator[Finding]:
    yield from names("composites", (composite.name for composite in spec.composites))
    yield from titles("composites", ((composite.name, composite.title) for composite in spec.composites))
    parents = {composite.name: composite.parent for composite in spec.composites}
    roots = [composite.name for composite in spec.composites if not composite.parent]
    if spec.composites and len(roots) != 1:
        en, zh = (
            f"exactly one composite has no parent, not {len(roots)}",
            f"须恰有一个无上级的组合，现有 {len(roots)} 个",
        )
        yield error("composites", "not_one_root", en, zh)
    for place, composite in enumerate(spec.composites):
        field = f"composites[{place}]"
        if composite.name in spec.indicator_by_name:
            en, zh = f"{composite.name} is an indicator as well", f"{composite.name} 也是指标名"
            yield error(f"{field}.name", "name_twice", en, zh)
        if composite.parent and composite.parent not in parents:
            en, zh = f"no composite {composite.parent}", f"没有组合 {composite.parent}"
            yield error(f"{field}.parent", "unknown_parent", en, zh)
        seen, above = {composite.name}, composite.parent
        while above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        if above in seen:
            yield error(f"{field}.parent", "circular_parent", "a composite lies below itself", "组合位于自身之下")


def _coverage(spec: SystemSpec) -> Iterator[Finding]:
    if not spec.indicators:
        yield warning("indicators", "no_indicator", "nothing is scored", "没有任何指标")
        return
    covered = {indicator.phase for indicator in spec.indicators}
    for phase in PHASES:
        if phase not in covered:
            en, zh = f"no indicator looks at the phase {phase.value} the service", f"没有覆盖 {phase.value} 阶段的指标"
            yield warning("indicators", "phase_uncovered", en, zh)
