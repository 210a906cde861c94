"""Pareto orders causes by amount and adds up to the whole."""

from __future__ import annotations

import pytest
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.pareto import pareto
from hypothesis import given, settings
from hypothesis import strategies as st

AMOUNTS = {"price code": 80.0, "schedule date": 27.0, "supplier code": 66.0, "contact num.": 94.0, "part num.": 33.0}


def test_the_published_example() -> None:
    found = pareto(list(AMOUNTS), list(AMOUNTS.values()))
    assert found.amounts.tolist() == [94, 80, 66, 33, 27]
    assert (100 * found.cumulative).round(2).tolist() == [31.33, 58.0, 80.0, 91.0, 100.0]
    assert found.vital == 3


def test_small_causes_are_summed_as_other_and_stand_last() -> None:
    found = pareto(list(AMOUNTS), list(AMOUNTS.values()), at_most=3)
    assert found.causes == ("contact num.", "price code", "other")
    assert found.amounts.tolist() == [94, 80, 126]
    assert found.cumulative[-1] == 1.0


@settings(deadline=None, max_examples=60)
@given(
    amounts=st.dictionaries(st.text(min_size=1, max_size=4), st.integers(0, 50), min_size=1, max_size=12).filter(
        lambda found: sum(found.values()) > 0
    ),
    data=st.data(),
)
def test_the_order_of_input_does_not_matter(amounts: dict[str, int], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(list(amounts)))
    a = pareto(list(amounts), [float(v) for v in amounts.values()])
    b = pareto(shuffled, [float(amounts[name]) for name in shuffled])
    assert a.causes == b.causes
    assert a.cumulative.tolist() == b.cumulative.tolist()
    assert a.cumulative[a.vital - 1] >= 0.8 - 1e-9
    assert a.vital == 1 or a.cumulative[a.vital - 2] < 0.8


def test_what_cannot_be_ordered_is_refused() -> None:
    with pytest.raises(Inconsistent):
        pareto(["a", "a"], [1.0, 2.0])
    with pytest.raises(Inconsistent):
        pareto(["a"], [1.0, 2.0])
    with pytest.raises(OutOfRange):
        pareto(["a"], [-1.0])
    with pytest.raises(OutOfRange):
        pareto(["a"], [1.0], reach=0.0)
    with pytest.raises(OutOfRange):
        pareto(["a", "b"], [1.0, 1.0], at_most=1)
    with pytest.raises(NoSpread):
        pareto(["a"], [0.0])
    with pytest.raises(TooFew):
        pareto([], [])
    with pytest.raises(NotFinite):
        pareto(["a"], [float("nan")])
