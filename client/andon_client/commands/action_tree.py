"""An action in the tree of its problem: terms, goal, verification plan and last verification."""

from __future__ import annotations

from andon.improvement.v1.problem_pb2 import Action, ActionKind, ActionState, Problem, Verification
from rich.markup import escape
from rich.tree import Tree

from andon_client.presentation.formats import localised, moment, stretch, when
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import named, say


def add_action(tree: Tree, action: Action, locale: str, notation: Notation) -> None:
    late = f", [red]{say('overdue', locale)}[/]" if action.overdue else ""
    branch = tree.add(escape(action_title(action, locale)) + late)
    for line in action_lines(action, locale, notation):
        branch.add(escape(line))
    zone = notation.zone(action.goal.series)
    for proof in action.verifications[-1:]:
        statement = branch.add(escape(f"{when(proof.verify_time, zone)}: {localised(proof.statement, locale)}"))
        for line in check_lines(proof, locale):
            statement.add(line)


def action_of(problem: Problem, name: str) -> Action:
    return next((action for action in problem.actions if action.name == name), Action(name=name))


def action_title(action: Action, locale: str) -> str:
    place = {"name": action.name, "title": localised(action.title, locale)}
    return say("action", locale, **place, state=named(ActionState, action.state, locale))


def action_lines(action: Action, locale: str, notation: Notation) -> list[str]:
    """Terms, goal and verification plan."""
    kind, zone = named(ActionKind, action.kind, locale), notation.zone(action.goal.series)
    lines = [say("terms", locale, kind=kind, owner=action.owner, due=moment(action.due_time, zone), zone=zone)]
    lines += [say("removes", locale, cause=action.cause)] if action.cause else []
    lines += [say("reason", locale, reason=action.reason)] if action.reason else []
    goal, plan = action.goal, action.plan
    effect = notation.change(goal.series, goal.expected_effect, locale)
    lines.append(say("goal", locale, series=goal.series, effect=effect))
    windows = {"least": goal.windows_min, "planned": goal.horizon_windows}
    lines.append(say("test", locale, confidence=goal.confidence, **windows))
    if action.HasField("plan"):
        before = stretch(plan.baseline_intervals, zone)
        lines += [
            say("before", locale, before=before) if plan.baseline_intervals else say("nothing_before", locale),
            say("spread", locale, end=moment(plan.spread_end_time, zone), fixed=when(plan.fixed_time, zone)),
        ]
    return lines


def check_lines(proof: Verification, locale: str) -> list[str]:
    """The assumption checks of a verification, as marked-up text."""
    marks = {True: f"[green]{say('passed', locale)}[/]", False: f"[yellow]{say('failed', locale)}[/]"}
    return [
        say(
            "check",
            locale,
            name=escape(one.name),
            mark=marks[one.passed],
            meaning=escape(localised(one.meaning, locale)),
        )
        for one in proof.checks
    ]
