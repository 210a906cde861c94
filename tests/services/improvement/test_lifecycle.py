"""The life cycles, as tables."""

from __future__ import annotations

import itertools

import pytest

from services.improvement.lifecycle import (
    ACTION_TRANSITIONS,
    OWN_EVENTS,
    PROBLEM_TRANSITIONS,
    ActionEvent,
    InvalidTransition,
    ProblemEvent,
    asked_for,
    diagram,
    next_state,
)
from services.improvement.model import (
    LIVE,
    ProblemState,
)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(ProblemState, ProblemEvent)))
def test_a_problem_moves_by_its_table_and_every_other_move_names_the_legal_ones(state, event):
    if (state, event) in PROBLEM_TRANSITIONS:
        assert next_state(PROBLEM_TRANSITIONS, "p", state, event) is PROBLEM_TRANSITIONS[state, event]
        return
    with pytest.raises(InvalidTransition) as refused:
        next_state(PROBLEM_TRANSITIONS, "p", state, event)
    legal = {asked_for(one) for known, one in PROBLEM_TRANSITIONS if known is state and one not in OWN_EVENTS}
    assert set(refused.value.legal) == legal


def test_only_a_dismissal_has_a_way_back_and_every_live_state_has_a_way_out():
    for state in ProblemState:
        exits = [event for (known, event) in PROBLEM_TRANSITIONS if known is state]
        assert bool(exits) is (state in (*LIVE, ProblemState.DISMISSED))
        assert state in LIVE or {asked_for(event) for event in exits} <= {"UNDO_DISMISS"}


# --- whatever people do, in whatever order


def test_the_diagram_shows_every_move_of_the_table():
    assert diagram(PROBLEM_TRANSITIONS).count("-->") == len(PROBLEM_TRANSITIONS)
    assert diagram(ACTION_TRANSITIONS).count("-->") == len(ACTION_TRANSITIONS)
    assert {event for _, event in ACTION_TRANSITIONS} == set(ActionEvent)
