"""`andon benchmark` against a running suite: the commands of the guide, with the files of its examples."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"
SERIES = "wards/main/seen_in_time@month"


def test_a_series_is_compared_while_its_benchmark_holds_and_is_marked_after(andon: Any, tmp_path: Path) -> None:
    file = str(EXAMPLES / "seen-in-time.benchmark.yaml")
    andon("feed", "create", "wards", "--file", str(EXAMPLES / "wards.feed.yaml"))
    rows = tmp_path / "wards.jsonl"
    months = ("2025-03", "2025-04", "2026-05", "2026-06")
    figures = {"series": "seen_in_time", "ward": "north", "denominator": 400}
    rows.write_text(
        "\n".join(
            json.dumps({**figures, "period": period, "numerator": numerator})
            for period, numerator in zip(months, (288, 300, 320, 330), strict=True)
        ),
        encoding="utf-8",
    )
    assert "4 accepted" in andon("feed", "write", "wards", str(rows))
    system = tmp_path / "wards.system.yaml"
    system.write_text(andon("feed", "system", "wards"), encoding="utf-8")
    andon("system", "apply", str(system), "--process", "wards")
    andon("benchmark", "create", "seen-in-time", "--file", file, "--validate-only")
    assert "2026-06-01" in andon("benchmark", "create", "seen-in-time", "--file", file)
    assert "benchmarks/seen-in-time" in andon("benchmark", "list", "--state", "expired")
    assert "none" in andon("benchmark", "list", "--state", "valid")
    assert "25 %: 68.5" in andon("benchmark", "show", "seen-in-time")
    assert "已失效" in andon("benchmark", "show", "seen-in-time", locale="zh")
    found: dict[str, Any] = {}
    for _ in range(150):
        found = json.loads(andon("benchmark", "compare", "seen-in-time", SERIES, "--json"))
        if len(found.get("comparisons", ())) == len(months):
            break
        time.sleep(0.2)
    relations = [one["relation"] for one in found["comparisons"]]
    assert [one.removeprefix("BENCHMARK_RELATION_") for one in relations] == [
        "WITHIN",
        "WORSE",
        "BETTER",
        "NO_VALID_BENCHMARK",
    ]
    table = andon("benchmark", "compare", "seen-in-time", SERIES)
    assert "EXPIRED at 2026-06-01" in table
    assert "no valid benchmark" in table
    since = andon("benchmark", "compare", "seen-in-time", SERIES, "--since", "2026-05-01", "--json")
    assert len(json.loads(since)["comparisons"]) == 2
    andon("benchmark", "update", "seen-in-time", "--file", file)
