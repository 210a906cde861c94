"""Rules of cleaning: protobuf and model, both ways."""

from andon.ingest.v1 import source_pb2

from services.ingest.model import UNIT_FACTORS, Category, Cleaning, Placeholder, TimeOrder, UnitRange


def cleaning_of(message: source_pb2.Cleaning) -> Cleaning:
    return Cleaning(
        placeholders=tuple(Placeholder(one.field, one.value) for one in message.placeholders),
        categories=tuple(Category(one.field, tuple(one.values)) for one in message.categories),
        units=tuple(
            UnitRange(one.field, one.low, one.high, tuple(one.factors) or UNIT_FACTORS) for one in message.units
        ),
        time_orders=tuple(TimeOrder(one.earlier, one.later) for one in message.time_orders),
        early_times=message.early_times,
        normalise_keys=message.normalise_keys,
    )


def cleaning_message(cleaning: Cleaning) -> source_pb2.Cleaning:
    kind = source_pb2.Cleaning
    return kind(
        normalise_keys=cleaning.normalise_keys,
        placeholders=[kind.Placeholder(field=one.field, value=one.value) for one in cleaning.placeholders],
        categories=[kind.Category(field=one.field, values=one.values) for one in cleaning.categories],
        units=[
            kind.UnitRange(field=one.field, low=one.low, high=one.high, factors=one.factors) for one in cleaning.units
        ],
        early_times=cleaning.early_times,
        time_orders=[kind.TimeOrder(earlier=one.earlier, later=one.later) for one in cleaning.time_orders],
    )
