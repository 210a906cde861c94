"""Whether what a person wrote fits a message of the contract: the first thing that does not, and what would."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from andon_client.moments import MalformedLength, MalformedTime, entered_time, length

# Keys and positions that lead to a value.
Place = tuple[str | int, ...]

_WHOLE = (
    *(FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64),
    *(FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64),
)
_FRACTION = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)


class Misfit(Exception):
    """At `path` something does not fit: a phrase and what fills its places."""

    def __init__(self, path: Place, phrase: str, **places: object) -> None:
        super().__init__(phrase)
        self.path, self.phrase, self.places = path, phrase, places


def check_document(content: Any, descriptor: Any, path: Place = ()) -> None:
    """Raises Misfit for the first field, value or type that the message has not. Names are those of the contract."""
    if not isinstance(content, dict):
        raise Misfit(path, "misfit_fields", known=_listed([field.name for field in descriptor.fields]), found=content)
    by_name = {name: field for field in descriptor.fields for name in (field.name, field.json_name)}
    for key in content:
        if key not in by_name:
            _refuse((*path, str(key)), "misfit_field", str(key), [field.name for field in descriptor.fields])
    given = [by_name[key] for key, value in content.items() if value is not None]
    groups = Counter(field.containing_oneof.name for field in given if field.containing_oneof is not None)
    for group, count in groups.items():
        if count > 1:
            both = [field.name for field in given if getattr(field.containing_oneof, "name", None) == group]
            raise Misfit((*path, both[1]), "misfit_both", both=_listed(both))
    for key, value in content.items():
        if value is not None:
            _check_field(value, by_name[key], (*path, key))


def _check_field(value: Any, field: FieldDescriptor, path: Place) -> None:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        if not isinstance(value, dict):
            raise Misfit(path, "misfit_pairs", found=value)
        for key, one in value.items():
            _check_value(one, kind.fields_by_name["value"], (*path, str(key)))
    elif field.is_repeated:
        if not isinstance(value, list):
            raise Misfit(path, "misfit_list", found=value)
        for place, one in enumerate(value):
            _check_value(one, field, (*path, place))
    else:
        _check_value(value, field, path)


def _check_value(value: Any, field: FieldDescriptor, path: Place) -> None:
    if field.message_type is not None:
        if field.message_type.full_name == Duration.DESCRIPTOR.full_name:
            try:
                length(str(value))
            except MalformedLength:
                raise Misfit(path, "misfit_length", found=value) from None
        if field.message_type.full_name == Timestamp.DESCRIPTOR.full_name and not _is_time(value):
            raise Misfit(path, "misfit_time", found=value)
        if not field.message_type.full_name.startswith("google.protobuf."):
            check_document(value, field.message_type, path)
    elif field.enum_type is not None:
        if not isinstance(value, str) or enum_name(value, field.enum_type) is None:
            _refuse(path, "misfit_choice", value, short_names(field.enum_type))
    else:
        phrase, fits = _SCALARS[field.cpp_type]
        if not fits(value):
            raise Misfit(path, phrase, found=value)
        if field.cpp_type in _BITS and not -(2 ** _BITS[field.cpp_type]) <= float(value) < 2 ** _BITS[field.cpp_type]:
            raise Misfit(path, "misfit_large", found=value)


def _refuse(path: Place, phrase: str, found: Any, known: list[str]) -> None:
    close = difflib.get_close_matches(str(found), known, n=1)
    if close:
        raise Misfit(path, f"{phrase}_close", found=found, close=close[0], known=_listed(known))
    raise Misfit(path, phrase, found=found, known=_listed(known))


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def enum_name(short: str, enum: EnumDescriptor) -> str | None:
    """`week` -> WINDOW_WEEK: the one value whose name ends so."""
    wanted = short.upper().replace("-", "_")
    names = [value.name for value in enum.values]
    return next((name for name in (wanted, _prefix(enum) + wanted) if name in names), None)


def short_names(enum: EnumDescriptor) -> list[str]:
    """What a person may write, in the order of the contract."""
    return [value.name.removeprefix(_prefix(enum)).lower() for value in enum.values if value.number]


def _prefix(enum: EnumDescriptor) -> str:
    return str(enum.values[0].name).removesuffix("UNSPECIFIED")


def _is_time(value: Any) -> bool:
    """YAML reads some days and times, and leaves others, such as 2026-05-04T09:00, as a text."""
    if not isinstance(value, str):
        return isinstance(value, date)
    try:
        entered_time(value)
    except MalformedTime:
        return False
    return True


def _is_text(value: Any) -> bool:
    # An escape of YAML can name half of a character.
    return isinstance(value, str) and not any("\ud800" <= one <= "\udfff" for one in value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return False
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return False
    return math.isfinite(number)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()


_BITS = {FieldDescriptor.CPPTYPE_INT32: 31, FieldDescriptor.CPPTYPE_INT64: 63}

_SCALARS: Mapping[int, tuple[str, Callable[[Any], bool]]] = {
    FieldDescriptor.CPPTYPE_STRING: ("misfit_text", _is_text),
    FieldDescriptor.CPPTYPE_BOOL: ("misfit_flag", lambda value: isinstance(value, bool)),
    **dict.fromkeys(_WHOLE, ("misfit_whole", _is_whole)),
    **dict.fromkeys(_FRACTION, ("misfit_number", _is_number)),
}
