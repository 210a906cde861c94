"""The reference page of mappings lists what the parser knows, and its examples are mappings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from andon_records.mapping.conversion import FALSE, TRUE
from andon_records.mapping.document import (
    KEYS,
    KEYS_OF_A_COLUMN,
    REQUIRED_KEYS,
    AttributeType,
    load_mapping,
    parse_mapping,
)
from andon_records.mapping.time_formats import EPOCHS, WORDS, UnknownFormat, time_format
from andon_records.messages import MalformedMapping

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "mapping.md").read_text(encoding="utf-8")
LEAST = {"source": "desk", "id": "number", "case_id": "number", "activity": "state", "time": "at"}


def section(title):
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def cells(title):
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_key_is_on_the_page_and_the_page_has_no_other():
    assert [row[0].strip("`") for row in cells("Keys")] == list(KEYS)
    assert {row[0].strip("`") for row in cells("Keys") if row[2] == "required"} == set(REQUIRED_KEYS)
    assert [row[0].strip("`") for row in cells("Columns")] == list(KEYS_OF_A_COLUMN)
    assert [row[0].strip("`") for row in cells("Attributes")] == list(get_args(AttributeType))


def test_what_the_page_says_of_absent_keys_is_so():
    mapping = parse_mapping(LEAST)
    absent = {row[0].strip("`"): row[2].strip("`") for row in cells("Keys")}
    assert mapping.object_kind == absent["object_kind"]
    assert mapping.time_zone == absent["time_zone"]
    assert f"[{', '.join(one.written for one in mapping.time_formats)}]" == absent["time_formats"]
    assert mapping.quote == absent["quote"]
    for key in ("multiline_values",):
        assert str(getattr(mapping, key)).lower() == absent[key]
    for key in ("delimiter", "encoding", "header_row"):
        assert (getattr(mapping, key), absent[key]) == (None, "guessed")


@pytest.mark.parametrize("key", [row[0].strip("`") for row in cells("Keys")])
def test_a_key_of_the_page_is_checked_by_the_parser(key):
    with pytest.raises(MalformedMapping, match=rf"^{key}|^missing {key}"):
        parse_mapping({**LEAST, key: [{"no": "value"}] if key not in REQUIRED_KEYS else ""})


def test_every_word_and_directive_of_time_formats_is_on_the_page():
    shown = set(re.findall(r"`([^`]+)`", "\n".join(row[0] for row in cells("Times"))))
    assert set(WORDS) <= shown
    known = set()
    for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
        try:
            time_format(f"%{letter}" if letter in "YyGDFs" else f"%Y {'%'}{letter}")
        except UnknownFormat:
            continue
        known.add(f"%{letter}")
    assert shown - set(WORDS) == known
    assert set(EPOCHS) < set(WORDS)


def test_the_flags_of_the_page_are_those_that_are_read():
    assert f"{', '.join(TRUE)} or {', '.join(FALSE)}" in section("Attributes")


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_every_example_of_the_page_is_a_mapping(block):
    assert parse_mapping(yaml.load(block, yaml.BaseLoader)).source


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.mapping.yaml")), ids=lambda path: path.name)
def test_every_shipped_mapping_is_of_its_source_and_has_its_system(path):
    assert load_mapping(path).source == path.name.removesuffix(".mapping.yaml")
    assert path.with_name(path.name.replace(".mapping.", ".system.")).exists()
