"""A document is compared with what the log has: what never occurred is named, with what may be meant."""

from __future__ import annotations

import pytest
from andon.scoring.v1.indicator_system_pb2 import IndicatorSystemSpec
from andon_client.documents import parse_document

from services.scoring.system.lint import Severity
from services.scoring.system.lint_log import SUGGESTIONS_MAX, LogVocabulary, SeenAttribute, never_seen
from services.scoring.wire.systems import spec_of

TEXT = frozenset({"text"})
LOG = LogVocabulary(
    frozenset({"Open", "Resolved", "Closed", "待处理"}),
    {
        "team": SeenAttribute(TEXT, frozenset({"A", "N/A"})),
        "channel": SeenAttribute(TEXT, frozenset({"phone", "chat"})),
        "note": SeenAttribute(TEXT),
        "csat": SeenAttribute(frozenset({"integer"})),
        "planned_end": SeenAttribute(frozenset({"text"}), frozenset()),
    },
)


def found(content, log=LOG):
    return never_seen(spec_of(parse_document(content, IndicatorSystemSpec)), log)


def only(content):
    (one,) = found(content)
    assert one.severity is Severity.WARNING
    assert one.message.zh
    assert one.message.zh != one.message.en
    return one.field, one.check, one.message.en


def measure(**kind):
    return {"measures": [{"name": "m", **kind}]}


MOMENT = {"first": {"activities": ["resolved "]}}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"case_rule": {"opened": MOMENT}}, "case_rule.opened"),
        ({"case_rule": {"closed": MOMENT}}, "case_rule.closed"),
        ({"case_rule": {"reopened": ["resolved "]}}, "case_rule.reopened"),
        ({"steps": [{"name": "s", "activities": ["Open", "resolved "]}]}, "steps[0].activities"),
        (measure(count={"activities": ["resolved "]}), "measures[0].count.activities"),
        (measure(rework={"activities": ["resolved "]}), "measures[0].rework.activities"),
        (measure(work={"activities": ["resolved "]}), "measures[0].work.activities"),
        (measure(flag={"occurred": {"activities": ["resolved "]}}), "measures[0].flag.occurred.activities"),
        (measure(duration={"from": MOMENT, "to": {"opened": True}}), "measures[0].duration.from"),
        (measure(duration={"from": {"opened": True}, "to": MOMENT}), "measures[0].duration.to"),
        ({"indicators": [{"name": "i", "anchor": MOMENT}]}, "indicators[0].anchor"),
    ],
)
def test_an_activity_that_never_occurred_is_named_wherever_it_is_written(content, field):
    said = 'activity "resolved " never occurred in the log; do you mean "Resolved"?'
    assert only(content) == (field, "activity_never_seen", said)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("RESOLVED", "Resolved"),
        ("Re-solved", "Resolved"),
        ("Ｒesolved", "Resolved"),
        ("Resolvd", "Resolved"),
        ("待处理 ", "待处理"),
        ("Escalated", None),
        ("?", None),
    ],
)
def test_what_is_close_is_suggested_and_what_is_not_is_not(written, meant):
    _, _, said = only(measure(count={"activities": [written]}))
    assert said.endswith(f'; do you mean "{meant}"?' if meant else "in the log")


@pytest.mark.parametrize(
    ("content", "field", "check", "says"),
    [
        (
            {"dimensions": [{"name": "d", "attribute": "Team"}]},
            "dimensions[0].attribute",
            "attribute_never_seen",
            "team",
        ),
        (measure(value={"attribute": "cast"}), "measures[0].value.attribute", "attribute_never_seen", "csat"),
        (measure(value={"attribute": "note"}), "measures[0].value.attribute", "attribute_of_other_type", "but text"),
        (measure(handover={"attribute": "taem"}), "measures[0].handover.attribute", "attribute_never_seen", "team"),
        (
            {"case_rule": {"closed": {"attribute": "planned_end"}}},
            "case_rule.closed.attribute",
            "attribute_of_other_type",
            "never time in the log, but text",
        ),
        (
            measure(flag={"attribute": {"attribute": "channel", "equals": [{"text": "phone"}, {"text": "Chat"}]}}),
            "measures[0].flag.attribute.equals",
            "value_never_seen",
            'never was "Chat" in the log; do you mean "chat"',
        ),
        (
            measure(flag={"attribute": {"attribute": "csat", "equals": [{"text": "1"}]}}),
            "measures[0].flag.attribute.equals",
            "value_of_other_type",
            'never equals the text "1": it is integer',
        ),
        (
            {"dimensions": [{"name": "d", "attribute": "team", "unknown_values": ["?", "n/a"]}]},
            "dimensions[0].unknown_values",
            "value_never_seen",
            'it has "N/A"',
        ),
    ],
)
def test_attributes_and_their_values_are_compared_too(content, field, check, says):
    one = only(content)
    assert one[:2] == (field, check)
    assert says in one[2]


@pytest.mark.parametrize(
    "content",
    [
        measure(count={"activities": ["Resolved", "Closed"]}),
        measure(count={}),
        measure(handover={}),
        measure(value={"attribute": "csat"}),
        measure(flag={"attribute": {"attribute": "note", "equals": [{"text": "anything"}]}}),
        measure(flag={"attribute": {"attribute": "csat", "equals": [{"number": 1}, {"integer": 2}]}}),
        {"dimensions": [{"name": "d", "attribute": "csat"}]},
    ],
)
def test_what_the_log_has_or_may_have_is_not_warned_of(content):
    assert found(content) == []


def test_nothing_is_said_of_a_log_without_events():
    assert found(measure(count={"activities": ["Anything"]}), LogVocabulary(frozenset(), {})) == []


def test_a_document_full_of_unknown_names_is_compared_in_bounded_work():
    names = [f"Activity {place}" for place in range(500)]
    log = LogVocabulary(frozenset(f"Activity {place}x" for place in range(2_000)), {})
    messages = [one.message.en for one in found(measure(count={"activities": names}), log)]
    assert len(messages) == 500
    assert sum("do you mean" in one for one in messages) == SUGGESTIONS_MAX
