"""What the responses of a survey say: counts, indices with intervals, dimensions and gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from andon_quality.errors import QualityError
from andon_quality.inference.interval import Interval
from andon_quality.inference.proportion import wilson
from andon_quality.reliability import cronbach
from andon_quality.satisfaction import ANSWERS_MIN, ces, csat, nps, servqual
from numpy.typing import NDArray

from services.ingest.registry.surveys.model import AnswerIndex, AnswerScale, InvitationTally, Item, Survey

Answers = NDArray[np.float64]


@dataclass(frozen=True)
class ReportedFigure:
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ItemResult:
    """answers: how often each was given, in the order of the scale or of the choices."""

    item: Item
    answered: int
    missing: int
    answers: tuple[tuple[str, int], ...]
    index: ReportedFigure | None


@dataclass(frozen=True)
class DimensionResult:
    dimension: str
    complete: int
    mean: ReportedFigure | None
    alpha: ReportedFigure | None
    gap: ReportedFigure | None


def response_rate(tally: InvitationTally, confidence: float) -> ReportedFigure | None:
    """Answered of those who were reached. None: nobody was.

    >>> response_rate(InvitationTally("", answered=5, open=5, undeliverable=2), 0.95)
    ReportedFigure(value=0.5, low=0.23659309051256394, high=0.763406909487436)
    """
    reached = tally.invited - tally.undeliverable
    if not reached:
        return None
    low, high = wilson(tally.answered, reached, confidence)
    return ReportedFigure(tally.answered / reached, float(low), float(high))


def item_results(survey: Survey, answers: Answers, confidence: float) -> list[ItemResult]:
    """answers: shape (responses, items), NaN where an item was left open."""
    return [_item(one, answers[:, place], confidence) for place, one in enumerate(survey.items)]


def _item(item: Item, column: Answers, confidence: float) -> ItemResult:
    given = column[~np.isnan(column)]
    if item.scale is not None:
        values = range(item.scale.low, item.scale.high + 1)
        counts = np.bincount((given - item.scale.low).astype(np.int64), minlength=len(values))
        names: Sequence[str] = [str(value) for value in values]
    else:
        counts = np.bincount(given.astype(np.int64), minlength=len(item.choices))
        names = item.choices
    return ItemResult(
        item,
        len(given),
        len(column) - len(given),
        tuple((name, int(count)) for name, count in zip(names, counts.tolist(), strict=bool(names))),
        None if item.scale is None else _index(item.scale, given, confidence),
    )


def _index(scale: AnswerScale, given: Answers, confidence: float) -> ReportedFigure | None:
    if len(given) < ANSWERS_MIN:
        return None
    match scale.index:
        case AnswerIndex.CSAT:
            found = csat(given, scale.satisfied_from, confidence=confidence)
        case AnswerIndex.NPS:
            found = nps(given, confidence=confidence)
        case AnswerIndex.MEAN | AnswerIndex.CES:
            found = ces(given, (scale.low, scale.high), confidence=confidence)
    return _estimate(found.value, found.interval)


def dimension_results(survey: Survey, answers: Answers, confidence: float) -> list[DimensionResult]:
    """answers: as of `item_results`."""
    named: dict[str, list[int]] = {}
    for place, item in enumerate(survey.items):
        if item.dimension and item.scale is not None and not item.expectation_of:
            named.setdefault(item.dimension, []).append(place)
    gaps = _gaps(survey, answers, confidence)
    return [
        _dimension(survey, dimension, places, answers, gaps.get(dimension), confidence)
        for dimension, places in sorted(named.items())
    ]


def _dimension(
    survey: Survey,
    dimension: str,
    places: Sequence[int],
    answers: Answers,
    gap: ReportedFigure | None,
    confidence: float,
) -> DimensionResult:
    table = answers[:, places]
    table = table[~np.isnan(table).any(axis=1)]
    ends = {(one.low, one.high) for place in places if (one := survey.items[place].scale) is not None}
    mean = alpha = None
    if len(table) >= ANSWERS_MIN:
        if len(ends) == 1:
            found = ces(table.mean(axis=1), ends.pop(), confidence=confidence)
            mean = _estimate(found.value, found.interval)
        if len(places) > 1:
            alpha = _alpha(table, confidence)
    return DimensionResult(dimension, len(table), mean, alpha, gap)


def _alpha(table: Answers, confidence: float) -> ReportedFigure | None:
    try:
        found = cronbach(table, confidence)
    except QualityError:
        # The sum, or that of all items but one, does not vary.
        return None
    return _estimate(found.alpha, found.interval)


def _gaps(survey: Survey, answers: Answers, confidence: float) -> dict[str, ReportedFigure]:
    """By dimension: of items with an expectation, over responses that answer all of those."""
    place = {item.name: number for number, item in enumerate(survey.items)}
    perceived = [place[name] for name in survey.pairs]
    expected = [place[name] for name in survey.pairs.values()]
    if not perceived:
        return {}
    complete = answers[~np.isnan(answers[:, perceived + expected]).any(axis=1)]
    if len(complete) < ANSWERS_MIN:
        return {}
    names, belongs = np.unique([survey.items[one].dimension for one in perceived], return_inverse=True)
    found = servqual(complete[:, expected], complete[:, perceived], belongs, confidence=confidence)
    columns = (found.dimension_gap, found.dimension_lower, found.dimension_upper)
    return {
        name: ReportedFigure(*figures)
        for name, *figures in zip(names.tolist(), *(column.tolist() for column in columns), strict=True)
    }


def _estimate(value: object, interval: Interval) -> ReportedFigure:
    return ReportedFigure(*(float(np.asarray(one)) for one in (value, interval.lower, interval.upper)))
