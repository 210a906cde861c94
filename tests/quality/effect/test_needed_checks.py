"""A verdict that rests on an assumption is undecided where the assumption is seen to fail."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.effect import always_valid, before_after, before_after_proportion, interrupted_means
from andon_quality.effect.verdict import Direction, EffectCheck, Verdict, decide


def wandering(dice: np.random.Generator, points: int, phi: float) -> np.ndarray:
    stream = dice.standard_normal(points)
    for at in range(1, points):
        stream[at] += phi * stream[at - 1]
    return stream


def test_a_needed_check_that_failed_leaves_nothing_decided_and_another_does_not() -> None:
    for passed, needed, verdict in (
        (False, True, Verdict.UNDECIDED),
        (False, False, Verdict.IMPROVED),
        (True, True, Verdict.IMPROVED),
    ):
        check = EffectCheck("steady before", passed, 3.0, "slope", needed)
        assert decide(-4.0, -1.0, Direction.LOWER, None, [check]) is verdict
    many = EffectCheck("steady before", np.array([True, False]), np.zeros(2), "slope", True)
    verdicts = decide(np.full(2, -4.0), np.full(2, -1.0), Direction.LOWER, None, [many])
    assert verdicts.tolist() == [Verdict.IMPROVED, Verdict.UNDECIDED]
    # "No change" is a claim too.
    assert decide(-0.1, 0.1, Direction.LOWER, 1.0, [many]).tolist() == [Verdict.NO_CHANGE, Verdict.UNDECIDED]


def test_a_level_that_was_falling_before_the_action_is_no_improvement_by_it() -> None:
    dice = np.random.default_rng(3)
    falling = dice.normal(0.0, 0.5, 80) - 0.03 * np.arange(80.0)
    effect = before_after(falling[:40], falling[40:])
    assert effect.upper < 0.0
    assert [check.name for check in effect.checks if not check.passed and check.is_needed] == ["steady before"]
    assert effect.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("phi", [0.9, 0.97])
def test_idle_streams_that_wander_are_hardly_ever_called_a_change(phi: float) -> None:
    dice = np.random.default_rng(12)
    called = 0
    for _ in range(200):
        stream = wandering(dice, 120, phi)
        called += any(
            always_valid(stream[:60], stream[60:end]).verdict is not Verdict.UNDECIDED for end in (70, 90, 120)
        )
    assert called <= 20


def test_every_method_says_which_of_its_checks_the_verdict_needs() -> None:
    dice = np.random.default_rng(4)
    before, after = dice.normal(10.0, 1.0, 60), dice.normal(8.0, 1.0, 40)
    effects = (
        before_after(before, after),
        always_valid(before, after),
        interrupted_means(np.concatenate([before, after]), 60).level,
        before_after_proportion(56, 70, 48, 80),
    )
    for effect in effects:
        assert any(check.is_needed for check in effect.checks)
        assert effect.verdict is Verdict.IMPROVED or not all(c.passed for c in effect.checks if c.is_needed)
