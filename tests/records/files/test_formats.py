"""What a file is, is seen by its content; its name decides only where the content could be several things."""

from __future__ import annotations

import gzip

import pytest
from andon_records.files.formats import Format, format_of
from andon_records.messages import UnreadableFile


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", "id,at\n1,2\n", Format.CSV),
        ("a.tsv", "[id]\tat\n1\t2\n", Format.CSV),
        ("a.txt", '[{"id": 1}]', Format.JSON),
        ("a.csv.json", '{"rows": [{"id": 1}]}', Format.JSON),
        ("a.log", '{"id": 1}\n{"id": 2}\n', Format.JSON_LINES),
        ("a.jsonl", '{"id": 1, "changes": [{"to": 2}]}', Format.JSON_LINES),
        ("a.json", '{\n"objectTypes": [],\n"events": []}', Format.OCEL_JSON),
        ("a.json", '{"objects": [], "events": []}', Format.OCEL_JSON),
        ("a.xml", "<?xml version='1.0'?><!-- x --><log><trace/></log>", Format.XES),
        ("a.xml", "<log>\n<object-types/></log>", Format.OCEL_XML),
        ("a.xes", "<x:log xmlns:x='y'><x:extension/></x:log>", Format.XES),
        ("a.bin", "PAR1...", Format.PARQUET),
        ("a.bin", "SQLite format 3\x00...", Format.OCEL_SQLITE),
    ],
)
def test_a_format_is_told_by_content(tmp_path, name, content, found):
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert format_of(path) is found
    if found not in (Format.PARQUET, Format.OCEL_SQLITE):
        path.write_bytes(gzip.compress(content.encode()))
        assert format_of(path) is found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html><body/></html>", "this is an HTML page, which holds no records"),
        (b"<bpmn:definitions/>", "the XML begins with <bpmn:definitions>"),
        (gzip.compress(b"PAR1...."), "unpack it first"),
    ],
)
def test_what_holds_no_records_is_refused(tmp_path, content, says):
    path = tmp_path / "a.file"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as refused:
        format_of(path)
    assert says in str(refused.value)
