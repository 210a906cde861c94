"""A verdict in plain language."""

from __future__ import annotations

import pytest

from services.improvement.model import Verdict
from services.improvement.proof import verify
from tests.services.improvement.incident import NOW, days


@pytest.mark.parametrize(("after", "english", "chinese"), [(0.1, "Improved", "已改善"), (0.7, "Worse", "变差")])
def test_the_verdict_is_said_with_its_figures_and_windows(acted, shares, after, english, chinese):
    proof = verify(acted, shares(days(0.1, 0.4, after)), NOW)
    assert proof.statement.en.startswith(f"{english}: ")
    assert proof.statement.zh.startswith(f"{chinese}：")
    for part in (f"{proof.effect:+.4g}", f"{proof.upper:+.4g}", "12", "11", "60"):
        assert part in proof.statement.en
        assert part in proof.statement.zh


def test_an_undecided_verdict_says_when_to_ask_again(acted, shares):
    proof = verify(acted, shares(days(0.1, 0.4, 0.33), cases=20), NOW)
    assert proof.verdict is Verdict.UNDECIDED
    assert "Verify again" in proof.statement.en
    assert "再次验证" in proof.statement.zh
