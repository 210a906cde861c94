"""What can be done next, as commands that are understood as they are."""

from __future__ import annotations

import shlex

import pytest
from andon.improvement.v1 import problem_pb2
from andon_client.command_line import app
from andon_client.commands.problem_tree import show_next
from andon_client.presentation.next_steps import next_steps
from typer.main import get_command

MOVES = {
    "ACKNOWLEDGE": ["problem acknowledge problems/p"],
    "ADD_CAUSE": [
        "problem cause problems/p --class process --confirm problems/p/causes/1",
        "problem cause problems/p --class process --title ...",
    ],
    "PLAN_ACTION": ["action plan problems/p --title ... --owner ..."],
    "START_ACTION": ["action start problems/p/actions/1"],
    "COMPLETE_ACTION": ["action complete problems/p/actions/2"],
    "VERIFY_ACTION": ["action verify problems/p/actions/3"],
    "CANCEL_ACTION": [f"action cancel problems/p/actions/{number}" for number in (1, 2, 3)],
    "CLOSE": ["problem close problems/p"],
    "UNDO_DISMISS": ["problem undo problems/p dismiss"],
    "DISMISS": ["problem dismiss problems/p --reason ..."],
}


@pytest.fixture
def problem():
    """With an action in every state, and two causes that were found."""
    made = problem_pb2.Problem(name="problems/p")
    for state in problem_pb2.ActionState.values()[1:]:
        made.actions.add(name=f"problems/p/actions/{state}", state=state)
    for number in (1, 2):
        made.causes.add(name=f"problems/p/causes/{number}")
    return made


def words(problem):
    return [" ".join(shlex.split(step.command)).removeprefix("andon ") for step in next_steps(problem)]


@pytest.mark.parametrize("move", MOVES)
def test_a_move_becomes_the_commands_that_make_it(problem, move):
    problem.allowed_transitions.append(move)
    assert words(problem) == MOVES[move]


@pytest.mark.parametrize("move", MOVES)
def test_every_command_is_understood(problem, move):
    problem.allowed_transitions.append(move)
    for step in next_steps(problem):
        _, group, verb, *rest = shlex.split(step.command)
        command = get_command(app).commands[group].commands[verb]
        assert command.make_context(verb, rest).params["name"].startswith("problems/p")


def test_what_leads_on_comes_before_what_gives_up(problem):
    problem.allowed_transitions.extend(sorted(MOVES))
    shown = words(problem)
    assert shown[0] == "problem close problems/p"
    assert shown[-1].startswith("problem dismiss")


def test_with_a_confirmed_cause_no_other_is_urged(problem):
    problem.allowed_transitions.append("ADD_CAUSE")
    problem.causes[1].confirmed = True
    assert words(problem) == MOVES["ADD_CAUSE"][1:]


def test_a_move_of_a_later_version_is_left_to_it(problem):
    problem.allowed_transitions.append("SING")
    assert words(problem) == []


def test_meanings_are_said_once_and_commands_are_never_folded(problem, capsys):
    problem.allowed_transitions.append("CANCEL_ACTION")
    problem.actions[0].name = "problems/" + "p" * 64 + "/actions/1" * 10
    show_next(problem, "zh")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["下一步：", "  取消该措施"]
    assert [line.split()[:3] for line in lines[2:]] == [["andon", "action", "cancel"]] * 3


def test_where_nothing_can_be_done_nothing_is_said(problem, capsys):
    show_next(problem, "en")
    assert capsys.readouterr().out == ""
