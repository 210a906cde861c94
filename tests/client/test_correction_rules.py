"""Rules of a correction as they are written on the command line."""

from __future__ import annotations

import pytest
from andon.common.v1.value_pb2 import Value
from andon.ingest.v1.quarantine_pb2 import CorrectionRule
from andon_client.correction_rules import rules_of, value_of
from andon_client.presentation.phrases import LocalisedError


def one(kind, text, zone=""):
    given = dict.fromkeys(("set_field", "replace", "shift", "parse", "clear"))
    (rule,) = rules_of(**{**given, kind: [text]}, zone=zone)
    return rule


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("open", Value(text="open")),
        ("12", Value(integer=12)),
        ("1.5", Value(number=1.5)),
        ("true", Value(flag=True)),
        ('"12"', Value(text="12")),
        ("{case_id}", Value(text="{case_id}")),
        ("99999999999999999999", Value(number=1e20)),
    ],
)
def test_an_attribute_has_the_type_that_its_value_is_written_in(text, value):
    assert value_of("attributes.x", text) == value


def test_a_field_that_is_no_attribute_is_a_text_and_time_is_a_time():
    assert value_of("case_id", "12") == Value(text="12")
    assert value_of("time", "2026-03-05T14:30:00+01:00").time.ToJsonString() == "2026-03-05T13:30:00Z"


def test_each_kind_of_rule_is_understood():
    assert one("set_field", "id={quarantine_id}") == CorrectionRule(
        set=CorrectionRule.Set(field="id", value=Value(text="{quarantine_id}"))
    )
    replace = one("replace", "attributes.x=?=>").replace
    assert (replace.field, getattr(replace, "from"), replace.HasField("to")) == ("attributes.x", Value(text="?"), False)
    shift = one("shift", "time=-90min").shift
    assert (shift.field, shift.by.ToTimedelta().total_seconds()) == ("time", -5_400)
    parse = one("parse", "time=attributes.at=>%d.%m.%Y", zone="Asia/Shanghai").parse
    assert (parse.field, getattr(parse, "from"), parse.format) == ("time", "attributes.at", "%d.%m.%Y")
    assert parse.time_zone == "Asia/Shanghai"
    assert one("clear", "resource") == CorrectionRule(clear="resource")


@pytest.mark.parametrize(
    ("kind", "text"),
    [("set_field", "id"), ("replace", "id=x"), ("shift", "time=soon"), ("parse", "time=x"), ("set_field", "time=noon")],
)
def test_what_is_no_rule_is_refused_with_its_form(kind, text):
    with pytest.raises(LocalisedError):
        one(kind, text)
