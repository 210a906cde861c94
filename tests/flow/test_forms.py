"""`andon form` against a running suite: from a shipped form to its report, and a plan of one's own."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from andon_client.form_templates import form_templates

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "observations.md"


@pytest.mark.parametrize("template", form_templates())
def test_every_shipped_form_can_be_created_in_both_languages(andon: Any, template: str) -> None:
    made = json.loads(andon("form", "create", f"try-{template}", "--template", template, "--validate-only", "--json"))
    texts = [made["title"], *(item["text"] for item in made["items"])]
    texts += [grade[kind] for item in made["items"] for grade in item["grades"] for kind in ("label", "meaning")]
    assert all(text["en"] and re.search(r"[\u4e00-\u9fff]", text["zh"]) for text in texts)
    assert template in andon("form", "templates", locale="zh")


def test_a_form_is_filled_in_by_several_raters_and_reported(andon: Any, tmp_path: Path) -> None:
    andon("form", "create", "room-check", "--template", "hotel-room")
    assert "一尘不染" in andon("form", "show", "room-check", locale="zh")
    words = ["--rater", "Ann Lee", "--object", "room-305", "--case", "room-305/1", "--at", "2026-05-04T10:00:00Z"]
    record = ["form", "record", "room-check", *words, "--grade", "bed=3", "--grade", "remark=fine", "--id", "one"]
    assert "recorded" in andon(*record)
    assert "known" in andon(*record)
    refused = andon("form", "record", "room-check", *words, "--grade", "bed=5", exit_code=2)
    assert "attributes.bed" in refused
    assert "ANSWER_NOT_ALLOWED" in refused
    assert '"bad"' in andon("form", "record", "room-check", *words, "--grade", "bad=5", exit_code=2)
    given = [
        {
            "id": f"{rater}-{case}",
            "time": f"2026-05-{1 + case:02}T10:00:00Z",
            "rater": rater,
            "object": f"room-{case % 3}",
            "case_id": f"case-{case}",
            "bed": 1 + (case + (rater == "Bob" and case % 4 == 0)) % 4,
        }
        for case in range(12)
        for rater in ("Ann Lee", "Bob")
    ]
    file = tmp_path / "observations.jsonl"
    file.write_text("\n".join(map(json.dumps, given)), encoding="utf-8")
    assert "24 accepted" in andon("source", "write", "room-check", str(file))
    shown = andon("form", "report", "room-check", "--grades")
    assert "25 observations by 2 raters" in shown
    assert re.search(r"bed .* 25 +0 .* cohen +12 +12 +75 %", shown)
    assert re.search(r"room-305 +1 +1 +not enough data", shown)
    assert "Ann" not in shown
    assert "科恩" in andon("form", "report", "room-check", locale="zh")
    assert "has no sampling plan" in andon("form", "plan", "room-check")
    assert "room-check" in andon("form", "list")


def test_the_plan_of_the_guide_is_drawn_by_its_hashes(andon: Any, tmp_path: Path) -> None:
    document = re.search(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert document
    file = tmp_path / "waiting-area.yaml"
    file.write_text(document[1], encoding="utf-8")
    andon("form", "create", "waiting-area", "--file", str(file), "--validate-only")
    andon("form", "create", "waiting-area", "--file", str(file))
    words = ["form", "plan", "waiting-area", "--since", "2026-05-04", "--until", "2026-05-06"]
    planned = [json.loads(line) for line in andon(*words, "--json").splitlines()]
    for shift, start in (("early", "2026-05-05T04:00:00Z"), ("late", "2026-05-05T12:00:00Z")):
        hashes = {
            hall: hashlib.sha256(f"20260504|waiting-area|2026-05-05|{shift}|{hall}".encode()).hexdigest()
            for hall in ("hall-a", "hall-b", "hall-c")
        }
        units = {one["unit"] for one in planned if one["shift"] == shift and one["start_time"] == start}
        assert units == set(sorted(hashes, key=hashes.__getitem__)[:2])
    first = planned[0]
    seen = ["--object", first["unit"], "--at", first["time"], "--grade", "seats=2"]
    andon("form", "record", "waiting-area", "--rater", "Ann", *seen)
    assert re.search(rf"{first['unit']} +early .* done", andon(*words))
    report = json.loads(andon("form", "report", "waiting-area", "--until", "2026-05-06", "--json"))
    assert report["coverage"] | {"coverage": None} == {
        "planned": "8",
        "done": "1",
        "missed": "7",
        "open": "0",
        "coverage": None,
    }
