"""The lint finds what cannot work, and warns of what falls short; the shipped examples have no error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from andon.scoring.v1 import indicator_system_pb2 as pb
from andon_client.documents import load_document

from services.scoring.system import model
from services.scoring.system.case_model import (
    Above,
    AttributeIs,
    Calendar,
    CaseRule,
    Closed,
    Count,
    Elapsed,
    Flag,
    Hours,
    LastOf,
    Measure,
    MeasureKind,
    NumberAttribute,
    Opened,
)
from services.scoring.system.lint import Severity, lint
from services.scoring.wire.systems import spec_of

EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.system.yaml"))


def errors(spec: model.SystemSpec) -> set[tuple[str, str]]:
    return {(finding.field, finding.check) for finding in lint(spec) if finding.severity is Severity.ERROR}


def checks(spec: model.SystemSpec) -> set[str]:
    return {finding.check for finding in lint(spec)}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_shipped_examples_have_no_error(path: Path) -> None:
    assert errors(spec_of(load_document(path, pb.IndicatorSystemSpec))) == set()


MEASURES = (
    Measure("n", Count()),
    Measure("f", Flag(Above("n", 1))),
)
INDICATOR = model.Indicator("i", "n", model.Aggregate.MEAN, direction=model.Direction.LOWER_IS_BETTER)
SPEC = model.SystemSpec(measures=MEASURES, indicators=(INDICATOR,))


def with_indicator(**changes: Any) -> model.SystemSpec:
    return replace(SPEC, indicators=(replace(INDICATOR, **changes),))


def with_measure(kind: MeasureKind | None) -> model.SystemSpec:
    return replace(SPEC, measures=(Measure("n", kind),))


@pytest.mark.parametrize(
    ("spec", "field", "check"),
    [
        (replace(SPEC, time_zone="Mars/Base"), "time_zone", "unknown_time_zone"),
        (
            replace(SPEC, calendar=Calendar((Hours(8, 0, 60),))),
            "calendar.hours[0]",
            "hours_malformed",
        ),
        (replace(SPEC, calendar=Calendar((), ("1.5.2026",))), "calendar.holidays[0]", "holiday_malformed"),
        (
            replace(SPEC, case_rule=CaseRule(opened=Opened())),
            "case_rule.opened",
            "circular_moment",
        ),
        (with_measure(None), "measures[0]", "kind_missing"),
        (with_measure(Elapsed(None, LastOf())), "measures[0].duration.from", "moment_missing"),
        (
            with_measure(Elapsed(Opened(), Closed())),
            "measures[0].duration.to",
            "never_closed",
        ),
        (
            with_measure(NumberAttribute("x", resolution=-1.0)),
            "measures[0].value.resolution",
            "resolution_not_positive",
        ),
        (with_measure(Flag(None)), "measures[0].flag", "condition_missing"),
        (with_measure(Flag(Above("n", 1))), "measures[0].flag.above.measure", "circular_measure"),
        (
            with_measure(Flag(AttributeIs("a", ()))),
            "measures[0].flag.attribute.equals",
            "values_missing",
        ),
        (with_indicator(measure="zz"), "indicators[0].measure", "unknown_measure"),
        (with_indicator(aggregate=model.Aggregate.SHARE), "indicators[0].aggregate", "share_of_no_flag"),
        (with_indicator(aggregate=model.Aggregate.QUANTILE), "indicators[0].quantile", "quantile_out_of_range"),
        (with_indicator(target=model.Target(5.0, worst=1.0)), "indicators[0].target.worst", "worst_is_better"),
        (with_indicator(slices=(model.Slice(("zz",)),)), "indicators[0].slices[0]", "unknown_dimension"),
        (with_indicator(parent="zz"), "indicators[0].parent", "unknown_parent"),
        (with_indicator(symptom_of=("i",)), "indicators[0].symptom_of[0]", "unknown_indicator"),
        (with_indicator(chart=model.ChartRule(rules=("WE9",))), "indicators[0].chart.rules[0]", "unknown_rule"),
        (with_indicator(chart=model.ChartRule(model.ChartKind.P)), "indicators[0].chart.kind", "chart_does_not_fit"),
        (with_indicator(name="Bad Name"), "indicators[0].name", "name_malformed"),
        (replace(SPEC, indicators=(INDICATOR, INDICATOR)), "indicators[1].name", "name_twice"),
        (
            replace(SPEC, composites=(model.Composite("a", parent="b"), model.Composite("b", parent="a"))),
            "composites[0].parent",
            "circular_parent",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_is_found_at_its_place(spec: model.SystemSpec, field: str, check: str) -> None:
    assert (field, check) in errors(spec)


def test_what_works_but_falls_short_is_warned_of() -> None:
    assert errors(SPEC) == set()
    assert checks(SPEC) >= {"no_target", "no_chart", "no_owner", "phase_missing", "phase_uncovered", "unused_measure"}
