"""Adjusted p values against statsmodels, in any order."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.errors import OutOfRange
from andon_quality.inference import benjamini_hochberg, holm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from statsmodels.stats.multitest import multipletests

many = st.lists(st.floats(0.0, 1.0, allow_subnormal=False), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None)
@given(p=many, seed=st.integers(0, 99))
def test_both_agree_with_statsmodels_and_go_along_with_a_permutation(p: list[float], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(p))
    for ours, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        assert_allclose(ours(p), multipletests(p, method=method)[1], atol=1e-12)
        assert (ours(np.array(p)[order]) == ours(p)[order]).all()
        assert (ours(p) >= np.array(p) - 1e-15).all()


def test_no_p_values_have_no_adjustment_and_impossible_ones_are_refused() -> None:
    assert holm([]).tolist() == []
    with pytest.raises(OutOfRange):
        benjamini_hochberg([1.2])
