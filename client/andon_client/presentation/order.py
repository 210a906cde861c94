"""The order that a person expects of scores: the newest window first, then as the hierarchy has its indicators."""

from __future__ import annotations

from collections.abc import Mapping

from andon.scoring.v1 import indicator_system_pb2, score_pb2

from andon_client.presentation.notation import system_of

ROOT = "overall"
Order = tuple[bool, int, int, str, int, bool, str]


def hierarchy(spec: indicator_system_pb2.IndicatorSystemSpec) -> list[str]:
    """Composites and indicators as a scorecard lists them: each before those below it, those without a target last."""
    composites = [(one.name, one.parent) for one in spec.composites] or [(ROOT, "")]
    root = next((name for name, parent in composites if not parent), ROOT)
    below: dict[str, list[str]] = {}
    for name, parent in composites:
        below.setdefault(parent, []).append(name)
    for one in spec.indicators:
        if one.HasField("target"):
            below.setdefault(one.parent or root, []).append(one.name)

    def under(parent: str) -> list[str]:
        return [name for child in below.pop(parent, []) for name in (child, *under(child))]

    return [*under(""), *(one.name for one in spec.indicators if not one.HasField("target"))]


def score_order(score: score_pb2.Score, places: Mapping[str, Mapping[str, int]]) -> Order:
    """Sorts ascending. places: "process/system" -> name of an indicator -> its place in the hierarchy.

    Windows that begin together: the longer first; that of all time last. The whole comes before its slices.
    """
    system = system_of(score.series)
    name = score.series.partition("{")[0].rpartition("/")[2].partition("@")[0]
    start_s, end_s = score.interval.start.seconds, score.interval.end.seconds
    known = places.get(system, {})
    place = known.get(name, len(known))
    is_all_time = not score.interval.HasField("start")
    return is_all_time, -start_s, -end_s, system, place, "{" in score.series, score.series
