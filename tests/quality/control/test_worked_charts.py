"""Charts of published data have the published limits and the published points out.

The R package behind these numbers rounds d2(2) to 1.128, d2(5) to 2.326 and d3(5) to 0.8640855; where a range enters,
the comparison says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from andon_quality.control import cusum, ewma, hotelling, proportion, rate, xbar_r, xbar_s, xmr
from andon_quality.control.chart import StatisticKind
from andon_quality.control.constants import d2
from andon_quality.control.subgroups import summarise
from numpy.typing import NDArray

Columns = dict[str, NDArray[np.float64]]
Reader = Callable[[str], Columns]
ROUNDED_D2 = 1.128
ROUNDED_D2_OF_5 = 2.326

TEXTBOOK = [
    9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62,
    10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
]  # fmt: skip
KNOWN = xmr.XmrBaseline(StatisticKind.INDIVIDUALS, np.array(10.0), np.array(1.0), np.array(20), "known")


def out(beyond: NDArray[np.bool_]) -> list[int]:
    return (np.flatnonzero(beyond) + 1).tolist()


def test_piston_rings_means_and_ranges(pistonrings: NDArray[np.float64], expected: dict[str, Any]) -> None:
    published = expected["qcc_published"]["pistonrings"]
    groups = summarise(pistonrings)
    frozen = xbar_r.baseline(groups.means[:25], groups.ranges[:25], 5)
    means = xbar_r.chart(frozen, groups.means, 5)
    ranges = xbar_r.range_chart(frozen, groups.ranges, 5)
    assert frozen.centre == pytest.approx(published["xbar"]["centre"], abs=5e-6)
    assert frozen.sigma * d2(5) / ROUNDED_D2_OF_5 == pytest.approx(published["xbar"]["sd"], rel=1e-7)
    assert means.lower[0] == pytest.approx(published["xbar"]["lcl"], abs=5e-6)
    assert means.upper[0] == pytest.approx(published["xbar"]["ucl"], abs=5e-6)
    assert out(means.beyond) == published["phase2_out_xbar"]
    assert ranges.centre[0] == pytest.approx(published["R"]["centre"], abs=5e-6)
    assert ranges.upper[0] == pytest.approx(published["R"]["ucl"], abs=1e-6)
    assert ranges.lower[0] == 0


def test_piston_rings_standard_deviations(pistonrings: NDArray[np.float64], expected: dict[str, Any]) -> None:
    published = expected["qcc_published"]["pistonrings"]["S"]
    groups = summarise(pistonrings)
    frozen = xbar_s.baseline(groups.means[:25], groups.sds[:25], groups.sizes[:25])
    chart = xbar_s.sd_chart(frozen, groups.sds, groups.sizes)
    assert frozen.sigma == pytest.approx(published["sd"], rel=1e-6)
    assert chart.centre[0] == pytest.approx(published["centre"], rel=1e-7)
    assert chart.upper[0] == pytest.approx(published["ucl"], rel=1e-6)
    assert chart.lower[0] == 0


def test_piston_rings_cusum_k_half_h_5(pistonrings: NDArray[np.float64], expected: dict[str, Any]) -> None:
    groups = summarise(pistonrings)
    frozen = xbar_r.baseline(groups.means[:25], groups.ranges[:25], 5)
    chart = cusum.chart(frozen, groups.means, k=0.5, h=5.0, sizes=5)
    assert out(chart.high.beyond) == expected["qcc_published"]["pistonrings"]["cusum_h5_k05"]["upper"]
    assert not chart.low.beyond.any()


def test_piston_rings_ewma_smoothing_02_width_27(pistonrings: NDArray[np.float64], expected: dict[str, Any]) -> None:
    published = expected["qcc_published"]["pistonrings"]["ewma_lambda02_27sigma"]
    groups = summarise(pistonrings)
    frozen = xbar_r.baseline(groups.means[:25], groups.ranges[:25], 5)
    chart = ewma.chart(frozen, groups.means, smoothing=0.2, width=2.7, sizes=5)
    assert [chart.lower[0], chart.upper[0]] == pytest.approx(published["limits_1"], abs=5e-6)
    assert [chart.lower[-1], chart.upper[-1]] == pytest.approx(published["limits_40"], abs=5e-6)
    assert out(chart.beyond) == published["out"]


def test_orange_juice_proportions_before_and_after_removing_two_samples(spc: Reader, expected: dict[str, Any]) -> None:
    published = expected["qcc_published"]["orangejuice"]
    data = spc("qcc_orangejuice")
    trial = data["trial"] == 1
    counts, sizes = data["D"][trial], data["size"][trial]
    chart = proportion.chart(proportion.baseline(counts, sizes), counts, sizes)
    assert chart.centre[0] == pytest.approx(published["p"], rel=1e-6)
    assert chart.lower[0] == pytest.approx(published["lcl"], rel=1e-6)
    assert chart.upper[0] == pytest.approx(published["ucl"], rel=1e-6)
    assert out(chart.beyond) == published["out"]
    without = counts.copy()
    without[[14, 22]] = np.nan
    again = proportion.chart(proportion.baseline(without, sizes), without, sizes)
    after = published["after_removal"]
    assert [again.centre[0], again.lower[0], again.upper[0]] == pytest.approx(
        [after["p"], after["lcl"], after["ucl"]], rel=1e-6
    )


def test_orange_juice_second_trial(spc: Reader, expected: dict[str, Any]) -> None:
    published = expected["qcc_published"]["orangejuice2"]
    data = spc("qcc_orangejuice2")
    trial = data["trial"] == 1
    frozen = proportion.baseline(data["D"][trial], data["size"][trial])
    chart = proportion.chart(frozen, data["D"], data["size"])
    assert [chart.centre[0], chart.lower[0], chart.upper[0]] == pytest.approx(
        [published["p"], published["lcl"], published["ucl"]], rel=1e-6
    )


def test_circuit_counts_before_and_after_removing_two_samples(spc: Reader, expected: dict[str, Any]) -> None:
    published = expected["qcc_published"]["circuit"]
    data = spc("qcc_circuit")
    counts = data["x"][data["trial"] == 1]
    chart = rate.count_chart(rate.baseline(counts), counts)
    assert [chart.centre[0], chart.lower[0], chart.upper[0]] == pytest.approx(
        [published["c"], published["lcl"], published["ucl"]], rel=1e-6
    )
    assert out(chart.beyond) == published["out"]
    counts[[5, 19]] = np.nan
    again, after = rate.count_chart(rate.baseline(counts), counts), published["after_removal"]
    assert [again.centre[0], again.lower[0], again.upper[0]] == pytest.approx(
        [after["c"], after["lcl"], after["ucl"]], rel=1e-6
    )


def test_personal_computer_defects_per_unit(spc: Reader, expected: dict[str, Any]) -> None:
    published = expected["qcc_published"]["pcmanufact"]
    data = spc("qcc_pcmanufact")
    chart = rate.chart(rate.baseline(data["x"], data["size"]), data["x"], data["size"])
    assert [chart.centre[0], chart.lower[0], chart.upper[0]] == pytest.approx(
        [published["u"], published["lcl"], published["ucl"]], rel=1e-6
    )


def test_dyed_cloth_has_its_own_limits_for_every_size(spc: Reader) -> None:
    """Montgomery, example 7.4: u 1.42, limits at 10.0 units 2.55 and 0.29, at 13.0 units 2.41 and 0.43."""
    data = spc("qcc_dyedcloth")
    chart = rate.chart(rate.baseline(data["x"], data["size"]), data["x"], data["size"])
    assert chart.centre[0] == pytest.approx(1.42, abs=5e-3)
    assert [chart.upper[0], chart.lower[0]] == pytest.approx([2.55, 0.29], abs=6e-3)
    assert [chart.upper[2], chart.lower[2]] == pytest.approx([2.41, 0.43], abs=6e-3)


def test_viscosity_individuals(spc: Reader, expected: dict[str, Any]) -> None:
    published = expected["qcc_published"]["viscosity"]
    data = spc("qcc_viscosity")
    values = data["viscosity"][data["trial"] == 1]
    frozen = xmr.baseline(values)
    assert frozen.centre == pytest.approx(published["mean"], abs=5e-4)
    assert frozen.sigma * d2(2) / ROUNDED_D2 == pytest.approx(published["sd_mr"], rel=1e-6)
    rounded = replace(frozen, sigma=frozen.sigma * d2(2) / ROUNDED_D2)
    chart = xmr.chart(rounded, values)
    assert [chart.lower[0], chart.upper[0]] == pytest.approx([published["lcl"], published["ucl"]], abs=5e-6)
    assert xmr.baseline(values, "standard_deviation").sigma == pytest.approx(published["sd_sample"], rel=1e-6)


def test_viscosity_individuals_without_batch_4_close_up_the_gap(spc: Reader) -> None:
    """The published chart drops the batch, so its neighbours become adjacent; centre 33.98947, 32.75425 to 35.2247."""
    data = spc("qcc_viscosity")
    values = np.delete(data["viscosity"][data["trial"] == 1], 3)
    frozen = xmr.baseline(values)
    chart = xmr.chart(replace(frozen, sigma=frozen.sigma * d2(2) / ROUNDED_D2), values)
    assert chart.centre[0] == pytest.approx(33.98947, abs=5e-6)
    assert [chart.lower[0], chart.upper[0]] == pytest.approx([32.75425, 35.2247], abs=5e-5)


def test_nhs_accident_departments_are_out_on_p_and_in_on_p_prime(spc: Reader, expected: dict[str, Any]) -> None:
    published = expected["nhs_accidents"]
    data = spc("qic_nhs_accidents")
    counts, sizes = data["r"], data["n"]
    plain = proportion.baseline(counts, sizes)
    prime = proportion.baseline(counts, sizes, laney=True)
    assert plain.centre == pytest.approx(published["p"], rel=1e-7)
    assert proportion.chart(plain, counts, sizes).beyond.sum() == published["p_chart_out"]
    assert prime.sigma_z * d2(2) / ROUNDED_D2 == pytest.approx(published["sigma_z"], rel=1e-5)
    assert proportion.chart(prime, counts, sizes).beyond.sum() == published["p_prime_out"]
    assert bool(proportion.is_overdispersed(counts, sizes))


def test_textbook_cusum_path_k_half_h_5_no_head_start() -> None:
    printed = [
        0, 0, 0, 1.16, 2.82, 2.50, 0.04, 1.00, 0, 0, 0, 0.97, 0.98, 0, 0, 0, 0.12, 0, 0, 0.34, 0.74, 0, 1.79, 2.79,
        2.89, 3.47, 3.35, 4.47, 5.28, 5.30,
    ]  # fmt: skip
    chart = cusum.chart(KNOWN, TEXTBOOK, k=0.5, h=5.0)
    assert chart.high.statistic == pytest.approx(printed, abs=1e-9)
    assert out(chart.high.beyond) == [29, 30]


def test_textbook_ewma_path_smoothing_01_width_27() -> None:
    """The limits printed beside it, 9.73 and 10.27, are those of the first point; the asymptote is 9.3806, 10.6194."""
    chart = ewma.chart(KNOWN, TEXTBOOK, smoothing=0.1, width=2.7)
    assert chart.statistic[:7] == pytest.approx([9.945, 9.7495, 9.70355, 9.8992, 10.1253, 10.1307, 9.92167], abs=5e-5)
    assert chart.statistic[-3:] == pytest.approx([10.5731, 10.6468, 10.6341], abs=5e-5)
    assert [chart.lower[0], chart.upper[0]] == pytest.approx([9.73, 10.27], abs=1e-9)
    fixed = ewma.chart(KNOWN, TEXTBOOK, smoothing=0.1, width=2.7, limits="fixed")
    assert [fixed.lower[0], fixed.upper[0]] == pytest.approx([9.3806, 10.6194], abs=5e-5)
    assert out(fixed.beyond) == [29, 30]


RYAN = np.array(
    [
        [[72, 23], [84, 30], [79, 28], [49, 10]], [[56, 14], [87, 31], [33, 8], [42, 9]],
        [[55, 13], [73, 22], [22, 6], [60, 16]], [[44, 9], [80, 28], [54, 15], [74, 25]],
        [[97, 36], [26, 10], [48, 14], [58, 15]], [[83, 30], [89, 35], [91, 36], [62, 18]],
        [[47, 12], [66, 18], [53, 14], [58, 16]], [[88, 31], [50, 11], [84, 30], [69, 19]],
        [[57, 14], [47, 10], [41, 8], [46, 10]], [[26, 7], [39, 11], [52, 35], [48, 30]],
        [[46, 10], [27, 8], [63, 19], [34, 9]], [[49, 11], [62, 20], [78, 27], [87, 31]],
        [[71, 22], [63, 16], [82, 31], [55, 15]], [[71, 21], [58, 19], [69, 17], [70, 20]],
        [[67, 18], [69, 19], [70, 18], [94, 35]], [[55, 15], [63, 16], [72, 20], [49, 12]],
        [[49, 13], [51, 14], [55, 16], [76, 26]], [[72, 22], [80, 28], [61, 18], [59, 17]],
        [[61, 19], [74, 20], [62, 16], [57, 14]], [[35, 10], [38, 11], [41, 13], [46, 16]],
    ],
    dtype=float,
)  # fmt: skip


def test_ryan_subgroups_of_two_measures_phase_one_and_two() -> None:
    """Ryan, Statistical Methods for Quality Improvement, table 9.2; false alarms 1 - (1 - 0.0027)^2 per point."""
    frozen = hotelling.baseline_of_subgroups(RYAN)
    means, sizes = hotelling.subgroup_means(RYAN)
    width = hotelling.width_for(1 - (1 - 0.0027) ** 2)
    first = hotelling.chart(frozen, means, sizes, width, phase="I")
    later = hotelling.chart(frozen, means, sizes, width, phase="II")
    assert np.linalg.det(frozen.covariance) == pytest.approx(1929.414, abs=5e-4)
    assert first.upper[0] == pytest.approx(11.03976, abs=5e-5)
    assert later.upper[0] == pytest.approx(12.20184, abs=5e-5)
    assert out(first.beyond) == [10, 20]
