"""`andon capability` and `andon loss` against a running suite, in both languages."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from andon_client.suite import Suite


def test_a_person_asks_how_capable_a_process_is_and_what_it_costs(connection: Any, andon: Any, desk: Any) -> None:
    async def fill() -> None:
        async with Suite(connection) as suite:
            await desk.begin_scoring(suite)
            await desk.write(suite, desk.events(days=30))
            await desk.settled(suite)

    asyncio.run(fill())
    series = "desk/main/lead_time@day"
    shown = andon("capability", series, "--upper", "0.75", "--since", "2026-03-05")
    assert "limits: upper 0.75 h" in shown
    assert "Ppk" in shown
    assert "stationarity" in shown
    assert "规格限取自指标目标" in andon("capability", series, locale="zh")
    found = json.loads(andon("capability", "desk/main/rework@day", "--json", "--shift", "0"))
    assert (found["count"], found["distribution"]) == ("1800", "binomial")
    # A tenth of the cases is redone: 1.28 sigma.
    assert abs(found["sigma_level"]["value"] - 1.2816) < 0.1
    losses = [json.loads(line) for line in andon("loss", series, "--cost", "100", "--json").splitlines()]
    assert len(losses) >= 29
    assert all(abs(one["total"] - one["per_case"] * int(one["count"])) < 1e-6 for one in losses)
    assert "EUR" in andon("loss", series, "--cost", "100", "--currency", "EUR")
    assert "is not one of" in andon("loss", series, "--cost", "1", "--form", "best", exit_code=2)
