"""The quality of data as the contract shows it, and the event that publishes a day."""

from datetime import date, timedelta

from andon.common.v1.interval_pb2 import Interval
from andon.ingest.v1 import data_quality_pb2, event_pb2

from services.ingest.admission.own_source import QUALITY
from services.ingest.data_quality.source_rhythm import SourceActivity
from services.ingest.model import DAY_US, QualityDimension
from services.ingest.registry.data_quality import DELAY_BOUNDS_US, Claim, Day, DayQuality
from services.ingest.wire.times import duration, micros, timestamp

ACTIVITY, SILENT = "Data quality", "Source silent"
_EPOCH = date(1970, 1, 1)


def day_message(one: DayQuality) -> data_quality_pb2.DataQuality:
    counts = one.counts
    bounds = [*map(duration, DELAY_BOUNDS_US), None]
    return data_quality_pb2.DataQuality(
        source=one.source,
        interval=Interval(start=timestamp(one.day * DAY_US), end=timestamp((one.day + 1) * DAY_US)),
        received=counts.received,
        accepted=counts.accepted,
        duplicate=counts.duplicate,
        refused=counts.refused,
        replayed=counts.replayed,
        corrections=counts.corrections,
        retractions=counts.retractions,
        dimensions=[
            data_quality_pb2.DataQuality.Dimension(
                dimension=dimension.value,  # type: ignore[arg-type]
                checked=counts.checked(dimension),
                failed=counts.failed.get(dimension, 0),
                share=counts.share(dimension),
                fields=[
                    data_quality_pb2.DataQuality.Field(field=field, failed=count)
                    for (of_dimension, field), count in one.fields.items()
                    if of_dimension is dimension
                ],
            )
            for dimension in QualityDimension
        ],
        delays=[
            data_quality_pb2.DataQuality.DelayClass(up_to=bound, count=count)
            for bound, count in zip(bounds, counts.delays, strict=True)
        ],
    )


def day_event(claim: Claim) -> event_pb2.Event:
    """What publishes a day: a case of its own, at the end of the day, with the day itself as an attribute.

    A later revision supersedes the one before.
    """
    one, counts = claim.quality, claim.quality.counts
    case_id = f"{one.source}/{_EPOCH + timedelta(days=one.day)}"
    event = event_pb2.Event(
        id=f"{case_id}/{claim.revision}",
        source=QUALITY,
        case_id=case_id,
        activity=ACTIVITY,
        time=timestamp((one.day + 1) * DAY_US),
        supersedes=f"{case_id}/{claim.revision - 1}" if claim.revision > 1 else "",
    )
    event.attributes["source"].text = one.source
    event.attributes["day"].time.CopyFrom(timestamp(one.day * DAY_US))
    for name in ("received", "accepted", "duplicate", "refused", "replayed", "corrections", "retractions"):
        event.attributes[name].integer = getattr(counts, name)
    for dimension in QualityDimension:
        share = counts.share(dimension)
        if share is not None:
            event.attributes[dimension.name.lower()].number = share
    return event


def activity_message(one: SourceActivity, now_us: int) -> data_quality_pb2.SourceActivity:
    return data_quality_pb2.SourceActivity(
        source=one.source,
        last_time=timestamp(one.last_us),
        basis=one.basis.value,  # type: ignore[arg-type]
        due_time=None if one.due_us is None else timestamp(one.due_us),
        silent=one.is_silent(now_us),
        weekly_count=one.weekly,
    )


def silence_event(one: SourceActivity) -> event_pb2.Event:
    """What says that a source is silent: a case of its own, at the time by which something was due."""
    assert one.due_us is not None
    case_id = f"{one.source}/silence/{one.last_us}"
    event = event_pb2.Event(
        # A source that declares another time is silent at another time.
        id=f"{case_id}/{one.due_us}",
        source=QUALITY,
        case_id=case_id,
        activity=SILENT,
        time=timestamp(one.due_us),
    )
    event.attributes["source"].text = one.source
    event.attributes["day"].time.CopyFrom(timestamp(one.due_us))
    event.attributes["last"].time.CopyFrom(timestamp(one.last_us))
    return event


def days_of(interval: Interval) -> tuple[Day, Day]:
    """The days that overlap an interval: from the first, to before the last."""
    begin = micros(interval.start) // DAY_US if interval.HasField("start") else -(2**31)
    end = -(-micros(interval.end) // DAY_US) if interval.HasField("end") else 2**31 - 1
    return Day(begin), Day(end)
