"""Queues against printed tables and formulas: Erlang C, M/M/c, M/D/1 and M/G/1, D/M/1."""

from __future__ import annotations

import math

import numpy as np
import pytest
from andon_quality import queues
from andon_quality.errors import NotFinite, OutOfRange, TooFew
from andon_quality.queues import Durations
from scipy.optimize import brentq


@pytest.mark.parametrize(
    ("offered", "servers", "printed"),
    # Erlang C tables: 1 - 1/9 per server and by hand; Gross et al. (2008), section 2.3.
    [(0.5, 1, 0.5), (1.0, 2, 1 / 3), (2.0, 3, 4 / 9), (1.8, 2, 0.8526316), (8.0, 10, 0.4091801)],
)
def test_the_probability_of_waiting_is_as_printed(offered, servers, printed):
    assert queues.erlang_c(offered, servers) == pytest.approx(printed, abs=1e-6)


def test_a_formula_of_one_server_is_that_of_the_textbook():
    queue = queues.markovian(0.8, 1.0, 1, [0.5, 0.95])
    assert (queue.mean, queue.line) == (pytest.approx(4.0), pytest.approx(3.2))
    assert queue.quantiles == pytest.approx([math.log(0.8 / 0.5) / 0.2, math.log(0.8 / 0.05) / 0.2])


@pytest.mark.parametrize(("load", "servers"), [(0.5, 1), (0.8, 1), (0.7, 3), (0.9, 5)])
def test_simulated_waits_lie_within_two_per_cent_of_the_formulas(load, servers):
    shares = [0.8, 0.9, 0.95, 0.99]
    exact = queues.markovian(load * servers, 1.0, servers, shares)
    made = queues.simulate(
        Durations("exponential", 1 / (load * servers)),
        Durations("exponential", 1.0),
        servers,
        shares,
        400,
        12_000,
    )
    assert made.waiting == pytest.approx(exact.waiting, rel=0.02)
    assert made.mean == pytest.approx(exact.mean, rel=0.02)
    shown = exact.quantiles > 0
    assert made.quantiles[shown] == pytest.approx(exact.quantiles[shown], rel=0.02)
    assert made.mean_lower < made.mean < made.mean_upper


@pytest.mark.parametrize(
    ("service", "variation"),
    [
        (Durations("constant", 1.0), 0.0),
        (Durations("gamma", 1.0, 0.5), 0.5),
        (Durations("lognormal", 1.0, 1.5), 1.5),
    ],
)
def test_one_server_waits_as_pollaczek_and_khinchine_say(service, variation):
    made = queues.simulate(Durations("exponential", 1 / 0.7), service, 1, replications=300, customers=10_000)
    assert made.mean == pytest.approx(0.7 * (1 + variation**2) / (2 * 0.3), rel=0.03)


def test_regular_arrivals_wait_less():
    # D/M/1: sigma solves s = exp(-mu D (1 - s)); the mean wait is s / (mu (1 - s)).
    root = brentq(lambda s: s - math.exp(-1.25 * (1 - s)), 1e-6, 1 - 1e-6)
    made = queues.simulate(Durations("constant", 1.25), Durations("exponential", 1.0), 1, replications=300)
    assert made.mean == pytest.approx(root / (1 - root), rel=0.03)


def test_a_sample_is_drawn_as_it_was_observed():
    values = np.random.default_rng(1).exponential(3.0, 500)
    times = queues.sampled(values)
    drawn = times.drawn(np.random.default_rng(2), (1_000, 10))
    assert set(np.unique(drawn.round(9))) <= set(values.round(9))
    assert (times.mean, times.variation) == (pytest.approx(values.mean()), pytest.approx(values.std() / values.mean()))


def test_what_has_no_steady_state_is_refused():
    with pytest.raises(OutOfRange):
        queues.markovian(3.0, 1.0, 3)
    # 12 x 0.25 / 3 is all that three servers can do, and 1 / (1 / 12) is less than 12 by rounding.
    with pytest.raises(OutOfRange):
        queues.markovian(np.nextafter(12.0, 0.0).item(), 0.25, 3)
    with pytest.raises(OutOfRange):
        queues.simulate(Durations("constant", 1.0), Durations("constant", np.nextafter(3.0, 0.0).item()), 3)
    with pytest.raises(OutOfRange):
        queues.simulate(Durations("exponential", 1.0), Durations("exponential", 2.0), 2)
    with pytest.raises(OutOfRange):
        queues.markovian(1.0, 1.0, 2, [1.0])
    with pytest.raises(TooFew):
        queues.sampled([])
    with pytest.raises(NotFinite):
        queues.sampled([math.nan])
