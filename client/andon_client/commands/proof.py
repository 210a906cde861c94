"""A verification in the terminal: verdict, figures, assumption checks, outlook and a chart."""

from __future__ import annotations

from collections.abc import Sequence

from andon.common.v1.interval_pb2 import Interval
from andon.improvement.v1.problem_pb2 import VERDICT_UNSPECIFIED, Action, Verdict, Verification
from andon.scoring.v1.score_pb2 import Score
from andon.scoring.v1.scoring_pb2 import ListScoresRequest, SeriesFilter
from google.protobuf.timestamp_pb2 import Timestamp

from andon_client.commands.action_tree import action_title, check_lines
from andon_client.figure import Trace, figure
from andon_client.listing import list_scores
from andon_client.presentation.formats import localised, span, stretch
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import named, say
from andon_client.suite import Suite
from andon_client.terminal import screen

# For context, half as many windows again before the baseline are shown.
CONTEXT_SHARE = 1 / 2


async def proof_windows(suite: Suite, series: str, proof: Verification) -> list[Score]:
    """The complete windows of the series around a verification, oldest first."""
    first, last = proof.before_interval.start.seconds, proof.after_interval.end.seconds
    start = Timestamp(seconds=first - round((last - first) * CONTEXT_SHARE))
    request = ListScoresRequest(
        filter=SeriesFilter(series=[series]), interval=Interval(start=start, end=proof.after_interval.end)
    )
    found = [score async for score in list_scores(suite, request) if score.complete and score.HasField("value")]
    return sorted(found, key=lambda score: score.interval.start.seconds)


def show_proof(action: Action, proof: Verification, windows: Sequence[Score], locale: str, notation: Notation) -> None:
    screen.print(action_title(action, locale), style="bold", markup=False, highlight=False)
    screen.print(localised(proof.statement, locale), markup=False)
    for line in figures(action.goal.series, proof, locale, notation):
        screen.print(f"  {line}", markup=False)
    for line in check_lines(proof, locale):
        screen.print(f"  {line}")
    if proof.HasField("outlook"):
        screen.print(f"  {missing(action, proof, locale)}", style="yellow", markup=False)
    if windows:
        screen.print(f"\n{_drawn(action, proof, windows, locale, notation)}\n", markup=False, highlight=False)


def figures(series: str, proof: Verification, locale: str, notation: Notation) -> list[str]:
    zone = notation.zone(series)
    factor, _ = notation.scale(series)
    effect, upper = (notation.change(series, change, locale) for change in (proof.effect, proof.upper))
    sides = (
        ("side_before", proof.before_mean, proof.before_windows, proof.before_interval),
        ("side_after", proof.after_mean, proof.after_windows, proof.after_interval),
    )
    return [
        say("interval", locale, effect=effect, lower=f"{factor * proof.lower:+,.4g}", upper=upper, p=proof.p_value),
        *(
            say(side, locale, mean=notation.value(series, mean, locale), count=count, stretch=stretch([compared], zone))
            for side, mean, count, compared in sides
        ),
    ]


def missing(action: Action, proof: Verification, locale: str) -> str:
    """How many more windows an undecided verification needs."""
    unit, ahead = _unit(action.goal.series), proof.outlook
    if ahead.verdict != VERDICT_UNSPECIFIED:
        windows = say(unit if ahead.windows == 1 else f"{unit}s", locale)
        verdict = named(Verdict, ahead.verdict, locale)
        return say("missing", locale, count=ahead.windows, windows=windows, verdict=verdict)
    phrase, planned = "missing_more" if ahead.windows else "missing_late", action.goal.horizon_windows
    return say(phrase, locale, count=ahead.windows, windows=say(f"{unit}s", locale), planned=planned)


def _unit(series: str) -> str:
    """ "desk/main/rework@day{team=B}" -> "day"."""
    width = series.partition("{")[0].rpartition("@")[2]
    return width if width in ("hour", "day", "week", "month", "quarter", "year") else "window"


def _drawn(action: Action, proof: Verification, windows: Sequence[Score], locale: str, notation: Notation) -> str:
    """The values, baseline and follow-up windows marked, and the mean of both, as people read them."""
    series = action.goal.series
    zone, (factor, unit) = notation.zone(series), notation.scale(series)
    sides = (
        ("compared_before", "mean_before", "○", proof.before_mean, action.plan.baseline_intervals),
        ("compared_after", "mean_after", "●", proof.after_mean, [proof.after_interval]),
    )
    values = Trace(say("value", locale), "braille", [(at, factor * one.value) for at, one in enumerate(windows)])
    means, marks = [], []
    for side, mean_name, mark, mean, stretches in sides:
        inside = [
            (at, factor * one.value)
            for at, one in enumerate(windows)
            if any(
                own.start.seconds <= one.interval.start.seconds and one.interval.end.seconds <= own.end.seconds
                for own in stretches
            )
        ]
        means.append(Trace(say(mean_name, locale), "·", [(at, factor * mean) for at, _ in inside]))
        marks.append(Trace(say(side, locale), mark, inside, joined=False))
    # Later traces are drawn on top.
    traces = [values, *means, *marks]
    title = f"{series} ({unit})" if unit else series
    return figure(title, traces, [span(one.interval, locale, zone) for one in windows], screen.width)
