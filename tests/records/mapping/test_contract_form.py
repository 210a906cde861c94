"""A mapping is the same in YAML and in the contract."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from andon.ingest.v1.mapping_pb2 import RecordMapping
from andon_records.mapping.contract_form import OF_THE_SOURCE, to_contract, to_document
from andon_records.mapping.document import KEYS, parse_mapping
from andon_records.yaml_text import read_yaml
from google.protobuf import json_format

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.mapping.yaml"))
FULL = {
    "source": "desk",
    "id": "{number}/{item}",
    "case_id": {"column": "number", "replace": {"-": ""}},
    "activity": {"text": "Visit"},
    "time": "at",
    "resource": "who",
    "attributes": {"cost": "number", "open": {"column": "is_open", "type": "flag"}, "note": ""},
    "object_kind": "facility",
    "unfold": {"b": "items", "a": "b.items"},
    "fields": {"at": "a.at"},
    "unknown": ["?", "N/A"],
    "omit_rows": {"who": ["Total", ""]},
    "time_formats": ["%d/%m/%Y", "iso"],
    "time_zone": "Europe/Berlin",
    "decimal": ",",
    "delimiter": "tab",
    "quote": "none",
    "multiline_values": "yes",
    "header_row": "3",
    "privacy": {"attributes.note": "drop"},
    "subject": "resource",
}


def there_and_back(document):
    message = json_format.ParseDict(to_contract(document), RecordMapping())
    back = to_document(json_format.MessageToDict(message, preserving_proto_field_name=True))
    return {**{key: document[key] for key in OF_THE_SOURCE if key in document}, **back}


@pytest.mark.parametrize("document", [FULL, *map(read_yaml, EXAMPLES)], ids=lambda one: one["source"])
def test_a_document_means_the_same_after_the_way_through_the_contract(document):
    meant, found = parse_mapping(document), parse_mapping(there_and_back(document))
    # A map of the contract has no order, and neither have attributes a meaning by it.
    by_name = [sorted(one.attributes, key=lambda attribute: attribute.name) for one in (meant, found)]
    assert by_name[0] == by_name[1]
    assert replace(found, attributes=()) == replace(meant, attributes=())


def test_the_contract_has_every_key_of_the_document():
    assert {field.name for field in RecordMapping.DESCRIPTOR.fields} == set(KEYS) - set(OF_THE_SOURCE)


def test_what_is_shown_is_short():
    shown = there_and_back(FULL)
    assert shown["id"] == "{number}/{item}"
    assert shown["attributes"] == {"cost": "number", "open": {"column": "is_open", "type": "flag"}, "note": "text"}
    assert list(shown["unfold"]) == ["b", "a"]
