"""Subgroups given as values that each name theirs are those of a rectangular table."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.control.subgroups import summarise, summarise_groups
from andon_quality.errors import Inconsistent, NotFinite
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.tuples(st.integers(-3, 3), st.floats(-1e3, 1e3)), min_size=1, max_size=40))
def test_groups_in_any_order_are_the_rows_of_a_table(rows):
    groups, values = (np.array(row) for row in zip(*rows, strict=True))
    names = np.unique(groups)
    table = np.full((len(names), len(rows)), np.nan)
    for place, name in enumerate(names):
        table[place, : (groups == name).sum()] = values[groups == name]
    found, expected = summarise_groups(values, groups), summarise(table)
    for mine, theirs in zip(vars(found).values(), vars(expected).values(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-6)


def test_what_names_no_group_is_refused():
    with pytest.raises(Inconsistent):
        summarise_groups([1.0, 2.0], [1])
    with pytest.raises(NotFinite):
        summarise_groups([np.nan], [1])
