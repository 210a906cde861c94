"""The document of a source: a mapping and rules, read and printed in one form."""

from __future__ import annotations

import pytest
import typer
import yaml
from andon.ingest.v1 import source_pb2
from andon_client.commands.source import _of_document, document_of
from andon_client.terminal import Context

RULES = """
source: desk
cleaning:
  placeholders: [{value: "?"}, {field: attributes.priority, value: none}]
  categories: [{field: attributes.priority, values: [High, Low]}]
  units: [{field: attributes.minutes, low: 1, high: 480, factors: [60]}]
  time_orders: [{earlier: attributes.opened, later: time}]
  early_times: true
quality:
  required: [attributes.channel]
  ranges: [{field: attributes.score, low: 1.0, high: 5.0}]
  timely_within: 3600s
silent_after: 28800s
quota: {events_per_second: 500}
dedup_horizon: 2678400s
time_earliest: 2015-01-01T00:00:00Z
future_tolerance: 3600s
"""
MAPPING = """
id: "{ticket}/{item}"
case_id: ticket
activity: status
time: at
"""


def read(tmp_path, text):
    path = tmp_path / "desk.yaml"
    path.write_text(text, encoding="utf-8")
    return _of_document(path, Context(None, "en"))


def test_rules_alone_are_a_document(tmp_path):
    source = read(tmp_path, RULES)
    assert not source.HasField("mapping")
    assert [one.value for one in source.cleaning.placeholders] == ["?", "none"]
    assert (source.silent_after.seconds, source.quota.events_per_second) == (28_800, 500)
    assert (source.dedup_horizon.ToTimedelta().days, source.time_earliest.ToDatetime().year) == (31, 2015)


@pytest.mark.parametrize("text", [RULES, RULES + MAPPING, "source: desk" + MAPPING])
def test_what_is_printed_is_read_again(tmp_path, text):
    source = read(tmp_path, text)
    source.name = "sources/desk"
    again = read(tmp_path, yaml.safe_dump(document_of(source), sort_keys=False))
    again.name = source.name
    assert again == source
    assert source != source_pb2.Source(name="sources/desk")


def test_a_rule_that_is_none_is_named_with_its_place(tmp_path, capsys):
    with pytest.raises(typer.Exit):
        read(tmp_path, "source: desk\ncleaning: {early_times: often}\n")
    assert "cleaning.early_times" in capsys.readouterr().err
