"""Attribute agreement, against JASP's printed study, AIAG's cross tables, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from andon_quality.measurement import attribute_agreement

# The example study of JASP's quality control module: 15 parts, three operators, three trials, and what is true.
# 0 is Yes, so that JASP's miss rate (a Yes called No) is the share of 0 called 1.
JASP = {
    "EG": "000 111 000 011 000 000 000 111 111 000 111 000 000 111 000",
    "BL": "000 111 000 011 000 000 111 111 111 000 111 000 000 111 000",
    "MH": "000 000 000 000 000 000 000 110 011 000 010 000 000 111 000",
}
TRUTH = [int(each) for each in "010001011010000"]
STUDY = np.array([[[int(digit) for digit in part] for part in row.split()] for row in JASP.values()]).transpose(1, 0, 2)


def test_the_printed_study_has_its_shares_intervals_and_kappas() -> None:
    found = attribute_agreement(STUDY, 2, TRUTH, list(JASP))
    assert [each.agreeing for each in found.within] == [14, 14, 12]
    assert [round(100 * end, 3) for each in found.within[1:] for end in (each.lower, each.upper)] == [
        68.052,
        99.831,
        51.911,
        95.669,
    ]
    assert [each.kappa for each in found.within] == pytest.approx([0.905462184873949, 0.91, 0.543918918918919])
    assert found.between.agreeing == 9
    assert found.between.kappa == pytest.approx(0.641666666666666)
    assert [each.agreeing for each in found.against_reference] == [12, 11, 9, 7]
    assert [each.kappa for each in found.against_reference[:3]] == pytest.approx(
        [0.612903225806452, 0.492307692307692, 0.264150943396226]
    )
    assert [round(100 * each.miss_share, 2) for each in found.errors] == [16.67, 26.67, 10.0]
    assert [round(100 * each.false_alarm_share, 2) for each in found.errors] == [20.0, 20.0, 66.67]


@pytest.mark.parametrize(
    ("cells", "kappa", "miss", "false_alarm"),
    [((45, 3, 5, 97), 0.88, 6.3, 4.9), ((45, 3, 2, 100), 0.92, 6.3, 2.0), ((42, 6, 9, 93), 0.77, 12.5, 8.8)],
)
def test_aiags_cross_tables_have_the_printed_kappa_and_error_rates(
    cells: tuple[int, ...], kappa: float, miss: float, false_alarm: float
) -> None:
    """AIAG, 4th ed., III C, appraisers A, B, C against the reference: (0 as 0, 0 as 1, 1 as 0, 1 as 1)."""
    given = np.repeat([0, 1, 0, 1], cells)
    truth = np.repeat([0, 0, 1, 1], cells)
    found = attribute_agreement(np.stack([given, given], axis=1)[:, :, None], 2, truth)
    assert found.against_reference[0].kappa == pytest.approx(kappa, abs=5e-3)
    assert round(100 * found.errors[0].miss_share + 1e-9, 1) == miss
    assert round(100 * found.errors[0].false_alarm_share, 1) == false_alarm
    assert found.within == ()


@pytest.mark.parametrize(("cells", "kappa"), [((44, 6, 3, 97), 0.86), ((43, 7, 8, 92), 0.78), ((42, 5, 9, 94), 0.79)])
def test_aiags_pairs_of_appraisers_have_the_printed_kappa(cells: tuple[int, ...], kappa: float) -> None:
    """AIAG, 4th ed., III C: A x B, A x C, B x C, as (0 and 0, 0 and 1, 1 and 0, 1 and 1)."""
    judged = np.stack([np.repeat([0, 0, 1, 1], cells), np.repeat([0, 1, 0, 1], cells)], axis=1)
    (pair,) = attribute_agreement(judged[:, :, None], 2).pairs
    assert (pair.who, pair.agreeing) == ("A, B", cells[0] + cells[3])
    assert pair.kappa == pytest.approx(kappa, abs=5e-3)


def test_aiags_effectiveness_has_the_printed_interval() -> None:
    """AIAG prints 42 of 50 as 84 %, 71 to 93 %."""
    judged = np.array([[[1, 1]]] * 42 + [[[1, 0]]] * 8)
    (whole,) = attribute_agreement(judged, 2, np.ones(50)).against_reference
    assert (whole.share, round(100 * whole.lower), round(100 * whole.upper)) == (0.84, 71, 93)


def test_one_grade_throughout_has_shares_and_no_kappa() -> None:
    found = attribute_agreement(np.ones((5, 2, 2)), 2, np.ones(5))
    assert [each.share for each in (*found.within, *found.pairs, found.between)] == [1.0] * 4
    assert {each.kappa for each in (*found.within, *found.pairs, found.between, *found.against_reference)} == {None}
    assert found.errors == ()


def test_what_is_no_study_is_refused() -> None:
    with pytest.raises(TooFew):
        attribute_agreement(STUDY[:2], 2)
    with pytest.raises(TooFew, match="two judgements"):
        attribute_agreement(STUDY[:, :1, :1], 2)
    with pytest.raises(OutOfRange, match=r"integers 0\.\.1"):
        attribute_agreement(STUDY + 0.5, 2)
    with pytest.raises(OutOfRange, match=r"integers 0\.\.1"):
        attribute_agreement(np.where(STUDY == 0, np.nan, STUDY), 2)
    with pytest.raises(OutOfRange, match="two grades"):
        attribute_agreement(STUDY, 1)
    with pytest.raises(Inconsistent, match="a reference for each of 15"):
        attribute_agreement(STUDY, 2, TRUTH[:-1])
    with pytest.raises(Inconsistent, match="a name for each"):
        attribute_agreement(STUDY, 2, TRUTH, ["EG"])
