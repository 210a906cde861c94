"""Records of a file: lines, arrays and documents; a broken first line costs no more memory than a few lines."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from andon_client import record_stream
from andon_client.record_stream import read_records


def read(tmp_path, text):
    path = tmp_path / "records.json"
    path.write_text(text, encoding="utf-8")
    return [one.decode() for one in read_records(path)]


def test_lines_arrays_and_documents_are_read_as_records(tmp_path):
    assert read(tmp_path, '{"a": 1}\n\n{"a": 2}\n') == ['{"a": 1}', '{"a": 2}']
    assert read(tmp_path, json.dumps([{"a": 1}, {"a": 2}], indent=2)) == ['{"a": 1}', '{"a": 2}']
    assert read(tmp_path, json.dumps({"a": [1, 2]}, indent=2)) == ['{"a": [1, 2]}']
    assert read(tmp_path, '[\n{"a": 1},\n{"a": 2},\n{"a": 3},\n{"a": 4}\n]') == [f'{{"a": {n}}}' for n in (1, 2, 3, 4)]


def test_a_broken_first_line_is_a_record_and_the_others_are_not_held_in_memory(tmp_path):
    path = tmp_path / "records.jsonl"
    line = json.dumps({"note": "x" * 1_000}) + "\n"
    path.write_text('{"a": \n' + line * 20_000)
    tracemalloc.start()
    count = sum(1 for _ in read_records(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_001
    assert peak < 2_000_000


@pytest.mark.parametrize("begin", ["{", "["])
def test_a_document_that_is_too_long_is_read_as_lines(tmp_path, monkeypatch, begin):
    monkeypatch.setattr(record_stream, "DOCUMENT_BYTES_MAX", 20)
    lines = [begin, *(f'"{n}": {n},' for n in range(9)), "}"]
    assert read(tmp_path, "\n".join(lines)) == lines
