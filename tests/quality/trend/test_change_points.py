"""Change points, against another implementation and against annotators."""

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import ruptures
from andon_quality.arrays import BLOCK_NUMBERS
from andon_quality.errors import NotFinite, OutOfRange, TooFew
from andon_quality.trend import SegmentModel, binary_segmentation, pelt
from andon_quality.trend.change_points import NUMBERS_A_POINT
from andon_quality.trend.segment_cost import OwnNoiseCost, RegressionCost, cost_of, noise_variance, standardised
from hypothesis import given, settings
from hypothesis import strategies as st

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
BOTH = pytest.mark.parametrize("method", [pelt, binary_segmentation])


def steps(rng, levels=(0, 3, 1, 4), length=40):
    return np.concatenate([level + rng.normal(0, 0.5, length) for level in levels])


@pytest.mark.parametrize("seed", range(5))
def test_pelt_on_means_agrees_with_ruptures(seed):
    values = standardised(steps(np.random.default_rng(seed)))
    noise = float(noise_variance(np.ones((1, 160)), values))
    theirs = ruptures.Pelt(model="l2", min_size=8, jump=1).fit(values).predict(pen=2 * np.log(160) * noise)
    assert pelt(values, SegmentModel.MEAN) == tuple(theirs[:-1])


@pytest.mark.parametrize("seed", range(5))
def test_binary_segmentation_on_means_agrees_with_ruptures(seed):
    values = standardised(steps(np.random.default_rng(seed)))
    noise = float(noise_variance(np.ones((1, 160)), values))
    theirs = ruptures.Binseg(model="l2", min_size=8, jump=1).fit(values).predict(pen=2 * np.log(160) * noise)
    assert binary_segmentation(values, SegmentModel.MEAN) == tuple(theirs[:-1])


@BOTH
@pytest.mark.parametrize("model", list(SegmentModel))
def test_clear_steps_are_found_by_every_model(method, model):
    values = steps(np.random.default_rng(1), levels=(0, 6), length=60)
    found = method(values, model)
    assert any(abs(point - 60) <= 2 for point in found)
    assert len(found) <= 3


def test_a_change_of_variance_alone_is_found_by_the_model_that_has_one():
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(0, 0.3, 80), rng.normal(0, 3, 80)])
    assert any(abs(point - 80) <= 6 for point in pelt(values, SegmentModel.MEAN_AND_VARIANCE))


def test_a_shift_with_more_noise_behind_it_is_found_by_default():
    """As of a process that is disturbed: one change where the level moves, none where the noise is large."""
    rng = np.random.default_rng(11)
    values = rng.normal(0, 1, (40, 300))
    for i in range(1, 300):
        values[:, i] += 0.3 * values[:, i - 1]
    values[:, 150:] = 2 + 2 * values[:, 150:]
    found = pelt(values)
    assert sum(len(points) == 1 and abs(points[0] - 150) <= 5 for points in found) >= 32


def test_a_kinked_line_has_one_change_of_trend():
    rng = np.random.default_rng(4)
    line = np.concatenate([np.arange(60.0), 60 - 2 * np.arange(60.0)])
    found = pelt(line + rng.normal(0, 1, 120), SegmentModel.TREND)
    assert len(found) == 1
    assert abs(found[0] - 60) <= 3


def test_autocorrelated_noise_rarely_has_change_points_by_default():
    rng = np.random.default_rng(6)
    found = 0
    for _ in range(60):
        noise = rng.normal(size=200)
        series = np.empty(200)
        series[0] = noise[0]
        for i in range(1, 200):
            series[i] = 0.6 * series[i - 1] + noise[i]
        found += bool(pelt(series))
    assert found <= 1


@BOTH
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100), shift=st.floats(-1000, 1000))
def test_scale_and_shift_do_not_move_the_points(method, seed, scale, shift):
    values = steps(np.random.default_rng(seed), length=15)
    assert method(values, SegmentModel.MEAN) == method(scale * values + shift, SegmentModel.MEAN)


@BOTH
@pytest.mark.parametrize("model", list(SegmentModel))
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), series=st.integers(1, 8), n=st.integers(6, 90), shortest=st.integers(1, 9))
def test_many_series_have_the_points_that_each_has_alone(method, model, seed, series, n, shortest):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (series, n)) + 4.0 * np.floor(rng.normal(0, 0.15, (series, n)).cumsum(axis=1))
    values[rng.integers(series)] = 7.0
    alone = tuple(method(one, model, shortest=shortest) for one in values)
    assert method(values, model, shortest=shortest) == alone


@BOTH
def test_more_series_than_one_block_holds_have_the_points_that_each_has_alone(method):
    rng = np.random.default_rng(8)
    values = np.stack([steps(rng, length=30) for _ in range(300)])
    assert values.size * NUMBERS_A_POINT > 2 * BLOCK_NUMBERS
    found = method(values, SegmentModel.MEAN)
    assert len(found) == 300
    assert [found[i] for i in range(0, 300, 30)] == [method(one, SegmentModel.MEAN) for one in values[::30]]


