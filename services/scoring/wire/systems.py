"""Indicator systems from protobuf, with the contract's defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping

from andon.common.v1 import text_pb2, value_pb2
from andon.scoring.v1 import indicator_system_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError

from services.scoring.system import case_model, model
from services.scoring.system.version import SystemVersion
from services.scoring.wire.scores import microseconds

COUNT_MIN = 5
SMOOTHING = 0.2
RESOLUTION = 0.001

PHASES: Mapping[int, model.Phase] = {
    pb.PHASE_UNSPECIFIED: model.Phase.UNSPECIFIED,
    pb.PHASE_BEFORE: model.Phase.BEFORE,
    pb.PHASE_DURING: model.Phase.DURING,
    pb.PHASE_AFTER: model.Phase.AFTER,
}
PHASE_NUMBERS: Mapping[model.Phase, int] = {phase: number for number, phase in PHASES.items()}
DIRECTIONS: Mapping[int, model.Direction] = {
    pb.DIRECTION_LOWER_IS_BETTER: model.Direction.LOWER_IS_BETTER,
    pb.DIRECTION_HIGHER_IS_BETTER: model.Direction.HIGHER_IS_BETTER,
    pb.DIRECTION_TARGET_IS_BETTER: model.Direction.TARGET_IS_BETTER,
}
WINDOWS: Mapping[int, model.Window] = {
    pb.WINDOW_HOUR: model.Window.HOUR,
    pb.WINDOW_DAY: model.Window.DAY,
    pb.WINDOW_WEEK: model.Window.WEEK,
    pb.WINDOW_MONTH: model.Window.MONTH,
    pb.WINDOW_ALL: model.Window.ALL,
    pb.WINDOW_QUARTER: model.Window.QUARTER,
    pb.WINDOW_YEAR: model.Window.YEAR,
}
AGGREGATES: Mapping[int, model.Aggregate] = {
    pb.Indicator.AGGREGATE_MEAN: model.Aggregate.MEAN,
    pb.Indicator.AGGREGATE_MEDIAN: model.Aggregate.MEDIAN,
    pb.Indicator.AGGREGATE_SHARE: model.Aggregate.SHARE,
    pb.Indicator.AGGREGATE_SUM: model.Aggregate.SUM,
    pb.Indicator.AGGREGATE_QUANTILE: model.Aggregate.QUANTILE,
    pb.Indicator.AGGREGATE_MINIMUM: model.Aggregate.MINIMUM,
    pb.Indicator.AGGREGATE_MAXIMUM: model.Aggregate.MAXIMUM,
}
UNMATCHED: Mapping[int, case_model.Unmatched] = {
    pb.Measure.Work.UNMATCHED_STARTS: case_model.Unmatched.STARTS,
    pb.Measure.Work.UNMATCHED_COMPLETIONS: case_model.Unmatched.COMPLETIONS,
}
OBSERVES: Mapping[int, model.Observe] = {
    pb.Indicator.OBSERVE_WHEN_CLOSED: model.Observe.WHEN_CLOSED,
    pb.Indicator.OBSERVE_ALWAYS: model.Observe.ALWAYS,
}
CHARTS: Mapping[int, model.ChartKind] = {
    pb.ChartRule.KIND_XMR: model.ChartKind.XMR,
    pb.ChartRule.KIND_XBAR_S: model.ChartKind.XBAR_S,
    pb.ChartRule.KIND_P: model.ChartKind.P,
    pb.ChartRule.KIND_EWMA: model.ChartKind.EWMA,
    pb.ChartRule.KIND_U: model.ChartKind.U,
    pb.ChartRule.KIND_C: model.ChartKind.C,
}
STATES: Mapping[int, model.SystemState] = {
    pb.IndicatorSystem.STATE_DRAFT: model.SystemState.DRAFT,
    pb.IndicatorSystem.STATE_ACTIVE: model.SystemState.ACTIVE,
    pb.IndicatorSystem.STATE_RETIRED: model.SystemState.RETIRED,
}


def system_message(stored: SystemVersion) -> pb.IndicatorSystem:
    """Raises DecodeError where the stored document is no message of the contract."""
    message = _without_document(stored)
    message.spec.MergeFromString(stored.document)
    return message


def listed_message(stored: SystemVersion) -> pb.IndicatorSystem:
    """The same, without a spec where the document cannot be read: the others of a list are to be seen all the same."""
    try:
        return system_message(stored)
    except DecodeError:
        return _without_document(stored)


def _without_document(stored: SystemVersion) -> pb.IndicatorSystem:
    message = pb.IndicatorSystem(
        name=stored.name,
        version=stored.version,
        state=pb.IndicatorSystem.State.ValueType(stored.state),
        etag=stored.etag,
    )
    message.create_time.FromDatetime(stored.create_time)
    if stored.activate_time is not None:
        message.activate_time.FromDatetime(stored.activate_time)
    return message


def stored_system(stored: SystemVersion) -> model.IndicatorSystem:
    return system_of(system_message(stored))


def system_of(message: pb.IndicatorSystem) -> model.IndicatorSystem:
    return model.IndicatorSystem(
        name=message.name,
        version=message.version,
        spec=spec_of(message.spec),
        state=STATES.get(message.state, model.SystemState.UNSPECIFIED),
        etag=message.etag,
        create_us=microseconds(message.create_time),
        activate_us=microseconds(message.activate_time) if message.HasField("activate_time") else None,
    )


def spec_of(message: pb.IndicatorSystemSpec) -> model.SystemSpec:
    return model.SystemSpec(
        title=_text(message.title),
        sources=tuple(message.sources),
        time_zone=message.time_zone or "UTC",
        calendar=_calendar(message.calendar),
        calendar_by=_calendar_by(message.calendar_by) if message.HasField("calendar_by") else None,
        case_rule=case_model.CaseRule(
            opened=_optional_milestone(message.case_rule, "opened"),
            closed=_optional_milestone(message.case_rule, "closed"),
            reopened=tuple(message.case_rule.reopened),
        ),
        steps=tuple(
            model.ProcessStep(
                step.name,
                _text(step.title),
                PHASES.get(step.phase, model.Phase.UNSPECIFIED),
                tuple(step.activities),
                step.optional,
            )
            for step in message.steps
        ),
        measures=tuple(case_model.Measure(one.name, _measure_kind(one), _text(one.title)) for one in message.measures),
        dimensions=tuple(
            model.Dimension(one.name, one.attribute, _text(one.title), _pick(one.pick), tuple(one.unknown_values))
            for one in message.dimensions
        ),
        indicators=tuple(_indicator(indicator) for indicator in message.indicators),
        composites=tuple(
            model.Composite(one.name, _text(one.title), one.weight or 1.0, one.parent) for one in message.composites
        ),
        lateness_us=_duration_us(message.lateness),
        event_span_us=_duration_us(message.event_span),
        source_idle_timeout_us=_duration_us(message.source_idle_timeout)
        if message.HasField("source_idle_timeout")
        else None,
    )


def _calendar(message: pb.Calendar) -> case_model.Calendar:
    hours = (case_model.Hours(one.weekday, one.start_minute, one.end_minute) for one in message.hours)
    return case_model.Calendar(tuple(hours), tuple(message.holidays))


def _calendar_by(message: pb.CalendarBy) -> case_model.CalendarBy:
    choices = (case_model.CalendarChoice(tuple(one.values), _calendar(one.calendar)) for one in message.choices)
    return case_model.CalendarBy(message.attribute, tuple(choices), _pick(message.pick))


def _duration_us(length: Duration) -> int:
    return length.seconds * 1_000_000 + length.nanos // 1000


def _text(message: text_pb2.Text) -> case_model.Text:
    return case_model.Text(message.en, message.zh)


def _pick(number: int) -> case_model.Pick:
    return case_model.Pick.FIRST if number == pb.PICK_FIRST else case_model.Pick.LAST


def _events(
    message: pb.Activities | pb.Measure.Count,
) -> tuple[tuple[str, ...], case_model.Milestone | None, case_model.Milestone | None]:
    """Which activities, after and before which moment."""
    bounds = (_optional_milestone(message, "after"), _optional_milestone(message, "before"))
    return tuple(message.activities), *bounds


def _optional_milestone(
    owner: pb.CaseRule | pb.Measure.Elapsed | pb.Indicator | pb.Activities | pb.Measure.Count, field: str
) -> case_model.Milestone | None:
    return _milestone(getattr(owner, field)) if owner.HasField(field) else None  # type: ignore[arg-type]


def _milestone(message: pb.Milestone) -> case_model.Milestone | None:
    match message.WhichOneof("kind"):
        case "first":
            return case_model.FirstOf(*_events(message.first))
        case "last":
            return case_model.LastOf(*_events(message.last))
        case "attribute":
            return case_model.AttributeTime(message.attribute)
        case "opened":
            return case_model.Opened()
        case "closed":
            return case_model.Closed()
        case _:
            return None


def _measure_kind(message: pb.Measure) -> case_model.MeasureKind | None:
    match message.WhichOneof("kind"):
        case "duration":
            span = message.duration
            start, end = _optional_milestone(span, "from"), _optional_milestone(span, "to")
            paused = None
            if span.HasField("paused"):
                said = span.paused
                paused = case_model.Paused(tuple(said.states), tuple(said.until), said.attribute)
            return case_model.Elapsed(start, end, span.business_time, paused)
        case "count":
            return case_model.Count(*_events(message.count))
        case "flag":
            return case_model.Flag(_condition(message.flag), message.flag.negate)
        case "value":
            reading = message.value
            return case_model.NumberAttribute(reading.attribute, _pick(reading.pick), reading.resolution or RESOLUTION)
        case "rework":
            return case_model.Rework(tuple(message.rework.activities))
        case "handover":
            return case_model.Handover(message.handover.attribute, message.handover.back)
        case "followed":
            return case_model.Succession(tuple(message.followed.activities), tuple(message.followed.by))
        case "work":
            work = message.work
            return case_model.Work(tuple(work.activities), work.business_time, UNMATCHED.get(work.unmatched))
        case "ratio":
            return case_model.Ratio(message.ratio.of, message.ratio.per, message.ratio.squares)
        case _:
            return None


def _condition(message: pb.Measure.Flag) -> case_model.AttributeIs | case_model.Above | case_model.Occurred | None:
    match message.WhichOneof("condition"):
        case "attribute":
            wanted = message.attribute
            values = tuple(value for one in wanted.equals if (value := _value(one)) is not None)
            return case_model.AttributeIs(wanted.attribute, values, _pick(wanted.pick))
        case "above":
            return case_model.Above(message.above.measure, message.above.limit)
        case "occurred":
            return case_model.Occurred(*_events(message.occurred))
        case _:
            return None


def _value(message: value_pb2.Value) -> case_model.AttributeValue | None:
    match message.WhichOneof("kind"):
        case "text":
            return message.text
        case "number":
            return message.number
        case "integer":
            return message.integer
        case "flag":
            return message.flag
        case "time":
            return case_model.TimeValue(microseconds(message.time))
        case _:
            return None


def _indicator(message: pb.Indicator) -> model.Indicator:
    return model.Indicator(
        name=message.name,
        measure=message.measure,
        aggregate=AGGREGATES.get(message.aggregate, model.Aggregate.UNSPECIFIED),
        title=_text(message.title),
        phase=PHASES.get(message.phase, model.Phase.UNSPECIFIED),
        quantile=message.quantile,
        direction=DIRECTIONS.get(message.direction, model.Direction.UNSPECIFIED),
        unit=message.unit,
        target=_target(message.target) if message.HasField("target") else None,
        weight=message.weight or 1.0,
        parent=message.parent,
        anchor=_optional_milestone(message, "anchor"),
        observe=OBSERVES.get(message.observe, model.Observe.UNSPECIFIED),
        windows=tuple(WINDOWS[one] for one in message.windows if one in WINDOWS) or (model.Window.WEEK,),
        count_min=message.count_min or COUNT_MIN,
        slices=tuple(model.Slice(tuple(one.dimensions)) for one in message.slices),
        chart=_chart(message.chart) if message.HasField("chart") else None,
        owner=message.owner,
        symptom_of=tuple(message.symptom_of),
    )


def _target(message: pb.Target) -> model.Target:
    return model.Target(
        message.value,
        message.worst if message.HasField("worst") else None,
        message.lower if message.HasField("lower") else None,
        message.upper if message.HasField("upper") else None,
    )


def _chart(message: pb.ChartRule) -> model.ChartRule:
    span = message.baseline_interval
    return model.ChartRule(
        kind=CHARTS.get(message.kind, model.ChartKind.UNSPECIFIED),
        rules=tuple(message.rules),
        requested_arl0=message.requested_arl0,
        baseline_windows=message.baseline_windows or model.BASELINE_WINDOWS,
        baseline_start_us=microseconds(span.start) if span.HasField("start") else None,
        baseline_end_us=microseconds(span.end) if span.HasField("end") else None,
        both_sides=message.both_sides,
        smoothing=message.smoothing or SMOOTHING,
    )
