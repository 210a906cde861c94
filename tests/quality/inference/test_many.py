"""Many comparisons in one call are, bit for bit, the comparisons one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from andon_quality import inference
from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st

OF_TWO: dict[str, Callable[[FloatArray, FloatArray], Any]] = {
    "welch": inference.welch,
    "paired": lambda x, y: inference.paired(x, y[..., : x.shape[-1]]),
    "one_mean": lambda x, y: inference.one_mean(x, 0.3),
    "mann_whitney": inference.mann_whitney,
    "hodges_lehmann": inference.hodges_lehmann,
    "compare_spread": inference.compare_spread,
    "kruskal": lambda x, y: inference.kruskal([x, y, x + 1.0]),
    "anova": lambda x, y: inference.anova([x, y, x + 1.0]),
    "brown_forsythe": lambda x, y: inference.brown_forsythe([x, y]),
}


def samples(seed: int, series: int, n: int, m: int, graded: bool) -> tuple[FloatArray, FloatArray]:
    random = np.random.default_rng(seed)
    x, y = random.normal(random.normal(0, 2, (series, 1)), 1.0, (series, n)), random.normal(0.3, 2.0, (series, m))
    return (np.round(x), np.round(y)) if graded else (x, y)


@pytest.mark.parametrize("method", OF_TWO)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 999),
    series=st.integers(1, 9),
    n=st.integers(8, 40),
    more=st.integers(0, 9),
    graded=st.booleans(),
)
def test_many_are_as_one_by_one(
    method: str, each_the_same: Any, seed: int, series: int, n: int, more: int, graded: bool
) -> None:
    x, y = samples(seed, series, n, n + more, graded)
    x[:, 0], x[:, 1] = 50.0, -50.0  # so that no sample is without spread
    y[:, 0], y[:, 1] = 40.0, -40.0
    call = OF_TWO[method]
    each_the_same(call(x, y), [call(a, b) for a, b in zip(x, y, strict=True)])


def test_samples_that_do_not_overlap_are_as_one_by_one(each_the_same: Any) -> None:
    x = np.arange(8.0) + np.array([[0.0], [100.0], [3.0], [-100.0]])
    y = np.arange(5.0) + 2.5
    each_the_same(inference.mann_whitney(x, y), [inference.mann_whitney(one, y) for one in x])


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.tuples(*[st.integers(1, 60)] * 4), min_size=1, max_size=8))
def test_shares_and_tables_are_as_one_by_one(each_the_same: Any, counts: list[tuple[int, int, int, int]]) -> None:
    a, b, c, d = np.array(counts, dtype=float).T
    shares = [inference.compare_proportions((one[0], one[0] + one[1]), (one[2], one[2] + one[3])) for one in counts]
    each_the_same(inference.compare_proportions((a, a + b), (c, c + d)), shares)
    tables = np.array(counts, dtype=float).reshape(-1, 2, 2)
    each_the_same(inference.chi_square(tables), [inference.chi_square(table) for table in tables])


def test_one_sample_beside_many_stands_for_all_of_them(each_the_same: Any) -> None:
    x, y = samples(3, 4, 12, 15, graded=False)
    each_the_same(inference.welch(x, y[0]), [inference.welch(one, y[0]) for one in x])


def test_the_evidence_of_many_checks_is_a_text_each() -> None:
    x, y = samples(4, 3, 12, 15, graded=False)
    evidence = inference.welch(x, y).checks[1].evidence
    assert evidence.tolist() == [inference.welch(a, b).checks[1].evidence for a, b in zip(x, y, strict=True)]


@pytest.mark.parametrize("adjust", [inference.holm, inference.benjamini_hochberg])
def test_adjusting_many_comparisons_finds_those_that_differ_and_few_others(
    adjust: Callable[[FloatArray], FloatArray],
) -> None:
    random = np.random.default_rng(5)
    shift = np.repeat([0.0, 3.0], [900, 100])[:, None]
    found = (
        adjust(inference.welch(random.normal(shift, 1.0, (1000, 30)), random.normal(0, 1, (1000, 30))).p_value) < 0.05
    )
    assert found[900:].all()
    assert found[:900].sum() <= 12


def test_the_first_series_that_can_not_be_judged_is_named() -> None:
    x = np.random.default_rng(6).normal(size=(5, 9))
    x[3] = 1.0
    for method in (inference.one_mean, lambda values: inference.welch(values, [1.0] * 9)):
        with pytest.raises(NoSpread, match="series 3"):
            method(x)
    x[1, 2] = np.nan
    with pytest.raises(NotFinite, match="series 1"):
        inference.kruskal([x, x])
    x[1, 2] = 0.0
    with pytest.raises(Inconsistent):
        inference.welch(x, x[:2])
    with pytest.raises(TooFew):
        inference.mann_whitney(x[:, :1], x)
