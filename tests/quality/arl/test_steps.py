"""The automaton of steps against the steps themselves."""

from __future__ import annotations

from itertools import pairwise

import pytest
from andon_quality.arl.steps import OrderSteps, steps_of
from andon_quality.rules import Pattern, Rule
from hypothesis import given, settings
from hypothesis import strategies as st

TREND, ALTERNATING = Rule("trend", 4, 4, 0.0, Pattern.TREND), Rule("alternating", 6, 6, 0.0, Pattern.ALTERNATING)


def fires(ways: list[int]) -> bool:
    """Whether the last step completes three alike, or the last five turn each time."""
    last, turning = ways[-3:], ways[-5:]
    alike = len(last) == 3 and len(set(last)) == 1
    return alike or (len(turning) == 5 and all(one != next_one for one, next_one in pairwise(turning)))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from([1, -1]), min_size=1, max_size=12))
def test_it_stops_at_the_step_that_completes_a_rule(ways: list[int]) -> None:
    steps = steps_of((TREND, ALTERNATING))
    state, so_far = 0, []
    for way in ways:
        so_far.append(way)
        state = (steps.up if way > 0 else steps.down)[state]
        assert (state == steps.count) == fires(so_far)
        if state == steps.count:
            return


@pytest.mark.parametrize("rules", [(TREND,), (ALTERNATING,), (TREND, ALTERNATING)])
def test_without_the_loop_every_state_comes_after_those_it_leads_to(rules: tuple[Rule, ...]) -> None:
    steps: OrderSteps = steps_of(rules)
    known = {steps.count, *steps.loop}
    for state in steps.order:
        assert {steps.up[state], steps.down[state]} <= known
        known.add(state)
    assert len(known) == steps.count + 1


@pytest.mark.parametrize("rules", [(TREND,), (ALTERNATING,), (TREND, ALTERNATING)])
def test_the_mirror_exchanges_up_and_down(rules: tuple[Rule, ...]) -> None:
    steps = steps_of(rules)
    image = (*steps.mirror, steps.count)
    assert [image[up] for up in steps.up] == [steps.down[image[state]] for state in range(steps.count)]
    assert [image[image[state]] for state in range(steps.count)] == list(range(steps.count))
