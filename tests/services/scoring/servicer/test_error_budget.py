"""Error budgets over real gRPC, with figures worked out here."""

from __future__ import annotations

import grpc
import pytest
from andon.scoring.v1 import error_budget_pb2 as pb
from andon.scoring.v1 import scoring_pb2
from scipy.stats import binom

from tests.services.scoring.conftest import DAY_S


async def test_an_error_budget_is_used_and_burns(suite, make):
    # A hundred cases a week for eight weeks: one in twenty fails, in the last two complete weeks three in ten.
    events, number = [], 0
    for week in range(9):
        for place in range(100):
            breached = place < (30 if week in (6, 7) else 5)
            events += make.case(number, week * 7 * DAY_S + place * 4_000.0, 1.0, breached)
            number += 1
    await suite.activate(make.spec())
    through = await suite.write(events)
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    request = pb.GetErrorBudgetRequest(series="desk/main/sla_breach@week", period_days=56)
    found = await suite.error_budgets().GetErrorBudget(request)
    # The target of 0.1 is what may fail.
    assert (found.allowed_share, found.count, found.failure_count) == (0.1, 800, 90)
    assert (found.allowed_count, found.consumed) == (pytest.approx(80.0), pytest.approx(90 / 80))
    latest = found.burn_rates[0]
    assert (latest.window_count, latest.failure_count, latest.rate) == (1, 30, pytest.approx(3.0))
    assert latest.p_value == pytest.approx(binom.sf(29, 100, 0.1))
    assert found.alpha == pytest.approx(0.5 / (30.4375 / 7 * len(found.burn_rates)))
    assert found.is_burning
    calm = await suite.error_budgets().GetErrorBudget(
        pb.GetErrorBudgetRequest(series="desk/main/sla_breach@week", allowed_share=0.4)
    )
    assert not calm.is_burning
    assert calm.consumed < 1


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"series": "desk/main/to_close@week"}, "INVALID_ARGUMENT", "series"),
        ({"series": "desk/main/sla_breach@week", "period_days": 500}, "INVALID_ARGUMENT", "period"),
        ({"series": "desk/main/sla_breach@week", "allowed_share": 2}, "INVALID_ARGUMENT", "allowed"),
        ({"series": "desk/main/sla_breach@week"}, "NOT_FOUND", ""),
    ],
)
async def test_a_budget_that_nothing_follows_from_is_refused(suite, make, fields, code, field):
    await suite.activate(make.spec())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await suite.error_budgets().GetErrorBudget(pb.GetErrorBudgetRequest(**fields))
    assert refused.value.code().name == code
    assert refused.value.details().startswith(field)
