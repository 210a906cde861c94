"""A problem in the terminal."""

from __future__ import annotations

import io

import pytest
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon_client.commands.problem_tree import cause_text, problem_tree
from rich.console import Console


@pytest.fixture
def found():
    answer = improvement_pb2.ExplainProblemResponse()
    problem = answer.problem
    problem.name, problem.state = "problems/p", problem_pb2.PROBLEM_STATE_ANALYSED
    problem.title.en, problem.reason = "Rework [B]", "problems/p/actions/1: worse, +0.2 (+0.1 to +0.3)"
    problem.moves.extend(["ADD_CAUSE", "PLAN_ACTION"])
    problem.causes.add().title.zh = "缺少檢查表"
    action = problem.actions.add(name="problems/p/actions/1", state=problem_pb2.ACTION_STATE_FAILED, overdue=True)
    action.title.en, action.goal.series, action.goal.expected_effect = "Check first", "desk/main/rework@day", -0.4
    proof = action.verifications.add()
    proof.statement.en, proof.statement.zh = "Worse: the mean went up.", "變差：均值上升。"
    proof.checks.add(name="season", passed=True).meaning.en = "taken out"
    proof.checks.add(name="foresight").meaning.en = "could already be seen"
    answer.links.add(signal="signals/s", series="desk/main/rework@day", case_count=3, event_ids=["e1", "e2"])
    return answer


def drawn(found, locale: str = "en") -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(problem_tree(found, locale))
    return console.export_text()


def test_a_problem_shows_what_was_done_and_what_the_proof_rests_on(found):
    text = drawn(found)
    for part in (
        "Rework [B] (problems/p), analysed",
        "reason: problems/p/actions/1: worse, +0.2 (+0.1 to +0.3)",
        "action problems/p/actions/1: Check first, failed, overdue",
        "goal: desk/main/rework@day by -0.4",
        "Worse: the mean went up.",
        "season: holds, taken out",
        "foresight: mind, could already be seen",
        "e1, e2",
        "possible now: ADD_CAUSE, PLAN_ACTION",
    ):
        assert part in text


def test_the_proof_speaks_chinese_to_who_reads_it(found):
    assert "變差：均值上升。" in drawn(found, "zh")


def test_a_cause_that_a_person_stated_has_no_share_of_the_change(found):
    (stated,) = found.problem.causes
    assert cause_text(stated, "en") == "缺少檢查表"
    stated.contribution = 0.25
    assert cause_text(stated, "en") == "缺少檢查表 (25%)"
