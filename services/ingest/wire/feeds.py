"""KPI feeds: protobuf and model, both ways, and the source that takes their rows."""

from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import event_pb2, feed_pb2, mapping_pb2, source_pb2

from services.ingest import wire
from services.ingest.model import (
    ATTRIBUTE_PREFIX,
    DAY_US,
    FeedFigures,
    FeedPeriod,
    FieldPolicy,
    Source,
    SourceId,
    Treatment,
)
from services.ingest.registry.feeds.model import Feed, FeedDirection, FeedSeries
from services.ingest.wire.times import timestamp

FEED_PREFIX = "feeds/"
RESOLUTION = 0.001
_FIGURES = ("value", "numerator", "denominator")
# A date or an instant; months, years and weeks also as people write them.
_TIME_FORMATS = ("iso", "%Y-%m", "%Y", "%G-W%V")


def feed(message: feed_pb2.Feed, name: SourceId) -> Feed:
    """Absent fields are the defaults."""
    return Feed(
        id=name,
        period=FeedPeriod(message.period),
        series=tuple(_series(one) for one in message.series),
        time_zone=message.time_zone or "UTC",
        dimensions=tuple(message.dimensions),
        title_en=message.title.en,
        title_zh=message.title.zh,
    )


def _series(message: feed_pb2.FeedSeries) -> FeedSeries:
    figures = FeedFigures(message.figures)
    fractional = figures in (FeedFigures.VALUE, FeedFigures.RATIO)
    return FeedSeries(
        name=message.name,
        figures=figures,
        direction=FeedDirection(message.direction),
        title_en=message.title.en,
        title_zh=message.title.zh,
        unit=message.unit,
        target=message.target if message.HasField("target") else None,
        resolution=(message.resolution or RESOLUTION) if fractional else 1.0,
        denominator_resolution=message.denominator_resolution or 1.0,
    )


def feed_message(one: Feed) -> feed_pb2.Feed:
    message = feed_pb2.Feed(
        name=FEED_PREFIX + one.id,
        title=Text(en=one.title_en, zh=one.title_zh),
        period=feed_pb2.FeedPeriod.ValueType(one.period),
        time_zone=one.time_zone,
        dimensions=one.dimensions,
        series=[_series_message(series) for series in one.series],
        source=wire.SOURCE_PREFIX + one.id,
    )
    if one.created_at_us:
        message.create_time.CopyFrom(timestamp(one.created_at_us))
    return message


def _series_message(one: FeedSeries) -> feed_pb2.FeedSeries:
    return feed_pb2.FeedSeries(
        name=one.name,
        title=Text(en=one.title_en, zh=one.title_zh),
        figures=feed_pb2.FeedFigures.ValueType(one.figures),
        direction=feed_pb2.FeedDirection.ValueType(one.direction),
        unit=one.unit,
        target=one.target,
        resolution=one.resolution,
        denominator_resolution=one.denominator_resolution,
    )


def source_of(one: Feed) -> Source:
    """Its records are rows: `series`, `period`, `value` or `numerator` and `denominator`, dimensions and `revision`."""
    column, attribute = mapping_pb2.MappedColumn, mapping_pb2.MappedAttribute
    number, text = mapping_pb2.ATTRIBUTE_TYPE_NUMBER, mapping_pb2.ATTRIBUTE_TYPE_TEXT
    mapping = mapping_pb2.RecordMapping(
        # Admission names rows and cases of a feed.
        id=column(column="id"),
        case_id=column(column="period"),
        activity=column(column="series"),
        time=column(column="period"),
        retracts=column(column="retracts"),
        object_kind=event_pb2.OBJECT_KIND_OUTCOME,
        attributes={
            **{name: attribute(column=name, type=number) for name in (*_FIGURES, "revision")},
            **{name: attribute(column=name, type=text) for name in one.dimensions},
        },
        time_formats=_TIME_FORMATS,
        time_zone=one.time_zone,
    )
    return Source(
        id=one.id,
        kind=source_pb2.SOURCE_KIND_KPI_FEED,
        title_en=one.title_en,
        title_zh=one.title_zh,
        # Figures go back as far as they were published; the year that is running may be written as its first day.
        time_earliest_us=-70 * 366 * DAY_US,
        policies=tuple(FieldPolicy(ATTRIBUTE_PREFIX + name, Treatment.KEEP) for name in one.dimensions),
        mapping=mapping.SerializeToString(deterministic=True),
        feed=one.rule,
    )
