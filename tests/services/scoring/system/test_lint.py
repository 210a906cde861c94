"""The lint finds what cannot work, and warns of what falls short; the shipped examples have no error."""

from __future__ import annotations

import math
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
    AttributeTime,
    Calendar,
    CalendarBy,
    CalendarChoice,
    CaseRule,
    Closed,
    Count,
    Elapsed,
    FirstOf,
    Flag,
    Hours,
    LastOf,
    Measure,
    MeasureKind,
    NumberAttribute,
    Occurred,
    Opened,
    Paused,
    Ratio,
    Succession,
    Text,
    Unmatched,
    Work,
)
from services.scoring.system.lint import Severity, lint
from services.scoring.system.lint_log import LogVocabulary, never_seen
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


U, XBAR_S = model.ChartRule(model.ChartKind.U), model.ChartRule(model.ChartKind.XBAR_S)


def with_ratio(ratio: Ratio, above: str = "hits", **changes: Any) -> model.SystemSpec:
    measures = (
        Measure("hits", NumberAttribute("hits", resolution=1.0)),
        Measure("size", NumberAttribute("size", resolution=1.0)),
        Measure("rate", ratio),
        Measure("third", NumberAttribute("third", resolution=0.12345678901)),
        Measure("over", Flag(Above(above, 1))),
    )
    return replace(SPEC, measures=measures, indicators=(replace(INDICATOR, measure="rate", **changes),))


def test_moments_that_bound_each_other_without_end_are_refused_before_they_are_looked_at() -> None:
    moment = FirstOf()
    for _ in range(5):
        moment = FirstOf(after=moment)
    (finding,) = lint(with_measure(Elapsed(Opened(), moment)))
    assert (finding.field, finding.check) == ("measures[0].duration.to" + ".first.after" * 5, "too_many")


def test_a_moment_between_others_may_be_missing_and_names_what_the_log_never_had() -> None:
    answer = Elapsed(Opened(), FirstOf(("Reply",), after=LastOf(("Reopened",))), paused=Paused(("Wait",)))
    said = [one.message.en for one in lint(with_measure(answer)) if one.check == "loses_cases"]
    assert len(said) == 1
    assert "an event Reply between its bounds" in said[0]
    unseen = never_seen(with_measure(answer), LogVocabulary(frozenset({"Reply"}), {}))
    assert [one.field for one in unseen] == [
        "measures[0].duration.to.first.after",
        "measures[0].duration.paused.states",
    ]


def test_a_ratio_may_be_a_share_a_rate_or_a_mean_with_its_squares() -> None:
    assert errors(with_ratio(Ratio("hits", "size"), aggregate=model.Aggregate.SHARE)) == set()
    assert errors(with_ratio(Ratio("hits", "size"), chart=U)) == set()
    assert errors(with_ratio(Ratio("hits", "size", "size"), chart=XBAR_S)) == set()


