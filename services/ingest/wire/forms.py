"""Forms: protobuf and model, both ways, and the source that takes their observations."""

from collections.abc import Sequence
from datetime import date

from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import event_pb2, form_pb2, mapping_pb2, source_pb2

from services.ingest import wire
from services.ingest.model import OBJECT_KINDS, OBSERVED_FIELD, RATER_FIELD, FieldPolicy, Source, SourceId, Treatment
from services.ingest.registry.forms.model import (
    NOT_GRADED,
    FormItem,
    Grade,
    ObservationForm,
    PlanPeriod,
    PlanShift,
    PlanStratum,
    SamplingPlan,
)
from services.ingest.registry.forms.plan import Planned
from services.ingest.registry.forms.report import (
    AgreementResult,
    CoverageResult,
    FormItemResult,
    ObjectResult,
    RaterResult,
)
from services.ingest.registry.surveys.report import ReportedFigure
from services.ingest.wire.times import timestamp

FORM_PREFIX = "forms/"
ACTIVITY = "Observed"


def form(message: form_pb2.ObservationForm, name: SourceId) -> ObservationForm:
    """Of a message that was checked. Absent fields are the defaults."""
    kind = event_pb2.ObjectKind.Name(message.object_kind).removeprefix("OBJECT_KIND_").lower()
    return ObservationForm(
        id=name,
        items=tuple(_item(one) for one in message.items),
        object_kind=kind,
        title_en=message.title.en,
        title_zh=message.title.zh,
        plan=_plan(message.plan) if message.HasField("plan") else None,
    )


def _item(message: form_pb2.FormItem) -> FormItem:
    grades = (Grade(one.value, one.label.en, one.label.zh, one.meaning.en, one.meaning.zh) for one in message.grades)
    return FormItem(message.name, message.text.en, message.text.zh, tuple(grades), message.unordered)


def _plan(message: form_pb2.SamplingPlan) -> SamplingPlan:
    return SamplingPlan(
        seed=message.seed,
        period=PlanPeriod(message.period or PlanPeriod.DAY),
        count=message.count,
        stratum=PlanStratum(message.stratum or PlanStratum.PERIOD),
        units=tuple(message.units),
        shifts=tuple(PlanShift(one.name, minute_of(one.start), minute_of(one.end)) for one in message.shifts),
        time_zone=message.time_zone or "UTC",
        first_day=date.fromisoformat(message.start_date).toordinal(),
        last_day=date.fromisoformat(message.end_date).toordinal() if message.end_date else None,
    )


def minute_of(clock: str) -> int:
    """
    >>> minute_of("06:30")
    390
    """
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def form_message(one: ObservationForm) -> form_pb2.ObservationForm:
    message = form_pb2.ObservationForm(
        name=FORM_PREFIX + one.id,
        title=Text(en=one.title_en, zh=one.title_zh),
        items=[_item_message(item) for item in one.items],
        object_kind=_kind(one),
        source=wire.SOURCE_PREFIX + one.id,
    )
    if one.plan is not None:
        message.plan.CopyFrom(_plan_message(one.plan))
    if one.created_at_us:
        message.create_time.CopyFrom(timestamp(one.created_at_us))
    return message


def _kind(one: ObservationForm) -> event_pb2.ObjectKind.ValueType:
    return event_pb2.ObjectKind.ValueType(OBJECT_KINDS.index(one.object_kind) + 1)


def _item_message(item: FormItem) -> form_pb2.FormItem:
    grades = [
        form_pb2.Grade(
            value=one.value,
            label=Text(en=one.label_en, zh=one.label_zh),
            meaning=Text(en=one.meaning_en, zh=one.meaning_zh),
        )
        for one in item.grades
    ]
    text = Text(en=item.text_en, zh=item.text_zh)
    return form_pb2.FormItem(name=item.name, text=text, grades=grades, unordered=item.unordered)


