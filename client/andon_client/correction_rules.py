"""Rules of a correction as people write them on the command line, as the contract has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from andon.common.v1.value_pb2 import Value
from andon.ingest.v1.quarantine_pb2 import CorrectionRule
from google.protobuf.duration_pb2 import Duration

from andon_client.moments import MalformedLength, length, timestamp
from andon_client.presentation.phrases import LocalisedError

ARROW = "=>"


def rules_of(
    set_field: Sequence[str] | None,
    replace: Sequence[str] | None,
    shift: Sequence[str] | None,
    parse: Sequence[str] | None,
    zone: str,
    clear: Sequence[str] | None,
) -> list[CorrectionRule]:
    """Raises LocalisedError where one is not as `--help` shows it."""
    rules = [_set(text) for text in set_field or ()]
    rules += [_replace(text) for text in replace or ()]
    rules += [_shift(text) for text in shift or ()]
    rules += [_parse(text, zone) for text in parse or ()]
    return rules + [CorrectionRule(clear=field) for field in clear or ()]


def value_of(field: str, text: str) -> Value | None:
    """A number, a flag or a text in quotes as JSON has it, a time of the field "time", else a text; empty: absent.

    >>> value_of("attributes.cost", "2.5").number, value_of("attributes.cost", '"2.5"').text
    (2.5, '2.5')
    """
    if text == "":
        return None
    if field == "time":
        try:
            return Value(time=timestamp(datetime.fromisoformat(text)))
        except ValueError as error:
            raise LocalisedError("rule_time", text=text) from error
    if not field.startswith("attributes."):
        return Value(text=text)
    try:
        plain = json.loads(text)
    except ValueError:
        return Value(text=text)
    if isinstance(plain, bool):
        return Value(flag=plain)
    if isinstance(plain, int):
        return Value(integer=plain) if abs(plain) < 2**63 else Value(number=plain)
    if isinstance(plain, float):
        return Value(number=plain)
    return Value(text=plain if isinstance(plain, str) else text)


def _set(text: str) -> CorrectionRule:
    field, value = _halves(text, "=", "FIELD=VALUE")
    return CorrectionRule(set=CorrectionRule.Set(field=field, value=value_of(field, value)))


def _replace(text: str) -> CorrectionRule:
    field, values = _halves(text, "=", "FIELD=OLD=>NEW")
    old, new = _halves(values, ARROW, "FIELD=OLD=>NEW")
    rule = CorrectionRule.Replace(field=field, to=value_of(field, new))
    if (known := value_of(field, old)) is not None:
        # "from" is a word of the language.
        getattr(rule, "from").CopyFrom(known)
    return CorrectionRule(replace=rule)


def _shift(text: str) -> CorrectionRule:
    field, written = _halves(text, "=", "FIELD=LENGTH")
    try:
        by = length(written.removeprefix("-"))
    except MalformedLength as error:
        raise LocalisedError("rule_form", text=text, form="FIELD=-8h") from error
    if written.startswith("-"):
        by = Duration(seconds=-by.seconds, nanos=-by.nanos)
    return CorrectionRule(shift=CorrectionRule.Shift(field=field, by=by))


def _parse(text: str, zone: str) -> CorrectionRule:
    field, rest = _halves(text, "=", "FIELD=TEXTFIELD=>FORMAT")
    source, pattern = _halves(rest, ARROW, "FIELD=TEXTFIELD=>FORMAT")
    return CorrectionRule(parse=CorrectionRule.Parse(field=field, format=pattern, time_zone=zone, **{"from": source}))


def _halves(text: str, mark: str, form: str) -> tuple[str, str]:
    first, found, second = text.partition(mark)
    if not found or (not first and mark == "="):
        raise LocalisedError("rule_form", text=text, form=form)
    return first, second
