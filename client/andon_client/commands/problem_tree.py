"""A problem as a tree in the terminal: why it is, what was done about it, and the signals or events below it."""

from __future__ import annotations

from collections.abc import Sequence

from andon.improvement.v1.improvement_pb2 import ExplainProblemResponse
from andon.improvement.v1.problem_pb2 import Cause, CauseClass, Problem, ProblemState, SignalReference
from rich.markup import escape
from rich.tree import Tree

from andon_client.commands.action_tree import add_action
from andon_client.terminal import number, span, spoken, stretch
from andon_client.wording import named, say


def problem_tree(problem: Problem, locale: str) -> Tree:
    title = f"[bold]{escape(spoken(problem.title, locale))}[/] ({escape(problem.name)})"
    tree = Tree(f"{title}, {named(ProblemState, problem.state, locale)}")
    place = {"process": problem.process, "system": problem.system, "indicator": problem.indicator}
    tree.add(escape(say("found_on", locale, **place, stretch=stretch([problem.interval]))))
    tree.add(say("severity", locale, severity=problem.severity))
    if problem.reason:
        tree.add(escape(say("reason", locale, reason=problem.reason)))
    if problem.merged_into:
        tree.add(escape(say("merged", locale, name=problem.merged_into)))
    if problem.causes:
        _add_causes(tree, problem.causes, locale)
    for action in problem.actions:
        add_action(tree, action, locale)
    return tree


def cause_text(cause: Cause, locale: str) -> str:
    """With its share of the change, where it was found from data."""
    share = f" ({cause.contribution:.0%})" if cause.HasField("contribution") else ""
    return spoken(cause.title, locale) + share


def _add_causes(tree: Tree, causes: Sequence[Cause], locale: str) -> None:
    branch = tree.add(say("causes", locale))
    for cause in causes:
        known = [named(CauseClass, cause.cause_class, locale)] if cause.cause_class else []
        known += [say("confirmed", locale)] if cause.confirmed else []
        known += [say("behind", locale, cause=cause.parent)] if cause.parent else []
        told = branch.add(escape(", ".join([f"{cause.name}: {cause_text(cause, locale)}", *known])))
        if cause.evidence:
            told.add(escape(say("evidence", locale, evidence=", ".join(cause.evidence))))


def add_signals(tree: Tree, signals: Sequence[SignalReference], locale: str, most: int) -> None:
    branch = tree.add(say("signals", locale, count=len(signals)))
    for signal in signals[:most]:
        place = {"window": span(signal.interval), "series": signal.series, "rule": signal.rule}
        told = say("signal", locale, **place, value=number(signal.value), centre=number(signal.centre))
        branch.add(escape(say("symptom", locale, signal=told) if signal.symptom else told))
    if len(signals) > most:
        branch.add(say("more", locale, count=len(signals) - most))


def add_events(tree: Tree, links: Sequence[ExplainProblemResponse.Link], locale: str) -> None:
    """Signal by signal, the events that its score came from."""
    for link in links:
        place = {"name": link.signal, "series": link.series, "window": span(link.interval)}
        signal = tree.add(escape(say("link", locale, **place, value=number(link.value))))
        cases = signal.add(say("cases", locale, count=link.case_count))
        cases.add(escape(", ".join(link.event_ids)))
