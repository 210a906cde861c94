"""What is written down of a change."""

from __future__ import annotations

import pytest

from services.improvement import transitions
from services.improvement.audit_trail import Occasion, entries_from_signals, entry_of, mentions
from services.improvement.lifecycle import InvalidTransition
from services.improvement.model import Cause, CauseClass, ProblemState, Text

NOW = 10**15


@pytest.mark.parametrize(
    ("note", "named"),
    [
        ("ask @team-b, then @li.wei.", ("team-b", "li.wei")),
        ("请 @张三 查看，@张三", ("张三",)),
        ("desk@example.org", ()),
        ("@", ()),
    ],
)
def test_a_note_mentions_each_name_once_and_no_address(note, named):
    assert mentions(note) == named


def test_an_entry_names_the_cause_or_action_that_changed(problem, action):
    opened = problem(30)
    caused = transitions.add_cause(opened, Cause("", Text("Rota"), cause_class=CauseClass.PROCESS), NOW)
    planned = transitions.plan_action(caused, action, NOW)
    assert entry_of(opened, caused, Occasion("ADD_CAUSE"), "wei").subject == "problems/p/causes/stated-1"
    entry = entry_of(caused, planned, Occasion("PLAN_ACTION"), "wei")
    assert (entry.subject, entry.revision, entry.actor) == ("problems/p/actions/1", planned.revision, "wei")
    assert entry.from_state is entry.to_state is ProblemState.ANALYSED


def test_a_hand_over_names_both_owners_and_a_change_of_watchers_none(problem):
    owned = transitions.assign(problem(30), "team B", ["quality"], [], NOW)
    handed = transitions.assign(owned, "team C", [], [], NOW)
    watched = transitions.assign(handed, None, ["desk"], ["quality"], NOW)
    assert entry_of(owned, handed, Occasion("ASSIGN"), "wei").owners == ("team B", "team C")
    assert entry_of(handed, watched, Occasion("ASSIGN"), "wei").owners is None
    assert (watched.owner, watched.watchers) == ("team C", ("desk",))
    with pytest.raises(transitions.TooManyWatchers):
        transitions.assign(handed, None, [f"w{number}" for number in range(101)], [], NOW)


def test_the_service_writes_down_states_and_not_every_further_signal(problem):
    opened, more = problem(30), problem(30, 31)
    (entry,) = entries_from_signals({}, [opened])
    assert (entry.event, entry.actor, entry.from_state) == ("OPEN", "", None)
    assert entries_from_signals({opened.name: opened}, [more]) == []


def test_a_snooze_is_undone_once_and_a_dismissal_ends_it(problem):
    snoozed = transitions.snooze(problem(30), NOW + 1, NOW)
    assert "UNDO_SNOOZE" in transitions.allowed_transitions(snoozed)
    awake = transitions.undo_snooze(snoozed, NOW)
    assert awake.snoozed_until_us is None
    with pytest.raises(InvalidTransition):
        transitions.undo_snooze(awake, NOW)
    assert transitions.dismiss(snoozed, "fair", NOW).snoozed_until_us is None


@pytest.mark.parametrize("state", ["open", "acknowledged", "analysed"])
def test_an_undone_dismissal_restores_the_state_of_before(problem, state):
    before = problem(30)
    if state == "acknowledged":
        before = transitions.acknowledge(before, NOW)
    if state == "analysed":
        before = transitions.add_cause(before, Cause("", Text("Rota"), cause_class=CauseClass.PROCESS), NOW)
    dismissed = transitions.dismiss(before, "fair", NOW)
    assert transitions.allowed_transitions(dismissed) == ["UNDO_DISMISS"]
    after = transitions.undo_dismiss(dismissed, NOW)
    assert (after.state.value, after.reason, after.revision) == (state, "", before.revision + 2)
