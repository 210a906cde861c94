"""Charts of simulated desks in which nothing happens alarm as seldom as they promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from services.scoring.scores.charts.chart import draw
from services.scoring.scores.charts.chart_plan import ChartPlan, plan_of
from services.scoring.scores.charts.signals import signals_of
from services.scoring.scores.results import Score, ScoreState
from services.scoring.system.case_model import (
    Count,
    Elapsed,
    Flag,
    Measure,
    MeasureKind,
    NumberAttribute,
    Occurred,
    Opened,
    Ratio,
)
from services.scoring.system.model import Aggregate, ChartKind, ChartRule, Direction, Indicator, SystemSpec, Window
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

DAY_US = 86_400_000_000
SERIES = SeriesKey("desk/main/it@day")
ASKED, FOLLOWED = 200.0, 100
Desk = Callable[[np.random.Generator, int], list[Score]]


def plan(kind: MeasureKind, aggregate: Aggregate, windows: int) -> ChartPlan:
    charted = {Ratio: ChartKind.U, Count: ChartKind.C}.get(type(kind), ChartKind.UNSPECIFIED)
    chart = ChartRule(charted, requested_arl0=ASKED, baseline_windows=windows)
    indicator = Indicator("it", "it", aggregate, direction=Direction.LOWER_IS_BETTER, chart=chart)
    made = plan_of(SystemSpec(measures=(Measure("it", kind), Measure("events", Count()))), indicator)
    assert made is not None
    return made


def window(day: int, total: int, squares: int, count: int, resolution: float = 1.0) -> Score:
    span, mean = WindowId(day * DAY_US, (day + 1) * DAY_US), total * resolution / count
    state = ScoreState.NO_TARGET
    return Score(SERIES, span, mean, count, state, None, None, None, True, 1, total, squares, resolution)


def shares(hits: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[Score]:
    return [window(day, int(hit), int(hit), int(size)) for day, (hit, size) in enumerate(zip(hits, sizes, strict=True))]


def means(days: Sequence[NDArray[np.float64]], resolution: float = 0.01) -> list[Score]:
    quanta = [[round(value / resolution) for value in cases.tolist()] for cases in days]
    return [
        window(day, sum(cases), sum(one * one for one in cases), len(cases), resolution)
        for day, cases in enumerate(quanta)
    ]


def binomial(dice: np.random.Generator, days: int) -> list[Score]:
    sizes = dice.integers(60, 140, days)
    return shares(dice.binomial(sizes, 0.1), sizes)


def overdispersed(dice: np.random.Generator, days: int) -> list[Score]:
    """Three times the variance of a binomial share."""
    sizes = np.full(days, 201)
    return shares(dice.binomial(sizes, dice.beta(9.9, 89.1, days)), sizes)


def remembering(dice: np.random.Generator, days: int) -> list[Score]:
    """Means whose level is an AR(1) with a coefficient of one half."""
    level = np.zeros(days + 50)
    for day in range(1, days + 50):
        level[day] = 0.5 * level[day - 1] + 4.0 * dice.standard_normal()
    return means([100.0 + one + 8.0 * dice.standard_normal(30) for one in level[50:]])


def lognormal(dice: np.random.Generator, days: int) -> list[Score]:
    return means([dice.lognormal(4.0, 0.6, 30) for _ in range(days)])


def heavy_tailed(dice: np.random.Generator, days: int) -> list[Score]:
    """Durations of which one in a hundred lasts ten times as long as half of them."""
    return means([dice.lognormal(4.0, 1.0, 30) for _ in range(days)])


def exposed(dice: np.random.Generator, days: int) -> list[Score]:
    """Events per unit of an exposure that varies twofold."""
    units = dice.integers(50, 100, days)
    return [
        window(day, int(n), 0, int(size))
        for day, (n, size) in enumerate(zip(dice.poisson(0.2 * units), units, strict=True))
    ]


def bursting(dice: np.random.Generator, days: int) -> list[Score]:
    """Counts with twice the variance of Poisson's."""
    events = dice.negative_binomial(20, 0.5, days)
    # A sum is its own value, so that its mean over one is.
    return [window(day, int(n), int(n) ** 2, 1) for day, n in enumerate(events)]


FLAG, READING, TIME = Flag(Occurred(("Late",))), NumberAttribute("it"), Elapsed(Opened(), Opened())
DESKS: list[tuple[Desk, MeasureKind, Aggregate]] = [
    (binomial, FLAG, Aggregate.SHARE),
    (overdispersed, FLAG, Aggregate.SHARE),
    (remembering, READING, Aggregate.MEAN),
    (lognormal, TIME, Aggregate.MEAN),
    (heavy_tailed, TIME, Aggregate.MEAN),
    (exposed, Ratio("events", "events"), Aggregate.MEAN),
    (bursting, Count(), Aggregate.SUM),
]


def realised(desk: Desk, plan: ChartPlan, series: int, seed: int) -> tuple[float, float]:
    """Windows watched over first signals of many series in control, and what their charts promise together."""
    dice = np.random.default_rng(seed)
    watched, alarms, hazards = 0, 0, []
    for _ in range(series):
        drawn = draw(desk(dice, plan.baseline_windows + FOLLOWED), plan, Window.DAY)
        assert drawn.baseline is not None
        hazards.append(1.0 / drawn.baseline.calibration.expected_arl0)
        signals = signals_of("desk", SERIES, drawn, plan)
        first = min((signal.window.start_us // DAY_US for signal in signals.values()), default=None)
        watched += FOLLOWED if first is None else first - plan.baseline_windows + 1
        alarms += first is not None
    return watched / alarms, 1.0 / float(np.mean(hazards))


@pytest.mark.slow
@pytest.mark.parametrize("windows", [20, 25])
@pytest.mark.parametrize(("desk", "kind", "aggregate"), DESKS, ids=[desk.__name__ for desk, _, _ in DESKS])
def test_a_quiet_desk_alarms_as_seldom_as_its_charts_promise(
    desk: Desk, kind: MeasureKind, aggregate: Aggregate, windows: int
) -> None:
    run, promised = realised(desk, plan(kind, aggregate, windows), series=600, seed=windows)
    assert promised == pytest.approx(ASKED, rel=0.05)
    assert run == pytest.approx(promised, rel=0.25)


@pytest.mark.parametrize(("desk", "kind", "aggregate"), DESKS, ids=[desk.__name__ for desk, _, _ in DESKS])
def test_what_phase_one_shows_of_a_desk_is_counted_in(desk: Desk, kind: MeasureKind, aggregate: Aggregate) -> None:
    dice = np.random.default_rng(4)
    drawn = draw(desk(dice, 40), plan(kind, aggregate, 40), Window.DAY)
    assert drawn.baseline is not None
    calibration = drawn.baseline.calibration
    assert calibration.requested_arl0 == ASKED
    assert calibration.method == "fitted"
    assert calibration.lag1_autocorrelation >= 0.3 if desk is remembering else calibration.lag1_autocorrelation <= 0.4
    assert calibration.skewness > 0.1 if desk is not remembering else calibration.skewness == 0.0
    assert drawn.baseline.overdispersion > (
        1.4 if desk in (overdispersed, remembering) else 1.2 if desk is bursting else 0.99
    )
