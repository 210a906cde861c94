"""What holds for every chart: batch equals stream, series keep apart, limits widen, NaN is a missing point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from andon_quality.control import (
    cusum,
    ewma,
    gap,
    hotelling,
    mewma,
    proportion,
    rate,
    run_chart,
    time_between,
    xbar_r,
    xbar_s,
    xmr,
)
from andon_quality.control.subgroups import Subgroups, summarise
from andon_quality.errors import NotFinite, OutOfRange, QualityError
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

Array = NDArray[np.float64]
Inputs = tuple[Array, ...]


@dataclass(frozen=True)
class Member:
    """One chart: inputs of shape (series, time, ...), how to freeze a baseline and how to take the next points."""

    module: Any
    draw: Callable[[np.random.Generator, int, int], Inputs]
    freeze: Callable[..., Any]
    options: dict[str, Any]
    width: str | None = "width"

    def at(self, width: float) -> dict[str, float]:
        assert self.width is not None
        return {self.width: width}

    def batch(self, baseline: Any, inputs: Inputs, **more: Any) -> Any:
        state = self.module.start(baseline)
        return self.module.advance(baseline, state, *inputs, **self.options, **more)[1]

    def streamed(self, baseline: Any, inputs: Inputs, cuts: list[int]) -> list[Any]:
        state, parts = self.module.start(baseline), []
        for begin, end in zip([0, *cuts], [*cuts, inputs[0].shape[1]], strict=True):
            part = tuple(column[:, begin:end] for column in inputs)
            state, chart = self.module.advance(baseline, state, *part, **self.options)
            parts.append(chart)
        return parts


def values(rng: np.random.Generator, series: int, time: int) -> Inputs:
    x = rng.normal(10, 2, size=(series, time))
    x[rng.random(x.shape) < 0.1] = np.nan
    return (x,)


def subgroups(rng: np.random.Generator, series: int, time: int) -> Subgroups:
    raw = rng.normal(10, 2, size=(series, time, 8))
    raw[rng.random(raw.shape) < 0.3] = np.nan
    raw[rng.random((series, time)) < 0.1] = np.nan
    return summarise(raw)


def with_sds(rng: np.random.Generator, series: int, time: int) -> Inputs:
    groups = subgroups(rng, series, time)
    return groups.means, groups.sds, groups.sizes


def with_ranges(rng: np.random.Generator, series: int, time: int) -> Inputs:
    groups = subgroups(rng, series, time)
    return groups.means, groups.ranges, groups.sizes


def counts(rng: np.random.Generator, series: int, time: int) -> Inputs:
    n = rng.integers(20, 90, size=(series, time)).astype(float)
    x = rng.binomial(n.astype(int), 0.3).astype(float)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, n


def vectors(rng: np.random.Generator, series: int, time: int) -> Inputs:
    x = rng.normal(size=(series, time, 3)) @ rng.normal(size=(3, 3))
    x[rng.random((series, time)) < 0.1] = np.nan
    return (x,)


def gaps(rng: np.random.Generator, series: int, time: int) -> Inputs:
    return (rng.geometric(0.02, size=(series, time)).astype(float),)


def times(rng: np.random.Generator, series: int, time: int) -> Inputs:
    return (rng.exponential(7.0, size=(series, time)),)


MEMBERS = {
    "xmr": Member(xmr, values, xmr.baseline, {}),
    "xbar_s": Member(xbar_s, with_sds, xbar_s.baseline, {}),
    "xbar_r": Member(xbar_r, with_ranges, xbar_r.baseline, {}),
    "p": Member(proportion, counts, proportion.baseline, {}),
    "p_prime": Member(proportion, counts, lambda x, n: proportion.baseline(x, n, laney=True), {}),
    "u": Member(rate, counts, rate.baseline, {}),
    "u_prime": Member(rate, counts, lambda x, n: rate.baseline(x, n, laney=True), {}),
    "g": Member(gap, gaps, gap.baseline, {}),
    "g_sigma": Member(gap, gaps, gap.baseline, {"limits": "sigma"}),
    "t": Member(time_between, times, time_between.baseline, {}),
    "run": Member(run_chart, values, run_chart.baseline, {}, width=None),
    "cusum": Member(cusum, values, cusum.baseline, {}, width="h"),
    "ewma": Member(ewma, values, ewma.baseline, {}),
    "ewma_fixed": Member(ewma, values, ewma.baseline, {"limits": "fixed", "smoothing": 0.1}),
    "t2": Member(hotelling, vectors, hotelling.baseline, {}),
    "mewma": Member(mewma, vectors, mewma.baseline, {"limit": 10.0}, width=None),
    "mewma_varying": Member(mewma, vectors, mewma.baseline, {"limit": 10.0, "limits": "varying"}, width=None),
}
every_chart = pytest.mark.parametrize("name", list(MEMBERS))


def arrays(chart: Any) -> dict[str, Any]:
    """Every array of a chart, of its two charts, by name."""
    found: dict[str, Any] = {}
    for field in fields(chart):
        part = getattr(chart, field.name)
        if is_dataclass(part):
            found |= {f"{field.name}.{name}": array for name, array in arrays(part).items()}
        elif isinstance(part, np.ndarray):
            found[field.name] = part
    return found


def setup(name: str, series: int = 3, time: int = 60, seed: int = 7) -> tuple[Member, Any, Inputs]:
    member = MEMBERS[name]
    inputs = member.draw(np.random.default_rng(seed), series, time)
    return member, member.freeze(*inputs), inputs


@every_chart
@settings(deadline=None, max_examples=8)
@given(cuts=st.lists(st.integers(0, 60), max_size=12).map(sorted), seed=st.integers(0, 10_000))
def test_streamed_points_equal_the_batch_bit_for_bit(name: str, cuts: list[int], seed: int) -> None:
    member, frozen, inputs = setup(name, seed=seed)
    whole = arrays(member.batch(frozen, inputs))
    parts = [arrays(chart) for chart in member.streamed(frozen, inputs, cuts)]
    for field, array in whole.items():
        joined = np.concatenate([part[field] for part in parts], axis=-1)
        assert np.array_equal(joined, array, equal_nan=joined.dtype.kind == "f"), field


@every_chart
def test_a_long_series_point_by_point_equals_the_batch_bit_for_bit(name: str) -> None:
    member, frozen, inputs = setup(name, series=1, time=2200)
    whole = arrays(member.batch(frozen, inputs))
    parts = [arrays(chart) for chart in member.streamed(frozen, inputs, list(range(1, 2200)))]
    for field, array in whole.items():
        joined = np.concatenate([part[field] for part in parts], axis=-1)
        assert np.array_equal(joined, array, equal_nan=joined.dtype.kind == "f"), field


@every_chart
def test_a_series_among_many_is_charted_as_it_is_alone(name: str) -> None:
    member, frozen, inputs = setup(name, series=5)
    together = arrays(member.batch(frozen, inputs))
    for row in range(5):
        own = tuple(column[row] for column in inputs)
        alone = arrays(member.batch(member.freeze(*own), own))
        for field, array in together.items():
            assert alone[field] == pytest.approx(array[row], rel=1e-9, abs=1e-9, nan_ok=True), field


@every_chart
def test_every_array_has_the_shape_of_the_points(name: str) -> None:
    member, frozen, inputs = setup(name)
    shapes = {array.shape for array in arrays(member.batch(frozen, inputs)).values()}
    assert shapes == {inputs[0].shape[:2]}


@every_chart
def test_a_missing_point_is_never_beyond_the_limits(name: str) -> None:
    member, frozen, inputs = setup(name)
    gone = tuple(np.full(column.shape, np.nan) if i == 0 else column for i, column in enumerate(inputs))
    chart = member.batch(frozen, gone)
    location = getattr(chart, "location", chart)
    assert not np.any(getattr(location, "beyond", getattr(location, "signal", False)))


@pytest.mark.parametrize("name", [name for name, member in MEMBERS.items() if member.width])
def test_a_greater_width_widens_the_limits_of_every_point(name: str) -> None:
    member, frozen, inputs = setup(name)
    narrow, wide = (arrays(member.batch(frozen, inputs, **member.at(width))) for width in (2.0, 4.0))
    for field in narrow:
        if field.endswith("upper"):
            known = ~np.isnan(narrow[field])
            assert (wide[field][known] >= narrow[field][known]).all()
            assert (wide[field][known] > narrow[field][known]).any() or "low" in field
        if field.endswith("lower"):
            known = ~np.isnan(narrow[field])
            assert (wide[field][known] <= narrow[field][known]).all()


@pytest.mark.parametrize("name", [name for name, member in MEMBERS.items() if member.width])
def test_a_width_that_is_not_positive_is_refused(name: str) -> None:
    member, frozen, inputs = setup(name)
    with pytest.raises(OutOfRange):
        member.batch(frozen, inputs, **member.at(0.0))


@every_chart
def test_infinity_is_refused(name: str) -> None:
    member, frozen, inputs = setup(name)
    inputs[0][0, 3] = np.inf
    with pytest.raises(NotFinite):
        member.batch(frozen, inputs)
    with pytest.raises(NotFinite):
        member.freeze(*inputs)


@every_chart
def test_a_baseline_of_one_point_is_refused(name: str) -> None:
    member, _, inputs = setup(name)
    with pytest.raises(QualityError):
        member.freeze(*(column[:, :1] for column in inputs))


@pytest.mark.parametrize("name", ["xmr", "ewma", "ewma_fixed", "cusum", "t2", "mewma"])
def test_units_do_not_matter(name: str) -> None:
    """Points beyond the limits stay the same when every value is scaled and moved."""
    member, frozen, inputs = setup(name, time=200)
    moved = tuple(column * 4.0 + 64.0 for column in inputs)
    before, after = member.batch(frozen, inputs), member.batch(member.freeze(*moved), moved)
    before, after = (getattr(chart, "location", chart) for chart in (before, after))
    assert np.array_equal(before.beyond, after.beyond)


@pytest.mark.parametrize("name", list(MEMBERS))
def test_points_beyond_the_limits_are_rare_in_control(name: str) -> None:
    member = MEMBERS[name]
    inputs = member.draw(np.random.default_rng(3), 20, 400)
    chart = member.batch(member.freeze(*inputs), inputs)
    location = getattr(chart, "location", chart)
    share = float(np.mean(location.beyond if hasattr(location, "beyond") else location.signal))
    assert share < (0.03 if name != "run" else 0.15)
