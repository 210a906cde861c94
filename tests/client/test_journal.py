"""A journal keeps effect and cursor in one write, whatever a crash leaves of the file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from andon_client.follow import Journal
from hypothesis import given, settings
from hypothesis import strategies as st


def items_of(path: Path) -> list:
    return [item for line in path.read_bytes().split(b"\n") if line for item in json.loads(line)["items"]]


def test_a_new_journal_begins_without_a_cursor(tmp_path):
    journal = Journal(tmp_path / "deep" / "journal.jsonl")
    assert journal.through == ""
    journal.close()


def test_what_was_appended_is_found_again_with_the_cursor(tmp_path):
    path = tmp_path / "journal.jsonl"
    first = Journal(path)
    first.append([{"series": "wait@day", "title": "等候"}], "c1")
    first.append([], "c2")
    first.close()
    again = Journal(path)
    assert again.through == "c2"
    assert items_of(path) == [{"series": "wait@day", "title": "等候"}]
    again.close()


ENTRY = st.tuples(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=2), max_size=3))


@settings(deadline=None, max_examples=25)
@given(entries=st.lists(ENTRY, min_size=1, max_size=5), data=st.data())
def test_a_torn_line_is_cut_and_following_on_repeats_and_loses_nothing(entries, data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        journal = Journal(path)
        ends = [0]
        for number, (items,) in enumerate(entries, start=1):
            journal.append(items, f"c{number}")
            ends.append(path.stat().st_size)
        journal.close()

        cut = data.draw(st.integers(0, ends[-1]))
        with path.open("r+b") as file:
            file.truncate(cut)
        kept = max(number for number, end in enumerate(ends) if end <= cut)

        again = Journal(path)
        assert again.through == (f"c{kept}" if kept else "")
        for number, (items,) in enumerate(entries[kept:], start=kept + 1):
            again.append(items, f"c{number}")
        again.close()
        assert items_of(path) == [item for (items,) in entries for item in items]
