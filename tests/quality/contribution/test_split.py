"""Contributions add up to the change they explain."""

import pytest
from andon_quality.contribution import MeasureType, NotAdditive, additive, ratio
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st

FIGURES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1e5, 1e5), max_size=8)
PAIRS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(st.floats(-1e3, 1e3), st.floats(0.5, 1e3)), min_size=1, max_size=8
)


@settings(deadline=None)
@given(FIGURES, FIGURES)
def test_parts_of_a_sum_add_up_to_its_change(before, after):
    if not before and not after:
        return
    split = additive(before, after)
    total = sum(after.values()) - sum(before.values())
    assert sum(part.contribution for part in split.parts) == pytest.approx(split.change, abs=1e-9)
    assert split.change == pytest.approx(total, abs=1e-9)


@settings(deadline=None)
@given(PAIRS, PAIRS)
def test_rate_and_mix_parts_of_a_ratio_add_up_to_its_change(before, after):
    split = ratio(*({v: pair[side] for v, pair in when.items()} for when in (before, after) for side in (0, 1)))
    assert sum(part.rate + part.mix for part in split.parts) == pytest.approx(split.change, abs=1e-9)
    sizes = [abs(part.contribution) for part in split.parts]
    assert sizes == sorted(sizes, reverse=True)


@settings(deadline=None)
@given(PAIRS, PAIRS)
def test_going_back_in_time_turns_every_contribution_around(before, after):
    first = ratio(*({v: pair[side] for v, pair in when.items()} for when in (before, after) for side in (0, 1)))
    second = ratio(*({v: pair[side] for v, pair in when.items()} for when in (after, before) for side in (0, 1)))
    back = {part.value: part.contribution for part in second.parts}
    for part in first.parts:
        assert back[part.value] == pytest.approx(-part.contribution, abs=1e-9)


def test_a_change_of_volume_alone_is_all_mix():
    split = ratio({"a": 10, "b": 1}, {"a": 100, "b": 100}, {"a": 30, "b": 1}, {"a": 300, "b": 100})
    assert all(part.rate == pytest.approx(0.0) for part in split.parts)
    assert split.change == pytest.approx(31 / 400 - 11 / 200)


def test_a_change_of_one_rate_alone_belongs_to_that_value():
    split = ratio({"a": 10, "b": 5}, {"a": 100, "b": 100}, {"a": 10, "b": 25}, {"a": 100, "b": 100})
    assert split.parts[0].value == "b"
    assert split.parts[0].contribution == pytest.approx(split.change)
    assert split.parts[0].share == pytest.approx(1.0)


def test_a_new_value_contributes_by_mix():
    split = ratio({"a": 10}, {"a": 100}, {"a": 10, "new": 50}, {"a": 100, "new": 100})
    new = next(part for part in split.parts if part.value == "new")
    assert new.before is None
    assert new.rate == 0.0
    assert new.mix > 0


def test_an_unchanged_total_has_no_shares():
    assert all(part.share is None for part in additive({"a": 1, "b": 2}, {"a": 2, "b": 1}).parts)


@pytest.mark.parametrize(
    "measure", [MeasureType.MEDIAN, MeasureType.QUANTILE, MeasureType.DISTINCT_COUNT, MeasureType.MAXIMUM]
)
def test_measures_whose_parts_do_not_add_up_are_refused_with_a_reason(measure):
    with pytest.raises(NotAdditive, match=measure.value):
        additive({"a": 1}, {"a": 2}, measure=measure)
    with pytest.raises(NotAdditive, match=measure.value):
        ratio({"a": 1}, {"a": 2}, {"a": 1}, {"a": 2}, measure=measure)


def test_a_mean_is_not_split_as_a_sum_and_overlapping_values_are_noticed():
    with pytest.raises(NotAdditive, match="numerators"):
        additive({"a": 1}, {"a": 2}, measure=MeasureType.MEAN)
    with pytest.raises(NotAdditive, match="overlap"):
        additive({"a": 3, "b": 3}, {"a": 4, "b": 4}, totals=(5, 8))


def test_bad_figures_are_refused():
    with pytest.raises(TooFew):
        additive({}, {})
    with pytest.raises(NotFinite):
        additive({"a": float("nan")}, {"a": 1.0})
    with pytest.raises(OutOfRange):
        ratio({"a": 1}, {"a": -1}, {"a": 1}, {"a": 1})
    with pytest.raises(Inconsistent):
        ratio({"a": 1, "b": 1}, {"a": 1}, {"a": 1}, {"a": 1})
    with pytest.raises(TooFew):
        ratio({"a": 0}, {"a": 0}, {"a": 1}, {"a": 1})
