"""How large a document and its numbers may be: what is scored for one tenant must not starve the others.

A document beyond these counts is refused before anything else is looked at, so that a lint is linear in what it checks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence, Sized

from services.scoring.system.case_model import (
    Above,
    AttributeIs,
    AttributeTime,
    Calendar,
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
    Paused,
    Rework,
    Succession,
    Text,
    Work,
    bounds_of,
)
from services.scoring.system.lint_findings import Finding, error, warning
from services.scoring.system.model import Composite, Dimension, Indicator, ProcessStep, SystemSpec
from services.scoring.system.series_budget import SERIES_BUDGET, combinations_max, sliced_kinds

Titled = ProcessStep | Measure | Dimension | Indicator | Composite

TOO_MANY = "too_many"
STEPS_MAX = 200
MEASURES_MAX = 500
DIMENSIONS_MAX = 50
INDICATORS_MAX = 1_000
COMPOSITES_MAX = 200
SLICES_MAX = 20
CALENDARS_MAX = 20
"""Each is one number more of every case's working time."""
BOUNDS_MAX = 4
"""How deep moments may bound each other."""
NAMES_MAX = 500
"""Of activities, values, holidays, working hours or symptoms in one list."""
SERIES_MAX = 20_000
"""Indicators x windows x (1 + slices): the kinds of series that a document asks for, before any value of a slice."""
COMBINATIONS_EXPECTED = 100
"""A slice by teams, sites or categories may well have so many."""
TITLE_CHARS_MAX = 200
TEXT_CHARS_MAX = 1_000
"""Of one activity, attribute, unit, owner or value."""
NUMBER_MAX = 1e15
"""Beyond it a double does not hold every integer."""
WEIGHT_MAX = 1e6
ARL_MAX = 1e9
"""Beyond it run lengths lose their digits, and no log has so many windows."""
BASELINE_WINDOWS_MAX = 10_000
COUNT_MIN_MAX = 1_000_000_000
SMOOTHING_MIN = 0.01
"""The work of a calibration grows with 1 / smoothing."""
LATENESS_US_MAX = 366 * 86_400_000_000
RESOLUTION_MIN, RESOLUTION_MAX = 1e-9, 1e9


def counts(spec: SystemSpec) -> Iterator[Finding]:
    """What a document has too many of."""
    for field, listed, most in (
        ("steps", spec.steps, STEPS_MAX),
        ("measures", spec.measures, MEASURES_MAX),
        ("dimensions", spec.dimensions, DIMENSIONS_MAX),
        ("indicators", spec.indicators, INDICATORS_MAX),
        ("composites", spec.composites, COMPOSITES_MAX),
        ("sources", spec.sources, NAMES_MAX),
        ("case_rule.reopened", spec.case_rule.reopened, NAMES_MAX),
        ("calendar_by.choices", () if spec.calendar_by is None else spec.calendar_by.choices, CALENDARS_MAX),
    ):
        yield from _many(field, listed, most)
    for field, calendar in calendars(spec):
        yield from _many(f"{field}.hours", calendar.hours, NAMES_MAX)
        yield from _many(f"{field}.holidays", calendar.holidays, NAMES_MAX)
    for place, choice in enumerate(() if spec.calendar_by is None else spec.calendar_by.choices):
        yield from _many(f"calendar_by.choices[{place}].values", choice.values, NAMES_MAX)
    series = sum(len(one.windows) * (1 + len(one.slices)) for one in spec.indicators)
    if series > SERIES_MAX:
        en = f"{series:,} kinds of series (indicators x windows x slices), at most {SERIES_MAX:,}: use fewer slices"
        zh = f"序列种类 {series:,} 个（指标 × 窗口 × 切片），至多 {SERIES_MAX:,} 个：请减少窗口或切片"
        yield error("indicators", "too_many_series", en, zh)
    for place, step in enumerate(spec.steps):
        yield from _many(f"steps[{place}].activities", step.activities, NAMES_MAX)
    for place, dimension in enumerate(spec.dimensions):
        yield from _many(f"dimensions[{place}].unknown_values", dimension.unknown_values, NAMES_MAX)
    for place, measure in enumerate(spec.measures):
        yield from _many(f"measures[{place}]", _names_in(measure), NAMES_MAX)
    for field, moment in moments(spec):
        yield from _many(field, _activities_of(moment), NAMES_MAX)
        if len(re.findall(r"\.(?:after|before)\b", field)) > BOUNDS_MAX:
            en, zh = f"at most {BOUNDS_MAX} moments bound each other", f"时刻至多嵌套限定 {BOUNDS_MAX} 层"
            yield error(field, TOO_MANY, en, zh)
    for place, indicator in enumerate(spec.indicators):
        yield from _many(f"indicators[{place}].slices", indicator.slices, SLICES_MAX)
        yield from _many(f"indicators[{place}].symptom_of", indicator.symptom_of, NAMES_MAX)


