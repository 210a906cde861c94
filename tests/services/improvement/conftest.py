"""Small factories: each states only what matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from services.improvement.model import (
    DAY_US,
    Action,
    ActionKind,
    ActionName,
    ActiveSignal,
    Family,
    Goal,
    Problem,
    ProblemName,
    Reading,
    SignalReference,
    Text,
    Verdict,
    Verification,
)
from services.improvement.plan import plan_proof
from services.improvement.store import MIGRATIONS, SCHEMA
from services.runtime.database import close_pool, open_pool
from services.runtime.migrations import migrate
from tests.services.improvement.followed_tenant import FollowedTenant
from tests.services.improvement.incident import DONE, FAULT, START

DESK = Family("desk", "main", "rework")


@pytest.fixture
def signal() -> Callable[..., ActiveSignal]:
    def make(day: int, indicator: str = "rework", slice_: str = "", rule: str = "WE1", **more: Any) -> ActiveSignal:
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
            "arl0": 370.0,
            "baseline_start_us": 0,
            "baseline_end_us": 20 * DAY_US,
        }
        return ActiveSignal(**{**fields, **more})

    return make


@pytest.fixture
def action() -> Action:
    goal = Goal("desk/main/rework@day", expected_effect=-0.2)
    return Action(
        ActionName(""), ActionKind.CORRECTIVE, Text("Check before handing on"), "team leads", 90 * DAY_US, goal
    )


@pytest.fixture
def problem() -> Callable[..., Problem]:
    """A problem that was opened by signals on the given days."""

    def make(*days: int) -> Problem:
        signals = tuple(
            SignalReference(
                f"signals/{day}", "desk/main/rework@day", day * DAY_US, (day + 1) * DAY_US, "WE1", 1, 0, 370
            )
            for day in days
        )
        start_us, end_us = (min(days) * DAY_US, (max(days) + 1) * DAY_US) if days else (0, 0)
        return Problem(
            ProblemName("problems/p"), DESK, Text("Rework"), signals=signals, start_us=start_us, end_us=end_us
        )

    return make


@pytest.fixture
def shares() -> Callable[..., list[Reading]]:
    """Days of a share, each of `cases`, from `first_day` on."""

    def make(values: Sequence[float], cases: int = 200, first_day: int = 0) -> list[Reading]:
        totals = [round(value * cases) for value in values]
        return [
            Reading(day * DAY_US, (day + 1) * DAY_US, total / cases, cases, total, total)
            for day, total in enumerate(totals, start=first_day)
        ]

    return make


@pytest.fixture
def verification() -> Callable[..., Verification]:
    def make(verdict: Verdict = Verdict.IMPROVED, **more: Any) -> Verification:
        fields: dict[str, Any] = {
            "verdict": verdict,
            "effect": -0.2,
            "lower": -0.3,
            "upper": -0.1,
            "confidence": 0.95,
            "p_value": 0.01,
            "before_mean": 0.4,
            "after_mean": 0.2,
            "before_windows": 8,
            "after_windows": 9,
            "spread_windows": 60,
            "before_start_us": 31 * DAY_US,
            "before_end_us": 39 * DAY_US,
            "after_start_us": 40 * DAY_US,
            "after_end_us": 49 * DAY_US,
            "season": "week",
            "method": "difference of means",
            "checks": (),
            "statement": Text(),
            "verified_at_us": 50 * DAY_US,
        }
        return Verification(**{**fields, **more})

    return make


@pytest.fixture
async def pool(databases):
    template = await databases.template("improvement", lambda dsn: migrate(dsn, schema=SCHEMA, directory=MIGRATIONS))
    opened = await open_pool(await databases.create(template), role_settings={"search_path": SCHEMA})
    yield opened
    await close_pool(opened)


@pytest.fixture
def beginning(pool):
    """Makes tenants whose signals are followed, all in one database."""
    return lambda: FollowedTenant(pool).begin()


@pytest.fixture
async def followed(beginning):
    return await beginning()


@pytest.fixture
def acted(problem, action):
    """The problem opened on day 60; the action ran on day 72."""
    plan = plan_proof(problem(FAULT, 61, 65), action.goal, START * DAY_US, START * DAY_US)
    return replace(action, started_us=START * DAY_US, done_us=DONE * DAY_US, plan=plan)