def _plan_message(plan: SamplingPlan) -> form_pb2.SamplingPlan:
    return form_pb2.SamplingPlan(
        seed=plan.seed,
        period=form_pb2.PlanPeriod.ValueType(plan.period),
        count=plan.count,
        stratum=form_pb2.PlanStratum.ValueType(plan.stratum),
        units=plan.units,
        shifts=[
            form_pb2.PlanShift(name=one.name, start=_clock(one.start_min), end=_clock(one.end_min))
            for one in plan.shifts
        ],
        time_zone=plan.time_zone,
        start_date=date.fromordinal(plan.first_day).isoformat(),
        end_date=date.fromordinal(plan.last_day).isoformat() if plan.last_day is not None else "",
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def source_of(one: ObservationForm) -> Source:
    """Its records are observations: `id`, `time`, `rater`, `object`, where known `case_id` and `place`, and grades."""
    column = mapping_pb2.MappedColumn
    number, text = mapping_pb2.ATTRIBUTE_TYPE_NUMBER, mapping_pb2.ATTRIBUTE_TYPE_TEXT
    mapping = mapping_pb2.RecordMapping(
        id=column(column="id"),
        case_id=column(column="case"),
        activity=column(text=ACTIVITY),
        time=column(column="time"),
        resource=column(column="rater"),
        supersedes=column(column="supersedes"),
        retracts=column(column="retracts"),
        fields={"case": "case_id || id"},
        known_keys=[*NOT_GRADED, *(item.name for item in one.items)],
        object_kind=_kind(one),
        attributes={
            "object": mapping_pb2.MappedAttribute(column="object", type=text),
            "place": mapping_pb2.MappedAttribute(column="place", type=text),
            **{
                item.name: mapping_pb2.MappedAttribute(column=item.name, type=number if item.grades else text)
                for item in one.items
            },
        },
    )
    observed = Treatment.PSEUDONYMISE if one.object_kind == "person" else Treatment.KEEP
    return Source(
        id=one.id,
        kind=source_pb2.SOURCE_KIND_OBSERVATION,
        title_en=one.title_en,
        title_zh=one.title_zh,
        policies=(
            FieldPolicy(RATER_FIELD, Treatment.PSEUDONYMISE),
            FieldPolicy(OBSERVED_FIELD, observed),
            # Grades name nobody, whatever the item is called. Words are scanned by default.
            *(FieldPolicy(item.field, Treatment.KEEP) for item in one.items if item.grades),
        ),
        mapping=mapping.SerializeToString(deterministic=True),
        answers=tuple(item.rule for item in one.items),
        observed_kind=one.object_kind,
    )


def planned_message(one: Planned) -> form_pb2.PlannedObservation:
    return form_pb2.PlannedObservation(
        id=one.id,
        unit=one.unit,
        shift=one.shift,
        time=timestamp(one.time_us),
        start_time=timestamp(one.start_us),
        end_time=timestamp(one.end_us),
        state=form_pb2.PlannedState.ValueType(one.state),
        observation=one.observation,
    )


def report_message(
    items: Sequence[FormItemResult],
    raters: Sequence[RaterResult],
    objects: Sequence[ObjectResult],
    coverage: CoverageResult | None,
    confidence: float,
) -> form_pb2.FormReport:
    """Without the counts of all observations, raters and objects, and `through`."""
    message = form_pb2.FormReport(confidence=confidence)
    for item in items:
        message.items.add(
            item=item.item.name,
            graded=item.graded,
            missing=item.missing,
            grades=[form_pb2.GradeCount(value=value, count=count) for value, count in item.grades],
            mean=_estimate(item.mean),
            agreement=_agreement(item.agreement) if item.agreement else None,
        )
    for rater in raters:
        message.raters.add(
            rater=rater.rater,
            observations=rater.observations,
            shared_things=rater.shared_things,
            leniency=_estimate(rater.leniency),
        )
    for one in objects:
        message.objects.add(
            object=one.object, observations=one.observations, raters=one.raters, score=_estimate(one.score)
        )
    if coverage is not None:
        message.coverage.CopyFrom(
            form_pb2.PlanCoverage(
                planned=coverage.done + coverage.missed + coverage.open,
                done=coverage.done,
                missed=coverage.missed,
                open=coverage.open,
                coverage=_estimate(coverage.coverage),
            )
        )
    return message


def _agreement(one: AgreementResult) -> form_pb2.RaterAgreement:
    return form_pb2.RaterAgreement(
        things=one.things,
        ratings=one.ratings,
        pairs=one.pairs,
        method=form_pb2.AgreementMethod.ValueType(one.method),
        kappa=_estimate(one.kappa),
        same_share=one.same_share,
    )


def _estimate(one: ReportedFigure | None) -> form_pb2.FormEstimate | None:
    return form_pb2.FormEstimate(value=one.value, low=one.low, high=one.high) if one else None
