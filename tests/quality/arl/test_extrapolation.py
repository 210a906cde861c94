"""The limit of a sequence from its first members."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl.extrapolation import wynn_epsilon
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(deadline=None, max_examples=60)
@given(st.floats(1.0, 1000.0), st.floats(0.75, 0.9), st.floats(0.3, 0.6), st.floats(0.01, 0.2), st.floats(-1.0, 1.0))
def test_seven_members_end_a_sum_of_three_geometric_sequences(
    end: float, slow: float, middle: float, fast: float, share: float
) -> None:
    steps = np.arange(7.0)
    sequence = end * (1.0 + 0.01 * (slow**steps + share * middle**steps + fast**steps))
    assert wynn_epsilon(sequence) == pytest.approx(end, rel=1e-6)


def test_a_sequence_that_has_arrived_stays() -> None:
    assert wynn_epsilon(np.full(7, 3.0)) == 3.0
    assert wynn_epsilon(np.array([3.0])) == 3.0
