"""Run lengths over the contract: printed values, limits that have what was asked for, and what is out of reach."""

from __future__ import annotations

import math

import pytest
from andon.scoring.v1 import run_length_pb2 as pb

from services.runtime.errors import InvalidArgument
from services.scoring.servicer.run_lengths import RunLengthServicer


async def ask(**fields):
    return await RunLengthServicer().GetRunLength(pb.GetRunLengthRequest(**fields), None)


# Champ and Woodall (1987), table 1; Lucas and Crosier (1982), table 1; Lucas and Saccucci (1990), table 1;
# Lowry, Woodall, Champ and Rigdon (1992), table 1.
@pytest.mark.parametrize(
    ("fields", "shifts", "printed", "digits"),
    [
        ({"shewhart": {"rules": ["WE1", "WE2", "WE3", "WE4"]}, "limit": 3.0}, [], [91.75], 2),
        ({"shewhart": {}, "limit": 3.0}, [1.0, 2.0, 3.0], [370.40, 43.89, 6.30, 2.00], 2),
        ({"cusum": {}, "limit": 4.0}, [0.5, 1.0, 2.0], [168, 26.6, 8.38, 3.34], 2),
        ({"cusum": {"head_start_share": 0.5}, "limit": 4.0}, [1.0], [149, 5.29], 2),
        ({"ewma": {"smoothing": 0.5}, "limit": 3.071}, [1.0, 2.0], [500, 17.5, 3.63], 1),
        ({"mewma": {"smoothing": 0.1, "dimensions": 4}, "limit": 12.73}, [1.0, 2.0], [199.78, 12.17, 5.19], 2),
    ],
)
async def test_printed_run_lengths_come_out_as_printed(fields, shifts, printed, digits):
    found = await ask(shifts=shifts or [1.0], **fields)
    assert [row.arl for row in found.rows][: len(printed)] == pytest.approx(printed, abs=0.6 * 10**-digits, rel=4e-3)


@pytest.mark.parametrize(
    "fields",
    [
        {"shewhart": {"rules": ["WE1", "WE2"]}, "phase1_size": 50},
        {"cusum": {"sides": "SIDES_UPPER"}},
        {"ewma": {"varying_limits": True}},
        {"individuals_range": {}},
        {"mewma": {"dimensions": 3}},
        {"variance_cusum": {"degrees": 4}},
        {"variance_ewma": {"degrees": 4}},
        {"autocorrelated": {"correlation": 0.4}},
        {"shiryaev_roberts": {}},
    ],
)
async def test_a_limit_has_the_run_length_that_was_asked_for(fields):
    found = await ask(requested_arl0=200.0, shifts=[1.0], **fields)
    quiet, shifted = found.rows
    assert (quiet.shift, shifted.shift) == (0.0, 1.0)
    assert quiet.arl == pytest.approx(200.0, rel=1e-6)
    assert shifted.arl < quiet.arl
    again = await ask(limit=found.limit, shifts=[1.0], **fields)
    assert again.rows[1].arl == pytest.approx(shifted.arl, rel=1e-9)


@pytest.mark.parametrize("fields", [{"poisson_cusum": {"mean": 3.0}}, {"binomial_cusum": {"size": 20, "share": 0.05}}])
async def test_limits_of_counts_have_at_least_the_run_length_that_was_asked_for(fields):
    found = await ask(requested_arl0=200.0, shifts=[1.0], **fields)
    assert 200.0 <= found.rows[0].arl < 260.0


async def test_quantiles_and_the_delay_after_a_quiet_time_are_there_where_they_are_known():
    found = await ask(shewhart={}, limit=3.0, shifts=[3.0], quantiles=[0.5, 0.9])
    quiet, shifted = found.rows
    chance = 2 * 0.0013498980316301
    assert list(quiet.quantiles) == [math.ceil(math.log(1 - one) / math.log1p(-chance)) for one in (0.5, 0.9)]
    assert not quiet.HasField("delay")
    # A plain chart remembers nothing.
    assert shifted.delay == pytest.approx(shifted.arl)
    assert "370.4" in found.summary.en


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"limit": 3.0}, "chart"),
        ({"shewhart": {}}, "limit"),
        ({"shewhart": {}, "limit": 3.0, "requested_arl0": 370.0}, "limit"),
        ({"shewhart": {"rules": ["WE9"]}, "limit": 3.0}, "shewhart.rules[0]"),
        ({"shewhart": {"rules": ["WE1", "WE2", "WE3", "WE4"]}, "requested_arl0": 5e8}, "requested_arl0"),
        ({"ewma": {"smoothing": 2.0}, "limit": 3.0}, "ewma.smoothing"),
        ({"mewma": {"dimensions": 0}, "limit": 3.0}, "mewma.dimensions"),
        ({"autocorrelated": {"correlation": 1.0}, "limit": 3.0}, "autocorrelated.correlation"),
        ({"individuals_range": {}, "limit": 3.0, "phase1_size": 30}, "phase1_size"),
        ({"shewhart": {}, "limit": 3.0, "quantiles": [1.0]}, "quantiles[0]"),
    ],
)
async def test_what_is_out_of_reach_is_refused_with_its_field(fields, field):
    with pytest.raises(InvalidArgument) as refused:
        await ask(**fields)
    assert [one.field for one in refused.value.field_violations] == [field]