def budget(spec: SystemSpec) -> Iterator[Finding]:
    """How few combinations of values a slice may have, where a document slices much."""
    most, kinds = combinations_max(spec), sliced_kinds(spec)
    if kinds and most < COMBINATIONS_EXPECTED:
        en = (
            f"{kinds:,} kinds of sliced series share {SERIES_BUDGET:,} series: a slice may have {most:,} combinations "
            "of values, and is dropped as a whole with more; slice fewer indicators or windows"
        )
        zh = (
            f"{kinds:,} 种切片序列共用 {SERIES_BUDGET:,} 条序列的额度：每个切片至多 {most:,} 个取值组合，"
            "超出则整个切片不再评分；请减少切片的指标或窗口"
        )
        yield warning("indicators", "few_combinations", en, zh)


def _many(field: str, listed: Sized, most: int) -> Iterator[Finding]:
    if len(listed) > most:
        yield error(field, TOO_MANY, f"{len(listed):,}; at most {most:,}", f"{len(listed):,} 个，至多 {most:,} 个")


def _names_in(measure: Measure) -> tuple[object, ...]:
    match measure.kind:
        case Count(activities) | Rework(activities) | Work(activities) | Flag(Occurred(activities)):
            return activities
        case Flag(AttributeIs(_, equals, _)):
            return equals
        case Succession(activities, by):
            return (*activities, *by)
        case Elapsed(paused=Paused(states, until)):
            return (*states, *until)
        case _:
            return ()


def _attribute_of(measure: Measure) -> str | None:
    match measure.kind:
        case NumberAttribute(attribute) | Handover(attribute) | Flag(AttributeIs(attribute)):
            return attribute
        case Elapsed(paused=Paused(attribute=attribute)):
            return attribute
        case _:
            return None


def calendars(spec: SystemSpec) -> Iterator[tuple[str, Calendar]]:
    """Every calendar of a document, with its path."""
    yield "calendar", spec.calendar
    for place, choice in enumerate(() if spec.calendar_by is None else spec.calendar_by.choices):
        yield f"calendar_by.choices[{place}].calendar", choice.calendar


def moments(spec: SystemSpec) -> Iterator[tuple[str, Milestone | None]]:
    """Every moment of a document, with its path; what bounds one comes after it, down to a depth that is refused."""
    yield from _with_bounds("case_rule.opened", spec.case_rule.opened)
    yield from _with_bounds("case_rule.closed", spec.case_rule.closed)
    for place, measure in enumerate(spec.measures):
        match measure.kind:
            case Elapsed(start, end):
                yield from _with_bounds(f"measures[{place}].duration.from", start)
                yield from _with_bounds(f"measures[{place}].duration.to", end)
            case Count():
                yield from _bounds(f"measures[{place}].count", measure.kind)
            case Flag(Occurred() as occurred):
                yield from _bounds(f"measures[{place}].flag.occurred", occurred)
            case _:
                pass
    for place, indicator in enumerate(spec.indicators):
        yield from _with_bounds(f"indicators[{place}].anchor", indicator.anchor)


def _with_bounds(field: str, moment: Milestone | None, depth: int = 0) -> Iterator[tuple[str, Milestone | None]]:
    yield field, moment
    if depth <= BOUNDS_MAX:
        yield from _bounds(f"{field}.{'first' if isinstance(moment, FirstOf) else 'last'}", moment, depth)


def _bounds(field: str, bounded: object, depth: int = 0) -> Iterator[tuple[str, Milestone | None]]:
    for name, bound in bounds_of(bounded):
        yield from _with_bounds(f"{field}.{name}", bound, depth + 1)


def _activities_of(moment: Milestone | None) -> Sequence[str]:
    match moment:
        case FirstOf(activities) | LastOf(activities):
            return activities
        case _:
            return ()


