"""A verdict in plain language."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.improvement.model import SeriesScale, Verdict
from services.improvement.proof import verify
from services.improvement.statement import statement
from tests.services.improvement.incident import NOW, days


@pytest.mark.parametrize(("after", "english", "chinese"), [(0.1, "Improved", "已改善"), (0.7, "Worse", "变差")])
def test_the_verdict_is_said_with_its_figures_and_windows(acted, shares, after, english, chinese):
    proof = verify(acted, shares(days(0.1, 0.4, after)), SeriesScale(is_share=True), NOW)
    assert proof.statement.en.startswith(f"{english}: ")
    assert proof.statement.zh.startswith(f"{chinese}：")
    for part in (f"{100 * proof.effect:+.4g}", f"{100 * proof.upper:+.4g}", "12", "11", "60"):
        assert part in proof.statement.en
        assert part in proof.statement.zh


@pytest.mark.parametrize(
    ("scale", "english", "chinese"),
    [
        (SeriesScale(is_share=True), ("40 % to 10 %", "-30 percentage points"), ("40 % 变为 10 %", "-30 个百分点")),
        (SeriesScale("h"), ("0.4 h to 0.1 h", "by -0.3 h"), ("0.4 小时 变为 0.1 小时", "变化 -0.3 小时")),
        (SeriesScale("km"), ("0.4 km to 0.1 km", "by -0.3 km"), ("0.4 km 变为 0.1 km", "变化 -0.3 km")),
        (SeriesScale(), ("0.4 to 0.1", "by -0.3."), ("0.4 变为 0.1", "变化 -0.3。")),
    ],
)
def test_values_and_changes_are_said_in_the_unit_of_the_series_and_shares_in_per_cent(
    acted, shares, scale, english, chinese
):
    proof = verify(acted, shares(days(0.1, 0.4, 0.1)), SeriesScale(), NOW)
    said = statement(replace(proof, before_mean=0.4, after_mean=0.1, effect=-0.3), acted.goal, scale)
    assert all(part in said.en for part in english)
    assert all(part in said.zh for part in chinese)


def test_an_undecided_verdict_says_when_to_ask_again(acted, shares):
    proof = verify(acted, shares(days(0.1, 0.4, 0.33), cases=20), SeriesScale(), NOW)
    assert proof.verdict is Verdict.UNDECIDED
    assert "Verify again" in proof.statement.en
    assert "再次验证" in proof.statement.zh
