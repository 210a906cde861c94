"""Everything that loading says exists in both languages, with the same places to fill."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from andon.common.v1.errors_pb2 import ErrorReason
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon_client.load_messages import PHRASES
from andon_client.load_report import LoadReport
from andon_records.batches import read_batches
from andon_records.mapping.document import parse_mapping
from andon_records.messages import PHRASES as RECORD_PHRASES

CLIENT = Path(__file__).parents[2] / "client" / "andon_client"


def _places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", [key for key in PHRASES if key not in RECORD_PHRASES])
def test_both_languages_have_the_same_places(key):
    english, chinese = PHRASES[key]
    assert _places(english) == _places(chinese)
    assert (english == "") == (chinese == "")


def test_every_phrase_is_said_somewhere_and_every_key_has_a_phrase():
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in (CLIENT, Path(__file__).parents[2] / "demo")
        for path in folder.rglob("*.py")
        if path.name != "load_messages.py"
    )
    said = {key for key in PHRASES if re.search(rf'"{key}"', code)}
    assert set(PHRASES) - set(RECORD_PHRASES) - said == set()
    assert set(re.findall(r'\bmessage\("(\w+)"', code)) <= set(PHRASES)


def test_a_refusal_names_column_and_value_and_what_to_set(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("case,step,when\nA,Open,2099-03-08 08:30\nA,Op\x07en,2026-03-08\n", encoding="utf-8")
    mapping = parse_mapping({"source": "s", "id": "case", "case_id": "case", "activity": "step", "time": "when"})
    (batch,) = read_batches(path, mapping)
    rejections = [
        event_pb2.Rejection(
            index=index, field=field, reason=ErrorReason.Value(f"ERROR_REASON_EVENT_{reason}"), message=why
        )
        for index, field, reason, why in ((0, "time", "TIME_IN_FUTURE", "late"), (1, "activity", "TEXT_INVALID", "bad"))
    ]
    report = LoadReport()
    report.add(batch, ingest_pb2.WriteEventsResponse(quarantined=2, rejections=rejections))
    assert [one.said.text() for one in report.rejected] == [
        'row 1, column "when": time: "2099-03-08T08:30:00+00:00" is refused: late; where that is meant, set'
        " future_tolerance of the source",
        'row 2, column "step": activity: "Op\\x07en" is refused: bad',
    ]
