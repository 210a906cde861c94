"""Scoring's scores, as the evidence that causes are found in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import chain

from andon.scoring.v1 import score_pb2

from services.improvement.causes import Evidence, SliceSums
from services.improvement.model import Text
from services.improvement.wire.scalars import micros, text_of


def slice_evidence(
    series: Mapping[str, score_pb2.Series],
    baseline: Iterable[score_pb2.Score],
    during: Iterable[score_pb2.Score],
    alarmed: Collection[int],
) -> Evidence:
    """Sums per value of every single dimension: of phase I, and of the windows that alarmed (`alarmed`: their starts).

    `during` may hold windows between the alarms; they are left out, and so are alarms within phase I on its side, and
    windows of cases without a value.
    """
    sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0] * 4))
    before = (score for score in baseline if micros(score.interval.start) not in alarmed)
    after = (score for score in during if micros(score.interval.start) in alarmed)
    for place, score in chain(((0, one) for one in before), ((2, one) for one in after)):
        if not score.count:
            continue
        slice_ = series[score.series].slice if score.series in series else {}
        if len(slice_) == 1:
            ((dimension, value),) = slice_.items()
            sums[dimension][value][place] += int(score.moments.total or 0) * score.moments.resolution
            sums[dimension][value][place + 1] += score.count
    title = next((text_of(one.title) for one in series.values() if not one.slice), Text())
    by_dimension = {name: {value: SliceSums(*four) for value, four in by.items()} for name, by in sums.items()}
    return Evidence(title, by_dimension)
