"""Which slice moved the figure."""

from __future__ import annotations

import pytest

from services.improvement.causes import Evidence, SliceSums, rank
from services.improvement.model import Text


def sums(before: float, after: float, cases: float = 100.0) -> SliceSums:
    return SliceSums(before * cases, cases, after * cases, cases)


def test_the_slice_that_carries_the_change_is_named():
    evidence = Evidence(
        Text("Rework"),
        {
            "team": {"A": sums(0.1, 0.1), "B": sums(0.1, 0.4), "C": sums(0.1, 0.1)},
            "channel": {"mail": sums(0.1, 0.2, 150), "phone": sums(0.1, 0.2, 150)},
        },
    )
    ranking = rank(evidence, "problems/p", "desk/main/rework@day")
    assert ranking.slice == (("team", "B"),)
    assert ranking.causes[0].contribution == pytest.approx(1.0)


def test_a_change_of_all_alike_names_no_slice():
    evidence = Evidence(Text("Rework"), {"team": {"A": sums(0.1, 0.3), "B": sums(0.1, 0.3), "C": sums(0.1, 0.3)}})
    ranking = rank(evidence, "problems/p", "desk/main/rework@day")
    assert ranking.slice == ()
    assert ranking.causes[0].slice == ()


def test_a_big_slice_that_changed_no_more_than_the_others_does_not_stand_out():
    evidence = Evidence(Text("Rework"), {"team": {"A": sums(0.1, 0.3, 900), "B": sums(0.1, 0.3, 100)}})
    assert rank(evidence, "problems/p", "desk/main/rework@day").slice == ()


def test_without_slices_the_whole_is_all_that_can_be_said():
    ranking = rank(Evidence(Text("Rework")), "problems/p", "desk/main/rework@day")
    assert [cause.slice for cause in ranking.causes] == [()]


def test_shares_of_one_dimension_sum_to_one():
    evidence = Evidence(Text("Rework"), {"team": {"A": sums(0.1, 0.15), "B": sums(0.1, 0.4)}})
    ranking = rank(evidence, "problems/p", "desk/main/rework@day")
    shares = [cause.contribution for cause in ranking.causes if cause.slice]
    assert sum(share for share in shares if share is not None) == pytest.approx(1.0)
