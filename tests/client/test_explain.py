"""What `andon explain` prints is in the indicator's unit, and its lines add up to the score."""

from __future__ import annotations

import re

import pytest
from andon.scoring.v1 import scoring_pb2
from andon_client.commands.explain import _add_cases, _add_members
from rich.console import Console
from rich.tree import Tree


def printed(add, found, locale):
    tree, console = Tree(""), Console(width=200, force_terminal=False, color_system=None)
    add(tree, found, locale)
    with console.capture() as capture:
        console.print(tree)
    return capture.get()


@pytest.mark.parametrize("unit", ["min", "h", "%"])
@pytest.mark.parametrize("shown", [2, 5, 7])
def test_the_lines_of_a_mean_add_up_in_its_unit(unit, shown):
    amounts = [22.3333333333, 0.75, 100.0, 1 / 3, 14.0, 2 / 7, 61.1]
    found = scoring_pb2.ExplainScoreResponse(unit=unit, amount=sum(amounts) / 7, total_count=7)
    found.score.count = 7
    for place, amount in enumerate(amounts[:shown]):
        found.cases.add(case_id=f"c{place}", amount=amount, contribution=amount / 7, event_ids=["e"])
    text = printed(_add_cases, found, "en")
    adds = [float(one.replace(",", "")) for one in re.findall(rf"add[s]? ([-0-9.,]+) {unit}", text)]
    assert len(adds) == shown + (shown < 7)
    assert abs(sum(adds) - found.amount) < 1e-3
    assert ("5 more" in text) == (shown == 2)
    chinese = printed(_add_cases, found, "zh")
    assert "贡献" in chinese
    assert unit != "h" or "小时" in chinese


def test_a_quantile_is_no_sum_and_says_no_contributions():
    found = scoring_pb2.ExplainScoreResponse(unit="d", amount=3.0, total_count=9)
    found.score.count = 9
    found.cases.add(case_id="a", amount=1.5)
    text = printed(_add_cases, found, "zh")
    assert "a：1.5 天" in text
    assert "贡献" not in text


def test_the_members_of_a_composite_add_up_to_its_points():
    found = scoring_pb2.ExplainScoreResponse(unit="points", amount=55.0)
    found.nodes.add(name="a", share=0.5, points=80.0, points_low=80.0, points_high=80.0, contribution=40.0)
    found.nodes.add(name="b", share=0.5, points_low=0.0, points_high=100.0)
    text = printed(_add_members, found, "en")
    assert "a: 80 points x 0.5, adds 40 points" in text
    assert "b: between 0 points and 100 points x 0.5" in text
