"""Rows that represent many are charted as what they represent: p, u, c and Xbar-S, centre lines as published."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from services.scoring.fold.cases import CaseFold
from services.scoring.fold.step import DecodedPage
from services.scoring.scores.charts.chart import Drawn, draw
from services.scoring.scores.charts.chart_plan import plan_of
from services.scoring.scores.evaluation import Observed, evaluate
from services.scoring.scores.results import Score
from services.scoring.scores.statistics import PartStats, Place, accumulate
from services.scoring.system.case_model import Count, Measure, NumberAttribute, Ratio
from services.scoring.system.model import (
    Aggregate,
    ChartKind,
    ChartRule,
    Direction,
    Indicator,
    IndicatorSystem,
    SystemSpec,
    Window,
)
from services.scoring.system.series import SeriesKey

START = datetime(2026, 1, 1, tzinfo=UTC)
# A textbook's counts of defectives among 50 (orange juice cans, 30 trial samples; R package qcc) and defects per area.
ORANGE_JUICE = [
    12,
    15,
    8,
    10,
    4,
    7,
    16,
    9,
    14,
    10,
    5,
    6,
    17,
    12,
    22,
    8,
    10,
    5,
    13,
    11,
    20,
    18,
    24,
    15,
    9,
    12,
    7,
    13,
    9,
    6,
]
DYED_CLOTH = [14, 12, 20, 11, 7, 10, 21, 16, 19, 23], [10.0, 8.0, 13.0, 10.0, 9.5, 10.0, 12.0, 10.5, 12.0, 12.5]
CIRCUIT = [21, 24, 16, 12, 15, 5, 28, 20, 31, 25, 20, 24, 16, 19, 10, 17, 13, 22, 18, 39, 30, 24, 16, 19, 17, 15]


def system_of(
    aggregate: Aggregate, chart: ChartRule, per: float = 1.0, of: float = 1.0, squares: bool = False
) -> IndicatorSystem:
    measures = (
        Measure("hits", NumberAttribute("numerator", resolution=of)),
        Measure("size", NumberAttribute("denominator", resolution=per)),
        Measure("squares", NumberAttribute("squares", resolution=of * of)),
        Measure("rate", Ratio("hits", "size", "squares" if squares else "")),
    )
    measure = "hits" if aggregate is Aggregate.SUM else "rate"
    indicator = Indicator(
        "kpi", measure, aggregate, windows=(Window.DAY,), count_min=1, chart=chart, direction=Direction.LOWER_IS_BETTER
    )
    spec = SystemSpec(measures=measures, indicators=(indicator,))
    return IndicatorSystem("processes/feed/indicatorSystems/main", 1, spec)


def page(rows: Sequence[dict[str, Any]]) -> DecodedPage:
    """A row of a feed for each: `day` and figures."""
    columns: dict[str, pa.Array] = {
        "id": pa.array([row.get("id", f"row-{row['day']}/0") for row in rows]),
        "source": pa.array(["feed"] * len(rows)),
        "case_id": pa.array([f"{row['day']}/{row.get('unit', '')}" for row in rows]),
        "activity": pa.array(["kpi"] * len(rows)),
        "resource": pa.nulls(len(rows), pa.utf8()),
        "supersedes": pa.nulls(len(rows), pa.utf8()),
        "retracts": pa.nulls(len(rows), pa.utf8()),
        "time": pa.array([START + timedelta(days=row["day"]) for row in rows], pa.timestamp("us", tz="UTC")),
    }
    for name in ("numerator", "denominator", "squares"):
        if any(name in row for row in rows):
            columns[f"attributes.{name}"] = pa.array([row.get(name) for row in rows], pa.float64())
    return DecodedPage(pa.table(columns), 0, 1)


def scored(system: IndicatorSystem, *pages: DecodedPage) -> list[Score]:
    fold = CaseFold(system)
    sums: dict[Place, PartStats] = {}
    for one in pages:
        accumulate(sums, fold.fold([one]).parts)
    (indicator,) = system.spec.indicators
    observed = [Observed(SeriesKey(series), window, stats, True) for (series, window), stats in sums.items()]
    return sorted(evaluate(system, indicator, observed), key=lambda score: score.window)


def drawn(system: IndicatorSystem, scores: Sequence[Score]) -> Drawn:
    plan = plan_of(system.spec, system.spec.indicators[0])
    assert plan is not None
    return draw(scores, plan, Window.DAY)


def test_a_p_chart_of_aggregated_counts_has_the_published_centre() -> None:
    system = system_of(Aggregate.SHARE, ChartRule(baseline_windows=30))
    rows = [{"day": day, "numerator": n, "denominator": 50} for day, n in enumerate(ORANGE_JUICE)]
    scores = scored(system, page(rows))
    assert [(score.count, score.total) for score in scores] == [(50, n) for n in ORANGE_JUICE]
    baseline = drawn(system, scores).baseline
    assert baseline is not None
    assert baseline.chart.startswith("p")
    assert baseline.centre == pytest.approx(0.2313333, abs=5e-8)
    assert baseline.sigma / baseline.overdispersion == pytest.approx((0.4102391 - 0.05242755) / 6, rel=1e-6)


def test_a_u_chart_takes_fractions_of_exposure_and_defects_beyond_units() -> None:
    system = system_of(Aggregate.MEAN, ChartRule(ChartKind.U, baseline_windows=8), per=0.5)
    defects, sizes = DYED_CLOTH
    rows = [
        {"day": day, "numerator": n, "denominator": size}
        for day, (n, size) in enumerate(zip(defects, sizes, strict=True))
    ]
    scores = scored(system, page(rows))
    assert [score.value for score in scores] == [n / size for n, size in zip(defects, sizes, strict=True)]
    chart = drawn(system, scores)
    assert chart.baseline is not None
    centre = sum(defects[:8]) / sum(sizes[:8])
    assert chart.baseline.chart.startswith("u")
    assert chart.baseline.centre == pytest.approx(centre, rel=1e-12)
    width = chart.baseline.limit_width * chart.baseline.overdispersion
    for point, size in zip(chart.points[8:], sizes[8:], strict=True):
        assert point.upper == pytest.approx(centre + width * math.sqrt(centre / size), rel=1e-9)


def test_a_c_chart_of_sums_has_the_published_centre() -> None:
    system = system_of(Aggregate.SUM, ChartRule(ChartKind.C, baseline_windows=26))
    scores = scored(system, page([{"day": day, "numerator": n} for day, n in enumerate(CIRCUIT)]))
    baseline = drawn(system, scores).baseline
    assert baseline is not None
    assert baseline.chart.startswith("c")
    assert baseline.centre == pytest.approx(19.84615, abs=5e-6)
    assert baseline.sigma / baseline.overdispersion == pytest.approx((33.21086 - 6.481447) / 6, rel=1e-6)


def test_sums_of_squares_make_the_chart_of_the_readings_themselves() -> None:
    """Statistics of parts of a window, in any number of rows, draw the chart that the readings draw."""
    dice = random.Random(7)
    readings = [[round(dice.gauss(20, 2), 1) for _ in range(40)] for _ in range(25)]
    rule = ChartRule(baseline_windows=20)
    apart = system_of(Aggregate.MEAN, rule, of=0.1, squares=True)
    rows = [
        {
            "day": day,
            "unit": part,
            "numerator": sum(some),
            "denominator": len(some),
            "squares": sum(one * one for one in some),
        }
        for day, every in enumerate(readings)
        for part, some in enumerate((every[:7], every[7:30], every[30:]))
    ]
    single = replace(
        apart,
        spec=replace(apart.spec, indicators=(replace(apart.spec.indicators[0], measure="hits"),)),
    )
    alone = [
        {"day": day, "unit": at, "numerator": one} for day, every in enumerate(readings) for at, one in enumerate(every)
    ]
    scores, expected = scored(apart, page(rows)), scored(single, page(alone))
    figures = [(score.value, score.count, score.total, score.squares, score.resolution) for score in scores]
    assert figures == [(one.value, one.count, one.total, one.squares, one.resolution) for one in expected]
    assert drawn(apart, scores) == drawn(single, expected)
    assert scores[0].value == pytest.approx(statistics.fmean(readings[0]))


def test_the_figures_of_a_later_revision_replace_those_of_the_period() -> None:
    system = system_of(Aggregate.SHARE, ChartRule())
    first = {"day": 0, "id": "may/0", "numerator": 5, "denominator": 100}
    second = {"day": 0, "id": "may/1", "numerator": 7, "denominator": 90}
    for order in ([first, second], [second, first]):
        (score,) = scored(system, *(page([row]) for row in order))
        assert (score.total, score.count) == (7, 90)


@pytest.mark.parametrize(
    "row",
    [
        {"numerator": 5},
        {"denominator": 10},
        {"numerator": 0, "denominator": 0},
        {"numerator": 11, "denominator": 10},
        {"numerator": -1, "denominator": 10},
    ],
    ids=str,
)
def test_a_row_that_is_no_share_is_counted_as_not_observed(row: dict[str, Any]) -> None:
    (score,) = scored(system_of(Aggregate.SHARE, ChartRule()), page([{"day": 0, **row}]))
    assert (score.count, score.unobserved, score.value) == (0, 1, None)


def test_the_denominator_may_be_any_measure_of_a_case() -> None:
    spec = replace(
        system_of(Aggregate.MEAN, ChartRule(ChartKind.U)).spec,
        measures=(
            Measure("hits", NumberAttribute("numerator", resolution=1.0)),
            Measure("size", Count()),
            Measure("rate", Ratio("hits", "size")),
        ),
    )
    system = IndicatorSystem("processes/feed/indicatorSystems/main", 1, spec)
    rows = [{"day": 0, "id": f"{n}", "unit": n % 2, "numerator": n} for n in range(4)]
    # Two cases with two events each; the last value of each counts.
    (score,) = scored(system, page(rows))
    assert (score.total, score.count) == (5, 4)
