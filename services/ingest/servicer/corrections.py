"""Rules of a correction, from the contract."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from andon.common.v1.value_pb2 import Value
from andon.ingest.v1 import quarantine_pb2

from services.ingest.admission.correction import (
    QUARANTINE_ID,
    TEMPLATE,
    Moment,
    ParseTime,
    ReplaceValue,
    Rule,
    SetField,
    ShiftTime,
    is_field,
)
from services.ingest.admission.correction import Value as PlainValue
from services.ingest.columns import FIXED_TYPES
from services.ingest.model import DAY_US
from services.ingest.wire.times import micros
from services.runtime.field_checks import FieldChecks

RULES_MAX = 20
SHIFT_US_MAX = 100 * 366 * DAY_US
FORMAT_CHARS_MAX = 100
_A_FIELD = "must be a field of an event, or attributes.<name>"


def rules(messages: Sequence[quarantine_pb2.CorrectionRule], at_least: int) -> list[Rule]:
    """Raises InvalidArgument with the path of each field at fault."""
    checks = FieldChecks()
    checks.require(at_least <= len(messages) <= RULES_MAX, "rules", f"must be {at_least} to {RULES_MAX}")
    found = [_rule(message, f"rules[{index}]", checks) for index, message in enumerate(messages)]
    checks.done()
    return [rule for rule in found if rule is not None]


def _rule(message: quarantine_pb2.CorrectionRule, path: str, checks: FieldChecks) -> Rule | None:
    change = message.WhichOneof("change")
    if change == "set":
        one = message.set
        value = _value(one.value)
        checks.require(value is not None, f"{path}.set.value", "needs a value", "FIELD_REQUIRED")
        _check_value(one.field, value, f"{path}.set", "value", checks)
        return SetField(one.field, value)
    if change == "replace":
        # "from" is a word of the language.
        old, new = _value(getattr(message.replace, "from")), _value(message.replace.to)
        _check_value(message.replace.field, new, f"{path}.replace", "to", checks)
        return ReplaceValue(message.replace.field, old, new)
    if change == "shift":
        field, by_us = message.shift.field or "time", micros(message.shift.by)
        checks.require(_may_be_time(field), f"{path}.shift.field", "must be time or attributes.<name>")
        checks.require(0 < abs(by_us) <= SHIFT_US_MAX, f"{path}.shift.by", "must be at most 100 years, and not zero")
        return ShiftTime(field, by_us)
    if change == "parse":
        return _parse(message.parse, f"{path}.parse", checks)
    if change == "clear":
        checks.require(is_field(message.clear), f"{path}.clear", _A_FIELD)
        return SetField(message.clear, None)
    checks.require(False, path, "needs a change", "FIELD_REQUIRED")
    return None


def _parse(message: quarantine_pb2.CorrectionRule.Parse, path: str, checks: FieldChecks) -> ParseTime:
    source, field = getattr(message, "from"), message.field or "time"
    checks.require(is_field(source), f"{path}.from", _A_FIELD)
    checks.require(_may_be_time(field), f"{path}.field", "must be time or attributes.<name>")
    few = 0 < len(message.format) <= FORMAT_CHARS_MAX
    checks.require(few, f"{path}.format", f"must have 1 to {FORMAT_CHARS_MAX} characters")
    checks.require(_is_zone(message.time_zone), f"{path}.time_zone", "must be the IANA name of a time zone")
    return ParseTime(source, message.format, message.time_zone, field)


def _value(message: Value) -> PlainValue | Moment | None:
    kind = message.WhichOneof("kind")
    if kind == "time":
        return Moment(micros(message.time))
    value: PlainValue | None = getattr(message, kind) if kind else None
    return value


def _check_value(field: str, value: PlainValue | Moment | None, path: str, name: str, checks: FieldChecks) -> None:
    checks.require(is_field(field), f"{path}.field", _A_FIELD)
    if value is None:
        return
    if field == "time":
        checks.require(isinstance(value, Moment), f"{path}.{name}", "must be a time")
    elif field in FIXED_TYPES:
        checks.require(isinstance(value, str), f"{path}.{name}", "must be a text")
    if isinstance(value, str):
        known = all(is_field(inner) or inner == QUARANTINE_ID for inner in TEMPLATE.findall(value))
        checks.require(known, f"{path}.{name}", "refers to no field of an event")


def _may_be_time(field: str) -> bool:
    return is_field(field) and (field == "time" or field not in FIXED_TYPES)


def _is_zone(name: str) -> bool:
    if not name:
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
