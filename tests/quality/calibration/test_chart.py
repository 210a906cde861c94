"""Charts whose realised in-control run is the requested one, on streams as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from andon_quality import arl
from andon_quality.arrays import FloatArray
from andon_quality.calibration import CalibratedChart, Scheme, calibrate
from andon_quality.calibration.bootstrap import mean_run
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st

Draw = Callable[[np.random.Generator, tuple[int, int]], FloatArray]


def autoregressive(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    values = rng.standard_normal((shape[0] + 50, shape[1]))
    for at in range(1, len(values)):
        values[at] += 0.5 * values[at - 1]
    return values[50:]


def lognormal(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return np.exp(0.5 * rng.standard_normal(shape))


def overdispersed(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return rng.poisson(6.0 * rng.gamma(4.0, 0.25, shape)).astype(np.float64)


def realised(draw: Draw, kind: str, scheme: Scheme | None, requested: float, baselines: int) -> float:
    rng, horizon, runs = np.random.default_rng(3), int(8 * requested), []
    for seed in range(baselines):
        chart = calibrate(draw(rng, (150, 1))[:, 0], requested, kind, scheme=scheme, seed=seed)  # type: ignore[arg-type]
        alarms = chart.monitor(draw(rng, (horizon, 25))).alarms
        runs.append(np.where(alarms.any(axis=0), alarms.argmax(axis=0) + 1.0, np.inf))
    return mean_run(np.concatenate(runs), horizon)


@pytest.mark.parametrize(
    ("draw", "kind"), [(autoregressive, "continuous"), (lognormal, "continuous"), (overdispersed, "count")]
)
def test_the_realised_run_is_the_requested_one_where_the_textbook_chart_is_off_by_a_factor(
    draw: Draw, kind: str
) -> None:
    # 16 baselines and 400 futures: a standard error of about 14 %.
    assert realised(draw, kind, None, 40.0, 16) == pytest.approx(40.0, rel=0.4)


SCHEMES = [Scheme("cusum"), Scheme("shewhart"), Scheme("ewma", 0.1)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "kind", "scheme"),
    [
        *((autoregressive, "continuous", scheme) for scheme in SCHEMES),
        *((lognormal, "continuous", scheme) for scheme in SCHEMES),
        *((overdispersed, "count", scheme) for scheme in SCHEMES if scheme.kind != "shewhart"),
    ],
)
def test_every_scheme_meets_the_requested_arl_over_many_baselines(draw: Draw, kind: str, scheme: Scheme) -> None:
    assert realised(draw, kind, scheme, 100.0, 60) == pytest.approx(100.0, rel=0.3)


def test_on_independent_normal_points_the_limit_is_that_of_the_exact_engine_for_estimated_parameters() -> None:
    values = np.random.default_rng(5).standard_normal(200)
    exact = arl.design_shewhart(["WE1"], 100.0, phase1_size=200)
    chart = calibrate(values, 100.0, scheme=Scheme("shewhart"))
    assert 0.5 * (chart.upper + chart.lower) == pytest.approx(exact, rel=0.03)
    assert chart.expected_mean == pytest.approx(100.0, rel=0.01)


def test_a_chart_is_the_same_for_the_same_seed_and_close_for_another() -> None:
    values = np.random.default_rng(6).gamma(3.0, 1.0, 120)
    first, again, other = calibrate(values, 60.0), calibrate(values, 60.0), calibrate(values, 60.0, seed=1)
    assert (first.upper, first.lower, first.derivation) == (again.upper, again.lower, again.derivation)
    assert other.upper == pytest.approx(first.upper, rel=0.08)


def test_an_unknown_mean_widens_the_limits_of_a_small_baseline() -> None:
    rng = np.random.default_rng(8)
    small, large = calibrate(rng.standard_normal(40), 100.0), calibrate(rng.standard_normal(290), 100.0)
    assert small.upper > 0.0
    assert large.upper == pytest.approx(arl.design_ewma(0.2, 100.0), rel=0.06)


@pytest.fixture(scope="module")
def autocorrelated() -> CalibratedChart:
    return calibrate(autoregressive(np.random.default_rng(9), (200, 1))[:, 0], 60.0)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 39), max_size=4, unique=True), st.sampled_from(["ewma", "cusum", "shewhart"]))
def test_points_in_pieces_give_the_same_bits_as_all_at_once(cuts: list[int], kind: str) -> None:
    rng = np.random.default_rng(10)
    chart = calibrated(kind)
    values = autoregressive(rng, (40, 3))
    values[rng.random(values.shape) < 0.2] = np.nan
    whole = chart.monitor(values)
    state, parts = chart.start(3), []
    for piece in np.split(values, sorted(cuts)):
        state, watched = chart.advance(state, piece)
        parts.append(watched)
    assert np.array_equal(np.vstack([part.up for part in parts]), whole.up)
    assert np.array_equal(np.vstack([part.down for part in parts]), whole.down)
    assert np.array_equal(np.vstack([part.alarms for part in parts]), whole.alarms)


CALIBRATED: dict[str, CalibratedChart] = {}


def calibrated(kind: str) -> CalibratedChart:
    if kind not in CALIBRATED:
        baseline = autoregressive(np.random.default_rng(9), (200, 1))[:, 0]
        CALIBRATED[kind] = calibrate(baseline, 20.0, scheme=Scheme(kind))  # type: ignore[arg-type]
    return CALIBRATED[kind]


def test_a_missing_point_leaves_the_chart_where_it_was_and_never_alarms(autocorrelated: CalibratedChart) -> None:
    watched = autocorrelated.monitor([0.0, 50.0, np.nan, np.nan])
    assert watched.alarms.tolist() == [False, True, False, False]
    assert watched.up[1] == watched.up[2] == watched.up[3]


def test_a_lasting_shift_is_found(autocorrelated: CalibratedChart) -> None:
    values = autoregressive(np.random.default_rng(11), (400, 1))[:, 0]
    values[300:] += 3.0
    assert autocorrelated.monitor(values).alarms[300:330].any()


@settings(deadline=None, max_examples=5)
@given(st.floats(-1e3, 1e3), st.floats(1e-2, 1e3))
def test_units_do_not_matter(centre: float, unit: float) -> None:
    values = np.random.default_rng(12).standard_normal(80)
    plain, other = calibrate(values, 30.0), calibrate(centre - 1e5 * unit + unit * values, 30.0)
    assert other.upper == pytest.approx(plain.upper, rel=1e-5)
    assert other.lower == pytest.approx(plain.lower, rel=1e-5)


def test_a_weekly_season_is_expected_and_what_breaks_it_is_not() -> None:
    rng = np.random.default_rng(13)
    phase = np.arange(6 * 168) % 168
    level = 10.0 + 8.0 * ((phase % 24 > 8) & (phase // 24 < 5))
    chart = calibrate(level + rng.standard_normal(level.size), 200.0, phase=phase)
    quiet = chart.monitor(level[:168] + 0.0, phase=phase[:168])
    shifted = chart.monitor(level[:168] + 1.5, phase=phase[:168])
    assert quiet.alarms.mean() < 0.05
    assert shifted.alarms.mean() > 0.8


@pytest.mark.parametrize("autocorrelation", ["residual", "inflated"])
def test_the_derivation_tells_what_was_found_and_done(autocorrelation: str) -> None:
    values = np.exp(0.4 * autoregressive(np.random.default_rng(14), (250, 1))[:, 0])
    values[[10, 60]] = np.nan
    text = calibrate(values, 50.0, autocorrelation=autocorrelation).derivation  # type: ignore[arg-type]
    for said in ("248 points", "2 missing", "logarithms", "order 1", "50 requested", "seed 0"):
        assert said in text
    assert ("inflated" in text) == (autocorrelation == "inflated")


def test_varying_sizes_and_overdispersion_are_found_and_a_point_counts_by_its_size() -> None:
    rng = np.random.default_rng(15)
    sizes = rng.integers(20, 200, 200).astype(np.float64)
    values = rng.binomial(sizes.astype(int), rng.beta(5.0, 45.0, 200)).astype(np.float64)
    chart = calibrate(values, 50.0, "proportion", sizes)
    assert chart.fitted.dispersion[0] == pytest.approx(1 / 51, rel=0.5)
    few, many = (chart.monitor([0.2 * size], [size]).up[0] for size in (20.0, 200.0))
    assert few < many


def test_extra_zeros_are_recognised() -> None:
    rng = np.random.default_rng(16)
    chart = calibrate(np.where(rng.random(300) < 0.5, 0, rng.poisson(5.0, 300)), 50.0, "count")
    assert chart.form.zeros_share > 0.7
    assert "extra zeros" in chart.derivation


ONES = np.ones(50)
VALUES = np.random.default_rng(0).poisson(5.0, 50).astype(np.float64)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (TooFew, lambda: calibrate(VALUES[:20], 100.0)),
        (NoSpread, lambda: calibrate(ONES, 100.0)),
        (NoSpread, lambda: calibrate(0.0 * ONES, 100.0, "count")),
        (NotFinite, lambda: calibrate(np.append(VALUES, np.inf), 100.0)),
        (OutOfRange, lambda: calibrate(VALUES, 1.0)),
        (OutOfRange, lambda: calibrate(VALUES + 0.5, 100.0, "count")),
        (OutOfRange, lambda: calibrate(VALUES, 100.0, "proportion", ONES)),
        (OutOfRange, lambda: calibrate(VALUES, 100.0, phase=np.full(50, 168))),
        (Inconsistent, lambda: calibrate(VALUES, 100.0, "proportion")),
        (Inconsistent, lambda: calibrate(VALUES, 100.0, sizes=ONES)),
        (Inconsistent, lambda: calibrate(VALUES, 100.0, "count", sizes=ONES[:40])),
        (Inconsistent, lambda: calibrate(VALUES, 20.0).monitor(VALUES, phase=np.arange(50))),
        (OutOfRange, lambda: Scheme("ewma", smoothing=0.0)),
        (Inconsistent, lambda: calibrate(VALUES, 100.0, "count", scheme=Scheme("shewhart"))),
    ],
)
def test_what_arguments_cannot_be_is_refused(error: type[Exception], call: Callable[[], object]) -> None:
    with pytest.raises(error):
        call()
