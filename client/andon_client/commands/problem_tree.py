"""A problem in the terminal: causes, actions, signals or events as a tree, and its next steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from itertools import groupby

from andon.improvement.v1.improvement_pb2 import ExplainProblemResponse
from andon.improvement.v1.problem_pb2 import (
    Cause,
    CauseClass,
    CauseState,
    Problem,
    ProblemOrigin,
    ProblemState,
    SignalReference,
)
from rich.markup import escape
from rich.tree import Tree

from andon_client.commands.action_tree import add_action
from andon_client.presentation.formats import localised, quantity, span, stretch, when
from andon_client.presentation.next_steps import next_steps
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import cause_text, problem_system
from andon_client.terminal import screen


def problem_tree(problem: Problem, locale: str, notation: Notation) -> Tree:
    zone = notation.zone(problem_system(problem))
    title = f"[bold]{escape(localised(problem.title, locale))}[/] ({escape(problem.name)})"
    tree = Tree(f"{title}, {named(ProblemState, problem.state, locale)}")
    parts = {"process": problem.process, "system": problem.system, "indicator": problem.indicator}
    place = {key: part or "-" for key, part in parts.items()}
    tree.add(escape(say("found_on", locale, **place, stretch=stretch([problem.interval], zone), zone=zone)))
    if problem.severity:
        tree.add(say("severity", locale, severity=problem.severity))
    if problem.origin > ProblemOrigin.PROBLEM_ORIGIN_SIGNALS:
        tree.add(escape(say("opened_by_hand", locale, origin=named(ProblemOrigin, problem.origin, locale))))
    if problem.references:
        tree.add(escape(say("references", locale, references=", ".join(problem.references))))
    if described := localised(problem.description, locale):
        tree.add(escape(described))
    if problem.reason:
        tree.add(escape(say("reason", locale, reason=problem.reason)))
    if problem.merged_into:
        tree.add(escape(say("merged", locale, name=problem.merged_into)))
    for line in _attention(problem, locale, zone):
        tree.add(escape(line))
    if problem.causes:
        _add_causes(tree, problem.causes, locale)
    for action in problem.actions:
        add_action(tree, action, locale, notation)
    return tree


def _attention(problem: Problem, locale: str, zone: tzinfo) -> list[str]:
    """Who looks at it, and when."""
    until = when(problem.snooze_end_time, zone)
    return [
        *([say("owner", locale, owner=problem.owner)] if problem.owner else []),
        *([say("watchers", locale, watchers=", ".join(problem.watchers))] if problem.watchers else []),
        *([say("snoozed", locale, until=until)] if problem.HasField("snooze_end_time") else []),
        *([say("notes", locale, count=problem.note_count, name=problem.name)] if problem.note_count else []),
    ]


def _add_causes(tree: Tree, causes: Sequence[Cause], locale: str) -> None:
    """Below each cause those that it comes from: why, and why again."""
    branches = {"": tree.add(say("causes", locale))}
    names, waiting = {cause.name for cause in causes}, list(causes)
    while waiting:
        # A found parent may have gone, and a circle has no top: their causes are drawn below the problem.
        ready = [one for one in waiting if one.parent in branches or one.parent not in names] or waiting[:1]
        for cause in ready:
            _add_cause(branches.get(cause.parent, branches[""]), cause, locale, branches)
        waiting = [one for one in waiting if one not in ready]


def _add_cause(branch: Tree, cause: Cause, locale: str, branches: dict[str, Tree]) -> None:
    known = [named(CauseClass, cause.cause_class, locale)] if cause.cause_class else []
    known += [named(CauseState, cause.state, locale)] if cause.state else []
    known += [say("confirmed", locale)] if cause.confirmed and not cause.state else []
    known += [say("parent", locale, cause=cause.parent)] if cause.parent else []
    line = branch.add(escape(", ".join([f"{cause.name}: {cause_text(cause, locale)}", *known])))
    branches.setdefault(cause.name, line)
    if cause.evidence:
        line.add(escape(say("evidence", locale, evidence=", ".join(cause.evidence))))


def add_signals(tree: Tree, signals: Sequence[SignalReference], locale: str, most: int, notation: Notation) -> None:
    branch = tree.add(say("signals", locale, count=len(signals)))
    for signal in signals[:most]:
        window = span(signal.interval, locale, notation.zone(signal.series))
        value, centre = (notation.value(signal.series, one, locale) for one in (signal.value, signal.centre))
        line = say("signal", locale, window=window, series=signal.series, rule=signal.rule, value=value, centre=centre)
        branch.add(escape(say("symptom", locale, signal=line) if signal.symptom else line))
    if len(signals) > most:
        branch.add(say("more", locale, count=len(signals) - most))


def add_events(tree: Tree, links: Sequence[ExplainProblemResponse.Link], locale: str, notation: Notation) -> None:
    """For each signal, the events that its score was computed from."""
    for link in links:
        place = {
            "name": link.signal,
            "series": link.series,
            "window": span(link.interval, locale, notation.zone(link.series)),
        }
        signal = tree.add(escape(say("link", locale, **place, value=quantity(link.amount, link.unit, locale))))
        cases = signal.add(say("cases", locale, count=link.case_count))
        cases.add(escape(", ".join(link.event_ids)))


def show_next(problem: Problem, locale: str) -> None:
    """Each command on a line of its own, however narrow the screen, so that it can be copied."""
    steps = next_steps(problem)
    if steps:
        screen.print(say("next", locale), markup=False)
    for meaning, alike in groupby(steps, key=lambda step: step.meaning):
        screen.print(f"  {say(meaning, locale)}", markup=False, highlight=False)
        for step in alike:
            screen.print(f"    {step.command}", markup=False, highlight=False, soft_wrap=True)
