"""`andon system diff`, `andon backtest` and `andon alarm` against a running suite."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import yaml
from andon_client.suite import Suite

from tests.running_suite import DESK_SYSTEM


def test_a_changed_document_is_compared_tested_and_its_alarms_are_judged(
    connection: Any, andon: Any, desk: Any, tmp_path: Path
) -> None:
    async def fill() -> None:
        async with Suite(connection) as suite:
            await desk.begin_scoring(suite)
            await desk.write(suite, desk.events(days=40))
            await desk.settled(suite)

    asyncio.run(fill())
    document = json.loads(json.dumps(DESK_SYSTEM))
    document["indicators"][0]["target"]["value"] = 0.15
    document["indicators"][1]["chart"] = {"baseline_windows": 20}
    file = tmp_path / "changed.system.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    shown = json.loads(andon("system", "diff", "desk/main", "--file", str(file), "--json"))
    texts = [one["text"]["en"] for one in shown["changes"]]
    assert "indicators[rework].target.value changes from 0.2 to 0.15: points and states." in texts
    assert "控制图与信号" in andon("system", "diff", "desk/main", "--file", str(file), locale="zh")

    incident = ("--incident", "2026-04-01/2026-04-06=Team B is new", "--incident", "2026-03-25=Nothing")
    words = ("backtest", "create", "desk/main", "--file", str(file), "--since", "2026-03-02", *incident)
    found = json.loads(andon(*words, "--json"))
    assert found["state"] == "STATE_DONE"
    caught, missed = found["report"]["incidents"]
    assert (caught["is_caught"], missed["is_caught"]) == (True, False)
    assert found["report"]["active_alarm_count"] == str(
        sum(int(one["alarm_count"]) for one in found["report"]["series"] if "/rework@" in one["series"])
    )
    again = andon("backtest", "show", found["name"])
    assert "Would have fired" in again
    assert "caught" in again
    assert found["name"] in andon("backtest", "list")

    signals = [json.loads(line) for line in andon("signals", "--json").splitlines()]
    andon("alarm", "judge", signals[0]["name"], "true", "--comment", "team B was new")
    assert "team B was new" in andon("alarm", "verdicts")
    precision = json.loads(andon("alarm", "precision", "--json"))
    assert (precision["total"]["true_count"], precision["total"]["precision"]) == ("1", 1.0)
    monitors = [json.loads(line) for line in andon("alarm", "monitors", "--json").splitlines()]
    assert {one["series"]["indicator"] for one in monitors} == {"rework"}
    assert "is not one of" in andon("alarm", "judge", signals[0]["name"], "perhaps", exit_code=2)