@pytest.mark.parametrize("model", list(SegmentModel))
def test_the_costs_of_stretches_are_to_the_bit_those_of_a_series_alone(model):
    values = np.random.default_rng(9).normal(size=(5, 80))
    (many, _), starts = cost_of(standardised(values), model), np.arange(0, 60)
    for place, one in enumerate(values):
        alone, _ = cost_of(standardised(one[None]), model)
        own = alone(np.zeros(60, dtype=np.int64), starts, starts + 12)
        assert np.array_equal(many(np.full(60, place), starts, starts + 12), own)


def test_a_regression_costs_what_least_squares_leaves_over_the_noise():
    rng = np.random.default_rng(10)
    columns, values = np.stack([np.ones(90), rng.normal(size=90), np.linspace(-1, 1, 90)]), rng.normal(size=90)
    cost = RegressionCost(columns, values[None])
    for start, end in [(0, 90), (10, 25), (60, 90)]:
        rest = np.linalg.lstsq(columns[:, start:end].T, values[start:end], rcond=None)[1][0]
        ours = cost(np.zeros(1, dtype=np.int64), np.array([start]), end) * cost.noise_variance
        assert ours == pytest.approx([rest], rel=1e-6)


def test_a_stretch_with_a_noise_of_its_own_costs_the_likelihood_of_what_least_squares_leaves():
    rng = np.random.default_rng(10)
    columns, values = np.stack([np.ones(90), np.linspace(-1, 1, 90)]), rng.normal(size=90)
    cost = OwnNoiseCost(columns, values[None])
    for start, end in [(0, 90), (10, 25), (60, 90)]:
        rest = np.linalg.lstsq(columns[:, start:end].T, values[start:end], rcond=None)[1][0]
        variance = rest / (end - start) / cost.noise_variance[0] + 0.3
        ours = cost(np.zeros(1, dtype=np.int64), np.array([start]), end)
        assert ours == pytest.approx([(end - start) * np.log(variance)], rel=1e-6)


def test_to_split_a_stretch_never_costs_more_before_the_penalty():
    """What pruning relies on: F(s) + C(s, t) > F(t) stays so for every later t."""
    rng = np.random.default_rng(12)
    cost, _ = cost_of(standardised(rng.normal(size=(1, 120)).cumsum(axis=1)), SegmentModel.AUTOREGRESSIVE_TREND)
    zeros = np.zeros(1, dtype=np.int64)
    for _ in range(200):
        start, middle, end = np.sort(rng.choice(119, 3, replace=False))
        if min(middle - start, end - middle) >= cost.shortest:
            parts = cost(zeros, np.array([start]), middle) + cost(zeros, np.array([middle]), end)
            assert parts[0] <= cost(zeros, np.array([start]), end)[0] + 1e-6


@BOTH
def test_constant_and_short_series_have_no_change_points(method):
    assert method([3.0] * 50) == ()
    assert method([1.0, 2.0]) == ()


@BOTH
@pytest.mark.parametrize("model", [SegmentModel.TREND, SegmentModel.AUTOREGRESSIVE_TREND])
@pytest.mark.parametrize("outlier", [1.0, 1e9])
def test_a_series_that_is_constant_after_its_first_point_does_not_change_again(method, model, outlier):
    with np.errstate(all="raise"):
        assert all(point <= 8 for point in method([outlier] + [3.0] * 60, model))


@BOTH
def test_bad_input_is_refused(method):
    with pytest.raises(NotFinite):
        method([1.0, np.nan] * 10)
    with pytest.raises(NotFinite, match="series 1"):
        method([[1.0, 2.0] * 10, [1.0, np.nan] * 10])
    with pytest.raises(TooFew):
        method([])
    with pytest.raises(OutOfRange):
        method([1.0, 2.0] * 10, penalty=-1.0)


@pytest.mark.skipif(not (DATA / "anomaly").exists(), reason="the annotated series are not in ../shared/data")
def test_annotated_series_are_segmented_with_f1_of_at_least_80_percent_by_one_setting(tmp_path):
    series = {}
    with gzip.open(DATA / "anomaly" / "tcpd_series.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            series.setdefault(row["dataset"], []).append((int(row["index"]), float(row["value"])))
    found = {name: pelt([value for _, value in sorted(points)]) for name, points in series.items()}
    predicted = tmp_path / "found.json"
    predicted.write_text(json.dumps(found))
    command = [sys.executable, str(DATA / "tools" / "score_tcpd.py"), str(predicted)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(lines)
    assert float(lines.splitlines()[-1].split("F1")[1].split()[0]) >= 0.80
