"""An undone dismissal, on a real database: as if the problem had not been dismissed."""

from __future__ import annotations

from typing import cast

import pytest

from services.improvement import transitions
from services.improvement.model import LIVE, ProblemState
from services.improvement.reinstatement import reinstate
from services.improvement.scoring_client import ScoringClient
from tests.services.improvement.followed_tenant import NOW
from tests.services.improvement.scoring_log import signal_message


async def undo(tenant, problem):
    """As the servicer does it."""
    restored = transitions.undo_dismiss(problem, NOW)
    async with tenant.store.transaction(tenant.tenant) as transaction:
        await transaction.store([restored], await transaction.lock())
        await reinstate(transaction, restored, cast(ScoringClient, tenant.scoring), NOW)


async def live(tenant):
    return [problem for problem in await tenant.problems() if problem.state in LIVE]


@pytest.mark.parametrize("acknowledged", [False, True])
async def test_its_signals_and_those_of_the_time_since_count_again(beginning, acknowledged):
    dismissed, other = await beginning(), await beginning()
    for tenant in (dismissed, other):
        tenant.scoring.commit(
            [signal_message(30), signal_message(33), signal_message(30, "wait", symptom_of=("rework",))]
        )
        await tenant.follow()
        (problem,) = await tenant.problems()
        if acknowledged:
            await tenant.change(problem := transitions.acknowledge(problem, NOW))
        if tenant is dismissed:
            await tenant.change(transitions.dismiss(problem, "annual fair", NOW))
        # Within the span that was dismissed, and after it: the second opens a problem of its own.
        tenant.scoring.commit([signal_message(31), signal_message(34)])
        await tenant.follow()
    (problem,) = (one for one in await dismissed.problems() if one.state is ProblemState.DISMISSED)
    assert len(problem.signals) == 3
    assert len(await live(dismissed)) == 1

    await undo(dismissed, problem)
    (after,), (never,) = await live(dismissed), await live(other)
    assert (after.state, after.signals, after.name) == (never.state, never.signals, never.name)
    assert len(after.signals) == 5
    assert await dismissed.stored_runs() == await other.stored_runs()
    for tenant in (dismissed, other):
        tenant.scoring.commit([signal_message(32)])
        await tenant.follow()
        (problem,) = await live(tenant)
        assert len(problem.signals) == 6


async def test_a_problem_whose_signals_were_all_retracted_meanwhile_is_withdrawn(followed):
    followed.scoring.commit([signal_message(30)])
    await followed.follow()
    (problem,) = await followed.problems()
    await followed.change(transitions.dismiss(problem, "annual fair", NOW))
    (dismissed,) = await followed.problems()
    followed.scoring.active.clear()
    await undo(followed, dismissed)
    (after,) = await followed.problems()
    assert after.state is ProblemState.WITHDRAWN
