"""What the observations of a form say: grades, means, agreement of raters, how each rater and each object does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from andon_quality.errors import QualityError
from andon_quality.inference.interval import Interval
from andon_quality.inference.means import one_mean
from andon_quality.inference.proportion import wilson
from andon_quality.reliability import Agreement, Disagreement, cohen, fleiss, krippendorff
from andon_quality.satisfaction import ANSWERS_MIN, ces
from numpy.typing import NDArray

from services.ingest.registry.forms.model import AgreementMethod, FormItem, ObservationForm, PlannedState
from services.ingest.registry.forms.plan import Planned
from services.ingest.registry.surveys.report import ReportedFigure

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]

THINGS_MIN = 10
PERSON_OBSERVATIONS_MIN, PERSON_RATERS_MIN = 10, 2
OBSERVATIONS_MIN = 2
LISTED_MAX = 1_000


@dataclass(frozen=True)
class ObservedGrades:
    """The observations of a report, in columns. grades: shape (observations, items), NaN where an item was left open.

    things: the same where case and object are. Codes are places in `raters` and `objects`, which are in order.
    """

    grades: Numbers
    times_us: Codes
    rater: Codes
    object: Codes
    thing: Codes
    raters: tuple[str, ...]
    objects: tuple[str, ...]


@dataclass(frozen=True)
class AgreementResult:
    things: int
    ratings: int
    pairs: int
    method: AgreementMethod
    kappa: ReportedFigure | None
    same_share: float | None


@dataclass(frozen=True)
class FormItemResult:
    """grades: how often each was given."""

    item: FormItem
    graded: int
    missing: int
    grades: tuple[tuple[float, int], ...]
    mean: ReportedFigure | None
    agreement: AgreementResult | None


@dataclass(frozen=True)
class RaterResult:
    rater: str
    observations: int
    shared_things: int
    leniency: ReportedFigure | None


@dataclass(frozen=True)
class ObjectResult:
    object: str
    observations: int
    raters: int
    score: ReportedFigure | None


@dataclass(frozen=True)
class CoverageResult:
    done: int
    missed: int
    open: int
    coverage: ReportedFigure | None


def observed(
    grades: Numbers, times_us: Codes, raters: Sequence[str], cases: Sequence[str], objects: Sequence[str]
) -> ObservedGrades:
    """The texts of each observation, as codes."""
    rater_names, rater = np.unique(np.array(raters, dtype=object), return_inverse=True)
    object_names, object_ = np.unique(np.array(objects, dtype=object), return_inverse=True)
    _, case = np.unique(np.array(cases, dtype=object), return_inverse=True)
    _, thing = np.unique(case * max(len(object_names), 1) + object_, return_inverse=True)
    return ObservedGrades(grades, times_us, rater, object_, thing, tuple(rater_names), tuple(object_names))


def item_results(form: ObservationForm, data: ObservedGrades, confidence: float) -> list[FormItemResult]:
    latest = _latest_of_each_rater(data)
    return [
        _item(
            item, data.grades[:, place], data.grades[latest, place], data.rater[latest], data.thing[latest], confidence
        )
        for place, item in enumerate(form.items)
    ]


def _latest_of_each_rater(data: ObservedGrades) -> Codes:
    """Of each thing and rater, the row of the latest observation; of equal times, the last row."""
    order = np.lexsort((data.times_us, data.rater, data.thing))
    last = np.ones(len(order), np.bool_)
    if len(order):
        same = (np.diff(data.thing[order]) == 0) & (np.diff(data.rater[order]) == 0)
        last[:-1] = ~same
    chosen: Codes = order[last]
    return chosen


def _item(
    item: FormItem, column: Numbers, rated: Numbers, rater: Codes, thing: Codes, confidence: float
) -> FormItemResult:
    given = column[~np.isnan(column)]
    counts: tuple[tuple[float, int], ...] = ()
    mean = agreement = None
    if item.grades:
        values = np.array(item.values)
        places = np.searchsorted(values, given)
        counts = tuple(zip(item.values, np.bincount(places, minlength=len(values)).tolist(), strict=True))
        if not item.unordered and len(given) >= ANSWERS_MIN:
            found = ces(given, (item.values[0], item.values[-1]), confidence=confidence)
            mean = _figure(found.value, found.interval)
        there = ~np.isnan(rated)
        places = np.searchsorted(values, rated[there])
        agreement = agreement_of(places, rater[there], thing[there], len(values), item.unordered, confidence)
    return FormItemResult(item, len(given), len(column) - len(given), counts, mean, agreement)


def agreement_of(
    places: Codes, rater: Codes, thing: Codes, grades: int, unordered: bool, confidence: float
) -> AgreementResult:
    """Of grades as places in the rubric, at most one of each rater for each thing."""
    sizes = np.bincount(thing)[thing] if len(thing) else thing
    places, rater, thing = places[sizes > 1], rater[sizes > 1], thing[sizes > 1]
    names, row = np.unique(thing, return_inverse=True)
    counts = np.zeros((len(names), grades))
    np.add.at(counts, (row, places), 1.0)
    ratings = counts.sum(axis=1)
    pairs = float((ratings * (ratings - 1)).sum() / 2)
    same = float((counts * (counts - 1)).sum() / 2)
    raters = np.unique(rater)
    disagreement = Disagreement.NOMINAL if unordered else Disagreement.QUADRATIC
    if len(raters) == 2:
        method = AgreementMethod.COHEN
    elif unordered and len(names) and (ratings == ratings[0]).all():
        method = AgreementMethod.FLEISS
    else:
        method = AgreementMethod.KRIPPENDORFF
    kappa = None
    if len(names) >= THINGS_MIN:
        try:
            match method:
                case AgreementMethod.COHEN:
                    order = np.lexsort((rater, row))
                    first, second = places[order].reshape(-1, 2).T
                    agreed: Agreement = cohen(first, second, grades, disagreement, confidence)
                case AgreementMethod.FLEISS:
                    agreed = fleiss(counts, confidence)
                case AgreementMethod.KRIPPENDORFF:
                    agreed = krippendorff(counts, disagreement, confidence)
            kappa = _figure(agreed.kappa, agreed.interval)
        except QualityError:
            # One grade throughout: there is nothing to agree about.
            kappa = None
    return AgreementResult(len(names), len(places), round(pairs), method, kappa, same / pairs if pairs else None)


def rater_results(form: ObservationForm, data: ObservedGrades, confidence: float) -> list[RaterResult]:
    """By name. Leniency: the mean over shared things of the difference to the mean of others, over ordered items."""
    latest = _latest_of_each_rater(data)
    shares = _shares(form, data.grades[latest])
    rater, thing = data.rater[latest], data.thing[latest]
    count_of_thing = max(int(data.thing.max()) + 1, 1) if len(data.thing) else 1
    there = ~np.isnan(shares)
    filled = np.where(there, shares, 0.0)
    sums, counts = np.zeros((2, count_of_thing, shares.shape[1]))
    np.add.at(sums, thing, filled)
    np.add.at(counts, thing, there.astype(np.float64))
    others = counts[thing] - there
    compared = there & (others > 0)
    apart = np.where(compared, shares - (sums[thing] - filled) / np.maximum(others, 1.0), 0.0)
    items = compared.sum(axis=1)
    differences = apart.sum(axis=1) / np.maximum(items, 1)
    observations = np.bincount(data.rater, minlength=len(data.raters))
    return [
        RaterResult(
            name,
            int(observations[code]),
            int(of_rater.sum()),
            _mean(differences[of_rater], -1.0, 1.0, confidence) if of_rater.sum() >= THINGS_MIN else None,
        )
        for code, name in enumerate(data.raters[:LISTED_MAX])
        for of_rater in ((rater == code) & (items > 0),)
    ]


def object_results(form: ObservationForm, data: ObservedGrades, confidence: float) -> list[ObjectResult]:
    """By name. Persons have a score only from so many observations and raters that nobody is judged by a few."""
    shares = _shares(form, data.grades)
    there = ~np.isnan(shares)
    items = there.sum(axis=1)
    scores = np.where(there, shares, 0.0).sum(axis=1) / np.maximum(items, 1)
    order = np.argsort(data.object, kind="stable")
    bounds = np.searchsorted(data.object[order], np.arange(len(data.objects) + 1))
    is_person = form.object_kind == "person"
    found = []
    for code, name in enumerate(data.objects[:LISTED_MAX]):
        rows = order[bounds[code] : bounds[code + 1]]
        raters = len(np.unique(data.rater[rows]))
        scored = rows[items[rows] > 0]
        enough = len(scored) >= (PERSON_OBSERVATIONS_MIN if is_person else OBSERVATIONS_MIN)
        enough = enough and (not is_person or len(np.unique(data.rater[scored])) >= PERSON_RATERS_MIN)
        score = _mean(scores[scored], 0.0, 1.0, confidence) if enough else None
        found.append(ObjectResult(name, len(rows), raters, score))
    return found


def coverage_of(plan: Sequence[Planned], confidence: float) -> CoverageResult:
    done, missed, open_ = (
        sum(one.state is state for one in plan) for state in (PlannedState.DONE, PlannedState.MISSED, PlannedState.OPEN)
    )
    if not done + missed:
        return CoverageResult(done, missed, open_, None)
    low, high = wilson(done, done + missed, confidence)
    return CoverageResult(done, missed, open_, ReportedFigure(done / (done + missed), float(low), float(high)))


def _shares(form: ObservationForm, grades: Numbers) -> Numbers:
    """Grades of ordered items as the share of their range, 0 to 1; other columns are NaN."""
    found = np.full(grades.shape, np.nan)
    for place, item in enumerate(form.items):
        if item.grades and not item.unordered:
            low, high = item.values[0], item.values[-1]
            found[:, place] = (grades[:, place] - low) / (high - low)
    return found


def _mean(values: Numbers, low: float, high: float, confidence: float) -> ReportedFigure:
    try:
        found = one_mean(values, 0.0, confidence)
    except QualityError:
        # All alike.
        mean = float(values.mean())
        return ReportedFigure(mean, mean, mean)
    lower, upper = float(found.interval.lower), float(found.interval.upper)
    return ReportedFigure(float(found.effect), max(lower, low), min(upper, high))


def _figure(value: object, interval: Interval) -> ReportedFigure:
    return ReportedFigure(*(float(np.asarray(one)) for one in (value, interval.lower, interval.upper)))
