"""From occurrences to problems."""

from __future__ import annotations

from dataclasses import replace

from services.improvement import transitions
from services.improvement.model import (
    DAY_US,
    ActionName,
    ActionState,
    ActiveSignal,
    Cause,
    CauseClass,
    Problem,
    ProblemState,
    Text,
)
from services.improvement.occurrences import QUIET_WINDOWS, occurrences
from services.improvement.problems import decide, settled_spans
from services.improvement.wire.codec import content_hash

NOW = 10**15


def settle(signals: list[ActiveSignal], problems: list[Problem]) -> list[Problem]:
    changed = decide(occurrences(signals), {}, problems, NOW).changed
    return list(({problem.name: problem for problem in problems} | {one.name: one for one in changed}).values())


def test_one_run_of_alarms_opens_one_problem_that_grows(signal):
    (first,) = settle([signal(30)], [])
    (second,) = settle([signal(30), signal(31)], [first])
    assert (first.name, first.state) == (second.name, ProblemState.OPEN)
    assert len(second.signals) == 2
    assert second.revision == first.revision + 1


def test_the_same_signals_again_change_nothing(signal):
    problems = settle([signal(30)], [])
    assert decide(occurrences([signal(30)]), {}, problems, NOW).changed == ()


def test_a_problem_whose_signals_are_all_retracted_is_withdrawn_with_the_reason(signal):
    (gone,) = settle([], settle([signal(30)], []))
    assert gone.state is ProblemState.WITHDRAWN
    assert gone.reason == "every signal was retracted"


def test_an_untouched_problem_is_named_by_its_first_signal_whatever_the_order_of_arrival(signal):
    late_first = settle([signal(30), signal(31)], settle([signal(31)], []))
    at_once = settle([signal(30), signal(31)], [])
    assert content_hash(late_first) == content_hash(at_once)
    assert {problem.merged_into for problem in late_first if problem.state is ProblemState.WITHDRAWN} == {
        at_once[0].name
    }


def test_a_problem_that_somebody_works_on_keeps_its_name(signal):
    (problem,) = settle([signal(31)], [])
    (kept,) = settle([signal(30), signal(31)], [transitions.acknowledge(problem, NOW)])
    assert kept.name == problem.name
    assert kept.state is ProblemState.ACKNOWLEDGED


def test_a_dismissed_problem_has_dealt_with_the_span_of_its_alarms(signal):
    (problem,) = settle([signal(30), signal(32)], [])
    (span,) = settled_spans(transitions.dismiss(problem, "planned maintenance", NOW))
    assert (span.run.start_us, span.run.end_us, span.until_us) == (30 * DAY_US, 33 * DAY_US, 33 * DAY_US)
    assert span.run.joins_us == (30 - QUIET_WINDOWS) * DAY_US


def test_a_proven_problem_has_dealt_with_its_cause_until_the_action_was_done(signal, action, verification):
    own, symptom = signal(30), signal(31, indicator="satisfaction", symptom_of=("rework",))
    (problem,) = settle([own, symptom], [])
    proven = replace(action, name=ActionName("a"), state=ActionState.VERIFIED)
    done = replace(proven, started_us=40 * DAY_US, done_us=45 * DAY_US)
    spans = settled_spans(replace(problem, state=ProblemState.CLOSED, actions=(done,)))
    assert {span.run.family.indicator for span in spans} == {"rework", "satisfaction"}
    assert {span.until_us for span in spans} == {45 * DAY_US}


def test_signals_of_other_names_in_its_span_belong_to_the_problem_that_somebody_works_on(signal):
    (problem,) = settle([signal(30), signal(31)], [])
    (moved,) = settle([signal(29, rule="WE2"), signal(31, rule="WE2")], [transitions.acknowledge(problem, NOW)])
    assert (moved.name, moved.state, moved.start_us) == (problem.name, ProblemState.ACKNOWLEDGED, 29 * DAY_US)


def test_a_second_fault_that_begins_where_a_settled_one_began_has_a_name_of_its_own(signal):
    (problem,) = settle([signal(30)], [])
    closed = replace(problem, state=ProblemState.CLOSED)
    assert {one.name for one in settle([signal(30)], [closed])} == {problem.name, f"{problem.name}-2"}


def test_a_withdrawn_problem_whose_signals_come_back_goes_on_with_its_revisions(signal):
    withdrawn = settle([], settle([signal(30)], []))
    (back,) = settle([signal(30)], withdrawn)
    assert back.state is ProblemState.OPEN
    assert back.revision > withdrawn[0].revision


def test_a_cause_that_a_person_stated_survives_new_evidence(signal):
    (problem,) = settle([signal(30)], [])
    stated = transitions.add_cause(problem, Cause("", Text("No checklist"), cause_class=CauseClass.PROCESS), NOW)
    (after,) = settle([signal(30), signal(31)], [replace(stated)])
    assert [cause.title.en for cause in after.causes if cause.confirmed] == ["No checklist"]


def test_a_found_cause_that_is_confirmed_keeps_what_it_rested_on_next_to_what_a_person_adds(signal):
    (problem,) = settle([signal(30)], [])
    found = Cause(f"{problem.name}/causes/team=North", Text("team = North"), evidence=("desk/main/share@day",))
    known = replace(problem, causes=(found,))
    added = Cause(found.name, Text(), evidence=("minutes-7", "desk/main/share@day"))
    (confirmed,) = transitions.add_cause(known, added, NOW).causes
    assert confirmed.evidence == ("desk/main/share@day", "minutes-7")
    assert confirmed.confirmed
