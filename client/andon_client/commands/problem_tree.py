"""A problem as a tree in the terminal: why it is, what was done about it and proven, and the events below it."""

from __future__ import annotations

from andon.improvement.v1.improvement_pb2 import ExplainProblemResponse
from andon.improvement.v1.problem_pb2 import Action, ActionState, Cause, ProblemState, Verification
from rich.markup import escape
from rich.tree import Tree

from andon_client.terminal import number, short, span, spoken, when


def problem_tree(found: ExplainProblemResponse, locale: str) -> Tree:
    problem = found.problem
    title = f"[bold]{escape(spoken(problem.title, locale))}[/] ({escape(problem.name)})"
    tree = Tree(f"{title}, {short(ProblemState, problem.state)}")
    if problem.reason:
        tree.add(escape(f"reason: {problem.reason}"))
    for cause in problem.causes:
        tree.add(escape(f"cause: {cause_text(cause, locale)}"))
    for action in problem.actions:
        _add_action(tree, action, locale)
    for link in found.links:
        _add_link(tree, link)
    if problem.moves:
        tree.add(escape(f"possible now: {', '.join(problem.moves)}"))
    return tree


def cause_text(cause: Cause, locale: str) -> str:
    """With its share of the change, where it was found from data."""
    share = f" ({cause.contribution:.0%})" if cause.HasField("contribution") else ""
    return spoken(cause.title, locale) + share


def _add_action(tree: Tree, action: Action, locale: str) -> None:
    late = ", [red]overdue[/]" if action.overdue else ""
    title = escape(f"action {action.name}: {spoken(action.title, locale)}")
    branch = tree.add(f"{title}, {short(ActionState, action.state)}{late}")
    if action.reason:
        branch.add(escape(f"reason: {action.reason}"))
    branch.add(escape(f"goal: {action.goal.series} by {action.goal.expected_effect:+g}"))
    for proof in action.verifications[-1:]:
        _add_proof(branch, proof, locale)


def _add_proof(branch: Tree, proof: Verification, locale: str) -> None:
    """The last word on an action, and what it assumes."""
    told = branch.add(escape(f"{when(proof.verify_time)}: {spoken(proof.statement, locale)}"))
    for check in proof.checks:
        mark = "[green]holds[/]" if check.passed else "[yellow]mind[/]"
        told.add(f"{escape(check.name)}: {mark}, {escape(spoken(check.meaning, locale))}")


def _add_link(tree: Tree, link: ExplainProblemResponse.Link) -> None:
    place = f"{link.series} in {span(link.interval)} = {number(link.value)}"
    signal = tree.add(escape(f"signal {link.signal}: {place}"))
    signal.add(f"{link.case_count:,} cases").add(escape(", ".join(link.event_ids)))
