"""The streaming detector: its stream form, its aspects, and its score on real labelled series."""

import gzip
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from andon_quality.anomaly import Aspect, AspectWatch, advance, detect, start
from andon_quality.anomaly.detector import WATCHES
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st

NAB = Path(__file__).parents[3] / ".." / "shared" / "data" / "anomaly" / "nab"


def calm(rng, points=600):
    return 10 + rng.normal(0, 1, points)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 9999), cuts=st.lists(st.integers(0, 600), max_size=6), season=st.sampled_from([None, 24]))
def test_any_split_of_the_stream_gives_the_same_bits(seed, cuts, season):
    rng = np.random.default_rng(seed)
    values = calm(rng)
    values[rng.integers(0, 600, 20)] = np.nan
    values[rng.integers(200, 600, 3)] += 15
    whole, state, parts = detect(values, season), start(season), []
    for chunk in np.split(values, sorted(cuts)):
        state, found = advance(state, chunk)
        parts.append(found)
    assert np.array_equal(whole.flags, np.concatenate([part.flags for part in parts]))
    assert np.array_equal(whole.strength, np.concatenate([part.strength for part in parts]))


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 9999), series=st.integers(1, 5), season=st.sampled_from([None, 24]))
def test_many_series_are_as_each_alone_point_by_point_and_at_once(seed, series, season, each_the_same):
    rng = np.random.default_rng(seed)
    values = np.stack([calm(rng, 260) for _ in range(series)])
    values[rng.integers(0, series, 30), rng.integers(0, 260, 30)] = np.nan
    values[rng.integers(0, series), 200] += 40
    whole = detect(values, season)
    each_the_same(whole, [detect(one, season) for one in values])
    state, before = advance(start(season, series), values[:, :190])
    strength = [before.strength]
    for point in values[:, 190:].T:
        state, found = advance(state, point[:, None])
        strength.append(found.strength)
    assert np.array_equal(np.concatenate(strength, axis=1), whole.strength)


def test_a_state_can_be_used_twice():
    values = calm(np.random.default_rng(1))
    state, _ = advance(start(), values[:300])
    first, second = advance(state, values[300:])[1], advance(state, values[300:])[1]
    assert np.array_equal(first.strength, second.strength)


@pytest.mark.parametrize("scale", [0.25, 8.0, 1024.0])
def test_the_unit_of_the_data_does_not_matter(scale):
    values = calm(np.random.default_rng(7))
    values[450] += 12
    first, second = detect(values), detect(scale * values)
    assert second.strength == pytest.approx(first.strength, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(
    ("aspect", "disturb"),
    [
        ("level", lambda values: np.add.at(values, np.arange(500, 600), 25.0)),
        ("spread", lambda values: np.multiply.at(values, np.arange(500, 600), np.resize([0.0, 2.0], 100))),
    ],
)
def test_a_disturbance_is_flagged_soon_after_it_starts(aspect, disturb):
    values = calm(np.random.default_rng(3))
    disturb(values)
    strange = np.flatnonzero(detect(values).strength[500:] > 1)
    assert strange.size
    assert strange[0] <= 60


def test_a_day_that_breaks_the_pattern_is_flagged_only_with_a_season():
    rng = np.random.default_rng(5)
    hours = np.tile(10 + 5 * np.sin(np.arange(24) / 24 * 2 * np.pi), 40) + rng.normal(0, 0.1, 960)
    hours[30 * 24 : 31 * 24] = hours[30 * 24 : 31 * 24][::-1]
    seasonal = detect(hours, season=24)
    assert seasonal.strength[30 * 24 : 31 * 24].max() > 1
    assert WATCHES[seasonal.watcher[30 * 24 + int(seasonal.strength[720:744].argmax())]].aspect.value == "season"


def test_after_an_alarm_there_is_quiet():
    values = calm(np.random.default_rng(6))
    values[300:420:10] += np.arange(12) * 30 + 30.0
    alarms = np.flatnonzero(detect(values).flags)
    assert (np.diff(alarms) > 100).all()


def test_constant_missing_and_short_streams_are_calm():
    assert not detect([5.0] * 700).flags.any()
    assert not detect([0.1] * 5000).flags.any()
    assert not detect([np.nan] * 700).flags.any()
    assert detect([]).flags.size == 0


def test_bad_settings_and_infinite_points_are_refused():
    with pytest.raises(OutOfRange):
        start(season=1)
    with pytest.raises(OutOfRange):
        start(quiet=-1)
    with pytest.raises(NotFinite):
        detect([1.0, float("inf")])
    with pytest.raises(OutOfRange):
        detect([[[1.0]]])
    with pytest.raises(Inconsistent):
        advance(start(series=2), [1.0, 2.0])
    with pytest.raises(Inconsistent):
        advance(start(series=2), [[1.0], [2.0], [3.0]])
    with pytest.raises(OutOfRange):
        start(watches=(AspectWatch(Aspect.SEASON, 100, 1.0, 100),))


def rows_of(name):
    with gzip.open(NAB / (name + ".gz"), "rt") as file:
        return [line.strip().split(",") for line in file.readlines()[1:]]


def points_a_day(rows):
    times = [datetime.fromisoformat(time) for time, _ in rows]
    step = np.median(np.diff([time.timestamp() for time in times]))
    return round(86_400 / step)


@pytest.mark.slow
@pytest.mark.skipif(not NAB.exists(), reason="the labelled series are not in ../shared/data")
def test_labelled_real_series_score_at_least_65_by_one_setting(tmp_path):
    for name in json.loads((NAB / "windows.json").read_text()):
        rows = rows_of(name)
        flags = detect([float(value) for _, value in rows], season=points_a_day(rows)).flags
        out = tmp_path / name
        out.parent.mkdir(exist_ok=True)
        lines = [f"{time},{int(flag)}" for (time, _), flag in zip(rows, flags, strict=True)]
        out.write_text("\n".join(["timestamp,flag", *lines]) + "\n")
    command = [sys.executable, str(NAB / ".." / ".." / "tools" / "score_nab.py"), str(tmp_path)]
    line = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(line)
    assert float(line.split("NAB")[1]) >= 65
