"""`andon sensor` against a running suite: readings of a file become statistics once, and are scored exactly."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_readings_are_written_once_and_scored_as_if_each_were_there(andon: Any, tmp_path: Path) -> None:
    declared, readings = str(EXAMPLES / "cold-store.sensors.yaml"), str(EXAMPLES / "cold-store.csv")
    assert "60 s" in andon("sensor", "create", "cold-store", "--file", declared)
    assert "冷库" in andon("sensor", "list", locale="zh")
    assert "5 accepted + 0 duplicate + 0 refused; 3 events" in andon("sensor", "write", "cold-store", readings)
    assert "0 accepted + 5 duplicate" in andon("sensor", "write", "cold-store", readings)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("sensor,quantity,time,value\na,pressure,2026-03-02T08:00:00Z,1\n", encoding="utf-8")
    assert "READING_QUANTITY_UNKNOWN" in andon("sensor", "write", "cold-store", str(wrong), exit_code=2)
    system = tmp_path / "cold-store.system.yaml"
    system.write_text(andon("sensor", "system", "cold-store"), encoding="utf-8")
    andon("system", "apply", str(system), "--process", "cold-store")
    found: dict[str, dict[str, Any]] = {}
    for _ in range(150):
        shown = andon("scores", "--process", "cold-store", "--overall", "--json")
        found = {one["series"].partition("@")[0]: one for one in map(json.loads, shown.splitlines())}
        if len(found) == 5:
            break
        time.sleep(0.2)
    values = {name.rpartition("/")[2]: one["value"] for name, one in found.items()}
    assert values == {
        "temperature": pytest.approx((4.1 + 4.3 + 8.2 + 4.0) / 4),
        "temperature_range": pytest.approx((4.1 + 0.0) / 2),
        "temperature_above": pytest.approx(1 / 4),
        "humidity": 81.5,
        "humidity_range": 0.0,
    }
    assert found["cold-store/main/temperature"]["count"] == "4"