@pytest.mark.parametrize(
    ("spec", "field", "check"),
    [
        (replace(SPEC, time_zone="Mars/Base"), "time_zone", "unknown_time_zone"),
        (
            replace(SPEC, calendar=Calendar((Hours(8, 0, 60),))),
            "calendar.hours[0]",
            "hours_malformed",
        ),
        (
            replace(SPEC, calendar=Calendar((Hours(5, 1320, 2881),))),
            "calendar.hours[0]",
            "hours_malformed",
        ),
        (
            replace(SPEC, calendar_by=CalendarBy("site", (CalendarChoice(("a",), Calendar((), ("x",))),))),
            "calendar_by.choices[0].calendar.holidays[0]",
            "holiday_malformed",
        ),
        (
            replace(SPEC, calendar_by=CalendarBy("site", (CalendarChoice(("a", "a"), Calendar()),))),
            "calendar_by.choices[0].values",
            "value_twice",
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
            replace(SPEC, case_rule=CaseRule(FirstOf(after=Closed()), LastOf(("Closed",), after=Opened()))),
            "case_rule.opened",
            "circular_moment",
        ),
        (with_measure(Count(after=Closed())), "measures[0].count.after", "never_closed"),
        (
            with_measure(Flag(Occurred(("a",), after=LastOf(after=AttributeTime(""))))),
            "measures[0].flag.occurred.after.last.after",
            "attribute_missing",
        ),
        (with_measure(Count(after=FirstOf(), before=FirstOf())), "measures[0].count.before", "bounds_empty"),
        (with_measure(Succession()), "measures[0].followed", "activities_missing"),
        (
            with_measure(Elapsed(Opened(), LastOf(), paused=Paused(()))),
            "measures[0].duration.paused.states",
            "states_missing",
        ),
        (
            with_measure(Elapsed(Opened(), LastOf(), paused=Paused(("a", "b"), ("b",)))),
            "measures[0].duration.paused.until",
            "state_in_both",
        ),
        (with_measure(NumberAttribute("x", resolution=-1.0)), "measures[0].value.resolution", "out_of_range"),
        (with_measure(Flag(None)), "measures[0].flag", "condition_missing"),
        (with_measure(Flag(Above("n", 1))), "measures[0].flag.above.measure", "circular_measure"),
        (
            with_measure(Flag(AttributeIs("a", ()))),
            "measures[0].flag.attribute.equals",
            "values_missing",
        ),
        (
            with_measure(Work(business_time=True, unmatched=Unmatched.STARTS)),
            "measures[0].work.business_time",
            "business_time_of_count",
        ),
        (
            replace(with_measure(Work()), indicators=(replace(INDICATOR, unit="weeks"),)),
            "indicators[0].unit",
            "unknown_unit",
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
        (with_ratio(Ratio("hits", "zz")), "measures[2].ratio.per", "unknown_measure"),
        (with_ratio(Ratio("rate", "size")), "measures[2].ratio.of", "ratio_of_ratio"),
        (with_ratio(Ratio("hits", "third")), "measures[2].ratio.per", "ratio_inexact"),
        (with_ratio(Ratio("third", "size", "size")), "measures[2].ratio.squares", "squares_resolution"),
        (
            with_ratio(Ratio("hits", "size"), aggregate=model.Aggregate.SUM),
            "indicators[0].aggregate",
            "aggregate_of_ratio",
        ),
        (
            with_ratio(Ratio("hits", "third"), aggregate=model.Aggregate.SHARE),
            "indicators[0].measure",
            "share_of_fractions",
        ),
        (with_ratio(Ratio("third", "size"), chart=U), "indicators[0].chart.kind", "chart_does_not_fit"),
        (with_ratio(Ratio("hits", "size"), chart=XBAR_S), "indicators[0].chart.kind", "chart_does_not_fit"),
        (with_indicator(chart=U), "indicators[0].chart.kind", "chart_does_not_fit"),
        (with_indicator(chart=model.ChartRule(model.ChartKind.C)), "indicators[0].chart.kind", "chart_does_not_fit"),
        (with_ratio(Ratio("hits", "size"), above="rate"), "measures[4].flag.above.measure", "above_of_ratio"),
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


NUMBERS = [
    (with_indicator(weight=math.nan), "indicators[0].weight"),
    (with_indicator(weight=math.inf), "indicators[0].weight"),
    (with_indicator(weight=1e308), "indicators[0].weight"),
    (with_indicator(weight=-1.0), "indicators[0].weight"),
    (with_indicator(target=model.Target(math.nan)), "indicators[0].target.value"),
    (with_indicator(target=model.Target(1.0, worst=math.inf)), "indicators[0].target.worst"),
    (with_indicator(count_min=-1), "indicators[0].count_min"),
    (with_indicator(chart=model.ChartRule(requested_arl0=1e300)), "indicators[0].chart.requested_arl0"),
    (with_indicator(chart=model.ChartRule(requested_arl0=math.nan)), "indicators[0].chart.requested_arl0"),
    (with_indicator(chart=model.ChartRule(baseline_windows=2**31 - 1)), "indicators[0].chart.baseline_windows"),
    (with_indicator(chart=model.ChartRule(baseline_windows=1)), "indicators[0].chart.baseline_windows"),
    (with_indicator(chart=model.ChartRule(smoothing=1e-320)), "indicators[0].chart.smoothing"),
    (with_indicator(chart=model.ChartRule(smoothing=1.5)), "indicators[0].chart.smoothing"),
    (replace(SPEC, lateness_us=2**62), "lateness"),
    (replace(SPEC, lateness_us=-1), "lateness"),
    (replace(SPEC, source_idle_timeout_us=-1), "source_idle_timeout"),
    (replace(SPEC, composites=(model.Composite("a", weight=math.nan),)), "composites[0].weight"),
    (with_measure(NumberAttribute("x", resolution=math.nan)), "measures[0].value.resolution"),
    (with_measure(Flag(Above("n", math.inf))), "measures[0].flag.above.limit"),
]


@pytest.mark.parametrize(
    ("spec", "field"), NUMBERS, ids=[f"{field}-{place}" for place, (_, field) in enumerate(NUMBERS)]
)
def test_a_number_that_nothing_can_be_computed_with_is_refused_with_its_field(
    spec: model.SystemSpec, field: str
) -> None:
    assert (field, "out_of_range") in errors(spec)


def test_texts_that_are_too_long_or_hold_control_characters_are_refused() -> None:
    long, broken = Text("x" * 5_000_000), Text("a\0b")
    assert ("title.en", "text_too_long") in errors(replace(SPEC, title=long))
    assert ("indicators[0].title.en", "text_malformed") in errors(with_indicator(title=broken))
    assert ("measures[0]", "text_malformed") in errors(with_measure(Count(("a\0",))))


def test_a_document_of_too_many_parts_is_refused_before_anything_else_is_looked_at() -> None:
    many = tuple(replace(INDICATOR, name=f"i{number}") for number in range(10_000))
    assert errors(replace(SPEC, indicators=many)) == {("indicators", "too_many")}
    wide = replace(INDICATOR, windows=tuple(model.Window), slices=(model.Slice(("a",)),) * 20)
    assert ("indicators", "too_many_series") in errors(replace(SPEC, indicators=(wide,) * 200))
    assert errors(with_measure(Count(tuple(map(str, range(501)))))) == {("measures[0]", "too_many")}


def test_a_document_that_slices_much_is_told_how_few_combinations_each_slice_may_have() -> None:
    many = tuple(replace(INDICATOR, name=f"i{at}", slices=(model.Slice(("team",)),)) for at in range(1_000))
    dimension = model.Dimension("team", "team")
    found = {one.check: one for one in lint(replace(SPEC, indicators=many, dimensions=(dimension,)))}
    assert "may have 100 combinations" not in str(found.get("few_combinations"))
    wide = tuple(replace(one, slices=(*one.slices, model.Slice(("site",)))) for one in many)
    both = (dimension, model.Dimension("site", "site"))
    found = {one.check: one for one in lint(replace(SPEC, indicators=wide, dimensions=both))}
    windows = len(set(INDICATOR.windows))
    assert f"may have {100_000 // (2_000 * windows):,} combinations" in found["few_combinations"].message.en


def test_measures_that_end_in_a_circle_rest_on_themselves_and_those_before_it_too() -> None:
    chain = [Measure(f"m{number}", Flag(Above(f"m{number + 1}", 1))) for number in range(400)]
    assert "circular_measure" not in {
        check for _, check in errors(replace(SPEC, measures=(*chain, Measure("m400", Count()))))
    }
    circle = replace(SPEC, measures=(*chain, Measure("m400", Flag(Above("m399", 1)))))
    assert sum(check == "circular_measure" for _, check in errors(circle)) == 401


def test_what_works_but_falls_short_is_warned_of() -> None:
    assert errors(SPEC) == set()
    assert checks(SPEC) >= {"no_target", "no_chart", "no_owner", "phase_missing", "phase_uncovered", "unused_measure"}


DURATION = Measure("span", Elapsed(Opened(), FirstOf(("Answered",))))


@pytest.mark.parametrize(
    ("kind", "rule", "changes", "lost"),
    [
        (Count(), CaseRule(), {}, None),
        (Flag(Above("n", 1)), CaseRule(), {}, None),
        (Flag(AttributeIs("kind", ("a",))), CaseRule(), {}, "without the attribute kind"),
        (NumberAttribute("rating"), CaseRule(), {}, "without the attribute rating"),
        (DURATION.kind, CaseRule(), {}, "without an event Answered"),
        (DURATION.kind, CaseRule(), {"anchor": LastOf(("Answered",))}, None),
        (DURATION.kind, CaseRule(closed=LastOf(("Answered",))), {}, None),
        (DURATION.kind, CaseRule(closed=LastOf(("Closed",))), {}, "without an event Answered"),
        (Elapsed(Opened(), Closed()), CaseRule(closed=LastOf(("Closed",))), {}, None),
        (
            Elapsed(Opened(), Closed()),
            CaseRule(closed=LastOf(("Closed",))),
            {"anchor": Opened(), "observe": model.Observe.ALWAYS},
            "without an event Closed",
        ),
        (Elapsed(AttributeTime("due"), Opened()), CaseRule(), {}, "without the time due"),
        # A running duration is late past its limit, so that nothing is lost where a case never closes.
        (Flag(Above("span", 60)), CaseRule(), {}, None),
        (Flag(Above("span", 60)), CaseRule(closed=LastOf(("Closed",))), {}, "close within the limit without"),
        (Flag(Above("span", 60)), CaseRule(closed=LastOf(("Answered",))), {}, None),
    ],
)
def test_an_indicator_that_can_lose_cases_is_warned_of_with_which(
    kind: MeasureKind, rule: CaseRule, changes: dict[str, Any], lost: str | None
) -> None:
    spec = replace(
        SPEC,
        case_rule=rule,
        measures=(*MEASURES, DURATION, Measure("chosen", kind)),
        indicators=(replace(INDICATOR, measure="chosen", **changes),),
    )
    found = [finding for finding in lint(spec) if finding.check == "loses_cases"]
    assert len(found) == (lost is not None)
    for finding in found:
        assert (finding.field, finding.severity) == ("indicators[0].measure", Severity.WARNING)
        assert (lost or "") in finding.message.en
        assert finding.message.zh


@pytest.mark.parametrize(
    ("rule", "advice"),
    [(CaseRule(), "such as `opened`"), (CaseRule(opened=FirstOf(("New",))), "such as the first event, `first: {}`")],
)
def test_the_moment_that_a_lost_case_is_advised_to_begin_at_is_one_that_every_case_has(
    rule: CaseRule, advice: str
) -> None:
    kind = Elapsed(FirstOf(("New",)), LastOf(("Closed",)))
    spec = replace(
        SPEC,
        case_rule=rule,
        measures=(*MEASURES, Measure("chosen", kind)),
        indicators=(replace(INDICATOR, measure="chosen", anchor=LastOf(("Closed",))),),
    )
    (found,) = (finding for finding in lint(spec) if finding.check == "loses_cases")
    assert found.message.en.endswith(advice)


def of_chart(**rule: Any) -> set[str]:
    changes = {"direction": model.Direction.LOWER_IS_BETTER, "chart": model.ChartRule(**rule)}
    return {check for check in checks(with_indicator(**changes)) if check != "no_target"}


@pytest.mark.parametrize(
    ("rule", "check"),
    [
        ({"baseline_windows": 4, "rules": ("WE1",)}, "chart_is_blind"),
        ({"baseline_windows": 20, "requested_arl0": 10_000.0}, "chart_is_blind"),
        ({"baseline_windows": 3, "kind": model.ChartKind.EWMA}, "chart_is_blind"),
        ({"rules": ("WE1", "WE4"), "requested_arl0": 1_000.0}, "arl_out_of_reach"),
        ({"baseline_start_us": 5}, "baseline_never_ends"),
        ({"baseline_start_us": 5, "baseline_end_us": 5}, "baseline_empty"),
    ],
)
def test_a_chart_that_cannot_fire_is_known_before_there_are_data(rule: dict[str, Any], check: str) -> None:
    assert check in of_chart(**rule)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"baseline_windows": 12},
        {"kind": model.ChartKind.EWMA},
        {"rules": ("WE1", "WE4"), "requested_arl0": 400.0},
        {"baseline_end_us": 5},
    ],
)
def test_a_chart_that_sees_a_shift_is_not_warned_of(rule: dict[str, Any]) -> None:
    assert not of_chart(**rule) & {"chart_is_blind", "arl_out_of_reach", "baseline_never_ends", "baseline_empty"}


def test_some_kinds_of_chart_are_simulated_and_no_more_however_many_a_document_has() -> None:
    wanted = replace(INDICATOR, direction=model.Direction.LOWER_IS_BETTER)
    rules = [model.ChartRule(requested_arl0=1_000.0 + at, baseline_windows=3) for at in range(40)]
    many = tuple(replace(wanted, name=f"i{at}", chart=rule) for at, rule in enumerate(rules))
    found = [finding for finding in lint(replace(SPEC, indicators=many)) if finding.check == "chart_is_blind"]
    assert len(found) == 8
