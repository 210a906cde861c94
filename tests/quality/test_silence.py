"""Silence is as rare by chance as requested: against simulated sources, known and learned."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.silence import HOURS, Rhythm, false_alarms, hours_until, learn, limit
from scipy import stats

WORKING = np.where((np.arange(HOURS) % 24 >= 8) & (np.arange(HOURS) % 24 < 18) & (np.arange(HOURS) < 120), 6.0, 0.05)


def simulated(mean, dispersion, weeks, seed):
    random = np.random.default_rng(seed)
    rate = mean if dispersion == 0 else random.gamma(1 / dispersion, dispersion * mean, (weeks, HOURS))
    return random.poisson(rate, (weeks, HOURS))


def alarms(rhythm, log_limit, counts):
    """Runs of empty hours that last until the limit, one by one."""
    empty = counts.ravel() == 0
    found, run = 0, 0
    due = [hours_until(rhythm, hour, log_limit) for hour in range(HOURS)]
    for at, is_empty in enumerate(empty.tolist()):
        if not is_empty:
            run = 0
            continue
        if run == 0:
            begun = at % HOURS
        run += 1
        found += run == due[begun]
    return found


@pytest.mark.parametrize("dispersion", [0.0, 0.8])
def test_an_hour_is_empty_as_the_distribution_says(dispersion):
    rhythm = Rhythm(WORKING, dispersion)
    if dispersion:
        wanted = stats.nbinom.pmf(0, 1 / dispersion, 1 / (1 + dispersion * WORKING))
    else:
        wanted = stats.poisson.pmf(0, WORKING)
    assert np.exp(rhythm.log_empty) == pytest.approx(wanted)


@pytest.mark.parametrize("dispersion", [0.0, 0.5])
def test_a_known_rhythm_raises_as_many_false_alarms_as_computed(dispersion):
    rhythm, weeks = Rhythm(WORKING, dispersion), 4_000
    log_limit = limit(rhythm, 1 / 20)
    expected = false_alarms(rhythm, log_limit) * weeks
    assert 0.4 / 20 < expected / weeks <= 1 / 20
    found = alarms(rhythm, log_limit, simulated(WORKING, dispersion, weeks, 7))
    assert abs(found - expected) < 4 * np.sqrt(expected)


def test_a_learned_rhythm_raises_hardly_more_than_requested():
    found = weeks = 0
    for seed in range(12):
        counts = simulated(WORKING, 0.5, 308, seed)
        rhythm = learn(counts[:8])
        found += alarms(rhythm, limit(rhythm, 1 / 52), counts[8:])
        weeks += 300
    assert found / weeks < 1.5 / 52


def test_bursts_are_learned_as_dispersion():
    assert learn(simulated(np.full(HOURS, 5.0), 0.7, 200, 1)).dispersion == pytest.approx(0.7, rel=0.1)
    assert learn(simulated(np.full(HOURS, 5.0), 0.0, 200, 1)).dispersion < 0.02


def test_what_was_not_observed_is_no_empty_hour():
    counts = np.full((4, HOURS), 3.0)
    counts[0, :100] = np.nan
    assert learn(counts).mean[[0, 167]] == pytest.approx([9 / 4, 12 / 5])


def test_a_source_that_never_delivers_is_never_silent():
    assert hours_until(learn(np.zeros((4, HOURS))), 0, -5.0) == np.inf


def test_a_slow_source_takes_weeks():
    rhythm = Rhythm(np.full(HOURS, 0.01), 0.0)
    assert hours_until(rhythm, 3, -5.0) == 500


def test_what_makes_no_rhythm_is_refused():
    with pytest.raises(TooFew):
        learn(np.zeros((1, HOURS)))
    with pytest.raises(OutOfRange):
        learn(np.full((3, HOURS), -1.0))
    with pytest.raises(OutOfRange):
        limit(Rhythm(WORKING, 0.0), 0.0)
