"""The life cycles, as tables and as people move through them."""

from __future__ import annotations

import itertools

import pytest

from services.improvement import moves
from services.improvement.lifecycle import (
    ACTION_MOVES,
    LIVE,
    PROBLEM_MOVES,
    ActionEvent,
    IllegalMove,
    ProblemEvent,
    diagram,
    move,
)
from services.improvement.model import (
    ActionState,
    Cause,
    CauseClass,
    Family,
    Problem,
    ProblemName,
    ProblemState,
    Text,
    Verdict,
    Verification,
)

NOW = 10**15


def problem() -> Problem:
    return Problem(ProblemName("problems/p"), Family("desk", "main", "rework"), Text("Rework"))


def verification(verdict: Verdict) -> Verification:
    return Verification(verdict, -0.2, -0.3, -0.1, 0.95, 0.4, 0.2, 8, 8, 0, 1, 2, 3, "test", (), NOW)


def acting(action) -> Problem:
    analysed = moves.add_cause(problem(), Cause("", Text("No checklist"), cause_class=CauseClass.PROCESS), NOW)
    planned = moves.plan_action(analysed, action, NOW)
    return moves.start_action(planned, planned.actions[0].name, NOW, NOW)


def done(action) -> Problem:
    started = acting(action)
    return moves.complete_action(started, started.actions[0].name, NOW + 1, NOW)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(ProblemState, ProblemEvent)))
def test_a_problem_moves_by_its_table_and_every_other_move_names_the_legal_ones(state, event):
    if (state, event) in PROBLEM_MOVES:
        assert move(PROBLEM_MOVES, "p", state, event) is PROBLEM_MOVES[state, event]
        return
    with pytest.raises(IllegalMove) as refused:
        move(PROBLEM_MOVES, "p", state, event)
    assert all((state, ProblemEvent[name]) in PROBLEM_MOVES for name in refused.value.legal)


def test_settled_states_have_no_way_out_and_every_live_state_has():
    for state in ProblemState:
        exits = [event for (known, event) in PROBLEM_MOVES if known is state]
        assert bool(exits) is (state in LIVE)


def test_no_problem_closes_without_a_verified_action(action):
    waiting = done(action)
    with pytest.raises(moves.ProofMissing):
        moves.close(waiting, NOW)
    proven = moves.verified(waiting, waiting.actions[0].name, verification(Verdict.IMPROVED), NOW)
    assert moves.close(proven, NOW).state is ProblemState.CLOSED


@pytest.mark.parametrize("verdict", [Verdict.NO_CHANGE, Verdict.WORSE])
def test_a_failed_proof_sends_the_problem_back_to_its_causes(action, verdict):
    waiting = done(action)
    failed = moves.verified(waiting, waiting.actions[0].name, verification(verdict), NOW)
    assert failed.state is ProblemState.ANALYSED
    assert failed.actions[0].state is ActionState.FAILED


def test_an_undecided_proof_can_be_run_again(action):
    waiting = done(action)
    undecided = moves.verified(waiting, waiting.actions[0].name, verification(Verdict.UNDECIDED), NOW)
    assert undecided.actions[0].state is ActionState.DONE
    assert "VERIFY_ACTION" in moves.moves(undecided)


def test_an_action_is_not_done_before_it_was_started(action):
    started = acting(action)
    with pytest.raises(moves.DatesOutOfOrder):
        moves.complete_action(started, started.actions[0].name, NOW - 1, NOW)


def test_an_action_cannot_be_verified_before_it_is_done(action):
    started = acting(action)
    with pytest.raises(IllegalMove):
        moves.check_verifiable(started, started.actions[0].name)


def test_only_moves_that_would_succeed_are_offered(action):
    for offered in (problem(), acting(action), done(action)):
        assert "CLOSE" not in moves.moves(offered)


def test_the_diagram_shows_every_move_of_the_table():
    assert diagram(PROBLEM_MOVES).count("-->") == len(PROBLEM_MOVES)
    assert diagram(ACTION_MOVES).count("-->") == len(ACTION_MOVES)
    assert {event for _, event in ACTION_MOVES} == set(ActionEvent)
