"""`andon feed` against a running suite: published monthly figures are declared, written, corrected and charted."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SPC = ROOT.parent / "shared" / "data" / "spc"
FEED = """
title: {en: Complaints, zh: 投诉}
period: month
series:
  - name: complaints
    title: {en: Complaints, zh: 投诉}
    figures: count
    direction: lower_is_better
  - name: complaints_per_sale
    title: {en: Complaints per sale, zh: 每笔销售投诉}
    figures: rate
    direction: lower_is_better
  - name: seen_in_time
    title: {en: Seen in time, zh: 及时就诊}
    figures: share
    direction: higher_is_better
"""


def month(number: int) -> str:
    return f"{2024 + (number - 1) // 12}-{(number - 1) % 12 + 1:02}"


def scores(andon: Any, indicator: str, count: int) -> list[dict[str, Any]]:
    """Once so many windows are scored."""
    found: list[dict[str, Any]] = []
    for _ in range(150):
        shown = andon("scores", "--indicator", indicator, "--window", "month", "--overall", "--limit", "100", "--json")
        found = [json.loads(line) for line in shown.splitlines()]
        if len(found) == count:
            break
        time.sleep(0.2)
    assert len(found) == count
    return sorted(found, key=lambda one: str(one["interval"]["start"]))


@pytest.mark.skipif(not SPC.exists(), reason="the published series are not at hand")
def test_published_figures_are_a_feed_and_keep_their_counts_and_centre_lines(andon: Any, tmp_path: Path) -> None:
    declared, rows = tmp_path / "complaints.feed.yaml", tmp_path / "rows.csv"
    declared.write_text(FEED, encoding="utf-8")
    andon("feed", "create", "complaints", "--file", str(declared), "--validate-only")
    assert "2024" not in andon("feed", "create", "complaints", "--file", str(declared))
    assert "计数" in andon("feed", "show", "complaints", locale="zh")
    with (SPC / "qic_complaints.csv").open(encoding="utf-8", newline="") as file:
        sales = list(csv.DictReader(file))
    with (SPC / "qic_nhs_accidents.csv").open(encoding="utf-8", newline="") as file:
        accidents = list(csv.DictReader(file))
    lines = ["series,period,value,numerator,denominator"]
    for one in sales:
        at = month(int(one["month"]))
        lines.append(f"complaints,{at},{one['complaints']},,")
        lines.append(f"complaints_per_sale,{at},,{one['complaints']},{one['sales']}")
    lines += [f"seen_in_time,{month(int(one['i']))},,{one['r']},{one['n']}" for one in accidents]
    rows.write_text("\n".join(lines), encoding="utf-8")
    assert "60 accepted" in andon("feed", "write", "complaints", str(rows))
    assert "60 duplicate" in andon("feed", "write", "complaints", str(rows))

    system = tmp_path / "complaints.system.yaml"
    system.write_text(andon("feed", "system", "complaints"), encoding="utf-8")
    andon("system", "apply", str(system), "--process", "complaints")
    counted = scores(andon, "complaints", 20)
    assert [one["value"] for one in counted] == [float(one["complaints"]) for one in sales]
    rated = scores(andon, "complaints_per_sale", 20)
    assert [int(one["moments"]["total"]) for one in rated] == [int(one["complaints"]) for one in sales]
    assert [int(one["count"]) for one in rated] == [int(one["sales"]) for one in sales]
    shares = scores(andon, "seen_in_time", 20)
    assert [(int(one["moments"]["total"]), int(one["count"])) for one in shares] == [
        (int(one["r"]), int(one["n"])) for one in accidents
    ]
    # The row of the last month completes it.
    chart: dict[str, Any] = {}
    for _ in range(150):
        chart = json.loads(andon("chart", "complaints/main/seen_in_time@month", "--json"))
        if "baseline" in chart:
            break
        time.sleep(0.2)
    assert chart["baseline"]["centre"] == pytest.approx(0.9528997, abs=5e-8)

    corrected = tmp_path / "corrected.jsonl"
    corrected.write_text('{"series": "complaints", "period": "2024-01", "value": 430}', encoding="utf-8")
    assert "1 quarantined" in andon("feed", "write", "complaints", str(corrected), exit_code=2)
    assert "1 accepted" in andon("feed", "write", "complaints", str(corrected), "--correction")
    for _ in range(150):
        if scores(andon, "complaints", 20)[0]["value"] == 430.0:
            break
        time.sleep(0.2)
    assert scores(andon, "complaints", 20)[0]["value"] == 430.0