def texts(spec: SystemSpec) -> Iterator[Finding]:
    """Texts that are too long, or hold characters that nobody can read."""
    yield from _title("title", spec.title)
    titled: tuple[tuple[str, Sequence[Titled]], ...] = (
        ("steps", spec.steps),
        ("measures", spec.measures),
        ("dimensions", spec.dimensions),
        ("indicators", spec.indicators),
        ("composites", spec.composites),
    )
    for collection, listed in titled:
        for place, one in enumerate(listed):
            yield from _title(f"{collection}[{place}].title", one.title)
    yield from _texts("sources", spec.sources)
    yield from _texts("case_rule.reopened", spec.case_rule.reopened)
    if spec.calendar_by is not None:
        yield from _texts("calendar_by.attribute", (spec.calendar_by.attribute,))
        for place, choice in enumerate(spec.calendar_by.choices):
            yield from _texts(f"calendar_by.choices[{place}].values", choice.values)
    for place, step in enumerate(spec.steps):
        yield from _texts(f"steps[{place}].activities", step.activities)
    for place, dimension in enumerate(spec.dimensions):
        yield from _texts(f"dimensions[{place}].attribute", (dimension.attribute,))
        yield from _texts(f"dimensions[{place}].unknown_values", dimension.unknown_values)
    for place, measure in enumerate(spec.measures):
        yield from _texts(f"measures[{place}]", (one for one in _names_in(measure) if isinstance(one, str)))
        yield from _texts(f"measures[{place}]", (_attribute_of(measure) or "",))
    for field, moment in moments(spec):
        yield from _texts(field, _activities_of(moment))
        if isinstance(moment, AttributeTime):
            yield from _texts(field, (moment.attribute,))
    for place, indicator in enumerate(spec.indicators):
        yield from _texts(f"indicators[{place}].unit", (indicator.unit,))
        yield from _texts(f"indicators[{place}].owner", (indicator.owner,))


def _title(field: str, title: Text) -> Iterator[Finding]:
    for language, text in (("en", title.en), ("zh", title.zh)):
        yield from _text(f"{field}.{language}", text, TITLE_CHARS_MAX)


def _texts(field: str, given: Iterable[str]) -> Iterator[Finding]:
    for text in given:
        yield from _text(field, text, TEXT_CHARS_MAX)


def _text(field: str, text: str, most: int) -> Iterator[Finding]:
    if len(text) > most:
        en, zh = f"{len(text):,} characters; at most {most:,}", f"{len(text):,} 个字符，至多 {most:,} 个"
        yield error(field, "text_too_long", en, zh)
    elif not text.isprintable():
        en, zh = "control characters are not allowed", "不得含有控制字符"
        yield error(field, "text_malformed", en, zh)


def numbers(spec: SystemSpec) -> Iterator[Finding]:
    """Numbers that are none, or that nothing can be computed with."""
    yield from _within("lateness", spec.lateness_us / 1e6, 0.0, LATENESS_US_MAX / 1e6, "s")
    yield from _within("event_span", spec.event_span_us / 1e6, 0.0, LATENESS_US_MAX / 1e6, "s")
    if spec.source_idle_timeout_us is not None:
        idle_s = spec.source_idle_timeout_us / 1e6
        yield from _within("source_idle_timeout", idle_s, 0.0, LATENESS_US_MAX / 1e6, "s")
    for place, measure in enumerate(spec.measures):
        field = f"measures[{place}]"
        match measure.kind:
            case NumberAttribute(_, _, resolution):
                yield from _within(f"{field}.value.resolution", resolution, RESOLUTION_MIN, RESOLUTION_MAX)
            case Flag(Above(_, limit)):
                yield from _within(f"{field}.flag.above.limit", limit, -NUMBER_MAX, NUMBER_MAX)
            case _:
                pass
    for place, composite in enumerate(spec.composites):
        yield from _within(f"composites[{place}].weight", composite.weight, 0.0, WEIGHT_MAX)
    for place, indicator in enumerate(spec.indicators):
        yield from _of_indicator(f"indicators[{place}]", indicator)


def _of_indicator(field: str, indicator: Indicator) -> Iterator[Finding]:
    yield from _within(f"{field}.weight", indicator.weight, 0.0, WEIGHT_MAX)
    yield from _within(f"{field}.count_min", indicator.count_min, 0, COUNT_MIN_MAX)
    if indicator.target is not None:
        target = indicator.target
        for name in ("value", "worst", "lower", "upper"):
            given = getattr(target, name)
            if given is not None:
                yield from _within(f"{field}.target.{name}", given, -NUMBER_MAX, NUMBER_MAX)
    if indicator.chart is not None:
        rule = indicator.chart
        yield from _within(f"{field}.chart.smoothing", rule.smoothing, SMOOTHING_MIN, 1.0)
        yield from _within(f"{field}.chart.baseline_windows", rule.baseline_windows, 2, BASELINE_WINDOWS_MAX)
        if rule.requested_arl0 != 0:
            yield from _within(f"{field}.chart.requested_arl0", rule.requested_arl0, 2.0, ARL_MAX, "windows, or 0")


def _within(field: str, given: float, low: float, high: float, unit: str = "") -> Iterator[Finding]:
    # Written so that nan is refused too.
    if not (math.isfinite(given) and low <= given <= high):
        en = f"{given:g} is not within {low:g} to {high:g} {unit}".rstrip()
        zh = f"{given:g} 不在 {low:g} 至 {high:g} 之间"
        yield error(field, "out_of_range", en, zh)
