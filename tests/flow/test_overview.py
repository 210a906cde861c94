"""`andon overview` and `andon annotation` against a running suite."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from andon_client.suite import Suite


def test_an_overview_shows_the_course_the_problem_and_the_notes(connection: Any, andon: Any, desk: Any) -> None:
    async def fill() -> None:
        async with Suite(connection) as suite:
            await desk.begin_scoring(suite)
            # The last complete day is one on which team B redoes six tenths of its cases.
            await desk.write(suite, desk.events(days=33))
            await desk.settled(suite)

    asyncio.run(fill())
    shown = andon("overview", "--window", "day")
    rework = next(line for line in shown.splitlines() if line.startswith("desk/main/rework@day"))
    assert "worsening" in rework
    assert "problems/" in rework
    assert any(bar in rework for bar in "▆▇█")
    assert "恶化" in andon("overview", "--window", "day", locale="zh")
    found = [json.loads(line) for line in andon("overview", "--sliced", "--json").splitlines()]
    assert {one["series"]["slice"].get("team", "") for one in found} == {"", "A", "B"}

    words = ("--at", "2026-04-01", "--text", "Tool replaced", "--kind", "change", "--json")
    made = json.loads(andon("annotation", "create", "desk/main/rework", *words))
    assert "Tool replaced" in andon("annotation", "list", "desk/main/rework@day")
    assert "Tool replaced" in andon("chart", "desk/main/rework@day")
    assert "Tool replaced" not in andon("annotation", "list", "desk/main/lead_time@day")
    noted = [json.loads(line) for line in andon("overview", "--indicator", "rework", "--json").splitlines()]
    assert [note["name"] for note in noted[0]["annotations"]] == [made["name"]]
    andon("annotation", "delete", made["name"])
    assert "Tool replaced" not in andon("annotation", "list")
