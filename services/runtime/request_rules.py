"""Rules for every request, by the types of its fields as the contract has them, so that none is forgotten."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, MutableSequence
from itertools import islice
from typing import Any

from andon.common.v1 import rules_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.runtime.errors import FieldViolation, InvalidArgument

VIOLATIONS_MAX = 32
# Larger ones are checked in a thread: a hundred thousand fields take longer than other calls may wait.
BYTES_AT_ONCE = 64 * 1024
# Of a google.protobuf.Timestamp: the years 1 to 9999.
TIMESTAMP_SECONDS = range(-62_135_596_800, 253_402_300_800)
DURATION_SECONDS_MAX = 315_576_000_000
NANOS = 1_000_000_000


async def check_request(request: Message) -> None:
    """Raises InvalidArgument with the path of each field that breaks a rule, at most 32 of them."""
    if _bytes_to_check(request) > BYTES_AT_ONCE:
        violations = await asyncio.to_thread(first_violations, request)
    else:
        violations = first_violations(request)
    if violations:
        raise InvalidArgument("FIELD_INVALID", "the request is not valid", field_violations=violations)


def _bytes_to_check(request: Message) -> int:
    """Without what is checked by item: to find the size of that alone takes longer than to answer for it."""
    fields = request.ListFields()
    left_out = [field.name for field, _ in fields if _is_checked_by_item(field.message_type)]
    if not left_out:
        return request.ByteSize()
    rest = type(request)(**{field.name: value for field, value in fields if field.name not in left_out})
    return rest.ByteSize()


def _is_checked_by_item(kind: Any) -> bool:
    return kind is not None and bool(kind.GetOptions().Extensions[rules_pb2.checked_by_item])


def first_violations(request: Message) -> list[FieldViolation]:
    return list(islice(_of_message(request, ""), VIOLATIONS_MAX))


def _of_message(message: Message, path: str) -> Iterator[FieldViolation]:
    if _is_checked_by_item(message.DESCRIPTOR):
        return
    for field, value in message.ListFields():
        place = f"{path}.{field.name}" if path else field.name
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            of_key, of_value = (entry.fields_by_name[name] for name in ("key", "value"))
            for key in sorted(value):
                inside = f'{place}["{key}"]' if isinstance(key, str) else f"{place}[{key}]"
                readable = inside.replace("\0", "\\0")
                yield from _of_values(of_key, ((readable, key),))
                yield from _of_values(of_value, ((readable, value[key]),))
        elif isinstance(value, MutableSequence):
            yield from _of_values(field, ((f"{place}[{index}]", one) for index, one in enumerate(value)))
        else:
            yield from _of_values(field, ((place, value),))


def _of_values(field: FieldDescriptor, values: Iterable[tuple[str, Any]]) -> Iterator[FieldViolation]:
    kind = field.type
    if kind == FieldDescriptor.TYPE_STRING:
        broken = (place for place, value in values if "\0" in value)
        yield from _violations(broken, "must not hold the character NUL")
    elif kind in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        yield from _violations(
            (place for place, value in values if not math.isfinite(value)), "must be a finite number"
        )
    elif field.enum_type is not None:
        known = field.enum_type.values_by_number
        broken = (place for place, value in values if value not in known)
        yield from _violations(broken, f"is no value of {field.enum_type.name}")
    elif field.message_type is None:
        return
    elif field.message_type.full_name == "google.protobuf.Timestamp":
        broken = (
            place for place, value in values if value.seconds not in TIMESTAMP_SECONDS or not 0 <= value.nanos < NANOS
        )
        yield from _violations(broken, "must be a time of the years 1 to 9999")
    elif field.message_type.full_name == "google.protobuf.Duration":
        broken = (
            place
            for place, value in values
            if abs(value.seconds) > DURATION_SECONDS_MAX or abs(value.nanos) >= NANOS or value.seconds * value.nanos < 0
        )
        yield from _violations(broken, "must be a duration within 10,000 years, seconds and nanos of one sign")
    else:
        for place, value in values:
            yield from _of_message(value, place)


def _violations(places: Iterable[str], description: str) -> Iterator[FieldViolation]:
    return (FieldViolation(place, description, "FIELD_INVALID") for place in places)
