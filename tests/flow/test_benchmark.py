"""`andon funnel`, `andon budget` and `andon simulate` against a running suite."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from andon_client.suite import Suite


def test_units_are_compared_a_budget_is_read_and_waiting_is_simulated(connection: Any, andon: Any, desk: Any) -> None:
    async def fill() -> None:
        async with Suite(connection) as suite:
            await desk.begin_scoring(suite)
            await desk.write(suite, desk.events(days=34))
            await desk.settled(suite)

    asyncio.run(fill())
    found = json.loads(andon("funnel", "desk/main/rework@all", "--json"))
    assert sorted(one["slice"]["team"] for one in found["units"]) == ["A", "B"]
    shown = andon("funnel", "desk/main/rework@all", "--overdispersion", "none")
    assert "rank interval" in shown
    assert "名次" in andon("funnel", "desk/main/rework@all", locale="zh")
    budget = json.loads(andon("budget", "desk/main/rework@day", "--days", "3", "--json"))
    # On the last days a third of the cases is redone; a fifth is allowed.
    assert budget["consumed"] > 1
    assert "burn" in andon("budget", "desk/main/rework@day", "--allowed", "0.9")
    words = (
        "simulate",
        "--staff",
        "2",
        "--arrivals",
        "desk/main/lead_time@day",
        "--service",
        "desk/main/lead_time@day",
    )
    queue = json.loads(andon(*words, "--what-if", "staff=8,arrivals=0.5", "--json"))
    assert (queue["service_shape"], len(queue["what_ifs"])) == ("sample", 1)
    assert queue["what_ifs"][0]["utilisation"] * 8 < queue["now"]["utilisation"] * 2
    assert "as it is" in andon("simulate", "--staff", "3", "--arrivals", "10", "--service", "0.25")
    assert "is not one of" in andon(*words, "--what-if", "people=3", exit_code=2)
