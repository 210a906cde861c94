"""`andon survey` against a running suite: from a shipped survey to its report, and the bank's survey as a file."""

from __future__ import annotations

import csv
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from andon_client.survey_templates import survey_templates

ROOT = Path(__file__).parents[2]
BANK = ROOT.parent / "shared" / "data" / "surveys" / "bank_satisfaction_ecsi.csv"
EXAMPLE = ROOT / "examples" / "bank-satisfaction"


@pytest.mark.parametrize("template", survey_templates())
def test_every_shipped_survey_can_be_created_in_both_languages(andon: Any, template: str) -> None:
    made = json.loads(andon("survey", "create", f"try-{template}", "--template", template, "--validate-only", "--json"))
    texts = [made["title"], *(item["text"] for item in made["items"])]
    assert all(text["en"] and re.search(r"[\u4e00-\u9fff]", text["zh"]) for text in texts)
    assert template in andon("survey", "templates", locale="zh")


def test_a_survey_is_asked_answered_and_reported(andon: Any, tmp_path: Path) -> None:
    andon("survey", "create", "branch-visit", "--template", "csat")
    ids = andon("survey", "invite", "branch-visit", "--count", "3", "--segment", "north").split()
    assert len(ids) == 3
    responses = tmp_path / "responses.jsonl"
    given = [{"id": ids[0], "time": "2026-05-04T10:00:00Z", "satisfied": 5, "comment": "fast"}]
    given += [{"id": f"walk-in-{n}", "time": "2026-05-05T10:00:00Z", "satisfied": 1 + n % 5} for n in range(14)]
    responses.write_text("\n".join(map(json.dumps, given)), encoding="utf-8")
    assert "15 accepted" in andon("source", "write", "branch-visit", str(responses))
    assert "15 duplicate" in andon("source", "write", "branch-visit", str(responses))
    andon("survey", "mark", "branch-visit", ids[1], "--state", "undeliverable")
    shown = andon("survey", "report", "branch-visit", "--answers")
    assert "15 responses, 14 of them without an invitation" in shown
    assert re.search(r"north +3 +1 +1 +0 +1 +50 ", shown)
    assert re.search(r"satisfied .* csat +40 ", shown)
    assert "净推荐值" not in andon("survey", "report", "branch-visit", locale="zh")
    open_ones = andon("survey", "invitations", "branch-visit", "--state", "open", "--json").splitlines()
    assert [json.loads(line)["id"] for line in open_ones] == [ids[2]]
    assert "is not one of" in andon("survey", "invitations", "branch-visit", "--state", "lost", exit_code=2)


@pytest.mark.skipif(not BANK.exists(), reason="the published survey is not at hand")
def test_the_bank_survey_is_loaded_as_a_file_reported_and_scored(andon: Any) -> None:
    andon("survey", "create", "bank-satisfaction", "--file", f"{EXAMPLE}.survey.yaml")
    loaded = andon("load", str(BANK), "--mapping", f"{EXAMPLE}.mapping.yaml")
    assert "250" in loaded
    report = json.loads(andon("survey", "report", "bank-satisfaction", "--json"))
    assert (report["responses"], len(report["items"])) == ("250", 28)
    andon("system", "apply", f"{EXAMPLE}.system.yaml", "--process", "bank")
    with BANK.open(encoding="utf-8", newline="") as file:
        answers = [int(row["sat1"]) for row in csv.DictReader(file)]
    found: list[Any] = []
    for _ in range(100):
        scores = andon("scores", "--indicator", "mean_satisfaction", "--window", "all", "--overall", "--json")
        found = [json.loads(line) for line in scores.splitlines()]
        if found and found[0]["count"] == "250":
            break
        time.sleep(0.2)
    assert found[0]["value"] == pytest.approx(sum(answers) / 250)
