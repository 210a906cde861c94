"""Surveys: protobuf and model, both ways, and the source that takes their responses."""

from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import event_pb2, mapping_pb2, source_pb2, survey_pb2

from services.ingest import wire
from services.ingest.model import FieldPolicy, Source, SourceId, Treatment
from services.ingest.registry.surveys.model import (
    RESERVED_NAMES,
    AnswerIndex,
    AnswerScale,
    Invitation,
    InvitationTally,
    Item,
    Survey,
    all_of,
)
from services.ingest.registry.surveys.report import DimensionResult, ItemResult, ReportedFigure, response_rate
from services.ingest.wire.times import timestamp

SURVEY_PREFIX = "surveys/"
ACTIVITY = "Responded"
# Of a scale: the upper answers that count as satisfied by default.
_TOP_ANSWERS = 2


def survey(message: survey_pb2.Survey, name: SourceId) -> Survey:
    """Absent fields are the defaults."""
    return Survey(
        id=name,
        items=tuple(_item(one) for one in message.items),
        title_en=message.title.en,
        title_zh=message.title.zh,
        frame_en=message.frame.en,
        frame_zh=message.frame.zh,
        frame_size=message.frame_size,
    )


def _item(message: survey_pb2.SurveyItem) -> Item:
    return Item(
        name=message.name,
        text_en=message.text.en,
        text_zh=message.text.zh,
        scale=_scale(message.scale) if message.HasField("scale") else None,
        choices=tuple(message.choice.values),
        dimension=message.dimension,
        expectation_of=message.expectation_of,
    )


def _scale(message: survey_pb2.AnswerScale) -> AnswerScale:
    index = AnswerIndex(message.index or AnswerIndex.MEAN)
    lowest = message.satisfied_from or message.high - _TOP_ANSWERS + 1
    return AnswerScale(
        low=message.low,
        high=message.high,
        index=index,
        satisfied_from=lowest if index == AnswerIndex.CSAT else 0,
        low_label_en=message.low_label.en,
        low_label_zh=message.low_label.zh,
        high_label_en=message.high_label.en,
        high_label_zh=message.high_label.zh,
    )


def survey_message(one: Survey) -> survey_pb2.Survey:
    message = survey_pb2.Survey(
        name=SURVEY_PREFIX + one.id,
        title=Text(en=one.title_en, zh=one.title_zh),
        items=[_item_message(item) for item in one.items],
        frame=Text(en=one.frame_en, zh=one.frame_zh),
        frame_size=one.frame_size,
        source=wire.SOURCE_PREFIX + one.id,
    )
    if one.created_at_us:
        message.create_time.CopyFrom(timestamp(one.created_at_us))
    return message


def _item_message(item: Item) -> survey_pb2.SurveyItem:
    message = survey_pb2.SurveyItem(
        name=item.name,
        text=Text(en=item.text_en, zh=item.text_zh),
        dimension=item.dimension,
        expectation_of=item.expectation_of,
    )
    if item.scale is not None:
        scale = item.scale
        message.scale.CopyFrom(
            survey_pb2.AnswerScale(
                low=scale.low,
                high=scale.high,
                low_label=Text(en=scale.low_label_en, zh=scale.low_label_zh),
                high_label=Text(en=scale.high_label_en, zh=scale.high_label_zh),
                index=survey_pb2.AnswerIndex.ValueType(scale.index),
                satisfied_from=scale.satisfied_from,
            )
        )
    elif item.choices:
        message.choice.values.extend(item.choices)
    else:
        message.comment.SetInParent()
    return message


def source_of(one: Survey) -> Source:
    """Its records are responses: `id`, `time`, `case_id` where one is about a case, and an answer for each item."""
    column = mapping_pb2.MappedColumn
    number, text = mapping_pb2.ATTRIBUTE_TYPE_NUMBER, mapping_pb2.ATTRIBUTE_TYPE_TEXT
    mapping = mapping_pb2.RecordMapping(
        id=column(column="id"),
        case_id=column(column="case"),
        activity=column(text=ACTIVITY),
        time=column(column="time"),
        supersedes=column(column="supersedes"),
        retracts=column(column="retracts"),
        fields={"case": "case_id || id"},
        known_keys=[*RESERVED_NAMES, *(item.name for item in one.items)],
        object_kind=event_pb2.OBJECT_KIND_OUTCOME,
        attributes={
            item.name: mapping_pb2.MappedAttribute(column=item.name, type=number if item.scale else text)
            for item in one.items
        },
    )
    # Answers out of a list name nobody, whatever the item is called. Comments are scanned by default.
    closed = [item for item in one.items if item.scale or item.choices]
    return Source(
        id=one.id,
        kind=source_pb2.SOURCE_KIND_SURVEY,
        title_en=one.title_en,
        title_zh=one.title_zh,
        policies=tuple(FieldPolicy(item.field, Treatment.KEEP) for item in closed),
        mapping=mapping.SerializeToString(deterministic=True),
        answers=tuple(item.rule for item in one.items),
    )


def invitation_message(one: Invitation) -> survey_pb2.Invitation:
    return survey_pb2.Invitation(
        id=one.invitation_id,
        segment=one.segment,
        state=survey_pb2.InvitationState.ValueType(one.state),
        invite_time=timestamp(one.invited_at_us),
    )


def report_message(
    tallies: list[InvitationTally],
    items: list[ItemResult],
    dimensions: list[DimensionResult],
    confidence: float,
) -> survey_pb2.SurveyReport:
    """Without the counts of responses and `through`."""
    message = survey_pb2.SurveyReport(
        invitations=_tally(all_of(tallies), confidence),
        segments=[_tally(one, confidence) for one in tallies] if any(one.segment for one in tallies) else [],
        confidence=confidence,
    )
    for item in items:
        answers = [survey_pb2.AnswerCount(answer=name, count=count) for name, count in item.answers]
        message.items.add(
            item=item.item.name,
            answered=item.answered,
            missing=item.missing,
            answers=answers,
            index=_estimate(item.index),
        )
    for one in dimensions:
        message.dimensions.add(
            dimension=one.dimension,
            complete=one.complete,
            mean=_estimate(one.mean),
            alpha=_estimate(one.alpha),
            gap=_estimate(one.gap),
        )
    return message


def _tally(one: InvitationTally, confidence: float) -> survey_pb2.InvitationCounts:
    return survey_pb2.InvitationCounts(
        segment=one.segment,
        invited=one.invited,
        answered=one.answered,
        open=one.open,
        refused=one.refused,
        undeliverable=one.undeliverable,
        response_rate=_estimate(response_rate(one, confidence)),
    )


def _estimate(one: ReportedFigure | None) -> survey_pb2.SurveyEstimate | None:
    return survey_pb2.SurveyEstimate(value=one.value, low=one.low, high=one.high) if one else None
