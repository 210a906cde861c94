"""The reference of the system document is right: its examples are read, and its limits are those of lint."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path

import pytest
import yaml
from andon.scoring.v1.indicator_system_pb2 import IndicatorSystemSpec
from andon_client.documents import parse_document

from services.scoring.system.lint import Severity, lint
from services.scoring.wire.systems import spec_of

REFUSED = {"out_of_range", "too_many", "text_too_long"}


def _reference():
    path = Path(__file__).parents[2] / "docs" / "reference" / "system_document.py"
    spec = importlib.util.spec_from_file_location("system_document", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FIELDS = [field for fields in _reference().by_message().values() for field in fields]


def within(path, content):
    """`content` where `path` leads to; a message that needs a name has one."""
    for part in reversed(path):
        if isinstance(part, int):
            content = [content]
        else:
            content = {part: content}
    return content


def document(field, value):
    return parse_document(within(field.path, {field.described.name: value}), IndicatorSystemSpec)


def written(field):
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in field.path).lstrip(".")


def refusals(field, value):
    """What lint refuses of the size of a field, by the place that it names."""
    found = lint(spec_of(document(field, value)))
    return {one.field for one in found if one.severity is Severity.ERROR and one.check in REFUSED}


def names_it(field, places):
    """A list inside a measure may be named by the measure, a text in a list by the list."""
    return any(f"{written(field)}.{field.described.name}".lstrip(".").startswith(place) for place in places)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.described.full_name)
def test_an_example_is_read_as_the_field_that_it_shows(field):
    shown = yaml.safe_load(field.example)
    assert list(shown) == [field.described.name]
    document(field, shown[field.described.name])


@pytest.mark.parametrize("field", [one for one in FIELDS if one.range], ids=lambda field: field.described.full_name)
def test_a_number_beyond_its_range_is_refused_and_its_ends_are_not(field):
    low, high = field.range
    kind = int if field.described.cpp_type == field.described.CPPTYPE_INT32 else float
    for inside in {low, high} - {0}:
        assert not names_it(field, refusals(field, kind(inside)))
    beyond = [high + 1 if kind is int else math.nextafter(high, math.inf), *([-1] if low == 0 else [])]
    for outside in beyond:
        assert names_it(field, refusals(field, kind(outside))), outside


@pytest.mark.parametrize("field", [one for one in FIELDS if one.most], ids=lambda field: field.described.full_name)
def test_a_list_that_is_too_long_is_refused_and_the_longest_is_not(field):
    entry = yaml.safe_load(field.example)[field.described.name][0]
    assert not refusals(field, [entry] * field.most)
    assert names_it(field, refusals(field, [entry] * (field.most + 1)))


@pytest.mark.parametrize("field", [one for one in FIELDS if one.chars], ids=lambda field: field.described.full_name)
def test_a_text_that_is_too_long_is_refused_and_the_longest_is_not(field):
    def text(length):
        return ["x" * length] if field.described.is_repeated else "x" * length

    assert not refusals(field, text(field.chars))
    assert names_it(field, refusals(field, text(field.chars + 1)))
