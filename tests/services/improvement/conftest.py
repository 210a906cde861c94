"""Small factories: each states only what matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.improvement.model import DAY_US, Action, ActionKind, ActionName, Family, Goal, StandingSignal, Text

DESK = Family("desk", "main", "rework")


@pytest.fixture
def signal() -> Callable[..., StandingSignal]:
    def make(day: int, indicator: str = "rework", slice_: str = "", rule: str = "WE1", **more: Any) -> StandingSignal:
        series = f"desk/main/{indicator}@day{slice_}"
        fields: dict[str, Any] = {
            "name": f"signals/{indicator}{slice_}-{day}-{rule}",
            "family": Family("desk", "main", indicator),
            "series": series,
            "window": "day",
            "start_us": day * DAY_US,
            "end_us": (day + 1) * DAY_US,
            "rule": rule,
            "value": 0.4,
            "centre": 0.1,
            "severity": 4.0,
            "promised_arl": 370.0,
            "baseline_start_us": 0,
            "baseline_end_us": 20 * DAY_US,
        }
        return StandingSignal(**{**fields, **more})

    return make


@pytest.fixture
def action() -> Action:
    goal = Goal("desk/main/rework@day", expected_effect=-0.2)
    return Action(
        ActionName(""), ActionKind.CORRECTIVE, Text("Check before handing on"), "team leads", 90 * DAY_US, goal
    )
