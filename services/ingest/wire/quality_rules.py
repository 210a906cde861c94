"""Rules of data quality: protobuf and model, both ways."""

import math

from andon.ingest.v1 import source_pb2

from services.ingest.model import TIMELY_WITHIN_US, Category, NumberRange, QualityRules
from services.ingest.wire.times import duration, micros


def quality_of(message: source_pb2.QualityRules) -> QualityRules:
    return QualityRules(
        required=tuple(message.required),
        ranges=tuple(
            NumberRange(
                one.field,
                one.low if one.HasField("low") else -math.inf,
                one.high if one.HasField("high") else math.inf,
            )
            for one in message.ranges
        ),
        values=tuple(Category(one.field, tuple(one.values)) for one in message.values),
        timely_within_us=(micros(message.timely_within) if message.HasField("timely_within") else TIMELY_WITHIN_US),
    )


def quality_message(rules: QualityRules) -> source_pb2.QualityRules:
    kind = source_pb2.QualityRules
    return kind(
        required=rules.required,
        ranges=[
            kind.NumberRange(
                field=one.field,
                low=one.low if math.isfinite(one.low) else None,
                high=one.high if math.isfinite(one.high) else None,
            )
            for one in rules.ranges
        ],
        values=[kind.AllowedValues(field=one.field, values=one.values) for one in rules.values],
        timely_within=duration(rules.timely_within_us),
    )
